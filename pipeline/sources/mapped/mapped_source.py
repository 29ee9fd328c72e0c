"""SOURCE=mapped: the files that a mapping names, as canonical tables. Each row ends up in a table
or in quarantine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping as Names
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.column_profile import plain
from pipeline.sources.mapped.mapped_facts import (
    PASSED,
    MappedFacts,
    left_out_orders,
    make_facts,
    source_column,
)
from pipeline.sources.mapped.mapped_faults import without_faults
from pipeline.sources.mapped.mapped_tables import build_tables, join_facts
from pipeline.sources.mapped.mapping import MONEY, NAME, Fact, FileForm, Mapping, load_mapping
from pipeline.sources.mapped.mapping_notes import mapping_notes, zone_notes
from pipeline.sources.mapped.order_amounts import FIRST, settled
from pipeline.sources.mapped.overlaps import IDENTITY, RANK, merged, newest_last
from pipeline.sources.sheets import read_any_table, table_files
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

NO_FACT = "contains no fact by this mapping: all mapped times in this row are empty"
_TRACKING = re.compile(
    r"tracking (no|numbers?|code|id)$|^tracking$|waybill|\bawb\b|consignment|运单"
)
FAULT = {ROW: pl.Int64, "column": pl.String, "reason": pl.String}


def read_mapped(context: SourceContext) -> StoreData:
    """The tables from the files of the folder, by its `mapping.toml` or by the mapping file among
    the side files. Raises `BadInput` if the mapping or a file is wrong as a whole."""
    path = context.side_files.mapping or context.folder / NAME
    mapping = load_mapping(path)
    files, chosen, unread = _open(context, mapping, path)
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
    good, count_repeated = without_faults(
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
    of_orders: dict[str, list[Fact]] = {}
    for fact, names in chosen:
        if fact.table == "orders":
            for name in names:
                of_orders.setdefault(name, []).append(fact)
    left_out = left_out_orders(files, of_orders)
    return [
        make_facts(
            files[name],
            fact,
            mapping,
            usd_per,
            of_orders=next(iter(of_orders.get(name, [])), None),
            left_out=left_out,
        )
        for fact, names in chosen
        for name in names
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


def _open(
    context: SourceContext, mapping: Mapping, path: Path
) -> tuple[dict[str, CheckedFile], list[tuple[Fact, list[str]]], list[str]]:
    """The files that the mapping names, the files from which each fact is made, and the names of
    the other files."""
    present = [file.relative_to(context.folder).as_posix() for file in table_files(context.folder)]
    present = [name for name in present if not name.startswith("tracking/")]
    chosen = []
    for fact in mapping.fact:
        names = [name for name in present if fnmatchcase(name, fact.file)]
        if not names:
            raise BadInput(
                f"{path}: file {fact.file!r} of {fact.table}: no such file in {context.folder}. "
                f"It has: {', '.join(present) or 'no tables'}. The previous tables stay in place."
            )
        chosen.append((fact, names))
    named = sorted({name for _, names in chosen for name in names})
    files = {name: _read(context, name, mapping.form) for name in named}
    for fact, names in chosen:
        for name in names:
            _check_columns(files[name], fact, path)
    return files, chosen, [name for name in present if name not in files]


def _read(context: SourceContext, name: str, forms: tuple[FileForm, ...]) -> CheckedFile:
    form = next((form for form in forms if fnmatchcase(name, form.file)), FileForm(file=name))
    table, damaged = read_any_table(
        context.folder / name, encoding=form.encoding, separator=form.separator, sheet=form.sheet
    )
    if taken := {FILE, PASSED, FIRST, IDENTITY, RANK} & set(table.columns):
        raise BadInput(
            f"{name}: a column is named {', '.join(sorted(taken))}. Rename or remove it."
        )
    table, corrected = context.corrections.apply(quarantine_name(name), table)
    file = CheckedFile(quarantine_name(name), table, table)
    rows = [fault for fault in damaged if fault[0] not in corrected]
    file.faults.append(pl.DataFrame(rows, schema=FAULT, orient="row"))
    return file


def quarantine_name(name: str) -> str:
    """The name of the file's rows in the quarantine, which is one folder of CSV files."""
    flat = name.replace("/", "--")
    return flat if flat.lower().endswith(".csv") else f"{flat}.csv"


def _check_columns(file: CheckedFile, fact: Fact, path: Path) -> None:
    wanted = [
        *fact.per,
        *fact.where,
        *[name for cell in fact.columns.values() for name in cell.names],
    ]
    if missing := sorted({name for name in wanted if name not in file.rows.columns}):
        raise BadInput(
            f"{path}: {fact.table} uses column {', '.join(missing)} of {file.name}, which has: "
            f"{', '.join(file.rows.columns[1:])}. Fix the mapping. "
            "The previous tables stay in place."
        )


def _report_unused(
    files: dict[str, CheckedFile],
    chosen: list[tuple[Fact, list[str]]],
    all_facts: list[MappedFacts],
) -> None:
    """Put the rows from which no fact was made into quarantine too, but not as faults."""
    fact_files = [name for _, names in chosen for name in names]
    for name, file in files.items():
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
