"""The product table: rates and their uncertainty per product, supplier or category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.indicators.product_exposure import UNKNOWN
from models.monitoring.rate_changes import OrderCounts
from models.monitoring.sequential_monitoring import FINE
from models.product.beta_rates import Posterior, prior_of, update
from models.product.hierarchical_prior import Families, fit_families
from models.product.lane_buyer_adjustment import Adjustment, Coded, code_parts, fit_adjustment
from models.product.month_factors import expected_without_own, supplier_or_product
from models.product.product_rates import expected_mix, product_posterior, rank_stability
from models.product.product_sums import sum_per_product
from models.product.recent_rates import (
    SUMS,
    product_changes,
    rate_trend,
    supplier_changes,
    trend_with_changes,
    window_columns,
    with_recent_rates,
)

# used to compute other columns only
HIDDEN = window_columns("exposure", "adjusted")


@dataclass(frozen=True)
class Reviewed:
    """What all tables are made from.

    `rows` holds orders x products (features/indicators/product_exposure.py) and `product` their
    product numbers. `products` has one row per product, in the order of `posterior`. `supplier` and
    `category` hold the numbers of each product's supplier and category. `product_changes` and
    `supplier_changes` say whose rate rose, in the order of their numbers.
    """

    rows: pl.DataFrame
    product: Coded
    adjustment: Adjustment
    products: pl.DataFrame
    families: Families
    posterior: Posterior
    supplier: Coded
    category: Coded
    product_changes: pl.DataFrame
    supplier_changes: pl.DataFrame

    @property
    def has_disputes(self) -> bool:
        """Whether any dispute is on record; without one, no product can be judged."""
        return bool(self.rows["is_disputed"].any())


def review_products(rows: pl.DataFrame, as_of_day: int) -> Reviewed:
    """Fit the adjustment, the families and the posterior.

    `rows` is the output of `features.indicators.product_exposure.product_orders`, with at least one
    row.
    """
    product = Coded.of(rows["product_id"])
    disputed, exposure = (
        (rows["is_disputed"].to_numpy() * rows["blame"].to_numpy()).astype(np.float64),
        rows["exposure"].to_numpy(),
    )
    parts = code_parts(rows)
    adjustment = fit_adjustment(product.codes, disputed, exposure, parts)
    products = sum_per_product(rows, product, adjustment, as_of_day)
    supplier, category = Coded.of(products["supplier_id"]), Coded.of(products["category"])
    sums = {name: products[name].to_numpy() for name in ("count_disputes", "adjusted", "exposure")}
    families = fit_families(
        sums["count_disputes"], sums["adjusted"], supplier.codes, category.codes
    )
    posterior = product_posterior(
        families,
        expected_mix(sums["adjusted"], sums["exposure"]),
        sums["count_disputes"],
        sums["adjusted"],
    )
    group = supplier_or_product(supplier, UNKNOWN)
    expected = expected_without_own(adjustment, parts, product.codes, group, disputed, exposure)
    counts = OrderCounts(product.codes, rows["known_day"].to_numpy(), disputed, expected)
    changes = product_changes(counts, products.height, as_of_day)
    return Reviewed(
        rows,
        product,
        adjustment,
        products,
        families,
        posterior,
        supplier,
        category,
        changes,
        supplier_changes(counts, changes, supplier, UNKNOWN, as_of_day),
    )


def product_frame(
    reviewed: Reviewed, *, limit: float, fixed_cost_usd: float, seed: int, stop_factor: float = 2.0
) -> pl.DataFrame:
    """One row per product; docs/explanation/product-rates.md describes the columns."""
    rng = np.random.default_rng(seed)
    families, posterior = reviewed.families, reviewed.posterior
    frame = _with_rates(reviewed.products, posterior, limit, families.rate)
    mix = expected_mix(frame["adjusted"].to_numpy(), frame["exposure"].to_numpy())
    frame = with_recent_rates(frame, prior_of(families.mean * mix, families.variance), limit, mix)
    # one bad product says nothing about the supplier's other products
    is_of_all = pl.when(~pl.col("of_one_product"))
    of_supplier = reviewed.supplier_changes[reviewed.supplier.codes].select(
        supplier_change=is_of_all.then("change").otherwise(pl.lit(FINE)),
        supplier_changed_since=is_of_all.then("changed_since"),
    )
    own = product_posterior(
        families, 1.0, frame["count_disputes"].to_numpy(), frame["adjusted"].to_numpy()
    )
    supplier = families.supplier
    supplier_x, _ = supplier.of(reviewed.supplier.codes, *_own_evidence(reviewed))
    return frame.with_columns(
        pl.Series("rank_stability", rank_stability(posterior, rng)),
        pl.Series("family_rate", families.mean),
        pl.Series("own_rate", own.mean),
        pl.Series("chance_hopeless", own.chance_over(stop_factor * limit)),
        pl.Series("own_chance_over_limit", own.chance_over(limit)),
        pl.Series("product_x", own.mean / families.rate),
        pl.Series("supplier_x", supplier_x),
        pl.Series("category_x", families.category.mean[reviewed.category.codes]),
        *reviewed.product_changes.select("change", "changed_since"),
        *of_supplier,
        rate_trend(frame, families),
        _loss(frame, fixed_cost_usd),
    ).with_columns(trend=trend_with_changes())


def _own_evidence(reviewed: Reviewed) -> tuple[np.ndarray, np.ndarray]:
    """What each product adds to its supplier's factor (models/product/hierarchical_prior.py)."""
    families, products = reviewed.families, reviewed.products
    expected = (
        products["adjusted"].to_numpy()
        * families.rate
        * families.category.mean[reviewed.category.codes]
    )
    share = families.shape / (expected + families.shape)
    return products["count_disputes"].to_numpy() * share, expected * share


