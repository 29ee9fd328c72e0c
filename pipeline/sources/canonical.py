"""A folder of canonical CSV files, as `simulate` writes them or a seller writes by hand:
docs/canonical-format.md."""

from __future__ import annotations

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from features.tables import INSTANT, TABLES, Table
from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile, open_checked
from pipeline.sources.instants import EARLIEST
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

REQUIRED = ("orders", "order_lines", "promises")
STORE_FILE = "store.toml"
ZONE_LINE = 'Write a line like: zone = "Asia/Shanghai"'


def read_canonical(context: SourceContext) -> StoreData:
    """The tables of the folder; all but `REQUIRED` may be absent. Money is in USD already."""
    zone = _read_zone(context.folder)
    files: dict[str, CheckedFile] = {}
    for name, table in TABLES.items():
        if name in REQUIRED or (context.folder / f"{name}.csv").exists():
            files[name] = read_table(context, table, zone)
    return StoreData(
        {name: file.rows for name, file in files.items()}, zone, False, list(files.values())
    )


def _read_zone(folder: Path) -> str:
    path = folder / STORE_FILE
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{STORE_FILE}: no such file in {folder}. {ZONE_LINE}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{STORE_FILE}: cannot be read ({error}). {ZONE_LINE}") from None
    zone = str(settings.get("zone", ""))
    try:
        key = ZoneInfo(zone).key
        # polars knows a few names less
        pl.select(pl.lit(EARLIEST).dt.replace_time_zone(key))
        return key
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.ComputeError):
        raise BadInput(f"{STORE_FILE}: zone {zone!r} is not a time zone. {ZONE_LINE}") from None


def read_table(context: SourceContext, table: Table, zone: str) -> CheckedFile:
    """One canonical CSV file: its texts as times and numbers; the contract says which values are
    right."""
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
