"""The order sheet that sellers download from AliExpress (.xlsx or .csv), as the same rows that its
dumps give.

Columns and their order: platform-rules 5.5, as a program that merges such sheets knows them. Nobody
has published one: the English names, the words of the statuses beside those quoted there, the form
of the product cell (`【1】title (产品属性:...) (商家编码:SKU) (产品数量:2 piece)`) and that amounts without a
currency are US dollars are **assumptions**. A sheet has no numbers of products and no unit prices:
the seller's own code, or else the title, names the product, and the sum of the goods is laid on the
units in equal parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress import record_tables
from pipeline.sources.aliexpress.answer_shapes import money
from pipeline.sources.aliexpress.record_tables import COLUMNS, LINES, ORDERS, PARCELS, Row
from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.column_profile import plain
from pipeline.sources.sheets import read_any_table

ENDS = (".xlsx", ".csv")
# lines that come from a sheet are named so: where a dump tells an order's lines, those count
FROM_SHEET = "sheet-"
NAMES: Mapping[str, tuple[str, ...]] = {
    "order_id": ("订单号", "order no", "order number", "order id"),
    "status": ("订单状态", "order status", "status"),
    "store_id": ("seller id", "卖家账号", "店铺"),
    "buyer_id": ("买家名称", "buyer name", "buyer"),
    "placed_at": ("下单时间", "order time", "order date", "ordered at", "created time"),
    "paid_at": ("付款时间", "payment time", "paid time", "paid at"),
    "goods": ("产品总金额", "product total amount", "item total", "total product amount"),
    "shipping": ("物流费用", "shipping cost", "shipping fee", "logistics fee", "shipping"),
    "total": ("订单金额", "order amount", "order total"),
    "products": ("产品信息", "product information", "product info", "products"),
    "country": (
        "收货国家",
        "receiving country",
        "country region",
        "destination country",
        "country",
    ),
    "service": (
        "买家选择物流",
        "buyer selected logistics",
        "logistics chosen by buyer",
        "shipping method",
    ),
    "ship_by": ("发货期限", "ship deadline", "shipping deadline", "ship by"),
    "parcels": (
        "实际发货物流 运单号",
        "实际发货物流",
        "actual logistics tracking number",
        "actual shipping tracking number",
        "carrier tracking number",
        "tracking number",
    ),
    "sent_at": ("发货时间", "shipped time", "shipping time", "shipped at", "shipment time"),
    "received_at": (
        "确认收货时间",
        "receipt confirmed time",
        "confirmed receipt time",
        "receipt confirmed at",
    ),
}
NEEDED = ("order_id", "placed_at")
STATUSES: Mapping[str, str] = {
    "等待买家付款": "PLACE_ORDER_SUCCESS",
    "等待您发货": "WAIT_SELLER_SEND_GOODS",
    "等待卖家发货": "WAIT_SELLER_SEND_GOODS",
    "部分发货": "SELLER_PART_SEND_GOODS",
    "等待买家收货": "WAIT_BUYER_ACCEPT_GOODS",
    "资金处理中": "FUND_PROCESSING",
    "等待放款": "WAIT_SELLER_EXAMINE_MONEY",
    "资金未到账": "RISK_CONTROL",
    "含纠纷的订单": "IN_ISSUE",
    "纠纷中": "IN_ISSUE",
    "冻结中": "IN_FROZEN",
    "申请取消": "IN_CANCEL",
    "申请取消的订单": "IN_CANCEL",
    "已结束": "FINISH",
    "已完成": "FINISH",
    "交易完成": "FINISH",
    "交易关闭": "FINISH",
    "已取消": "FINISH",
    "订单关闭": "FINISH",
    "awaiting payment": "PLACE_ORDER_SUCCESS",
    "awaiting shipment": "WAIT_SELLER_SEND_GOODS",
    "partially shipped": "SELLER_PART_SEND_GOODS",
    "awaiting delivery": "WAIT_BUYER_ACCEPT_GOODS",
    "awaiting confirmation": "WAIT_BUYER_ACCEPT_GOODS",
    "in dispute": "IN_ISSUE",
    "finished": "FINISH",
    "completed": "FINISH",
    "closed": "FINISH",
    "cancelled": "FINISH",
    "canceled": "FINISH",
}
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
_TIMES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
)


# what the interface documents (platform-rules 5.1)
KNOWN = frozenset(STATUSES.values()) | {"ARCHIVE"}


def sheet_files(folder: Path, others: tuple[str, ...]) -> list[Path]:
    """Tables in the folder, and in folders inside but `others`, that are no file named in
    `others`."""
    every = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDS and not path.name.startswith(("~$", "."))
    )
    inside = (path for path in every if not {*path.relative_to(folder).parts} & {*others})
    return sorted(path for path in inside if path.is_file())


def sheet_rows(path: Path, zone: str) -> Iterator[tuple[int, Row]]:
    """(row of the sheet, row as a dump gives it); times without offset are of `zone`."""
    try:
        table, damaged = read_any_table(path)
    except BadInput as error:
        yield 1, (record_tables.UNREAD, (), "", str(error))
        return
    columns = columns_of(table.columns[1:])
    broken = {row: reason for row, _, reason in damaged}
    missing = [name for name in NEEDED if name not in columns]
    for record in table.iter_rows(named=True):
        place = record.pop(ROW)
        if fault := broken.get(place) or (
            f"an order sheet without {' / '.join(NAMES[missing[0]][:2])}" if missing else ""
        ):
            yield place, (record_tables.UNREAD, (), record, fault)
            continue
        cells = {ours: (record[theirs] or "").strip() or None for ours, theirs in columns.items()}
        for row in _rows(cells, record, zone):
            yield place, row


def columns_of(header: list[str]) -> dict[str, str]:
    """Our names -> the sheet's columns."""
    named = {plain(column): column for column in header}
    found = {
        ours: next((named[name] for name in names if name in named), None)
        for ours, names in NAMES.items()
    }
    return {ours: column for ours, column in found.items() if column}


