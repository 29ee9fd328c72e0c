"""The sources that `ingest` and `doctor` can read. A new source needs one line here and no change
elsewhere in this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import cast

from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData


@dataclass(frozen=True)
class KnownSource:
    """How to read a source.

    `reader`: the function that reads the source, as `module:function`. It is imported when it is
    needed, because database drivers take a third of a second to load. `is_remembering`: the source
    keeps what it has read in the workspace, so unchanged files need not be read again. `is_pulled`:
    its files are fetched before they are read.
    """

    reader: str
    is_remembering: bool = False
    is_pulled: bool = False


SOURCES = {
    "aliexpress": KnownSource(
        "pipeline.sources.aliexpress.aliexpress_source:read_aliexpress", is_remembering=True
    ),
    "canonical": KnownSource("pipeline.sources.canonical:read_canonical"),
    "database": KnownSource(
        "pipeline.sources.database.database_source:read_database", is_pulled=True
    ),
    "mapped": KnownSource("pipeline.sources.mapped.mapped_source:read_mapped"),
    "olist": KnownSource("pipeline.sources.olist:read_olist"),
}


def read_source(name: str, context: SourceContext) -> StoreData:
    """Read the source called `name`. Raises `BadInput` if its files cannot be used."""
    reader = cast(Callable[[SourceContext], StoreData], resolve_name(SOURCES[name].reader))
    return reader(context)
