"""contacts: what agents wrote in the sheet of a night becomes facts.

They are kept in the workspace's `own_contacts.parquet`, which no ingest replaces: an ingest joins
it to whatever the source says, and taking a sheet back joins it to the tables in use.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from features.tables import INSTANT, TABLES
from pipeline.load.contact_sheet import PREFIX, check_contacts, read_sheet
from pipeline.output.safe_text import neutral_frame
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace, write_bytes_whole, write_whole

OWN = "own_contacts.parquet"
OWN_INPUT = "own contacts"
_KEPT = ("contact_id", "order_id", "stage", "outcome", "occurred_at", "known_at")


def take_contacts(workspace: Workspace, progress: Progress, *, file: Path) -> tuple[int, int, int]:
    """Take a sheet back; the same sheet again changes nothing. Bad cells go to
    `quarantine/sheets/<file>.csv`.

    Returns how many contacts are new, how many the sheet has, and how many of its cells are in
    quarantine.
    """
    files = workspace.table_files()
    with progress.piece("contacts") as notes:
        sheet = read_sheet(file)
        told = check_contacts(sheet, files.read_placed(), files.zone)
        former = read_own(workspace)
        own = merge(former, told)
        faults = sheet.quarantine()
        _keep_faults(workspace, f"{file.name}.csv", faults)
        fresh = told.join(former, on="contact_id", how="anti").height
        notes.append(
            f"{told.height} contacts in {file.name}, {fresh} of them new, {own.height} in all"
        )
        if not own.equals(former):
            write_bytes_whole(workspace.folder / OWN, own.write_parquet)
        # also when nothing is new: a run killed here before may have left the tables behind
        _join_to_tables(workspace, own)
    if faults.height:
        first = faults.row(0, named=True)
        warn(
            f"{faults.height} cells in quarantine, the rest is kept: {workspace.quarantine / 'sheets'}. The first: "
            f"row {first['row']}, {first['column']} = {first['value']!r}: {first['reason']}"
        )
    say(f"facts of the store from now on: {workspace.folder / OWN}")
    return fresh, told.height, faults.height


def read_own(workspace: Workspace) -> pl.DataFrame:
    """The contacts of all sheets so far, by id."""
    path = workspace.folder / OWN
    if not path.exists():
        return TABLES["contacts"].empty().select(_KEPT)
    return pl.read_parquet(path).select(_KEPT)


def merge(former: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """`former` with what a sheet tells: a contact told again has the later time, and the former
    outcome if none is told now. One row per `contact_id`, sorted."""
    told = told.select(_KEPT).cast({"occurred_at": INSTANT, "known_at": INSTANT})
    before = former.select("contact_id", before="outcome")
    renewed = told.join(before, on="contact_id", how="left").with_columns(
        outcome=pl.coalesce("outcome", "before")
    )
    kept = former.join(told, on="contact_id", how="anti")
    return pl.concat([kept, renewed.select(_KEPT)]).sort("contact_id")


def with_own(contacts: pl.DataFrame, own: pl.DataFrame, order_ids: pl.Series) -> pl.DataFrame:
    """The source's contacts and our own about its orders. One that the source tells of the same
    order and day is the same contact: the source's row stays."""
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
    """An entry for the hashes of a night's inputs; none without own contacts."""
    return {OWN_INPUT: hashlib.sha256(own.write_csv().encode()).hexdigest()} if own.height else {}


def _join_to_tables(workspace: Workspace, own: pl.DataFrame) -> None:
    told = workspace.read_ingest_facts()
    if told["input_sha256"].get(OWN_INPUT) == own_sha256(own).get(OWN_INPUT):
        return
    files = workspace.table_files()
    joined = with_own(files.read_all_of("contacts"), own, files.read_placed()["order_id"]).sort(
        "contact_id"
    )
    workspace.replace_table(
        "contacts",
        joined,
        {
            "input_sha256": {**told["input_sha256"], **own_sha256(own)},
            "table_rows": {**told["table_rows"], "contacts": joined.height},
        },
    )


def _keep_faults(workspace: Workspace, name: str, faults: pl.DataFrame) -> None:
    folder = workspace.quarantine / "sheets"
    if faults.is_empty():
        (folder / name).unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / name, neutral_frame(faults).write_csv())