def _rows(cells: dict[str, str | None], record: dict[str, Any], zone: str) -> Iterator[Row]:
    total, currency = money(cells, "total")
    shipping, _ = money(cells, "shipping")
    order_id, service = cells.get("order_id"), cells.get("service")
    times = {
        name: _time(cells.get(name), zone)
        for name in ("placed_at", "paid_at", "sent_at", "received_at")
    }
    status = _status(cells.get("status"), times["received_at"])
    told = {
        "order_id": order_id,
        "placed_at": times["placed_at"],
        "buyer_id": cells.get("buyer_id"),
        "store_id": cells.get("store_id"),
        "country": _country(cells.get("country")),
        "service": service,
        "total": total,
        "currency": currency or "USD",
        "shipping": shipping,
        "status": status,
        "paid_at": times["paid_at"],
        "sent_at": times["sent_at"],
        "ended_at": times["received_at"] if status == "FINISH" else None,
    }
    yield ORDERS, tuple(told.get(name) for name in COLUMNS[ORDERS]), record, ""
    goods, _ = money(cells, "goods")
    for line in _lines(cells, order_id, goods):
        line |= {
            "currency": currency or "USD",
            "prepare_days": _prepare_days(cells, times["paid_at"], zone),
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
    """The interface's word; one that is in no list stays as it is. Who has confirmed the receipt is
    done."""
    known = STATUSES.get((text or "").strip().lower())
    return known or ("FINISH" if received_at else text)


def products_of(cell: str | None) -> list[tuple[str, str | None, int | None]]:
    """(title, the seller's code, units) of each product of the cell."""
    found = []
    for part in _MARK.split(cell or ""):
        if not part.strip():
            continue
        code, count = _CODE.search(part), _COUNT.search(part)
        title = _TITLE_ENDS.split(part.strip(), maxsplit=1)[0].strip()
        found.append(
            (title, (code[1].strip() or None) if code else None, int(count[1]) if count else None)
        )
    return found


def _lines(
    cells: dict[str, str | None], order_id: str | None, goods: str | None
) -> Iterator[dict[str, str | None]]:
    products = products_of(cells.get("products"))
    units = sum(count or 1 for _, _, count in products)
    try:
        worth = float((goods or "").replace(",", ""))
    except ValueError:
        # not told, or not a number, which the order's own sum will say
        worth = None
    for place, (title, code, count) in enumerate(products, 1):
        part = None if worth is None or not units else f"{worth * (count or 1) / units:.6f}"
        yield {
            "order_id": order_id,
            "line_id": f"{FROM_SHEET}{order_id}-{place}",
            "product_id": code or title or None,
            "title": title or None,
            "quantity": str(count or 1),
            "line_total": part,
        }


def parcels_of(cell: str | None) -> list[tuple[str | None, str]]:
    """(carrier, number) of each `carrier:number` of the cell."""
    found = []
    for part in re.split(r"[\n;；,，]+", cell or ""):
        carrier, sign, number = part.replace("：", ":").rpartition(":")
        if number.strip():
            found.append(((carrier.strip() or None) if sign else None, number.strip()))
    return found


def _moment(text: str | None) -> datetime | None:
    for form in _TIMES:
        try:
            return datetime.strptime(text or "", form)
        except ValueError:
            continue
    return None


def _time(text: str | None, zone: str) -> str | None:
    """With its offset; what is no time stays as it is, for the checks to refuse."""
    moment = _moment(text)
    return (
        text
        if moment is None
        else moment.replace(tzinfo=ZoneInfo(zone)).isoformat(timespec="seconds")
    )


def _prepare_days(cells: dict[str, str | None], paid_at: str | None, zone: str) -> str | None:
    """Days to prepare: told as such, or as the day by which to send."""
    text = cells.get("ship_by")
    if match := re.fullmatch(r"(\d{1,3})\s*(天|days?|d)?", (text or "").lower()):
        return match[1]
    by = _moment(text)
    if by is None or paid_at is None:
        return None
    try:
        days = (by.replace(tzinfo=ZoneInfo(zone)) - datetime.fromisoformat(paid_at)) / timedelta(
            days=1
        )
    except ValueError:
        return None
    return f"{days:.6f}" if days >= 0 else None


@cache
def _countries() -> dict[str, str]:
    names = {
        name.lower(): code
        for language in ("en", "zh")
        for code, name in Locale(language).territories.items()
        if len(code) == 2
    }
    return names | {"russian federation": "RU", "korea": "KR", "usa": "US", "uk": "GB"}


def _country(text: str | None) -> str | None:
    """The code of a country's English or Chinese name; another text stays as it is."""
    return _countries().get((text or "").strip().lower(), text)
