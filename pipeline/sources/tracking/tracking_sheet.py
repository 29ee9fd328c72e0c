"""Find the scans in the sheets that 17TRACK and AfterShip export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.column_profile import plain
from pipeline.sources.reading.column_zones import without_zone, zone_of_name
from pipeline.sources.tracking.tracking_bodies import COLUMNS, Scan

# names of a sheet's columns; an assumption, based on the field names of the interfaces
SHEET: Mapping[str, tuple[str, ...]] = {
    "number": (
        "number",
        "tracking number",
        "tracking no",
        "waybill number",
        "单号",
        "运单号",
        "物流单号",
    ),
    "order_ref": ("order no", "order number", "order id", "order ids", "订单号", "订单编号"),
    "scanned_at": (
        "latest event time",
        "track time",
        "checkpoint time",
        "last checkpoint time",
        "event time",
        "last updated at",
        "last update",
        "latest event date",
        "最新事件时间",
        "最新轨迹时间",
        "更新时间",
    ),
    "status_text": (
        "package status",
        "status",
        "tag",
        "current status",
        "main status",
        "包裹状态",
        "物流状态",
    ),
    "sub_status_text": ("sub status", "subtag", "sub tag", "subtag message", "子状态"),
    "words": (
        "latest event info",
        "latest event",
        "last checkpoint",
        "message",
        "event",
        "最新事件",
        "最新轨迹",
    ),
    "carrier": ("carrier", "courier", "slug", "courier slug", "carrier name", "运输商", "物流商"),
    "location": ("location", "latest location", "last location", "最新地点", "地点"),
}


def is_sheet(header: list[str]) -> bool:
    """Whether a table with these column names has scans: numbers and statuses or words."""
    chosen = _columns_of(header)
    return bool(chosen["number"] and (chosen["status_text"] or chosen["words"]))


def _columns_of(header: list[str]) -> dict[str, str | None]:
    """The sheet's columns by our names."""
    by_plain_name = {plain(without_zone(column)): column for column in header}
    return {
        ours: next((by_plain_name[name] for name in names if name in by_plain_name), None)
        for ours, names in SHEET.items()
    }


def scans_of_table(table: pl.DataFrame) -> Iterator[tuple[int, Scan]]:
    """Yield (row number, scan) of each row of a sheet."""
    chosen = _columns_of(table.columns[1:])
    has_scans = is_sheet(table.columns[1:])
    for row in table.iter_rows(named=True):
        row_number = row.pop(ROW)
        if not has_scans:
            reason = "a sheet without a column for the tracking number, or for the status"
            yield row_number, Scan((None,) * len(COLUMNS), row, reason)
            continue
        texts = [row[column] if (column := chosen.get(name)) else None for name in COLUMNS]
        texts[COLUMNS.index("zone")] = zone_of_name(chosen["scanned_at"] or "")
        yield row_number, Scan(tuple(texts), row)
