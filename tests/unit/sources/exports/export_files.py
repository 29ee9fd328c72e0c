"""Write the exports of well-known systems from the orders of `export_truth`, with the documented
columns, as the system writes them or as a spreadsheet of a country saves them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.unit.sources.exports.export_truth import Order

Cell = object
Table = tuple[list[str], list[list[Cell]]]


@dataclass(frozen=True)
class Locale:
    """How a country's spreadsheet saves a file. `when`: the format of times without an offset; None
    as the system writes them."""

    separator: str
    decimal: str
    when: str | None


LOCALES = {
    "as exported": Locale(",", ".", None),
    "German": Locale(";", ",", "%d.%m.%Y %H:%M"),
    "American": Locale(",", ".", "%m/%d/%Y %H:%M"),
    "British": Locale(",", ".", "%d/%m/%Y %H:%M"),
}


@dataclass(frozen=True)
class Clock:
    """A time without an offset in a zone, and how the system writes it."""

    at: datetime
    zone: str
    native: str = "%Y-%m-%d %H:%M"

    def text(self, locale: Locale) -> str:
        return self.at.astimezone(ZoneInfo(self.zone)).strftime(locale.when or self.native)


def offset(at: datetime | None, zone: str) -> str:
    """A time with its offset, which no spreadsheet changes."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %z") if at else ""


def clock(at: datetime | None, zone: str, native: str = "%Y-%m-%d %H:%M") -> Clock | str:
    return Clock(at, zone, native) if at else ""


def rendered(value: Cell, locale: Locale) -> str:
    if isinstance(value, Clock):
        return value.text(locale)
    if isinstance(value, float):
        return f"{value:.2f}".replace(".", locale.decimal)
    return str(value)


def write_table(path: Path, table: Table, locale: Locale) -> None:
    names, rows = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=locale.separator, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([[rendered(value, locale) for value in row] for row in rows])
    path.write_text(text.getvalue(), encoding="utf-8")


def table_of(rows: Sequence[Mapping[str, Cell]]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names, [[row.get(name, "") for name in names] for row in rows]


def shopify_orders(orders: Sequence[Order], zone: str) -> Table:
    rows = []
    for order in orders:
        has_tax = order.number % 2 == 0
        first = {
            "Name": f"#{order.number}",
            "Email": order.email,
            "Financial Status": "paid",
            "Paid at": offset(order.paid, zone),
            "Fulfillment Status": "fulfilled" if order.shipped else "unfulfilled",
            "Fulfilled at": offset(order.shipped, zone),
            "Currency": "EUR",
            "Subtotal": order.subtotal,
            "Shipping": order.shipping,
            "Taxes": order.tax,
            # prices of every second order include the tax
            "Total": order.total if has_tax else order.total + order.tax,
            "Shipping Method": "Standard",
            "Created at": offset(order.placed, zone),
        }
        for position, line in enumerate(order.lines):
            own = first if position == 0 else {"Name": first["Name"], "Email": order.email}
            rows.append(
                {
                    **own,
                    "Lineitem quantity": line.quantity,
                    "Lineitem name": line.title,
                    "Lineitem price": line.price,
                    "Lineitem sku": line.sku,
                    "Shipping Country": order.country if position == 0 else "",
                    "Cancelled at": "",
                    "Payment Reference": order.names["charge"] if position == 0 else "",
                    "Vendor": "Corner",
                    "Id": 5_000_000_000_000 + order.number if position == 0 else "",
                }
            )
    names = [*first, *rows[0]]
    return table_of([dict.fromkeys(names, ""), *rows][1:])


def stripe_payments(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "id": order.names["charge"],
                "Created (UTC)": clock(order.paid, "UTC"),
                "Amount": order.total,
                "Amount Refunded": 0.0,
                "Currency": "eur",
                "Status": "Paid",
                "Captured": "TRUE",
                "Customer ID": f"cus_{order.names['charge'][3:]}",
                "Card Brand": "Visa",
                "Description": f"Order #{order.number}",
            }
            for order in orders
        ]
    )


def stripe_disputes(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "id": f"dp_{order.names['charge'][3:]}",
                "Description": "",
                "Dispute Created (UTC)": clock(order.disputed, "UTC"),
                "Charge Created (UTC)": clock(order.paid, "UTC"),
                "Dispute Amount": order.total,
                "Dispute Currency": "eur",
                "Charge ID": order.names["charge"],
                "Reason": order.reason,
                "Status": "needs_response",
                "Due By (UTC)": clock(order.disputed, "UTC"),
            }
            for order in orders
            if order.disputed
        ]
    )


