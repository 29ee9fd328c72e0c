"""The sources that `ingest` and `doctor` can read. A new source needs one line here and no change
elsewhere in this folder.

The command line reads the names from here, so this module loads no table library by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, cast

from pipeline.settings.regular_files import linked_folders
from pipeline.workspace.progress import warn

if TYPE_CHECKING:
    from pipeline.sources.source_context import SourceContext
    from pipeline.sources.store_data import StoreData


@dataclass(frozen=True)
class KnownSource:
    """How to read a source.

    `reader`: the function that reads the source, as `module:function`. It is imported when it is
    needed, because database drivers take a third of a second to load. `files`: the function that
    lists the files in a folder that the source reads; a load is skipped while they do not change.
    Empty: they are read at each load. `is_pulled`: its files are fetched before they are read.
    `has_subfolders`: files in subfolders are read too.
    """

    reader: str
    files: str = ""
    is_pulled: bool = False
    has_subfolders: bool = False


SOURCES = {
    "aliexpress": KnownSource(
        "pipeline.sources.aliexpress.aliexpress_source:read_aliexpress",
        files="pipeline.sources.aliexpress.dumps:dump_inputs",
        has_subfolders=True,
    ),
    "canonical": KnownSource(
        "pipeline.sources.canonical:read_canonical",
        files="pipeline.sources.canonical:canonical_files",
    ),
    "database": KnownSource(
        "pipeline.sources.database.database_source:read_database", is_pulled=True
    ),
    "mapped": KnownSource(
        "pipeline.sources.mapped.mapped_source:read_mapped",
        files="pipeline.sources.mapped.mapped_source:mapped_inputs",
        has_subfolders=True,
    ),
    "olist": KnownSource("pipeline.sources.olist.olist_source:read_olist"),
}


def read_source(name: str, context: SourceContext) -> StoreData:
    """Read the source called `name`. Raises `BadInput` if its files cannot be used."""
    reader = cast("Callable[[SourceContext], StoreData]", resolve_name(SOURCES[name].reader))
    return reader(context)


def input_files(name: str, folder: Path) -> list[Path] | None:
    """The files in `folder` that the source called `name` reads; None if it does not list them.
    Raises `BadInput` if they cannot be used."""
    if not SOURCES[name].files:
        return None
    files = cast("Callable[[Path], list[Path]]", resolve_name(SOURCES[name].files))
    return files(folder)


def warn_of_links(name: str, context: SourceContext) -> None:
    """Name the links to folders among the files of the source called `name`, which are not read."""
    from pipeline.sources.tracking.tracking_source import tracking_folder

    links = linked_folders(context.folder) if SOURCES[name].has_subfolders else []
    own = tracking_folder(context)
    if own is not None:
        # RAW/tracking may itself be a link: it is read by its name
        links = [path for path in links if path != own] + linked_folders(own)
    warn_of_linked(links, context.folder)


def warn_of_linked(links: Iterable[Path], raw: Path) -> None:
    """Say that these links to folders are not read; names are relative to `raw`."""
    from pipeline.output.safe_text import one_line

    names = sorted({os.path.relpath(path, raw) for path in links})
    if names:
        are = "is a link to a folder" if len(names) == 1 else "are links to folders"
        warn(
            f"not read: {one_line(', '.join(names), 300)} {are}. Copy the files there, or set RAW "
            "to the folder itself"
        )
