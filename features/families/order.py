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
        "more money at risk makes a complaint worth the trouble",
        "the order is worth {value:.2f} USD",
        worse=EITHER,
    ),
    Feature(
        "order_shipping_share",
        "share of the total",
        "dear shipping raises expectations",
        "shipping is {value:.0%} of what the buyer paid",
    ),
    Feature(
        "order_discount_share",
        "share of the list total",
        "a bargain is forgiven more, or expected to disappoint",
    ),
    Feature(
        "order_count_units",
        "units",
        "more units, more that can go wrong",
        "{value:.0f} units in the order",
    ),
    Feature(
        "order_count_lines",
        "lines",
        "several products, several ways to disappoint",
        "{value:.0f} products in the order",
    ),
    Feature(
        "order_count_suppliers",
        "suppliers",
        "parcels from several suppliers arrive apart",
        "the order comes from {value:.0f} suppliers",
    ),
    Feature("order_count_installments", "payments", "a purchase that was stretched to afford"),
    Feature(
        "order_age_days",
        "days",
        "how far along its life the order is",
        "ordered {value:.0f} days ago",
        theme="logistics",
    ),
    Feature(
        "order_payment_delay_days",
        "days",
        "a payment that took long delays all that follows",
        "payment took {value:.1f} days to clear",
        theme="dispatch",
    ),
    Feature(
        "order_days_since_paid",
        "days; null while unpaid",
        "the platform's clocks start with the payment",
        theme="logistics",
    ),
    Feature(
        "order_promise_days",
        "days",
        "how long the buyer agreed to wait",
        "the buyer was promised {value:.0f} days",
        worse=EITHER,
        theme="logistics",
    ),
    Feature(
        "order_local_hour",
        "hour of the buyer's day, 0 to 24",
        "what is bought late at night is regretted more",
    ),
    Feature(
        "order_local_weekday",
        "0 Monday to 6 Sunday, where the buyer is",
        "orders of the weekend wait for Monday",
    ),
    Feature(
        "order_price_to_product_usual",
        "ratio; 1 is usual over 365 days",
        "a buyer who paid more than others did",
        "the price is {value:.1f} times this product's usual one",
        norm=1.0,
    ),
    Feature(
        "order_price_to_category_usual",
        "ratio; 1 is usual over 365 days",
        "a dear product must keep its promise",
        "the price is {value:.1f} times the usual one of its category",
        norm=1.0,
    ),
]
# earlier lines that the usual price of the larger group counts as
PRICE_STRENGTH = 3.0


def build(view: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    placed, total = pl.col("placed_at"), pl.col("total_usd")
    full = pl.col("items_usd") + pl.col("shipping_usd").fill_null(0.0)
    seconds = utc_hours_of(pl.col("country")) * 3600.0
    local = placed + pl.duration(seconds=seconds.cast(pl.Int64))
    product, category = _usual_prices(view)
    price = pl.col("unit_price_usd")
    return view.rows.select(
        order_value_usd=total,
        order_shipping_share=pl.when(total > 0).then(pl.col("shipping_usd") / total),
        # to the cent: no discount is 0 and not the last bit of a difference
        order_discount_share=pl.when(full > 0).then(
            ((full - total) * CENTS).round() * (1.0 / CENTS) / full
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


def _usual_prices(view: FamilyInputs) -> tuple[pl.Expr, pl.Expr]:
    """USD a unit over a year: of the product, leaned on its category; of the category, leaned on
    nothing."""
    totals = view.totals
    no_prior = view.rows["unit_price_usd"]
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
