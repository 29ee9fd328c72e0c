"""Order family: what was bought, for how much, when by the buyer's clock, and how long ago."""

from __future__ import annotations

import polars as pl

from features.calendars_and_countries import utc_hours_of
from features.clock import days_between
from features.feature import EITHER, Feature
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import CENTS
from features.totals.smoothing import smoothed_mean

FEATURES = [
    Feature(
        "order_value_usd",
        "USD",
        # without a sentence: there is nothing to do about an order's value
        "more money at risk makes a complaint worth the trouble",
    ),
    Feature(
        "order_shipping_share",
        "share of the total",
        "expensive shipping raises expectations",
        "shipping is {value:.0%} of what the buyer paid",
    ),
    Feature(
        "order_discount_share",
        "share of the list price",
        "buyers forgive a bargain more, or expect it to disappoint",
    ),
    Feature(
        "order_count_units",
        "units",
        "with more units, more can go wrong",
        "{value:.0f} unit(s) in the order",
    ),
    Feature(
        "order_count_lines",
        "lines",
        "with more products, more can disappoint",
        "{value:.0f} product(s) in the order",
    ),
    Feature(
        "order_count_suppliers",
        "suppliers",
        "parcels from several suppliers arrive separately",
        "the order comes from {value:.0f} supplier(s)",
        about="supplier_id",
    ),
    Feature("order_count_installments", "payments", "the buyer may have stretched to afford it"),
    Feature(
        "order_age_days",
        "days",
        "how far along the order is",
        "ordered {value:.0f} day(s) ago",
        theme="logistics",
    ),
    Feature(
        "order_payment_delay_days",
        "days",
        "a slow payment delays everything after it",
        "payment took {value:.1f} day(s) to clear",
        theme="dispatch",
    ),
    Feature(
        "order_days_since_paid",
        "days; null while unpaid",
        "the platform counts its deadlines from the payment",
        theme="logistics",
    ),
    Feature(
        "order_promise_days",
        "days",
        "how long the buyer agreed to wait",
        "the buyer was promised delivery in {value:.0f} day(s)",
        worse=EITHER,
        theme="logistics",
    ),
    Feature(
        "order_local_hour",
        "hour of the buyer's local day, 0 to 24",
        "purchases made late at night are regretted more",
    ),
    Feature(
        "order_local_weekday",
        "0 Monday to 6 Sunday, in the buyer's time zone",
        "weekend orders wait until Monday",
    ),
    Feature(
        "order_price_to_product_usual",
        "ratio; 1 is usual over 365 days",
        "the buyer paid more than others did",
        "the price is {value:.1f} time(s) this product's usual price",
        norm=1.0,
    ),
    Feature(
        "order_price_to_category_usual",
        "ratio; 1 is usual over 365 days",
        "an expensive product must live up to its price",
        "the price is {value:.1f} time(s) the usual price in its category",
        norm=1.0,
        about="category",
    ),
]
# weight of the category's usual price, as a number of order lines
PRICE_STRENGTH = 3.0


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    placed, total = pl.col("placed_at"), pl.col("total_usd")
    list_price = pl.col("items_usd") + pl.col("shipping_usd").fill_null(0.0)
    seconds = utc_hours_of(pl.col("country")) * 3600.0
    local = placed + pl.duration(seconds=seconds.cast(pl.Int64))
    product, category = _usual_prices(inputs)
    price = pl.col("unit_price_usd")
    return inputs.rows.select(
        order_value_usd=total,
        order_shipping_share=pl.when(total > 0).then(pl.col("shipping_usd") / total),
        # rounded to the cent, so that no discount is exactly 0
        order_discount_share=pl.when(list_price > 0).then(
            ((list_price - total) * CENTS).round() * (1.0 / CENTS) / list_price
        ),
        order_count_units="count_units",
        order_count_lines="count_lines",
        order_count_suppliers="count_suppliers",
        order_count_installments="count_installments",
        order_age_days=days_between(placed, pl.col("as_of")),
        order_payment_delay_days=days_between(placed, pl.col("paid_at")),
        order_days_since_paid=days_between(pl.col("paid_at"), pl.col("as_of")),
        order_promise_days=days_between(placed, pl.col("promised_at")),
        order_local_hour=local.dt.hour() + local.dt.minute() * (1.0 / 60.0),
        order_local_weekday=local.dt.weekday() - 1.0,
        order_price_to_product_usual=pl.when(product > 0).then(price / product),
        order_price_to_category_usual=pl.when(category > 0).then(price / category),
    )


def _usual_prices(inputs: FamilyInputs) -> tuple[pl.Expr, pl.Expr]:
    """USD per unit over a year: of the product, shrunk towards its category; of the category."""
    totals = inputs.totals
    no_prior = inputs.rows["unit_price_usd"]
    category = smoothed_mean(
        totals["category"],
        "sum_price_cents",
        "count_lines",
        365,
        prior=no_prior,
        unit=CENTS,
        strength=1.0,
    )
    product = smoothed_mean(
        totals["product_id"],
        "sum_price_cents",
        "count_lines",
        365,
        prior=no_prior,
        unit=CENTS,
        strength=PRICE_STRENGTH,
    )
    return pl.lit(product), pl.lit(category)
