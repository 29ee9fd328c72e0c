"""Load the rows of contact lists that a person has corrected in `quarantine/sheets/`."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from pipeline.load.contact_file import REQUIRED
from pipeline.load.contact_sheet import checked_sheet
from pipeline.load.contacts import store_sheet
from pipeline.load.rounded_contact_ids import OTHER_BUYER, ROUNDED_ID
from pipeline.load.sheet_faults import fault_files, read_faults
from pipeline.load.sheet_orders import UNKNOWN
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.corrections import record_ids
from pipeline.sources.csv_text import ROW
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

# an order that came later, or a list that was published again, settles these without a correction
_MAY_SETTLE = (UNKNOWN, ROUNDED_ID, OTHER_BUYER)


def retake_sheets(workspace: Workspace, progress: Progress) -> None:
    """Take the corrected rows as contacts, and keep in quarantine what is still faulty.

    A row counts as corrected if its column `record` was changed. Raises `BadInput` if a record is
    no longer JSON; the files before it are loaded.
    """
    for path in fault_files(workspace):
        faults = read_faults(path)
        is_edited = pl.Series(record_ids(faults["record"].fill_null(""))) != faults["record_id"]
        is_retried = is_edited | faults["reason"].is_in(_MAY_SETTLE)
        if not is_retried.any():
            continue
        retried = faults.filter(is_retried)["row"].unique().implode()
        left = faults.filter(~pl.col("row").is_in(retried))
        sheet = _sheet(path, faults.with_columns(is_edited.alias("is_edited")), retried)
        with workspace.changing_tables():
            new, count, still = store_sheet(workspace, progress, sheet)
            _keep(path, pl.concat([left, still.cast(pl.String)]))
        say(f"{path.name}: {count} contacts taken, {new} of them new; {still.height} faults remain")


def _sheet(path: Path, faults: pl.DataFrame, retried: pl.Series) -> CheckedFile:
    """The records of the rows to try again. A row with two faults is listed twice; the corrected
    record counts."""
    rows = faults.filter(pl.col("row").is_in(retried)).sort("is_edited", descending=True)
    records = []
    for row in rows.unique("row", keep="first", maintain_order=True).iter_rows(named=True):
        try:
            record = json.loads(row["record"] or "")
        # also a number of thousands of digits, or lists within lists without end
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"sheets/{path.name}: the record of row {row['row']} is no longer valid JSON "
                f"({error}). Fix it; nothing of this file was changed."
            ) from None
        if not isinstance(record, dict):
            raise BadInput(
                f"sheets/{path.name}: the record of row {row['row']} is no longer a JSON object. "
                "Fix it; nothing of this file was changed."
            )
        texts = {name: None if value is None else str(value) for name, value in record.items()}
        records.append({**dict.fromkeys(REQUIRED), **texts, ROW: int(row["row"])})
    names = dict.fromkeys(name for record in records for name in record if name != ROW)
    schema = {ROW: pl.Int64(), **dict.fromkeys(names, pl.String())}
    table = pl.DataFrame(records, schema=schema, orient="row").sort(ROW)
    return checked_sheet(faults["file"][0] or path.name, table, [])


def _keep(path: Path, faults: pl.DataFrame) -> None:
    if faults.is_empty():
        path.unlink()
    else:
        write_whole(path, neutral_frame(faults).write_csv())
