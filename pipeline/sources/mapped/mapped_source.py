"""SOURCE=mapped: the files that a mapping names, as canonical tables. Each row ends up in a table
or in quarantine."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.contract import INDEX, find_faults
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.mapped_facts import (
    FIRST,
    PASSED,
    MappedFacts,
    make_facts,
    source_column,
)
from pipeline.sources.mapped.mapped_tables import build_tables
from pipeline.sources.mapped.mapping import MONEY, NAME, Fact, FileForm, Mapping, load_mapping
from pipeline.sources.mapped.mapping_notes import mapping_notes
from pipeline.sources.sheets import read_any_table, table_files
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

SAME_ORDER = "another row of the same order is in quarantine"
NO_FACT = "contains no fact by this mapping: all mapped times in this row are empty"
FAULT = {ROW: pl.Int64, "column": pl.String, "reason": pl.String}


def read_mapped(context: SourceContext) -> StoreData:
    """The tables from the files of the folder, by its `mapping.toml` or by the mapping file among
    the side files. Raises `BadInput` if the mapping or a file is wrong as a whole."""
    path = context.side_files.mapping or context.folder / NAME
    mapping = load_mapping(path)
    files, chosen, unread = _open(context, mapping, path)
    all_facts: list[MappedFacts] = []
    for fact, names in chosen:
        all_facts += [make_facts(files[name], fact, mapping, context.usd_per) for name in names]
    _report_unused(files, chosen, all_facts)
    frames = build_tables(all_facts, mapping)
    good = _without_faults(frames, files, all_facts, _source_columns(files, chosen))
    notes = [f"{len(files)} files read with {path.name}"]
    if unread:
        notes.append(f"not read, because the mapping does not name them: {', '.join(unread)}")
    notes += mapping_notes(all_facts, good)
    hashes = {path.name: _sha256(path), **{name: _sha256(context.folder / name) for name in files}}
    return StoreData(
        good,
        mapping.store.zone,
        False,
        list(files.values()),
        input_sha256=hashes,
        notes=tuple(notes),
    )


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
    if taken := {FILE, PASSED, FIRST} & set(table.columns):
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


def _without_faults(
    frames: dict[str, pl.DataFrame],
    files: dict[str, CheckedFile],
    all_facts: list[MappedFacts],
    columns: dict[str, dict[str, str]],
) -> dict[str, pl.DataFrame]:
    """The frames without the rows that break the contract. The row of the file goes to quarantine,
    with all facts made from it."""
    by_name = {file.name: file for file in files.values()}
    members = pl.concat([facts.members for facts in all_facts])
    members = members.filter(pl.col(ROW) != pl.col(FIRST)).unique()
    while True:
        bad = _reject_members(by_name, members)
        bad_indices = {name: _bad_indices(frame, bad) for name, frame in frames.items()}
        faults = find_faults(frames, bad_indices)
        if not faults:
            return {
                name: frame.join(bad, on=[FILE, ROW], how="anti", maintain_order="left")
                for name, frame in frames.items()
            }
        file_faults = pl.concat(
            [_with_file_rows(name, frames[name], rows) for name, rows in faults.items()]
        )
        # a row with a fault of its own is not reported again for what follows from that fault
        own = file_faults.filter(~pl.col("is_cascade")).select(FILE, ROW)
        is_repeated = pl.struct(FILE, ROW).is_in(own.to_struct().implode())
        file_faults = file_faults.filter(~pl.col("is_cascade") | ~is_repeated)
        for (file,), part in file_faults.group_by(FILE, maintain_order=True):
            table_column = pl.concat_str("table", pl.lit("."), "column")
            names = table_column.replace_strict(
                columns.get(str(file), {}), default=pl.col("column")
            )
            by_name[str(file)].reject_rows(part.with_columns(column=names))


def _reject_members(by_name: dict[str, CheckedFile], members: pl.DataFrame) -> pl.DataFrame:
    """Rows that form one fact are rejected together. Returns `FILE, ROW` of all rejected rows."""
    bad = pl.concat(
        [
            file.bad_rows().unique().select(pl.lit(file.name).alias(FILE), ROW)
            for file in by_name.values()
        ]
    )
    others = members.join(bad, left_on=[FILE, FIRST], right_on=[FILE, ROW], how="semi")
    others = others.join(bad, on=[FILE, ROW], how="anti").unique([FILE, ROW]).sort(FILE, ROW)
    for (file,), part in others.group_by(FILE, maintain_order=True):
        column = pl.lit(by_name[str(file)].rows.columns[1])
        by_name[str(file)].cascaded.append(
            part.select(ROW, column=column, reason=pl.lit(SAME_ORDER))
        )
    return pl.concat([bad, others.select(FILE, ROW)])


def _with_file_rows(name: str, frame: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """The faults of a table with the `FILE` and `ROW` of the faulty rows."""
    rows = frame[faults[INDEX]].select(FILE, ROW)
    located = pl.concat([rows, faults.drop(INDEX)], how="horizontal")
    located = located.with_columns(table=pl.lit(name))
    if located[FILE].has_nulls():
        raise ValueError(
            f"{name}: a row that comes from no file breaks the contract: "
            f"{located.filter(pl.col(FILE).is_null())}"
        )
    return located


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


def _bad_indices(frame: pl.DataFrame, bad: pl.DataFrame) -> pl.Series:
    """The positions in `frame` of the rejected rows."""
    rows = frame.select(FILE, ROW).with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(bad, on=[FILE, ROW], how="semi")[INDEX]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
