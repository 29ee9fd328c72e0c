"""The column names and order statuses of AliExpress order sheets, and country names, in Chinese
and English.

The columns follow platform-rules 5.5. The English names, and the statuses that are not quoted
there, are **assumptions**.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from babel import Locale

# names of the sheet's columns, as `column_profile.plain` writes them, by our name
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
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
REQUIRED_COLUMNS = ("order_id", "placed_at")
# the platform's status for each status in a sheet
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
# the statuses that the platform documents (platform-rules 5.1)
PLATFORM_STATUSES = frozenset(STATUSES.values()) | {"ARCHIVE"}


@cache
def _countries() -> dict[str, str]:
    names = {
        name.lower(): code
        for language in ("en", "zh")
        for code, name in Locale(language).territories.items()
        if len(code) == 2
    }
    return names | {"russian federation": "RU", "korea": "KR", "usa": "US", "uk": "GB"}


def country_code(text: str | None) -> str | None:
    """The code for a country's English or Chinese name; other text is kept."""
    return _countries().get((text or "").strip().lower(), text)
