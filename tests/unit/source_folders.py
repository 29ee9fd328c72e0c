"""Folders of made-up source files, canonical or Olist, that a test can change before it writes
them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

COUNT = 60
FIRST_PURCHASE = datetime(2018, 1, 1, 9, 30)

Row = dict[str, str]


@dataclass
class Source:
    """The files of a source folder as lists of rows. `write` joins the cells with commas, without
    quotes."""

    kind: str
    files: dict[str, list[Row]]

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        for name, rows in self.files.items():
            lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
            text = "".join(f"{line}\n" for line in lines)
            # a lone surrogate such as \udce9 becomes the byte 0xe9
            (folder / name).write_bytes(text.encode(errors="surrogateescape"))
        if self.kind == "canonical":
            (folder / "store.toml").write_text('zone = "Asia/Shanghai"\n')
        return folder


def _times(number: int, *days: float) -> list[str]:
    bought = FIRST_PURCHASE + timedelta(hours=7 * number)
    return [str(bought + timedelta(days=shift)) for shift in days]


def _canonical_rows(i: int) -> dict[str, Row]:
    bought, shipped, delivered, opened, promised = _times(i, 0, 2, 9, 12, 30)
    order = {"order_id": f"o-{i}"}
    return {
        "orders.csv": {
            **order,
            "buyer_id": f"b-{i}",
            "store_id": "s",
            "country": "US",
            "lane": "Std>US",
            "currency": "USD",
            "total_usd": "21.50",
            "shipping_usd": "1.50",
            "total_source": "21.50",
            "occurred_at": bought,
        },
        "order_lines.csv": {
            **order,
            "line_id": "1",
            "product_id": f"p-{i}",
            "supplier_id": "u",
            "quantity": "1",
            "unit_price_usd": "20.00",
            "shipping_usd": "1.50",
            "occurred_at": bought,
        },
        "promises.csv": {
            "promise_id": f"pr-{i}",
            **order,
            "kind": "delivery",
            "promised_at": promised,
            "occurred_at": bought,
        },
        "products.csv": {
            "product_id": f"p-{i}",
            "category": "shoes",
            "title": f"shoe {i}",
            "weight_g": "300",
            "occurred_at": "2017-12-01",
        },
        "shipments.csv": {
            "shipment_id": f"h-{i}",
            **order,
            "carrier": "Std",
            "occurred_at": shipped,
        },
        "tracking.csv": {
            "scan_id": f"t-{i}",
            "shipment_id": f"h-{i}",
            **order,
            "status": "Delivered",
            "occurred_at": delivered,
        },
        "disputes.csv": {
            "step_id": f"st-{i}",
            "dispute_id": f"d-{i}",
            **order,
            "step": "opened",
            "cause": "other",
            "amount_usd": "5.00",
            "occurred_at": opened,
        },
    }


def _olist_rows(i: int) -> dict[str, Row]:
    bought, approved, shipped, delivered, answered, promised = _times(i, 0, 0.1, 2, 9, 12, 30)
    order = {"order_id": f"o-{i}"}
    return {
        "olist_customers_dataset.csv": {
            "customer_id": f"c-{i}",
            "customer_unique_id": f"b-{i}",
            "customer_city": "x",
            "customer_state": "SP",
        },
        "olist_sellers_dataset.csv": {
            "seller_id": f"u-{i}",
            "seller_city": "x",
            "seller_state": "RJ",
        },
        "product_category_name_translation.csv": {
            "product_category_name": f"categoria {i}",
            "product_category_name_english": f"category {i}",
        },
        "olist_products_dataset.csv": {
            "product_id": f"p-{i}",
            "product_category_name": f"categoria {i}",
            "product_photos_qty": "2",
            "product_weight_g": "300",
        },
        "olist_orders_dataset.csv": {
            **order,
            "customer_id": f"c-{i}",
            "order_status": "delivered",
            "order_purchase_timestamp": bought,
            "order_approved_at": approved,
            "order_delivered_carrier_date": shipped,
            "order_delivered_customer_date": delivered,
            "order_estimated_delivery_date": promised,
        },
        "olist_order_items_dataset.csv": {
            **order,
            "order_item_id": "1",
            "product_id": f"p-{i}",
            "seller_id": f"u-{i}",
            "shipping_limit_date": promised,
            "price": "20.00",
            "freight_value": "1.50",
        },
        "olist_order_payments_dataset.csv": {
            **order,
            "payment_sequential": "1",
            "payment_installments": "1",
            "payment_value": "21.50",
        },
        "olist_order_reviews_dataset.csv": {
            "review_id": f"r-{i}",
            **order,
            "review_score": "1",
            "review_answer_timestamp": answered,
        },
    }


def sound_source(kind: str) -> Source:
    """A `canonical` or `olist` source of 60 orders without faults, one row per order in each
    file."""
    make_rows = {"canonical": _canonical_rows, "olist": _olist_rows}[kind]
    orders = [make_rows(i) for i in range(COUNT)]
    return Source(kind, {name: [order[name] for order in orders] for name in orders[0]})
