"""SOURCE=mapped: the files that a mapping names, as canonical tables; each row is in a table or in
quarantine."""

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
from pipeline.sources.mapped.mapped_facts import FIRST, PASSED, Made, make_facts, shown
from pipeline.sources.mapped.mapped_tables import build_tables
from pipeline.sources.mapped.mapping import MONEY, NAME, Fact, FileForm, Mapping, load_mapping
from pipeline.sources.sheets import read_any_table, table_files
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

OF_ANOTHER = "the row that tells of the same order is in quarantine"
NO_FACT = "says nothing by this mapping: every time that it maps is empty in this row"
FAULT = {ROW: pl.Int64, "column": pl.String, "reason": pl.String}


def read_mapped(context: SourceContext) -> StoreData:
    """The tables of the files in the context's folder, by its `mapping.toml` or the one that the
    context names."""
    path = context.side_files.mapping or context.folder / NAME
    mapping = load_mapping(path)
    files, chosen, unread = _open(context, mapping, path)
    made: list[Made] = []
    for fact, names in chosen:
        made += [make_facts(files[name], fact, mapping, context.usd_per) for name in names]
    _report_unused(files, chosen, made)
    frames = build_tables(made, mapping)
    good = _held(frames, files, made, _columns(files, chosen))
    notes = [f"{len(files)} files read by {path.name}"]
    if unread:
        notes.append(f"not named in the mapping, so not read: {', '.join(unread)}")
    if left_out := sum(each.left_out.len() for each in made):
        notes.append(f"{left_out:,} rows left out by 'where' in the mapping")
    opened = good["disputes"].filter(step="opened") if "disputes" in good else pl.DataFrame()
    if opened.height and (unknown := opened.filter(cause="unknown").height):
        notes.append(
            f"{unknown:,} disputes with a reason that is in no list: their cause is unknown; see [causes]"
        )
    told = {path.name: _sha256(path), **{name: _sha256(context.folder / name) for name in files}}
    return StoreData(
        good, mapping.store.zone, False, list(files.values()), input_sha256=told, notes=tuple(notes)
    )


def _open(
    context: SourceContext, mapping: Mapping, path: Path
) -> tuple[dict[str, CheckedFile], list[tuple[Fact, list[str]]], list[str]]:
    """The files that are named, which of them each fact is made from, and the names of those that
    are not."""
    every = [found.relative_to(context.folder).as_posix() for found in table_files(context.folder)]
    every = [name for name in every if not name.startswith("tracking/")]
    chosen = []
    for fact in mapping.fact:
        names = [name for name in every if fnmatchcase(name, fact.file)]
        if not names:
            raise BadInput(
                f"{path}: file {fact.file!r} of {fact.table}: no such file in {context.folder}. "
                f"There are: {', '.join(every) or 'none'}. The former tables stay in place."
            )
        chosen.append((fact, names))
    named = sorted({name for _, names in chosen for name in names})
    files = {name: _read(context, name, mapping.form) for name in named}
    for fact, names in chosen:
        for name in names:
            _has_columns(files[name], fact, path)
    return files, chosen, [name for name in every if name not in files]


def _read(context: SourceContext, name: str, forms: tuple[FileForm, ...]) -> CheckedFile:
    form = next((form for form in forms if fnmatchcase(name, form.file)), FileForm(file=name))
    table, damaged = read_any_table(
        context.folder / name, encoding=form.encoding, separator=form.separator, sheet=form.sheet
    )
    if taken := {FILE, PASSED, FIRST} & set(table.columns):
        raise BadInput(
            f"{name}: a column is named {', '.join(sorted(taken))}. Rename or remove it."
        )
    table, mended = context.corrections.apply(kept_as(name), table)
    file = CheckedFile(kept_as(name), table, table)
    rows = [fault for fault in damaged if fault[0] not in mended]
    file.faults.append(pl.DataFrame(rows, schema=FAULT, orient="row"))
    return file


def kept_as(name: str) -> str:
    """The name of the file's quarantine, which is CSV and lies in one folder."""
    return (
        name.replace("/", "--")
        if name.lower().endswith(".csv")
        else f"{name.replace('/', '--')}.csv"
    )


def _has_columns(file: CheckedFile, fact: Fact, path: Path) -> None:
    wanted = [
        *fact.per,
        *fact.where,
        *[name for cell in fact.columns.values() for name in cell.names],
    ]
    if missing := sorted({name for name in wanted if name not in file.rows.columns}):
        raise BadInput(
            f"{path}: {fact.table} wants column {', '.join(missing)} of {file.name}, which has: "
            f"{', '.join(file.rows.columns[1:])}. Mend the mapping. The former tables stay in place."
        )


