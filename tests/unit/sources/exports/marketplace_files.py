"""The exports of marketplaces, see `export_files`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.unit.sources.exports.export_files import Cell, Table, Writer, table_of
from tests.unit.sources.exports.export_truth import Order


def _day(at: datetime | None, zone: str, form: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime(form) if at else ""


def ebay_orders(orders: Sequence[Order], zone: str) -> Table:
    """An order with several items has a row of its own without an item first."""
    rows: list[dict[str, Cell]] = []
    for order in orders:
        shared: dict[str, Cell] = {
            "Sales Record Number": order.number - 1000,
            "Order Number": f"24-{order.number}-88735",
            "Buyer Username": order.email.split("@")[0],
            "Ship To Country": order.country,
        }
        dates: dict[str, Cell] = {
            "Payment Method": "PayPal",
            "Sale Date": _day(order.placed, zone, "%b-%d-%y"),
            "Paid On Date": _day(order.paid, zone, "%b-%d-%y"),
            "Shipped On Date": _day(order.shipped, zone, "%b-%d-%y"),
        }
        if len(order.lines) > 1:
            rows.append({**shared, "Quantity": 9, "Total Price": order.total, **dates})
        for position, line in enumerate(order.lines):
            rows.append(
                {
                    **shared,
                    "Item Number": f"3185{order.number}{position}",
                    "Item Title": line.title,
                    "Custom Label": line.sku,
                    "Quantity": line.quantity,
                    "Sold For": line.price,
                    "Shipping And Handling": order.shipping if position == 0 else 0.0,
                    "Total Price": order.total,
                    **dates,
                    "Transaction ID": f"10{order.number}{position}",
                }
            )
    names, cells = table_of(rows)
    order_of = ["Sales Record Number", "Order Number", "Buyer Username", "Ship To Country"]
    order_of += [name for name in names if name not in order_of]
    return order_of, [[row[names.index(name)] for name in order_of] for row in cells]


def ebay_cases(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Case ID": f"53{order.number}77",
                "Order Number": f"24-{order.number}-88735",
                "Item Title": order.lines[0].title,
                "Date Opened": _day(order.disputed, zone, "%b-%d-%y"),
                "Reason": order.reason,
                "Status": "Open",
                "Claim Amount": order.total,
            }
            for order in orders
            if order.disputed
        ]
    )


def amazon_orders(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "amazon-order-id": f"305-{order.number:07}-1234567",
                "merchant-order-id": "",
                "purchase-date": order.placed.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
                "order-status": "Shipped",
                "ship-service-level": "Standard",
                "product-name": line.title,
                "sku": line.sku,
                "asin": f"B0{line.sku[-2:]}XXXXXX",
                "quantity": line.quantity,
                "currency": "EUR",
                "item-price": round(line.quantity * line.price, 2),
                "shipping-price": order.shipping if position == 0 else 0.0,
                "ship-country": order.country,
            }
            for order in orders
            for position, line in enumerate(order.lines)
        ]
    )


def amazon_returns(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Order ID": f"305-{order.number:07}-1234567",
                "Order date": _day(order.placed, zone, "%d-%b-%Y"),
                "Return request date": _day(order.disputed, zone, "%d-%b-%Y"),
                "Return request status": "Approved",
                "Amazon RMA ID": f"D{order.number}RRMA",
                "Merchant SKU": order.lines[0].sku,
                "Return quantity": 1,
                "Return Reason": order.reason,
                "Refunded Amount": order.total,
            }
            for order in orders
            if order.disputed
        ]
    )


def etsy_orders(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Sale Date": _day(order.placed, zone, "%m/%d/%y"),
                "Order ID": 3_000_000_000 + order.number,
                "Buyer User ID": order.email.split("@")[0],
                "Full Name": "A Buyer",
                "Number of Items": len(order.lines),
                "Date Shipped": _day(order.shipped, zone, "%m/%d/%y"),
                "Ship Country": order.country,
                "Currency": "EUR",
                "Order Value": order.subtotal,
                "Discount Amount": 0.0,
                "Shipping": order.shipping,
                "Sales Tax": order.tax,
                "Order Total": order.total + order.tax,
                "Order Net": order.total - 1,
                "Date Paid": _day(order.paid, zone, "%m/%d/%y"),
            }
            for order in orders
        ]
    )


def etsy_items(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Sale Date": _day(order.placed, zone, "%m/%d/%y"),
                "Item Name": line.title,
                "Buyer": order.email.split("@")[0],
                "Quantity": line.quantity,
                "Price": line.price,
                "Order Shipping": order.shipping,
                "Item Total": round(line.quantity * line.price, 2),
                "Currency": "EUR",
                "Transaction ID": 4_000_000_000 + order.number * 10 + position,
                "Listing ID": 900_000_000 + ord(line.sku[-1]),
                "Date Shipped": _day(order.shipped, zone, "%m/%d/%y"),
                "Ship Country": order.country,
                "Order ID": 3_000_000_000 + order.number,
                "SKU": line.sku,
            }
            for order in orders
            for position, line in enumerate(order.lines)
        ]
    )


def etsy_disputes(orders: Sequence[Order], zone: str) -> Table:
    """Etsy has no export of cases; this is what a seller notes down."""
    return table_of(
        [
            {
                "Order ID": 3_000_000_000 + order.number,
                "Case opened": _day(order.disputed, zone, "%Y-%m-%d"),
                "Reason": order.reason,
            }
            for order in orders
            if order.disputed
        ]
    )


def order_number(text: str) -> str:
    """The number of the order in the id that the marketplace gave it."""
    digits = text.split("-")[1] if "-" in text else text
    return str(int(digits) % 1_000_000)


MARKETPLACES: dict[str, tuple[dict[str, Writer], str]] = {
    "eBay": ({"eBay-OrdersReport-Nov-2026.csv": ebay_orders, "cases.csv": ebay_cases}, "plain"),
    "Amazon": ({"orders.csv": amazon_orders, "returns.csv": amazon_returns}, "amazon"),
    "Etsy": (
        {
            "EtsySoldOrders2026-11.csv": etsy_orders,
            "EtsySoldOrderItems2026-11.csv": etsy_items,
            "cases.csv": etsy_disputes,
        },
        "plain",
    ),
}
