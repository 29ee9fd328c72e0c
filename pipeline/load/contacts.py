"""The step `contacts`: what agents wrote in the sheet of a night becomes facts.

The contacts are kept in `own_contacts.parquet` of the workspace, which no ingest replaces. An
ingest joins them to the contacts of the source, and reading a sheet joins them to the tables in
use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from features.tables import INSTANT, TABLES
from pipeline.load.contact_sheet import PREFIX, check_contacts, read_sheet
from pipeline.load.sheet_faults import first_fault, keep_faults
from pipeline.load.sheet_orders import read_lists
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile
from pipeline.workspace.checksums import damaged
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace, write_bytes_whole

OWN = "own_contacts.parquet"
OWN_INPUT = "own contacts"
# the entry of the file itself with the sha256 of its rows
_DIGEST = "rows_sha256"
_KEPT = ("contact_id", "order_id", "stage", "outcome", "occurred_at", "known_at")


def take_contacts(
    workspace: Workspace, progress: Progress, *, file: Path, must_take: bool = False
) -> tuple[int, int, int]:
    """Load the contacts of a filled-in sheet. Loading the same sheet again changes nothing. Faulty
    cells go to `quarantine/sheets/`.

    Waits while other contacts are stored, never for a night. Returns the number of new contacts, of
    contacts in the sheet, and of its cells in quarantine. Raises `BadInput` if the file is not a
    contact sheet, or if all its contacts are faulty; with `must_take`, also if it has none.
    """
    sheet = read_sheet(file)
    count_rows = sheet.text().height
    with workspace.changing_tables():
        new_count, count, faults = store_sheet(workspace, progress, sheet)
        kept = keep_faults(workspace, file.name, faults)
    if kept:
        first = faults.row(0, named=True)
        warn(
            f"{faults.height} cells are in quarantine, the rest is loaded: quarantine/sheets/"
            f"{kept}. The first: {first_fault(first)}"
        )
    if count_rows and not count and (kept or must_take):
        raise BadInput(
            f"{one_line(file.name)}: none of its {count_rows} rows was taken: "
            + (
                f"{first_fault(first)}. Every reason is in quarantine/sheets/{kept}."
                if kept
                else "contacted_at and outcome are empty in all of them. Fill them in for the "
                "buyers you contacted."
            )
        )
    say(f"contacts are stored in {workspace.folder / OWN}")
    return new_count, count, faults.height


def store_sheet(
    workspace: Workspace, progress: Progress, sheet: CheckedFile
) -> tuple[int, int, pl.DataFrame]:
    """Check a sheet and store its contacts. The caller holds `changing_tables`. Returns the number
    of new contacts and of contacts in the sheet, and the faults of its cells."""
    files = workspace.table_files()
    with progress.piece("contacts") as notes:
        orders = files.read_all_of("orders").select("order_id", "buyer_id", "occurred_at")
        sheet_contacts = check_contacts(sheet, orders, read_lists(workspace), files.zone)
        previous = read_own(workspace)
        sheet_contacts = with_known_ids(sheet_contacts, previous)
        own = merge(previous, sheet_contacts)
        new_count = sheet_contacts.join(previous, on="contact_id", how="anti").height
        notes.append(
            f"{sheet_contacts.height} contacts in {one_line(sheet.name)}, {new_count} of them new, "
            f"{own.height} in all"
        )
        if not own.equals(previous):
            _write_own(workspace.folder / OWN, own)
        # even if nothing is new: a run killed at this point may have left the tables outdated
        _join_to_tables(workspace, own)
    return new_count, sheet_contacts.height, sheet.quarantine()


def join_own(workspace: Workspace) -> None:
    """Join contacts to the tables in use that came while an ingest made these tables."""
    with workspace.changing_tables():
        _join_to_tables(workspace, read_own(workspace))


def read_own(workspace: Workspace) -> pl.DataFrame:
    """The contacts of all sheets so far, sorted by `contact_id`."""
    path = workspace.folder / OWN
    if not path.exists():
        return TABLES["contacts"].empty().select(_KEPT)
    remedy = (
        "Restore it from a backup, or move it away and give the filled-in sheets back again: "
        "make contacts WORKSPACE=... FILE=..."
    )
    try:
        # one read: another contact may replace the file between the rows and their checksum
        content = path.read_bytes()
        own = pl.read_parquet(BytesIO(content))
        expected = pl.read_parquet_metadata(BytesIO(content)).get(_DIGEST)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise damaged(path, remedy, str(error)) from None
    if set(_KEPT) - set(own.columns) or (expected and expected != _digest(own)):
        raise damaged(path, remedy, "it differs from its checksum")
    return own.select(_KEPT)


def contact_of(workspace: Workspace, night: str, order_id: str) -> dict[str, Any] | None:
    """Our own contact of an order on a night's list, as JSON; None without one."""
    own = read_own(workspace).filter(pl.col("contact_id") == f"{PREFIX}{night}:{order_id}")
    return (
        own.with_columns(pl.col(pl.Datetime).dt.to_string("iso")).row(0, named=True)
        if own.height
        else None
    )


