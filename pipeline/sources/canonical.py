"""SOURCE=canonical: a folder of canonical CSV files (docs/reference/canonical-format.md).

`simulate` writes such folders; sellers may also write them by hand.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from features.tables import INSTANT, TABLES, Table
from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import regular_files
from pipeline.settings.toml_model import read_toml
from pipeline.sources.checked_file import CheckedFile, open_checked
from pipeline.sources.instants import EARLIEST
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

REQUIRED = ("orders", "order_lines", "promises")
STORE_FILE = "store.toml"
NUMBERS_NOTE = (
    f"{STORE_FILE} does not say whether shipment_id is the carriers' tracking number "
    "(tracking_numbers = true): drafts give only numbers in a form that carriers use"
)
MOST_WEIGHT = 100_000
ZONE_LINE = 'Write a line like: zone = "Asia/Shanghai"'


def read_canonical(context: SourceContext) -> StoreData:
    """Read the canonical tables in the context's folder. Amounts are already in USD.

    Tables other than `REQUIRED` may be absent. Raises `BadInput` if a required file or column is
    missing, or if `store.toml` names no valid time zone.
    """
    zone, has_tracking_numbers, delivered_weight = _read_store(context.folder)
    files: dict[str, CheckedFile] = {}
    for name, table in TABLES.items():
        path = context.folder / f"{name}.csv"
        # a link that leads nowhere is refused, not taken for a table that the store does not have
        if name in REQUIRED or path.exists() or path.is_symlink():
            files[name] = read_table(context, table, zone)
    return StoreData(
        {name: file.rows for name, file in files.items()},
        zone,
        False,
        list(files.values()),
        notes=(NUMBERS_NOTE,) if has_tracking_numbers is None and "shipments" in files else (),
        tracking_numbers=has_tracking_numbers,
        delivered_weight=delivered_weight,
    )


def canonical_files(folder: Path) -> list[Path]:
    """The files in the folder that `read_canonical` reads. Raises `BadInput` for a pipe, a device
    and a link that leads nowhere."""
    names = (STORE_FILE, *(f"{name}.csv" for name in TABLES))
    return list(regular_files(folder / name for name in names))


def _read_store(folder: Path) -> tuple[str, bool | None, float | None]:
    """The zone, whether shipment ids are tracking numbers, and the weight of a delivered order; the
    last two are None if the file does not say it."""
    path = folder / STORE_FILE
    if not (path.exists() or path.is_symlink()):
        raise BadInput(f"{STORE_FILE}: no such file in {folder}. {ZONE_LINE}")
    settings = read_toml(path, f" {ZONE_LINE}")
    zone, has_numbers = str(settings.get("zone", "")), settings.get("tracking_numbers")
    if not isinstance(has_numbers, bool | None):
        raise BadInput(
            f"{STORE_FILE}: tracking_numbers is {has_numbers!r}; write true if shipment_id is the "
            "carriers' tracking number, or else false."
        )
    weight = settings.get("delivered_weight")
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if weight is not None and not (is_number and 0 < weight <= MOST_WEIGHT):
        raise BadInput(
            f"{STORE_FILE}: delivered_weight is {weight!r}; write how many orders one delivered "
            f"order stands for, a number above 0 and at most {MOST_WEIGHT:,}."
        )
    try:
        key = ZoneInfo(zone).key
        # polars supports slightly fewer time zone names than zoneinfo
        pl.select(pl.lit(EARLIEST).dt.replace_time_zone(key))
        return key, has_numbers, None if weight is None else float(weight)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.ComputeError):
        raise BadInput(f"{STORE_FILE}: zone {zone!r} is not a time zone. {ZONE_LINE}") from None


def read_table(context: SourceContext, table: Table, zone: str) -> CheckedFile:
    """Read one canonical CSV file and parse its times and numbers.

    Ranges and allowed values are checked later, against the contract.
    """
    required = [c.name for c in table.columns if c.is_required and c.name != "known_at"]
    optional = [c.name for c in table.columns if c.name not in required]
    file = open_checked(context, f"{table.name}.csv", required, optional=optional)
    file.table = table.name
    for column in table.columns:
        if column.dtype == INSTANT:
            file.instant(column.name, zone, has_offsets=True)
        elif column.dtype == pl.Float64:
            file.number(column.name)
    file.rows = file.rows.with_columns(known_at=pl.coalesce("known_at", "occurred_at"))
    return file