def _with_rates(
    frame: pl.DataFrame, posterior: Posterior, limit: float, store_rate: float
) -> pl.DataFrame:
    exposure = pl.col("exposure")
    # an unrecorded cause does not mean that there were no such disputes
    is_cause_known = (pl.col("count_cause_known") > 0) | (pl.col("count_disputes") == 0)
    return frame.with_columns(
        pl.when(is_cause_known).then(pl.col("count_not_received", "count_not_as_described")),
        raw_rate=pl.when(exposure > 0).then(pl.col("count_disputes") / exposure),
        rate=pl.Series(posterior.mean),
        rate_low=pl.Series(posterior.quantile(0.05)),
        rate_high=pl.Series(posterior.quantile(0.95)),
        chance_over_limit=pl.Series(posterior.chance_over(limit)),
        limit=pl.lit(limit),
        store_rate=pl.lit(store_rate),
    )


def _loss(frame: pl.DataFrame, fixed_cost_usd: float) -> pl.Expr:
    """USD lost per 100 units: a dispute costs the price of the goods and a fixed part.

    The nightly list uses the same cost.
    """
    a_dispute = pl.col("value_an_order_usd") + fixed_cost_usd
    return (100.0 / pl.col("units_an_order") * pl.col("rate") * a_dispute).alias(
        "loss_per_100_units_usd"
    )


def group_frame(reviewed: Reviewed, by: str, limit: float) -> pl.DataFrame:
    """One row per supplier or category (`by` is its column), with the figures of its products
    together.
    """
    coded = {"supplier_id": reviewed.supplier, "category": reviewed.category}[by]
    products, families = reviewed.products, reviewed.families
    level = {"supplier_id": families.supplier, "category": families.category}[by]
    weight = pl.col("exposure")
    sums = (
        products.with_columns(lane=pl.col("lane_x") * weight, group=pl.Series(coded.codes))
        .group_by("group")
        .agg(
            pl.len().alias("count_products"),
            pl.col(
                "count_orders",
                "exposure",
                "count_disputes",
                "count_not_received",
                "count_not_as_described",
                "count_cause_known",
                "count_escalated",
                "count_seller_liable",
                "adjusted",
                "lane",
                *SUMS,
            ).sum(),
        )
        .sort("group")
    )
    has_some = weight > 0
    sums = sums.with_columns(
        lane_x=pl.when(has_some).then(pl.col("lane") / weight).otherwise(1.0),
        buyers_x=pl.when(has_some).then(pl.col("adjusted") / pl.col("lane")).otherwise(1.0),
    )
    mix = (sums["lane_x"] * sums["buyers_x"]).to_numpy()
    prior = prior_of(
        families.rate * mix, np.full(sums.height, 1.0 / level.shape + 1.0 / families.shape)
    )
    posterior = update(prior, sums["count_disputes"].to_numpy(), sums["exposure"].to_numpy())
    own = pl.Series("own_x", level.mean)
    rated = _with_rates(sums, posterior, limit, families.rate).with_columns(own)
    rated = with_recent_rates(rated, prior, limit, mix)
    if by == "supplier_id":
        rated = rated.with_columns(*reviewed.supplier_changes.select("change", "changed_since"))
    return rated.select(
        pl.lit(coded.names).alias(by), pl.all().exclude("group", "lane", "adjusted", *HIDDEN)
    )
