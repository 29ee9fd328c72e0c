"""Product family: how this product, its supplier and its category have done so far."""

from __future__ import annotations

import polars as pl

from features.clock import days_between
from features.feature import LOW, Feature
from features.totals.entity_totals import LOOKBACKS, OPEN
from features.totals.family_inputs import FamilyInputs
from features.totals.order_facts import CENTS
from features.totals.smoothing import chained_share, dispute_share, smoothed_mean

FEATURES = [
    *(
        Feature(
            f"product_dispute_share_{days}d",
            "share of ended orders",
            "a product that disappointed will again; few orders count little",
            f"{{value:.0%}} of this product's orders that ended in the last {days} days were disputed "
            "(few orders lean on its supplier's share)",
        )
        for days in LOOKBACKS
    ),
    Feature(
        "product_not_received_share_365d",
        "share of ended orders",
        "bad packing loses parcels",
        "{value:.1%} of this product's orders were disputed as not received over the last year",
    ),
    Feature(
        "product_not_as_described_share_365d",
        "share of ended orders",
        "a listing that promises too much",
        "{value:.1%} of this product's orders were disputed as not as described over the last year",
    ),
    Feature(
        "product_refunded_share_365d",
        "share of ended orders",
        "what had to be paid back before",
        "{value:.1%} of this product's orders were refunded after a dispute over the last year",
    ),
    *(
        Feature(f"product_count_orders_{days}d", "orders", "how well this product is known")
        for days in LOOKBACKS
    ),
    Feature(
        "product_stars_365d",
        "stars, 1 to 5, leaned on its category",
        "buyers say it in stars before they dispute",
        "this product is rated {value:.1f} stars",
        worse=LOW,
    ),
    Feature(
        "product_stars_trend",
        "stars of 90 days less those of 365",
        "a batch that got worse",
        "this product's rating moved by {value:+.1f} stars of late",
        worse=LOW,
        norm=0.0,
    ),
    Feature("product_returning_share_365d", "share of orders", "who was content comes again"),
    Feature(
        "product_listed_days",
        "days",
        "a new listing has not shown its faults yet",
        "this product was listed {value:.0f} days ago",
        worse=LOW,
    ),
    *(
        Feature(
            f"supplier_dispute_share_{days}d",
            "share of ended orders",
            "quality and packing are the supplier's habit",
            f"{{value:.0%}} of this supplier's orders that ended in the last {days} days were disputed",
        )
        for days in LOOKBACKS
    ),
    Feature(
        "supplier_not_as_described_share_365d",
        "share of ended orders",
        "quality is the supplier's habit",
        "{value:.1%} of this supplier's orders were disputed as not as described over the last year",
    ),
    Feature(
        "supplier_stars_365d",
        "stars, 1 to 5",
        "what buyers think of all this supplier makes",
        "this supplier's products are rated {value:.1f} stars",
        worse=LOW,
    ),
    Feature(
        "supplier_count_orders_90d",
        "orders",
        "a supplier with a sudden rush falls behind",
        theme="dispatch",
    ),
    Feature(
        "supplier_rush",
        "orders of 30 days beside those of 365, a day; 1 is usual",
        "a supplier with a sudden rush falls behind",
        "this supplier gets {value:.1f} times its usual orders",
        theme="dispatch",
        norm=1.0,
    ),
    Feature(
        "supplier_count_open_orders",
        "orders",
        "work in hand delays the next order",
        "open orders of this supplier: {value:.0f}",
        theme="dispatch",
    ),
    Feature(
        "category_dispute_share_365d",
        "share of ended orders",
        "some kinds of goods disappoint more",
        "{value:.0%} of the orders of this category were disputed over the last year",
    ),
    Feature(
        "category_not_as_described_share_365d",
        "share of ended orders",
        "sizes and fragile goods disappoint",
        "{value:.1%} of the orders of this category were disputed as not as described over the last year",
    ),
    Feature("category_refunded_share_365d", "share of ended orders", "easy refunds are asked for"),
    # not said: the order's value is, and says the same
    Feature("product_unit_price_usd", "USD", "expectations grow with the price", theme="order"),
    Feature(
        "product_weight_g",
        "grams",
        "heavy goods travel slowly and break",
        "the product weighs {value:,.0f} g",
    ),
    Feature(
        "product_count_photos",
        "photos",
        "a thin listing leaves room for surprise",
        "the listing has {value:.0f} photos",
        worse=LOW,
    ),
]
PRODUCT = ["product_id", "supplier_id", "category", "store_id"]
SUPPLIER, CATEGORY = ["supplier_id", "store_id"], ["category", "store_id"]
# what buyers of a marketplace give on average: few complain in stars
USUAL_STARS = 4.5


def build(view: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order; shares without the order itself."""
    product, supplier = view.totals["product_id"], view.totals["supplier_id"]
    usual = pl.Series("stars", [USUAL_STARS]).new_from_index(0, view.rows.height)
    category_stars, supplier_stars = (
        _stars(view, "category", 365, usual),
        _stars(view, "supplier_id", 365, usual),
    )
    stars = _stars(view, "product_id", 365, category_stars)
    by_lookback = {
        f"product_dispute_share_{d}d": dispute_share(view, PRODUCT, d) for d in LOOKBACKS
    }
    by_lookback |= {
        f"supplier_dispute_share_{d}d": dispute_share(view, SUPPLIER, d) for d in LOOKBACKS
    }
    by_lookback |= {f"product_count_orders_{d}d": product[f"count_orders_{d}d"] for d in LOOKBACKS}
    a_year = supplier["count_orders_365d"]
    return view.rows.select(
        **by_lookback,
        product_not_received_share_365d=dispute_share(view, PRODUCT, 365, "count_not_received"),
        product_not_as_described_share_365d=dispute_share(
            view, PRODUCT, 365, "count_not_as_described"
        ),
        product_refunded_share_365d=dispute_share(view, PRODUCT, 365, "count_refunded"),
        product_stars_365d=stars,
        product_stars_trend=_stars(view, "product_id", 90, stars) - stars,
        product_returning_share_365d=chained_share(
            view,
            ["product_id", "store_id"],
            365,
            part="count_returning",
            whole="count_orders",
            start=0.1,
        ),
        product_listed_days=days_between(pl.col("listed_at"), pl.col("as_of")),
        supplier_not_as_described_share_365d=dispute_share(
            view, SUPPLIER, 365, "count_not_as_described"
        ),
        supplier_stars_365d=supplier_stars,
        supplier_count_orders_90d=supplier["count_orders_90d"],
        supplier_rush=(supplier["count_orders_30d"] / 30.0 / (a_year / 365.0)).set(
            a_year == 0, None
        ),
        supplier_count_open_orders=supplier[OPEN],
        category_dispute_share_365d=dispute_share(view, CATEGORY, 365),
        category_not_as_described_share_365d=dispute_share(
            view, CATEGORY, 365, "count_not_as_described"
        ),
        category_refunded_share_365d=dispute_share(view, CATEGORY, 365, "count_refunded"),
        product_unit_price_usd="unit_price_usd",
        product_weight_g="weight_g",
        product_count_photos="count_photos",
    ).select(feature.name for feature in FEATURES)


def _stars(view: FamilyInputs, entity: str, lookback: int, prior: pl.Series) -> pl.Series:
    totals = view.totals[entity]
    return smoothed_mean(
        totals, "sum_star_hundredths", "count_reviews", lookback, prior=prior, unit=CENTS
    )