def put_contact_back(
    workspace: Workspace, night: str, order_id: str, row: Mapping[str, Any] | None
) -> None:
    """Make our own contact of an order on a night's list what it was: `row`, as `contact_of` gave
    it, or none. The tables in use follow. Doing it twice changes nothing."""
    contact_id = f"{PREFIX}{night}:{order_id}"
    with workspace.changing_tables():
        previous = read_own(workspace)
        own = previous.filter(pl.col("contact_id") != contact_id)
        if row is not None:
            times = pl.col("occurred_at", "known_at").str.to_datetime(time_zone="UTC").cast(INSTANT)
            texts = dict.fromkeys(_KEPT, pl.String)
            restored = pl.DataFrame([dict(row)], schema=texts).with_columns(times)
            own = pl.concat([own, restored.select(_KEPT)]).sort("contact_id")
        if not own.equals(previous):
            _write_own(workspace.folder / OWN, own)
        _join_to_tables(workspace, own)


def _write_own(path: Path, own: pl.DataFrame) -> None:
    digest = {_DIGEST: _digest(own)}
    write_bytes_whole(path, lambda temporary: own.write_parquet(temporary, metadata=digest))


def _digest(own: pl.DataFrame) -> str:
    return hashlib.sha256(own.select(_KEPT).write_csv().encode()).hexdigest()


def merge(previous: pl.DataFrame, sheet_contacts: pl.DataFrame) -> pl.DataFrame:
    """`previous` with the contacts of a sheet. A contact that is in both takes its time from the
    sheet, and its outcome too if the sheet has one. One row per `contact_id`, sorted."""
    sheet_contacts = sheet_contacts.select(_KEPT).cast(
        {"occurred_at": INSTANT, "known_at": INSTANT}
    )
    outcomes = previous.select("contact_id", previous_outcome="outcome")
    updated = sheet_contacts.join(outcomes, on="contact_id", how="left").with_columns(
        outcome=pl.coalesce("outcome", "previous_outcome")
    )
    kept = previous.join(sheet_contacts, on="contact_id", how="anti")
    return pl.concat([kept, updated.select(_KEPT)]).sort("contact_id")


def with_known_ids(sheet_contacts: pl.DataFrame, previous: pl.DataFrame) -> pl.DataFrame:
    """The contacts of a sheet; one of the same order and minute as a contact that we have is that
    contact, although the sheet has lost the night of its list. One row per `contact_id`."""
    minute = pl.col("occurred_at").dt.truncate("1m").cast(INSTANT).alias("minute")
    is_new = ~pl.col("contact_id").is_in(previous["contact_id"].implode())
    known = previous.select("order_id", minute, known_id="contact_id").unique(
        ["order_id", "minute"], keep="first", maintain_order=True
    )
    matched = sheet_contacts.with_columns(minute).join(
        known, on=["order_id", "minute"], how="left", maintain_order="left"
    )
    return (
        matched.with_columns(
            contact_id=pl.when(is_new)
            .then(pl.coalesce("known_id", "contact_id"))
            .otherwise("contact_id")
        )
        .drop("minute", "known_id")
        .unique("contact_id", keep="first", maintain_order=True)
    )


def with_own(contacts: pl.DataFrame, own: pl.DataFrame, order_ids: pl.Series) -> pl.DataFrame:
    """The contacts of the source, and our own contacts for its orders. If both have a contact for
    the same order and day, it is the same contact, and the row of the source is kept."""
    day = pl.col("occurred_at").dt.date()
    source = contacts.select(_KEPT).filter(~pl.col("contact_id").str.starts_with(PREFIX))
    known = own.filter(pl.col("order_id").is_in(order_ids.implode()))
    same_day = source.select("order_id", day.alias("day")).unique()
    ours = (
        known.with_columns(day.alias("day"))
        .join(same_day, on=["order_id", "day"], how="anti")
        .drop("day")
    )
    return pl.concat([source, ours])


def own_sha256(own: pl.DataFrame) -> dict[str, str]:
    """The entry of our own contacts for the input hashes; empty without own contacts."""
    return {OWN_INPUT: hashlib.sha256(own.write_csv().encode()).hexdigest()} if own.height else {}


def _join_to_tables(workspace: Workspace, own: pl.DataFrame) -> None:
    ingest_facts = workspace.read_ingest_facts()
    if ingest_facts["input_sha256"].get(OWN_INPUT) == own_sha256(own).get(OWN_INPUT):
        return
    # the last contact may have been withdrawn, and then there is no digest
    source_inputs = {k: v for k, v in ingest_facts["input_sha256"].items() if k != OWN_INPUT}
    files = workspace.table_files()
    joined = with_own(files.read_all_of("contacts"), own, files.read_placed()["order_id"]).sort(
        "contact_id"
    )
    workspace.replace_table(
        "contacts",
        joined,
        {
            "input_sha256": {**source_inputs, **own_sha256(own)},
            "table_rows": {**ingest_facts["table_rows"], "contacts": joined.height},
        },
    )
