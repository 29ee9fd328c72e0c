"""The files that a mapping names: open them, and check that they have its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Names
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.chosen_rows import PASSED
from pipeline.sources.mapped.mapping import Fact, FileForm, Join, Mapping
from pipeline.sources.mapped.order_amounts import FIRST
from pipeline.sources.mapped.overlaps import IDENTITY, RANK
from pipeline.sources.mapped.source_rows import (
    new_columns,
    numbered_names,
    packed_columns,
    wanted_columns,
)
from pipeline.sources.sheets import read_any_table, table_files
from pipeline.sources.source_context import SourceContext

FAULT = {ROW: pl.Int64, "column": pl.String, "reason": pl.String}


def open_files(
    context: SourceContext, mapping: Mapping, path: Path
) -> tuple[dict[str, CheckedFile], list[tuple[Fact, list[str]]], list[str]]:
    """The files that the mapping names, the files from which each fact is made, and the names of
    the other files."""
    present = [file.relative_to(context.folder).as_posix() for file in table_files(context.folder)]
    present = [name for name in present if not name.startswith("tracking/")]
    chosen = []
    for fact in mapping.fact:
        for patterns in (fact.file, *(join.file for join in fact.join)):
            if not _matching(present, patterns):
                raise BadInput(
                    f"{path}: file {' or '.join(map(repr, patterns))} of {fact.table}: no such "
                    f"file in {context.folder}. It has: {', '.join(present) or 'no tables'}. "
                    "The previous tables stay in place."
                )
        chosen.append((fact, _matching(present, fact.file)))
    named = _matching(present, [each for fact in mapping.fact for each in _patterns(fact)])
    files = {name: _read(context, name, mapping.form) for name in named}
    for fact, names in chosen:
        for name in names:
            _check_columns(files[name], fact, path)
        for join, others in zip(fact.join, joined_files(files, fact), strict=True):
            for other in others:
                _check_joined(other, join, fact, path)
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


def _patterns(fact: Fact) -> list[str]:
    return [*fact.file, *(pattern for join in fact.join for pattern in join.file)]


def _matching(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    return [name for name in names if any(fnmatchcase(name, each) for each in patterns)]


def joined_files(files: Names[str, CheckedFile], fact: Fact) -> list[list[CheckedFile]]:
    """The files of each join of the fact."""
    return [[files[name] for name in _matching(files, join.file)] for join in fact.join]


def _check_columns(file: CheckedFile, fact: Fact, path: Path) -> None:
    if taken := sorted(new_columns(fact) & set(file.rows.columns)):
        raise BadInput(
            f"{path}: {fact.table} adds column {', '.join(taken)}, which {file.name} has already. "
            "Choose another name in the mapping. The previous tables stay in place."
        )
    _require_columns(file, wanted_columns(fact), fact, path)
    if fact.packed and not packed_columns(fact.packed.column, file.rows.columns):
        _require_columns(file, fact.packed.column, fact, path)
    for pattern in fact.numbered.values():
        if not numbered_names(pattern, file.rows.columns):
            _require_columns(file, [pattern], fact, path)


def _check_joined(file: CheckedFile, join: Join, fact: Fact, path: Path) -> None:
    _require_columns(file, [*join.match.values(), *join.columns.values()], fact, path)


def _require_columns(file: CheckedFile, wanted: Iterable[str], fact: Fact, path: Path) -> None:
    if missing := sorted({name for name in wanted if name not in file.rows.columns}):
        raise BadInput(
            f"{path}: {fact.table} uses column {', '.join(missing)} of {file.name}, which has: "
            f"{', '.join(file.rows.columns[1:])}. Fix the mapping. "
            "The previous tables stay in place."
        )