def woo_webtoffee(orders: Sequence[Order], zone: str) -> Table:
    rows = []
    for order in orders:
        items = {
            f"line_item_{position}": f"name:{line.title}|product_id:{position}|sku:{line.sku}"
            f"|quantity:{line.quantity}|total:{line.quantity * line.price:.2f}"
            f"|sub_total:{line.quantity * line.price:.2f}"
            for position, line in enumerate(order.lines, 1)
        }
        rows.append(
            {
                "order_id": order.number,
                "order_number": order.number,
                "order_date": clock(order.placed, zone),
                "paid_date": clock(order.paid, zone),
                "status": "completed" if order.shipped else "processing",
                "shipping_total": order.shipping,
                "tax_total": order.tax,
                "fee_total": 0.0,
                "order_total": order.total + order.tax,
                "order_currency": "EUR",
                "payment_method": "ppcp-gateway",
                "transaction_id": order.names["paypal"],
                "customer_email": order.email,
                "shipping_country": order.country,
                "shipping_method": "Flat rate",
                **items,
            }
        )
    return table_of(rows)


def woo_advanced(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Order Number": order.number,
                "Order Status": "Completed" if order.shipped else "Processing",
                "Order Date": clock(order.placed, zone),
                "Paid Date": clock(order.paid, zone),
                "Completed Date": clock(order.shipped, zone),
                "Email (Billing)": order.email,
                "Country Code (Shipping)": order.country,
                "Cart Discount Amount": 0.0,
                "Order Subtotal Amount": order.subtotal,
                "Shipping Method Title": "Flat rate",
                "Order Shipping Amount": order.shipping,
                "Order Refund Amount": 0.0,
                "Order Total Amount": order.total + order.tax,
                "Order Total Tax Amount": order.tax,
                "SKU": line.sku,
                "Item #": position,
                "Item Name": line.title,
                "Quantity": line.quantity,
                "Item Cost": line.price,
                "Currency": "EUR",
            }
            for order in orders
            for position, line in enumerate(order.lines, 1)
        ]
    )


def woo_analytics(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Date": clock(order.placed, zone),
                "Order #": order.number,
                "N. Revenue (formatted)": "",
                "Status": "completed" if order.shipped else "processing",
                "Customer": order.email,
                "Customer type": "new",
                "Product(s)": ", ".join(f"{line.quantity}× {line.title}" for line in order.lines),
                "Items sold": sum(line.quantity for line in order.lines),
                "Coupon(s)": "",
                "N. Revenue": order.total,
            }
            for order in orders
        ]
    )


def paypal_activity(orders: Sequence[Order], zone: str) -> Table:
    rows = []
    for order in orders:
        paid = order.paid.astimezone(ZoneInfo(zone))
        rows.append(
            {
                "Date": paid.strftime("%d/%m/%Y"),
                "Time": paid.strftime("%H:%M:%S"),
                "TimeZone": zone,
                "Name": "A Buyer",
                "Type": "Express Checkout Payment",
                "Status": "Completed",
                "Currency": "EUR",
                "Gross": order.total,
                "Fee": -0.35,
                "Net": order.total - 0.35,
                "From Email Address": order.email,
                "Transaction ID": order.names["paypal"],
                "Invoice Number": f"WC-{order.number}",
                "Reference Txn ID": "",
            }
        )
    return table_of(rows)


def paypal_cases(orders: Sequence[Order], zone: str) -> Table:
    return table_of(
        [
            {
                "Case ID": order.names["case"],
                "Transaction ID": order.names["paypal"],
                "Case Type": "Dispute",
                "Case Reason": order.reason,
                "Case Filing Date": order.disputed.strftime("%Y/%m/%d %H:%M:%S +0000"),
                "Case Status": "Open",
                "Disputed Amount": order.total,
                "Disputed Currency": "EUR",
            }
            for order in orders
            if order.disputed
        ]
    )


Writer = Callable[[Sequence[Order], str], Table]
# by kind of shop: its files, and whose reasons its disputes have
SHOPS: dict[str, tuple[dict[str, Writer], str]] = {
    "Shopify and Stripe": (
        {
            "orders_export_1.csv": shopify_orders,
            "payments.csv": stripe_payments,
            "disputes 2026-11-01.csv": stripe_disputes,
        },
        "stripe",
    ),
    "WooCommerce and PayPal": (
        {
            "order_export_2026-11-01.csv": woo_webtoffee,
            "Download.CSV": paypal_activity,
            "cases.csv": paypal_cases,
        },
        "paypal",
    ),
    "WooCommerce, second plugin": (
        {
            "orders-2026-11.csv": woo_advanced,
            "Download.csv": paypal_activity,
            "cases.csv": paypal_cases,
        },
        "paypal",
    ),
    "WooCommerce report": (
        {
            "wc-orders-report-export.csv": woo_analytics,
            "Download.csv": paypal_activity,
            "cases.csv": paypal_cases,
        },
        "paypal",
    ),
}
