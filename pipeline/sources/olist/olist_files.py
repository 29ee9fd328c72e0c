"""Read and check the eight files of the Olist export; keep the good rows and report the others."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.sources.checked_file import INCOMPLETE, CheckedFile, open_checked
from pipeline.sources.csv_text import ROW
from pipeline.sources.source_context import SourceContext

ZONE = "America/Sao_Paulo"

PURCHASED, APPROVED = "order_purchase_timestamp", "order_approved_at"
HANDED_OVER, DELIVERED = "order_delivered_carrier_date", "order_delivered_customer_date"
# `lenght` is how the export spells it
PRODUCT_NUMBERS = {
    "product_photos_qty": "count_photos",
    "product_weight_g": "weight_g",
    "product_name_lenght": "count_title_letters",
    "product_description_lenght": "count_description_letters",
    "product_length_cm": "length_cm",
    "product_width_cm": "width_cm",
    "product_height_cm": "height_cm",
}
PROMISED, ANSWERED = "order_estimated_delivery_date", "review_answer_timestamp"


@dataclass(frozen=True)
class Raw:
    """The good rows of the files, with customers, sellers and category names joined."""

    orders: pl.DataFrame
    lines: pl.DataFrame
    payments: pl.DataFrame
    reviews: pl.DataFrame
    products: pl.DataFrame


def read_files(context: SourceContext) -> tuple[Raw, list[CheckedFile]]:
    """Return the good rows, and every file with its faults."""
    keys = ("customer_id", "customer_unique_id", "customer_state")
    customers = _read(context, "customers", *keys, absent=("customer_zip_code_prefix",))
    customers.unique("customer_id")
    absent = ("seller_zip_code_prefix",)
    sellers = _read(context, "sellers", "seller_id", "seller_state", absent=absent)
    sellers.unique("seller_id")
    names = open_checked(
        context,
        "product_category_name_translation.csv",
        ["product_category_name", "product_category_name_english"],
    )
    names.require("product_category_name")
    names.unique("product_category_name")
    products = _read_products(context)
    orders = _read_orders(context, customers)
    lines = _read_lines(context, orders, products, sellers)
    payments, reviews = _read_payments(context, orders), _read_reviews(context, orders)
    raw = Raw(
        orders.good_rows().join(customers.good_rows(), on="customer_id"),
        lines.good_rows().join(sellers.good_rows(), on="seller_id"),
        payments.good_rows(),
        reviews.good_rows(),
        products.good_rows().join(names.good_rows(), on="product_category_name", how="left"),
    )
    files = [customers, sellers, names, products, orders, lines, payments, reviews]
    return raw, files


def _read(
    context: SourceContext,
    name: str,
    *columns: str,
    optional: tuple[str, ...] = (),
    absent: tuple[str, ...] = (),
) -> CheckedFile:
    """The file. `optional`: columns whose cells may be empty; `absent`: and that may be missing."""
    needed = [*columns, *optional]
    file = open_checked(context, f"olist_{name}_dataset.csv", needed, optional=absent)
    file.require(*columns)
    return file


def _read_products(context: SourceContext) -> CheckedFile:
    optional = ("product_category_name", "product_photos_qty", "product_weight_g")
    absent = tuple(name for name in PRODUCT_NUMBERS if name not in optional)
    file = _read(context, "products", "product_id", optional=optional, absent=absent)
    for column in PRODUCT_NUMBERS:
        file.number(column, minimum=0)
    file.unique("product_id")
    return file


def _read_orders(context: SourceContext, customers: CheckedFile) -> CheckedFile:
    file = _read(
        context,
        "orders",
        "order_id",
        "customer_id",
        PURCHASED,
        optional=(APPROVED, HANDED_OVER, DELIVERED, PROMISED),
    )
    for column in (PURCHASED, APPROVED, HANDED_OVER, DELIVERED, PROMISED):
        file.instant(column, ZONE)
    for column, verb in (
        (APPROVED, "approved"),
        (HANDED_OVER, "handed over"),
        (DELIVERED, "delivered"),
    ):
        file.not_before(column, PURCHASED, f"{verb} before it was purchased")
    file.refers_to(
        "customer_id",
        customers.good_rows()["customer_id"],
        customers.rejected("customer_id"),
        "customer",
    )
    file.unique("order_id")
    return file


def _read_lines(
    context: SourceContext, orders: CheckedFile, products: CheckedFile, sellers: CheckedFile
) -> CheckedFile:
    key = ("order_id", "order_item_id")
    columns = (*key, "product_id", "seller_id", "price", "freight_value")
    file = _read(context, "order_items", *columns, optional=("shipping_limit_date",))
    file.number("price", minimum=0)
    file.number("freight_value", minimum=0)
    file.instant("shipping_limit_date", ZONE)
    _of_known_order(file, orders)
    file.refers_to(
        "product_id", products.good_rows()["product_id"], products.rejected("product_id"), "product"
    )
    file.refers_to(
        "seller_id", sellers.good_rows()["seller_id"], sellers.rejected("seller_id"), "seller"
    )
    # the lines of an order that was refused itself are refused because of it
    is_good = ~pl.col(ROW).is_in(orders.bad_rows()[ROW].implode())
    incomplete = pl.col("order_id").is_in(file.rejected("order_id").implode())
    orders.reject(is_good & incomplete, "order_id", INCOMPLETE, is_cascade=True)
    file.unique(*key)
    return file


def _read_payments(context: SourceContext, orders: CheckedFile) -> CheckedFile:
    key = ("order_id", "payment_sequential")
    names = ("payment_installments", "payment_value")
    file = _read(context, "order_payments", *key, *names, absent=("payment_type",))
    file.number("payment_installments", minimum=0)
    file.number("payment_value", minimum=0)
    _of_known_order(file, orders)
    file.unique(*key)
    return file


def _read_reviews(context: SourceContext, orders: CheckedFile) -> CheckedFile:
    file = _read(
        context, "order_reviews", "order_id", "review_score", ANSWERED, optional=("review_id",)
    )
    file.number("review_score", minimum=1, maximum=5)
    file.instant(ANSWERED, ZONE)
    _of_known_order(file, orders)
    purchased = orders.good_rows().select("order_id", PURCHASED)
    file.rows = file.rows.join(purchased, on="order_id", how="left", maintain_order="left")
    file.not_before(ANSWERED, PURCHASED, "answered before the order was purchased")
    return file


def _of_known_order(file: CheckedFile, orders: CheckedFile) -> None:
    file.refers_to("order_id", orders.good_rows()["order_id"], orders.rejected("order_id"), "order")
