"""AliExpress order sheets with the columns of platform-rules 5.5, also damaged at random."""

from __future__ import annotations

from pathlib import Path
from random import Random

from openpyxl import Workbook

HEADER = [
    "订单号",
    "订单状态",
    "负责人(业务员)",
    "买家名称",
    "下单时间",
    "付款时间",
    "产品总金额",
    "物流费用",
    "订单金额",
    "满立减",
    "产品信息",
    "订单备注",
    "收货地址",
    "收货人名称",
    "收货国家",
    "州/省",
    "城市",
    "地址",
    "邮编",
    "联系电话",
    "手机",
    "买家选择物流",
    "发货期限",
    "实际发货物流:运单号",
    "发货时间",
    "确认收货时间",
]
ENGLISH = [
    "Order No.",
    "Order Status",
    "Owner",
    "Buyer Name",
    "Order Time",
    "Payment Time",
    "Product Total Amount",
    "Shipping Cost",
    "Order Amount",
    "Discount",
    "Product Information",
    "Note",
    "Address",
    "Recipient",
    "Receiving Country",
    "State",
    "City",
    "Street",
    "Post code",
    "Phone",
    "Mobile",
    "Buyer Selected Logistics",
    "Ship Deadline",
    "Actual Logistics: Tracking Number",
    "Shipped Time",
    "Receipt Confirmed Time",
]
PRODUCTS = (
    "【1】Summer dress (产品属性: Color:Red) (商家编码: DR-7) (产品数量: 2 piece)\n"
    "【2】Hat, straw (产品属性: ) (商家编码: ) (产品数量: 1 piece)"
)
FULL = {
    "订单号": "8194715118451470",
    "订单状态": "等待买家收货",
    "买家名称": "Maria S",
    "下单时间": "2024-10-01 08:00",
    "付款时间": "2024-10-01 08:05",
    "产品总金额": "US $60.00",
    "物流费用": "US $1.01",
    "订单金额": "US $58.01",
    "产品信息": PRODUCTS,
    "收货国家": "Brazil",
    "买家选择物流": "AliExpress Standard Shipping",
    "发货期限": "2024-10-08 08:05",
    "实际发货物流:运单号": "EMS:LP00612345678901\nChina Post:LP00612345678902",
    "发货时间": "2024-10-03 20:00",
}
DONE = {
    **FULL,
    "订单号": "8194715118451471",
    "订单状态": "订单完成啦",
    "产品信息": "Only a title",
    "收货国家": "俄罗斯",
    "确认收货时间": "2024-10-20 10:00",
    "实际发货物流:运单号": "",
}


def cells(order: dict[str, str]) -> list[str]:
    return [order.get(name, "") for name in HEADER]


def quoted(row: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)


def write_csv(
    path: Path, *orders: dict[str, str], encoding: str = "gb18030", header: list[str] = HEADER
) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    text = "\n".join(quoted(row) for row in (header, *map(cells, orders)))
    path.write_bytes(text.encode(encoding))
    return path.parent


def write_xlsx(path: Path, *orders: dict[str, str]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    book = Workbook()
    for row in (HEADER, *map(cells, orders)):
        book.active.append(row)
    book.save(path)
    return path.parent


STRANGE = [
    "",
    "=cmd|x",
    "2024-13-45",
    "US $1e9999",
    "-5",
    "【1】【2】",
    "x" * 999,
    "::;;",
    "8.19E+15",
    "女装",
    "'",
    "NaN",
]


def spoiled(rng: Random) -> bytes:
    """A sheet with some cells replaced, in some encoding; one in five is cut off."""
    rows = [list(HEADER), *(cells(rng.choice([FULL, DONE])) for _ in range(5))]
    for _ in range(rng.randint(0, 5)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(STRANGE)
    text = "\n".join(quoted(row[: rng.choice([len(row)] * 9 + [3])]) for row in rows)
    data = text.encode(rng.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    return data[: rng.randint(0, len(data))] if rng.random() < 0.2 else data
