"""Product family: how this product, its supplier and its category have done so far."""

from __future__ import annotations

import polars as pl

from features.clock import days_between
from features.feature import LOW, Feature
from features.totals.entity_measures import LOOKBACKS, OPEN
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import CENTS
from features.totals.smoothing import chained_share, dispute_share, smoothed_mean

FEATURES = [
    *(
        Feature(
            f"product_dispute_share_{days}d",
            "share of ended orders",
            "a product that disappointed buyers will do so again",
            f"{{value:.0%}} of this product's orders that ended in the last {days} days were "
            "disputed, adjusted if orders are few",
            needs=f"product_count_orders_{days}d",
            is_monotone=True,
        )
        for days in LOOKBACKS
    ),
    Feature(
        "product_not_received_share_365d",
        "share of ended orders",
        "badly packed parcels get lost",
        "{value:.1%} of this product's orders in the last year had a not-received dispute",
        needs="product_count_orders_365d",
        is_monotone=True,
    ),
    Feature(
        "product_not_as_described_share_365d",
        "share of ended orders",
        "the listing may promise too much",
        "{value:.1%} of this product's orders in the last year had a not-as-described dispute",
        needs="product_count_orders_365d",
        is_monotone=True,
    ),
    Feature(
        "product_refunded_share_365d",
        "share of ended orders",
        "refunds of the past point to refunds to come",
        "{value:.1%} of this product's orders in the last year were refunded after a dispute",
        needs="product_count_orders_365d",
        is_monotone=True,
    ),
    *(
        Feature(f"product_count_orders_{days}d", "orders", "how much is known about this product")
        for days in LOOKBACKS
    ),
    Feature(
        "product_stars_365d",
        "stars, 1 to 5, shrunk towards its category",
        "buyers give few stars before they dispute",
        "this product is rated {value:.1f} star(s)",
        worse=LOW,
        is_monotone=True,
    ),
    Feature(
        "product_stars_trend",
        "stars over 90 days minus stars over 365 days",
        "a batch may be worse than earlier ones",
        "this product's rating changed by {value:+.1f} star(s) recently",
        worse=LOW,
        norm=0.0,
    ),
    Feature("product_returning_share_365d", "share of orders", "satisfied buyers come back"),
    Feature(
        "product_listed_days",
        "days",
        "a new listing has not shown its faults yet",
        "this product was listed {value:.0f} day(s) ago",
        worse=LOW,
    ),
    *(
        Feature(
            f"supplier_dispute_share_{days}d",
            "share of ended orders",
            "quality and packing depend on the supplier",
            f"{{value:.0%}} of this supplier's orders that ended in the last {days} days "
            "were disputed",
            needs="supplier_count_orders_90d",
            is_monotone=True,
        )
        for days in LOOKBACKS
    ),
    Feature(
        "supplier_not_as_described_share_365d",
        "share of ended orders",
        "quality depends on the supplier",
        "{value:.1%} of this supplier's orders in the last year had a not-as-described dispute",
        needs="supplier_count_orders_90d",
        is_monotone=True,
    ),
    Feature(
        "supplier_stars_365d",
        "stars, 1 to 5",
        "what buyers think of all products of this supplier",
        "this supplier's products are rated {value:.1f} star(s)",
        worse=LOW,
        is_monotone=True,
    ),
    Feature(
        "supplier_count_orders_90d",
        "orders",
        "a supplier with a sudden rush falls behind",
        theme="dispatch",
    ),
    Feature(
        "supplier_rush",
        "orders per day over 30 days / over 365 days; 1 is usual",
        "a supplier with a sudden rush falls behind",
        "this supplier gets {value:.1f} time(s) its usual number of orders",
        theme="dispatch",
        norm=1.0,
    ),
    Feature(
        "supplier_count_open_orders",
        "orders",
        "unfinished orders delay the next one",
        "open orders with this supplier: {value:.0f}",
        theme="dispatch",
    ),
    Feature(
        "category_dispute_share_365d",
        "share of ended orders",
        "some kinds of goods disappoint more",
        "{value:.0%} of the orders in this category were disputed in the last year",
        is_monotone=True,
    ),
    Feature(
        "category_not_as_described_share_365d",
        "share of ended orders",
        "clothing sizes and fragile goods disappoint",
        "{value:.1%} of this category's orders in the last year had a not-as-described dispute",
        is_monotone=True,
    ),
    Feature(
        "category_refunded_share_365d",
        "share of ended orders",
        "buyers ask for refunds that are easy to get",
        is_monotone=True,
    ),
    # without a sentence: the order's value already says the same
    Feature("product_unit_price_usd", "USD", "expectations grow with the price", theme="order"),
    Feature(
        "product_weight_g",
        "grams",
        "heavy goods travel slowly and break easily",
        "the product weighs {value:,.0f} g",
    ),
    Feature(
        "product_count_photos",
        "photos",
        "a listing with few photos leaves room for surprise",
        "the listing has {value:.0f} photo(s)",
        worse=LOW,
    ),
]
PRODUCT = ["product_id", "supplier_id", "category", "store_id"]
SUPPLIER, CATEGORY = ["supplier_id", "store_id"], ["category", "store_id"]
# average rating on a marketplace: few buyers complain through stars
USUAL_STARS = 4.5


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order; the order itself counts in no share."""
    supplier = inputs.totals["supplier_id"]
    orders_365d = supplier["count_orders_365d"]
    return inputs.rows.select(
        **_by_lookback(inputs),
        **_ratings(inputs),
        product_not_received_share_365d=dispute_share(inputs, PRODUCT, 365, "count_not_received"),
        product_not_as_described_share_365d=dispute_share(
            inputs, PRODUCT, 365, "count_not_as_described"
        ),
        product_refunded_share_365d=dispute_share(inputs, PRODUCT, 365, "count_refunded"),
        product_returning_share_365d=chained_share(
            inputs,
            ["product_id", "store_id"],
            365,
            part="count_returning",
            whole="count_orders",
            start=0.1,
        ),
        product_listed_days=days_between(pl.col("listed_at"), pl.col("as_of")),
        supplier_not_as_described_share_365d=dispute_share(
            inputs, SUPPLIER, 365, "count_not_as_described"
        ),
        supplier_count_orders_90d=supplier["count_orders_90d"],
        supplier_rush=(supplier["count_orders_30d"] / 30.0 / (orders_365d / 365.0)).set(
            orders_365d == 0, None
        ),
        supplier_count_open_orders=supplier[OPEN],
        category_dispute_share_365d=dispute_share(inputs, CATEGORY, 365),
        category_not_as_described_share_365d=dispute_share(
            inputs, CATEGORY, 365, "count_not_as_described"
        ),
        category_refunded_share_365d=dispute_share(inputs, CATEGORY, 365, "count_refunded"),
        product_unit_price_usd="unit_price_usd",
        product_weight_g="weight_g",
        product_count_photos="count_photos",
    ).select(feature.name for feature in FEATURES)


def _by_lookback(inputs: FamilyInputs) -> dict[str, pl.Series]:
    """Name -> values of the features with one column per lookback."""
    product = inputs.totals["product_id"]
    columns = {f"product_dispute_share_{d}d": dispute_share(inputs, PRODUCT, d) for d in LOOKBACKS}
    columns |= {
        f"supplier_dispute_share_{d}d": dispute_share(inputs, SUPPLIER, d) for d in LOOKBACKS
    }
    return columns | {
        f"product_count_orders_{d}d": product[f"count_orders_{d}d"] for d in LOOKBACKS
    }


def _ratings(inputs: FamilyInputs) -> dict[str, pl.Series]:
    """Name -> values of the features about stars."""
    prior = pl.Series("stars", [USUAL_STARS]).new_from_index(0, inputs.rows.height)
    stars = _stars(inputs, "product_id", 365, _stars(inputs, "category", 365, prior))
    return {
        "product_stars_365d": stars,
        "product_stars_trend": _stars(inputs, "product_id", 90, stars) - stars,
        "supplier_stars_365d": _stars(inputs, "supplier_id", 365, prior),
    }


def _stars(inputs: FamilyInputs, entity: str, lookback: int, prior: pl.Series) -> pl.Series:
    """Mean stars of the entity, shrunk towards `prior`."""
    totals = inputs.totals[entity]
    return smoothed_mean(
        totals, "sum_star_hundredths", "count_reviews", lookback, prior=prior, unit=CENTS
    )
