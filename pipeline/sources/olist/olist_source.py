"""SOURCE=olist: the public Olist export, eight CSV files of real Brazilian marketplace orders.

Peculiarities of this source:

- There is no dispute table. A review with a score of 1 or 2 counts as the complaint, opened when
  the review was answered; its cause is unknown.
- Outcomes are partial. An order without a review is unlabelled, never good. Any review ends the
  order, because the buyer has given a verdict.
- `order_status` is the status on the day of the export, not a dated fact, so it is not read. An
  order whose items are missing (it turned out to be unavailable later) has no lines. The missing
  lines reveal the outcome, so such orders are not used for training.
- Times are local to Sao Paulo, without an offset. The seller's dispatch deadline is set when the
  payment is approved.
- The payment methods of an order have no dates. The buyer chooses them at the checkout, so they are
  known with the order. `not_defined` occurs for orders that were cancelled later, so it is not
  read.
- The postal prefixes lost their leading zeros.
- Each date column of the wide order row becomes a separate fact, known when it happened.
"""

from __future__ import annotations

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.olist.olist_files import (
    ANSWERED,
    APPROVED,
    DELIVERED,
    HANDED_OVER,
    PRODUCT_NUMBERS,
    PROMISED,
    PURCHASED,
    ZONE,
    Raw,
    read_files,
)
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

CURRENCY, COUNTRY = "BRL", "BR"
POSTAL_DIGITS = 5
# the method that paid the largest part decides
PAYMENT_TYPES = {
    "credit_card": "card",
    "debit_card": "card",
    "boleto": "bank_transfer",
    "voucher": "voucher",
}
COMPLAINT_SCORE = 2


def read_olist(context: SourceContext) -> StoreData:
    """Read the canonical tables from the export in the context's folder.

    Amounts are converted to USD at the rate in the config. Raises `BadInput` if the rate or a file
    is missing.
    """
    if CURRENCY not in context.usd_per:
        raise BadInput(
            f"config.toml: usd_per has no {CURRENCY}, the currency of this source. "
            "Add its rate, or remove usd_per to use the default rates."
        )
    raw, files = read_files(context)
    return StoreData(_canonical(raw, context.usd_per[CURRENCY]), ZONE, True, files)


def _canonical(raw: Raw, usd_per_brl: float) -> dict[str, pl.DataFrame]:
    reviews = _reviews(raw)
    complaints = reviews.filter(pl.col("score") <= COMPLAINT_SCORE)
    shipped = _fact(raw.orders, HANDED_OVER)
    return {
        "orders": _orders(raw, usd_per_brl),
        "order_lines": _order_lines(raw, usd_per_brl),
        "products": _products(raw),
        "promises": _promises(raw),
        "order_events": pl.concat(
            [
                _fact(raw.orders, APPROVED).with_columns(event=pl.lit("paid")),
                reviews.select(
                    "order_id", "occurred_at", "known_at", event=pl.lit("outcome_observed")
                ),
            ]
        ).with_columns(
            event_id=pl.concat_str("order_id", "event", pl.int_range(pl.len()), separator="/")
        ),
        "shipments": shipped.with_columns(shipment_id="order_id", carrier=pl.lit(None, pl.String)),
        "tracking": _fact(raw.orders, DELIVERED).with_columns(
            scan_id="order_id",
            shipment_id="order_id",
            status=pl.lit("Delivered"),
            sub_status=pl.lit("Delivered_Other"),
            location=pl.lit(None, pl.String),
        ),
        "disputes": complaints.with_columns(
            step_id="review_id",
            dispute_id="review_id",
            line_id=pl.lit(None, pl.String),
            step=pl.lit("opened"),
            cause=pl.lit("unknown"),
            reason=pl.lit(None, pl.String),
            actor=pl.lit("buyer"),
            liable=pl.lit(None, pl.String),
            amount_usd=pl.lit(None, pl.Float64),
        ),
        "reviews": reviews,
    }