def _report_unused(
    files: dict[str, CheckedFile], chosen: list[tuple[Fact, list[str]]], made: list[Made]
) -> None:
    """A row that no fact was made from is quarantined too, but is no fault."""
    places = [name for _, names in chosen for name in names]
    for name, file in files.items():
        here = [each for place, each in zip(places, made, strict=True) if place == name]
        used = pl.concat([part for each in here for part in (each.members[ROW], each.left_out)])
        idle = file.rows.join(used.to_frame(ROW), on=ROW, how="anti")
        idle = idle.join(file.bad_rows(), on=ROW, how="anti")
        column = file.rows.columns[1]
        file.cascaded.append(idle.select(ROW, column=pl.lit(column), reason=pl.lit(NO_FACT)))


def _held(
    frames: dict[str, pl.DataFrame],
    files: dict[str, CheckedFile],
    made: list[Made],
    columns: dict[str, dict[str, str]],
) -> dict[str, pl.DataFrame]:
    """The frames without what breaks the contract: its file's row goes to quarantine, with all that
    it says."""
    by_name = {file.name: file for file in files.values()}
    members = (
        pl.concat([each.members for each in made]).filter(pl.col(ROW) != pl.col(FIRST)).unique()
    )
    while True:
        bad = _bad(files)
        # rows that are told as one are refused as one
        others = members.join(bad, left_on=[FILE, FIRST], right_on=[FILE, ROW], how="semi")
        others = others.join(bad, on=[FILE, ROW], how="anti").unique([FILE, ROW]).sort(FILE, ROW)
        for (file,), part in others.group_by(FILE, maintain_order=True):
            column = pl.lit(by_name[str(file)].rows.columns[1])
            by_name[str(file)].cascaded.append(
                part.select(ROW, column=column, reason=pl.lit(OF_ANOTHER))
            )
        bad = pl.concat([bad, others.select(FILE, ROW)])
        places = {name: _places(frame, bad) for name, frame in frames.items()}
        news = find_faults(frames, places)
        if not news:
            return {
                name: frame.join(bad, on=[FILE, ROW], how="anti", maintain_order="left")
                for name, frame in frames.items()
            }
        every = pl.concat([_told(name, frames[name], found) for name, found in news.items()])
        # what follows from a row's own fault is not said of it again
        own = every.filter(~pl.col("is_cascade")).select(FILE, ROW)
        every = every.filter(
            ~pl.col("is_cascade") | (pl.struct(FILE, ROW).is_in(own.to_struct().implode()).not_())
        )
        for (file,), part in every.group_by(FILE, maintain_order=True):
            theirs = columns.get(str(file), {})
            names = pl.concat_str("table", pl.lit("."), "column").replace_strict(
                theirs, default=pl.col("column")
            )
            by_name[str(file)].reject_rows(part.with_columns(column=names))


def _bad(files: dict[str, CheckedFile]) -> pl.DataFrame:
    return pl.concat(
        [
            file.bad_rows().unique().select(pl.lit(file.name).alias(FILE), ROW)
            for file in files.values()
        ]
    )


def _told(name: str, frame: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    rows = frame[found[INDEX]].select(FILE, ROW)
    told = pl.concat([rows, found.drop(INDEX)], how="horizontal").with_columns(table=pl.lit(name))
    if told[FILE].has_nulls():
        raise ValueError(
            f"{name}: a row of no file breaks the contract: {told.filter(pl.col(FILE).is_null())}"
        )
    return told


def _columns(
    files: dict[str, CheckedFile], chosen: list[tuple[Fact, list[str]]]
) -> dict[str, dict[str, str]]:
    """By file: the file's own column behind `table.column` of ours."""
    told: dict[str, dict[str, str]] = {}
    for fact, names in chosen:
        usd = {ours: usd for ours, usd in MONEY.get(fact.table, {}).items()}
        said = {
            f"{fact.table}.{usd.get(ours, ours)}": shown(cell, ours)
            for ours, cell in fact.columns.items()
        }
        for name in names:
            kept = told.setdefault(files[name].name, {})
            kept.update({ours: theirs for ours, theirs in said.items() if ours not in kept})
    return told


def _places(frame: pl.DataFrame, bad: pl.DataFrame) -> pl.Series:
    rows = frame.select(FILE, ROW).with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(bad, on=[FILE, ROW], how="semi")[INDEX]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
