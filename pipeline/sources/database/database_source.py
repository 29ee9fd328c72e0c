"""SOURCE=database: the pulled files as canonical tables, read by the mapping of the folder."""

from __future__ import annotations

from dataclasses import replace

from pipeline.settings.errors import BadInput
from pipeline.sources.database.answer_files import last_pulled
from pipeline.sources.database.queries import load_database
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData


def read_database(context: SourceContext) -> StoreData:
    """The result of the last `make pull`, without a connection to the database. Raises `BadInput`
    if a query has not been pulled yet."""
    wanted = {f"{query.name}.parquet" for query in load_database(context.folder).query}
    pulled = dict(last_pulled(context.folder))
    if missing := sorted(wanted - set(pulled)):
        raise BadInput(
            f"{context.folder}: {', '.join(missing)}: not pulled yet. "
            f"Run first: make pull RAW={context.folder}"
        )
    data = read_mapped(context)
    oldest = min(pulled[name] for name in wanted)
    return replace(
        data, notes=(*data.notes, f"pulled {oldest:%Y-%m-%d %H:%M} (time of this machine)")
    )
