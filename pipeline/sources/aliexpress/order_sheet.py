"""Read the order sheet that sellers download from AliExpress (.xlsx or .csv).

A sheet gives the same rows as the dumps. Its columns are known from a program that merges such
sheets (platform-rules 5.5); no official description was found. Two things are **assumptions**:

- The product cell has the form `【1】title (产品属性:...) (商家编码:SKU) (产品数量:2 piece)`.
- Amounts without a currency are in US dollars.

A sheet has neither product ids nor unit prices. So the seller's own code, or else the title,
identifies a product, and the total of the goods is divided equally among the units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import regular_files
from pipeline.sources.aliexpress.answer_fields import field_money
from pipeline.sources.aliexpress.record_columns import COLUMNS, LINES, ORDERS, PARCELS, UNREAD, Row
from pipeline.sources.aliexpress.sheet_vocabulary import (
    COLUMN_NAMES,
    REQUIRED_COLUMNS,
    STATUSES,
    country_code,
)
from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.column_profile import plain
from pipeline.sources.reading.column_zones import without_zone, zone_of_name
from pipeline.sources.sheets import read_any_table

ENDS = (".xlsx", ".csv")
# the ids of lines from a sheet start like this; they are dropped if a dump has the order's lines
SHEET_LINE_PREFIX = "sheet-"
_MARK = re.compile(r"【\s*\d+\s*】")
_CODE = re.compile(
    r"(?:商家编码|商品编码|merchant code|seller code|sku)\s*[:：]\s*([^()（）\n]*)", re.IGNORECASE
)
_COUNT = re.compile(
    r"(?:产品数量|商品数量|product quantity|quantity|qty)\s*[:：]\s*(\d+)", re.IGNORECASE
)
_TITLE_ENDS = re.compile(
    r"[(（]\s*(?:产品属性|商家编码|产品数量|product |seller|merchant|sku|quantity)|\n",
    re.IGNORECASE,
)
_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_YEAR_FIRST = re.compile(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})")
# days since 1899-12-30, as in `instants`
_SERIAL = re.compile(r"\d{5}(?:[.,]\d{1,15})?")


def sheet_files(folder: Path, others: tuple[str, ...]) -> list[Path]:
    """The tables in the folder and its subfolders, without the paths named in `others`."""
    candidates = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDS and not path.name.startswith(("~$", "."))
    )
    sheets = (p for p in candidates if not {*p.relative_to(folder).parts} & {*others})
    return sorted(regular_files(sheets))


def sheet_rows(path: Path, zone: str) -> Iterator[tuple[int, Row]]:
    """Yield (row number in the sheet, row); times without an offset are local to `zone`."""
    try:
        table, damaged = read_any_table(path, is_right=_is_order_sheet)
    except BadInput as error:
        yield 1, (UNREAD, (), "", str(error))
        return
    columns = columns_of(table.columns[1:])
    zones = {ours: zone_of_name(theirs) or zone for ours, theirs in columns.items()}
    broken = {row: reason for row, _, reason in damaged}
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    no_column = (
        f"an order sheet without the column {' / '.join(COLUMN_NAMES[missing[0]][:2])}"
        if missing
        else ""
    )
    for record in table.iter_rows(named=True):
        row_number = record.pop(ROW)
        if fault := broken.get(row_number) or no_column:
            yield row_number, (UNREAD, (), record, fault)
            continue
        cells = {ours: (record[theirs] or "").strip() or None for ours, theirs in columns.items()}
        for row in _rows(cells, record, zones):
            yield row_number, row


def _is_order_sheet(header: list[str]) -> bool:
    return set(REQUIRED_COLUMNS) <= columns_of(header).keys()


def columns_of(header: list[str]) -> dict[str, str]:
    """The sheet's columns by our names, for the columns it has."""
    by_plain_name = {plain(without_zone(column)): column for column in header}
    columns = {
        ours: next((by_plain_name[name] for name in names if name in by_plain_name), None)
        for ours, names in COLUMN_NAMES.items()
    }
    return {ours: column for ours, column in columns.items() if column}


