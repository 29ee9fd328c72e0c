"""SOURCE=mapped: the files that a mapping names, as canonical tables. Each row ends up in a table
or in quarantine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping as Names
from datetime import datetime
from pathlib import Path

import polars as pl

from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.chosen_rows import left_out_orders
from pipeline.sources.mapped.column_profile import plain
from pipeline.sources.mapped.mapped_facts import MappedFacts, make_facts, source_column
from pipeline.sources.mapped.mapped_faults import without_faults
from pipeline.sources.mapped.mapped_files import joined_files, open_files
from pipeline.sources.mapped.mapped_tables import build_tables, join_facts
from pipeline.sources.mapped.mapping import MONEY, NAME, Fact, Mapping, load_mapping
from pipeline.sources.mapped.mapping_notes import mapping_notes, zone_notes
from pipeline.sources.mapped.order_amounts import settled
from pipeline.sources.mapped.overlaps import merged, newest_last
from pipeline.sources.mapped.source_rows import source_rows
from pipeline.sources.sheets import table_files
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

NO_FACT = "contains no fact by this mapping: all mapped times in this row are empty"
_TRACKING = re.compile(
    r"tracking (no|numbers?|code|id)$|^tracking$|waybill|\bawb\b|consignment|运单"
)


def mapped_inputs(folder: Path) -> list[Path]:
    """The files in the folder that `read_mapped` may read: its tables and its mapping file."""
    mapping = folder / NAME
    return [*table_files(folder), *([mapping] if mapping.is_file() else [])]


def read_mapped(context: SourceContext) -> StoreData:
    """The tables from the files of the folder, by its `mapping.toml` or by the mapping file among
    the side files. Raises `BadInput` if the mapping or a file is wrong as a whole."""
    path = context.side_files.mapping or context.folder / NAME
    mapping = load_mapping(path)
    files, chosen, unread = open_files(context, mapping, path)
    all_facts = _all_facts(files, chosen, mapping, context.usd_per)
    _report_unused(files, chosen, all_facts)
    ages = newest_last(_newest_events(files, all_facts))
    facts = join_facts(all_facts, ages)

    kept: dict[str, pl.DataFrame] = {}

    def tables_without(bad: pl.DataFrame) -> tuple[dict[str, pl.DataFrame], int]:
        once = {name: merged(frame, bad) for name, frame in facts.items()}
        kept.update({name: frame for name, (frame, _) in once.items()})
        kept["orders"] = settled(kept["orders"], kept["order_lines"])
        count_repeated = sum(count for _, count in once.values())
        return build_tables(kept, mapping, context.usd_per), count_repeated

    members = pl.concat([part.members for part in all_facts])
    good, count_repeated, incomplete = without_faults(
        tables_without, files, members, _source_columns(files, chosen)
    )
    notes = [f"{len(files)} files read with {path.name}"]
    if unread:
        notes.append(f"not read, because the mapping does not name them: {', '.join(unread)}")
    if count_repeated:
        notes.append(
            f"{count_repeated:,} facts are in several files; each is loaded once, as in the newer "
            f"file. From the oldest to the newest: {', '.join(ages)}"
        )
    notes += [*zone_notes(mapping), *mapping_notes(all_facts, kept, good)]
    hashes = {path.name: _sha256(path), **{name: _sha256(context.folder / name) for name in files}}
    return StoreData(
        good,
        mapping.store.zone,
        False,
        list(files.values()),
        input_sha256=hashes,
        notes=tuple(notes),
        tracking_numbers=_tracking_numbers(mapping),
        incomplete=incomplete,
    )


def _tracking_numbers(mapping: Mapping) -> bool | None:
    """Whether shipment ids are tracking numbers: as the mapping says, or the names of the columns;
    None if they do not say it."""
    if mapping.store.tracking_numbers is not None:
        return mapping.store.tracking_numbers
    names = [
        name
        for fact in mapping.fact
        if fact.table in ("shipments", "tracking") and "shipment_id" in fact.columns
        for name in fact.columns["shipment_id"].names
    ]
    return True if names and all(_TRACKING.search(plain(name)) for name in names) else None


def _all_facts(
    files: dict[str, CheckedFile],
    chosen: list[tuple[Fact, list[str]]],
    mapping: Mapping,
    usd_per: Names[str, float],
) -> list[MappedFacts]:
    made = [
        (name, fact, source_rows(files[name], fact, joined_files(files, fact)))
        for fact, names in chosen
        for name in names
    ]
    orders = [(name, fact, rows) for name, fact, rows in made if fact.table == "orders"]
    of_orders = {name: fact for name, fact, _ in reversed(orders)}
    left_out = left_out_orders([(fact, rows) for _, fact, rows in orders])
    return [
        make_facts(
            files[name],
            rows,
            fact,
            mapping,
            usd_per,
            of_orders=of_orders.get(name),
            left_out=left_out,
        )
        for name, fact, rows in made
    ]


def _newest_events(
    files: dict[str, CheckedFile], all_facts: list[MappedFacts]
) -> dict[str, datetime | None]:
    """By file, the time of its newest event."""
    newest: dict[str, datetime | None] = {file.name: None for file in files.values()}
    times = [
        each.facts.select(FILE, "occurred_at")
        for each in all_facts
        if "occurred_at" in each.facts.columns
    ]
    last = pl.concat(times).group_by(FILE).agg(pl.col("occurred_at").max())
    return newest | dict(last.rows())


def _report_unused(
    files: dict[str, CheckedFile],
    chosen: list[tuple[Fact, list[str]]],
    all_facts: list[MappedFacts],
) -> None:
    """Put the rows from which no fact was made into quarantine too, but not as faults."""
    fact_files = [name for _, names in chosen for name in names]
    for name, file in files.items():
        if name not in fact_files:
            # only looked up by joins
            continue
        own = [facts for source, facts in zip(fact_files, all_facts, strict=True) if source == name]
        used = pl.concat([part for facts in own for part in (facts.members[ROW], facts.left_out)])
        unused = file.rows.join(used.to_frame(ROW), on=ROW, how="anti")
        unused = unused.join(file.bad_rows(), on=ROW, how="anti")
        column = file.rows.columns[1]
        file.cascaded.append(unused.select(ROW, column=pl.lit(column), reason=pl.lit(NO_FACT)))


def _source_columns(
    files: dict[str, CheckedFile], chosen: list[tuple[Fact, list[str]]]
) -> dict[str, dict[str, str]]:
    """By file: the column of the file for each `table.column` of ours."""
    by_file: dict[str, dict[str, str]] = {}
    for fact, names in chosen:
        money = MONEY.get(fact.table, {})
        columns = {
            f"{fact.table}.{money.get(name, name)}": source_column(cell, name)
            for name, cell in fact.columns.items()
        }
        for name in names:
            # the first fact that gives a column counts
            by_file[files[name].name] = columns | by_file.get(files[name].name, {})
    return by_file


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
