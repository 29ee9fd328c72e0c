"""A folder of canonical CSV files, as `simulate` writes them or a seller writes by hand: docs/canonical-format.md."""

from __future__ import annotations

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from features.tables import INSTANT, TABLES, Table
from pipeline.errors import BadInput
from pipeline.sources.checks import EARLIEST, CheckedFile, open_checked
from pipeline.sources.store_data import StoreData

REQUIRED = ("orders", "order_lines", "promises")
STORE_FILE = "store.toml"
ZONE_LINE = 'Write a line like: zone = "Asia/Shanghai"'


def read_canonical(folder: Path, usd_per: dict[str, float]) -> StoreData:
    """The tables of the folder; all but `REQUIRED` may be absent. Money is in USD already."""
    del usd_per
    zone = _read_zone(folder)
    files: dict[str, CheckedFile] = {}
    for name, table in TABLES.items():
        if name in REQUIRED or (folder / f"{name}.csv").exists():
            files[name] = _read_table(folder, table, zone)
    if "products" in files:
        _refer(files["order_lines"], "product_id", files["products"], "product")
    for name, file in files.items():
        if name != "orders" and "order_id" in file.rows.columns:
            _refer(file, "order_id", files["orders"], "order")
            _not_before_the_order(file, files["orders"])
    frames = {name: file.good_rows() for name, file in files.items()}
    return StoreData(frames, zone, False, list(files.values()))


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


def _read_table(folder: Path, table: Table, zone: str) -> CheckedFile:
    required = [c.name for c in table.columns if c.is_required and c.name != "known_at"]
    optional = [c.name for c in table.columns if c.name not in required]
    file = open_checked(folder, f"{table.name}.csv", required, optional=optional)
    file.require(*required)
    for column in table.columns:
        if column.dtype == INSTANT:
            file.instant(column.name, zone, has_offsets=True)
        elif column.dtype == pl.Float64:
            file.number(column.name, minimum=column.minimum)
        elif column.choices:
            file.choose(column.name, column.choices)
    file.rows = file.rows.with_columns(known_at=pl.coalesce("known_at", "occurred_at"))
    file.not_before("known_at", "occurred_at", "known before it happened")
    file.unique(*table.key)
    return file


def _refer(file: CheckedFile, column: str, other: CheckedFile, what: str) -> None:
    file.known(column, other.good_rows()[column], other.rejected(column), what)


def _not_before_the_order(file: CheckedFile, orders: CheckedFile) -> None:
    placed = orders.good_rows().select("order_id", placed_at="occurred_at")
    file.rows = file.rows.join(placed, on="order_id", how="left", maintain_order="left")
    file.not_before("occurred_at", "placed_at", "happened before its order was placed")