def _fact(orders: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row per order with a time in `column`, which is both `occurred_at` and `known_at`."""
    dated = orders.filter(pl.col(column).is_not_null())
    return dated.select("order_id", occurred_at=column, known_at=column)


def _main_lines(raw: Raw) -> pl.DataFrame:
    ordered = raw.lines.sort(
        "order_id", pl.col("order_item_id").cast(pl.Int64, strict=False), "order_item_id"
    )
    return ordered.group_by("order_id", maintain_order=True).agg(
        pl.col("seller_state").first(),
        item=pl.col("price").sum(),
        freight=pl.col("freight_value").sum(),
    )


def _orders(raw: Raw, usd_per_brl: float) -> pl.DataFrame:
    value = pl.col("payment_value")
    payment_type = pl.col("payment_type").replace_strict(
        PAYMENT_TYPES, default=None, return_dtype=pl.String
    )
    largest_first = raw.payments.with_columns(payment_type).sort(
        "order_id",
        "payment_value",
        "payment_type",
        "payment_sequential",
        descending=[False, True, False, False],
    )
    paid = largest_first.group_by("order_id").agg(
        pl.col("payment_installments").max(),
        pl.col("payment_type").first(),
        paid=value.sum(),
        voucher=pl.when(pl.col("payment_type").is_not_null().any()).then(
            value.filter(pl.col("payment_type") == "voucher").sum()
        ),
    )
    rows = raw.orders.join(_main_lines(raw), on="order_id", how="left").join(
        paid, on="order_id", how="left"
    )
    total = pl.coalesce(pl.col("item") + pl.col("freight"), "paid", pl.lit(0.0))
    return rows.select(
        "order_id",
        buyer_id="customer_unique_id",
        store_id=pl.lit("olist"),
        country="customer_state",
        lane=pl.concat_str("seller_state", "customer_state", separator=">"),
        currency=pl.lit(CURRENCY),
        total_usd=total * usd_per_brl,
        shipping_usd=pl.col("freight") * usd_per_brl,
        total_source=total,
        count_installments="payment_installments",
        payment_type="payment_type",
        voucher_usd=pl.col("voucher") * usd_per_brl,
        buyer_country=pl.lit(COUNTRY),
        buyer_postal_prefix=_postal("customer_zip_code_prefix"),
        occurred_at=PURCHASED,
        known_at=PURCHASED,
    )


def _postal(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.zfill(POSTAL_DIGITS)


def _order_lines(raw: Raw, usd_per_brl: float) -> pl.DataFrame:
    return raw.lines.join(raw.orders.select("order_id", PURCHASED), on="order_id").select(
        "order_id",
        # zero-padded, so that text order is numeric order
        line_id=pl.col("order_item_id").str.zfill(3),
        product_id="product_id",
        supplier_id="seller_id",
        quantity=pl.lit(1.0),
        unit_price_usd=pl.col("price") * usd_per_brl,
        shipping_usd=pl.col("freight_value") * usd_per_brl,
        origin_country=pl.lit(COUNTRY),
        supplier_postal_prefix=_postal("seller_zip_code_prefix"),
        occurred_at=PURCHASED,
        known_at=PURCHASED,
    )


def _products(raw: Raw) -> pl.DataFrame:
    """One row per product that was sold, known from its first order.

    The catalogue has no dates, but a product must be listed before it is ordered.
    """
    first_sold = (
        raw.lines.join(raw.orders.select("order_id", PURCHASED), on="order_id")
        .group_by("product_id")
        .agg(first_sold_at=pl.col(PURCHASED).min())
    )
    return raw.products.join(first_sold, on="product_id").select(
        "product_id",
        category=pl.coalesce(
            "product_category_name_english", "product_category_name", pl.lit("unknown")
        ),
        title=pl.lit(None, pl.String),
        **{ours: pl.col(name) for name, ours in PRODUCT_NUMBERS.items()},
        occurred_at="first_sold_at",
        known_at="first_sold_at",
    )


def _promises(raw: Raw) -> pl.DataFrame:
    orders = raw.orders.filter(pl.col(PROMISED).is_not_null()).select(
        "order_id",
        kind=pl.lit("delivery"),
        promised_at=PROMISED,
        occurred_at=PURCHASED,
        known_at=PURCHASED,
    )
    limits = raw.lines.group_by("order_id").agg(promised_at=pl.col("shipping_limit_date").max())
    approved = raw.orders.filter(pl.col(APPROVED).is_not_null())
    dispatch = (
        approved.join(limits, on="order_id")
        .filter(pl.col("promised_at").is_not_null())
        .select(
            "order_id",
            kind=pl.lit("dispatch"),
            promised_at="promised_at",
            occurred_at=APPROVED,
            known_at=APPROVED,
        )
    )
    return pl.concat([orders, dispatch]).with_columns(
        promise_id=pl.concat_str("order_id", "kind", separator="/")
    )


def _reviews(raw: Raw) -> pl.DataFrame:
    """One row per review, numbered within its order: the export repeats or omits review ids."""
    ordered = raw.reviews.sort("order_id", ANSWERED, "review_score")
    return ordered.select(
        "order_id",
        review_id=pl.concat_str("order_id", pl.int_range(pl.len()).over("order_id"), separator="/"),
        score="review_score",
        occurred_at=ANSWERED,
        known_at=ANSWERED,
    )
