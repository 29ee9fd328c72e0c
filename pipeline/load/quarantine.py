"""The steps `quarantine` and `requarantine`: report which rows were refused and why, and load the
rows that a person has corrected there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.load.ingest import CORRECTIONS, ingest, read_corrections
from pipeline.load.sheet_faults import COLUMNS, fault_files, read_faults
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.corrections import Record, record_ids
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_json

REASONS_SHOWN = 8


def summarise(workspace: Workspace) -> None:
    """Print for each file how many rows are in quarantine and for which reasons, with an example
    for each reason."""
    faults = read_quarantine(workspace)
    _summarise_sheets(workspace)
    if faults.is_empty():
        say(
            "quarantine is empty: every row of the last ingest is in the tables of "
            f"{workspace.folder}"
        )
        return
    for name, of_file in faults.group_by("quarantine_file", maintain_order=True):
        say(f"{name[0]}: {count_rows(of_file):,} rows")
        for line in reason_lines(of_file):
            say(f"    {line}")
    say(f"all refused rows: {workspace.quarantine}/")
    say(
        "to load them, fix the source and run make ingest again; or fix the text in the column "
        "'record' there"
    )
    say("and run make requarantine SOURCE= RAW= WORKSPACE=")


def _summarise_sheets(workspace: Workspace) -> None:
    """Print for each contact list how many cells are in quarantine, and why."""
    files = fault_files(workspace)
    for path in files:
        faults = read_faults(path)
        say(f"contact list {path.name}: {count_rows(faults):,} rows")
        for line in reason_lines(faults):
            say(f"    {line}")
    if files:
        say(
            "to load them, fix the text in the column 'record' in quarantine/sheets and run "
            "make requarantine WORKSPACE="
        )
        say("to drop one of these files: make quarantine DISMISS=<its name> WORKSPACE=")


def reason_lines(faults: pl.DataFrame) -> Iterator[str]:
    """The most common reasons, one line each. The part of a reason after a colon applies to one row
    only and is not shown."""
    kind = pl.col("reason").str.split(": ").list.first()
    reasons = faults.group_by("column", kind.alias("kind")).agg(
        pl.len(), pl.col("row", "value", "file").first()
    )
    reasons = reasons.sort("len", "column", "kind", descending=[True, False, False])
    for row in reasons.head(REASONS_SHOWN).iter_rows(named=True):
        value = "" if row["value"] is None else f" = {_short(row['value'])!r}"
        yield (
            f"{row['len']:,} x {row['column']}: {row['kind']} "
            f"(such as {row['file']}, row {row['row']}{value})"
        )
    if reasons.height > REASONS_SHOWN:
        yield f"and {reasons.height - REASONS_SHOWN} more reasons"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def count_rows(faults: pl.DataFrame) -> int:
    """The number of different rows with faults."""
    return faults.select("file", "row").n_unique()


def read_quarantine(workspace: Workspace) -> pl.DataFrame:
    """All rows of the quarantine, one per fault, with `quarantine_file`. Raises `BadInput` if a
    file is damaged."""
    parts = [pl.DataFrame(schema=dict.fromkeys(("quarantine_file", *COLUMNS), pl.String))]
    for path in sorted(workspace.quarantine.glob("*.csv")):
        try:
            rows = pl.read_csv(path, infer_schema=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise BadInput(
                f"{path}: can no longer be read ({error}). Create it again: make ingest."
            ) from None
        if missing := [column for column in COLUMNS if column not in rows.columns]:
            raise BadInput(
                f"{path}: column {', '.join(missing)} is missing. Create it again: make ingest."
            )
        parts.append(rows.select(pl.lit(path.name).alias("quarantine_file"), *COLUMNS))
    return pl.concat(parts)


def requarantine(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    source: str,
    raw: Path,
    side_files: SideFiles = NO_SIDE_FILES,
) -> None:
    """Store the rows corrected in the quarantine as corrections, ingest again, and print how many
    rows remain in quarantine."""
    before = read_quarantine(workspace)
    kept = {name: dict(records) for name, records in read_corrections(workspace).records.items()}
    count_corrected = 0
    for name, key, record in _edited(workspace, before):
        count_corrected += kept.setdefault(name, {}).get(key) != record
        kept[name][key] = record
    if count_corrected:
        write_json(workspace.folder / CORRECTIONS, kept)
    say(
        f"{count_rows(before):,} rows were in quarantine; "
        f"{count_corrected:,} records were corrected"
    )
    ingest(workspace, config, progress, source=source, raw=raw, side_files=side_files)
    left = count_rows(read_quarantine(workspace))
    say(f"{left:,} rows are in quarantine now; make quarantine shows why")


def _edited(workspace: Workspace, faults: pl.DataFrame) -> Iterator[tuple[str, str, Record]]:
    """(quarantine file, id of the faulty row, the corrected record)."""
    # a row with two faults is listed twice; either record may have been corrected
    changed = faults.filter(
        pl.Series(record_ids(faults["record"].fill_null(""))) != faults["record_id"]
    )
    for row in changed.unique("record_id", maintain_order=True).iter_rows(named=True):
        where = f"{workspace.quarantine / row['quarantine_file']}: the record of row {row['row']}"
        try:
            record = json.loads(row["record"] or "")
        # also a number of thousands of digits, or lists within lists without end
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"{where} is no longer valid JSON ({error}). Fix it; nothing was changed."
            ) from None
        if not isinstance(record, dict):
            raise BadInput(f"{where} is no longer a JSON object. Fix it; nothing was changed.")
        yield row["quarantine_file"], row["record_id"], record