def _rows(
    cells: dict[str, str | None], record: dict[str, Any], zones: dict[str, str]
) -> Iterator[Row]:
    total, currency = field_money(cells, "total")
    shipping, _ = field_money(cells, "shipping")
    order_id, service = cells.get("order_id"), cells.get("service")
    times = {
        name: _time(cells.get(name), zones.get(name, "UTC"))
        for name in ("placed_at", "paid_at", "sent_at", "received_at")
    }
    status = _status(cells.get("status"), times["received_at"])
    order = {
        "order_id": order_id,
        "placed_at": times["placed_at"],
        "buyer_id": cells.get("buyer_id"),
        "store_id": cells.get("store_id"),
        "country": country_code(cells.get("country")),
        "service": service,
        "total": total,
        "currency": currency or "USD",
        "shipping": shipping,
        "status": status,
        "paid_at": times["paid_at"],
        "sent_at": times["sent_at"],
        "ended_at": times["received_at"] if status == "FINISH" else None,
    }
    yield ORDERS, tuple(order.get(name) for name in COLUMNS[ORDERS]), record, ""
    goods, _ = field_money(cells, "goods")
    for line in _lines(cells, order_id, goods):
        line |= {
            "currency": currency or "USD",
            "prepare_days": _prepare_days(cells, times["paid_at"], zones),
        }
        yield LINES, tuple(line.get(name) for name in COLUMNS[LINES]), record, ""
    for carrier, number in parcels_of(cells.get("parcels")):
        parcel = {
            "order_id": order_id,
            "number": number,
            "service": carrier,
            "sent_at": times["sent_at"],
        }
        yield PARCELS, tuple(parcel.get(name) for name in COLUMNS[PARCELS]), record, ""


def _status(text: str | None, received_at: str | None) -> str | None:
    """The platform's status; an unknown one is kept, or is FINISH if receipt was confirmed."""
    known = STATUSES.get((text or "").strip().lower())
    return known or ("FINISH" if received_at else text)


def products_of(cell: str | None) -> list[tuple[str, str | None, int | None]]:
    """(title, the seller's code, units) of each product in the cell."""
    products = []
    for part in _MARK.split(cell or ""):
        if not part.strip():
            continue
        code, count = _CODE.search(part), _COUNT.search(part)
        title = _TITLE_ENDS.split(part.strip(), maxsplit=1)[0].strip()
        products.append(
            (title, (code[1].strip() or None) if code else None, int(count[1]) if count else None)
        )
    return products


def _lines(
    cells: dict[str, str | None], order_id: str | None, goods: str | None
) -> Iterator[dict[str, str | None]]:
    products = products_of(cells.get("products"))
    units = sum(count or 1 for _, _, count in products)
    try:
        goods_total = float((goods or "").replace(",", ""))
    except ValueError:
        # absent, or not a number: the checks of the order's own total report that
        goods_total = None
    for position, (title, code, count) in enumerate(products, 1):
        part = (
            None
            if goods_total is None or not units
            else f"{goods_total * (count or 1) / units:.6f}"
        )
        yield {
            "order_id": order_id,
            "line_id": f"{SHEET_LINE_PREFIX}{order_id}-{position}",
            "product_id": code or title or None,
            "title": title or None,
            "quantity": str(count or 1),
            "line_total": part,
        }


def parcels_of(cell: str | None) -> list[tuple[str | None, str]]:
    """(carrier, number) of each `carrier:number` in the cell."""
    parcels = []
    for part in re.split(r"[\n;；,，]+", cell or ""):
        carrier, sign, number = part.replace("：", ":").rpartition(":")
        if number.strip():
            parcels.append(((carrier.strip() or None) if sign else None, number.strip()))
    return parcels


def _local_time(text: str | None) -> datetime | None:
    text = _YEAR_FIRST.sub(r"\1-\2-\3", (text or "").strip().replace("T", " "))
    if _SERIAL.fullmatch(text):
        days = float(text.replace(",", "."))
        return datetime(1899, 12, 30) + timedelta(seconds=round(days * 86_400))
    for form in _TIME_FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def _time(text: str | None, zone: str) -> str | None:
    """The time with its offset; other text is kept, so that the checks reject it."""
    moment = _local_time(text)
    return (
        text
        if moment is None
        else moment.replace(tzinfo=ZoneInfo(zone)).isoformat(timespec="seconds")
    )


def _prepare_days(
    cells: dict[str, str | None], paid_at: str | None, zones: dict[str, str]
) -> str | None:
    """Days to prepare the order: given as a number, or until the day by which to ship."""
    text = cells.get("ship_by")
    if match := re.fullmatch(r"(\d{1,3})\s*(天|days?|d)?", (text or "").lower()):
        return match[1]
    by = _local_time(text)
    if by is None or paid_at is None:
        return None
    try:
        days = (
            by.replace(tzinfo=ZoneInfo(zones["ship_by"])) - datetime.fromisoformat(paid_at)
        ) / timedelta(days=1)
    except ValueError:
        return None
    return f"{days:.6f}" if days >= 0 else None
