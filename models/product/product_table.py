"""The product table: rates and their uncertainty per product, supplier or category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.indicators.product_exposure import UNKNOWN
from models.product.beta_rates import Posterior, prior_of, update
from models.product.hierarchical_prior import Families, fit_families
from models.product.lane_buyer_adjustment import Adjustment, Coded, code_parts, fit_adjustment
from models.product.product_rates import (
    chance_risen,
    expected_mix,
    product_posterior,
    rank_stability,
)
from models.product.product_sums import sum_per_product

SURE_TREND = 0.9


@dataclass(frozen=True)
class Reviewed:
    """What all tables are made from.

    `rows` holds orders x products (features/indicators/product_exposure.py) and `product` their
    product numbers. `products` has one row per product, in the order of `posterior`. `supplier` and
    `category` hold the numbers of each product's supplier and category.
    """

    rows: pl.DataFrame
    product: Coded
    adjustment: Adjustment
    products: pl.DataFrame
    families: Families
    posterior: Posterior
    supplier: Coded
    category: Coded

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
    adjustment = fit_adjustment(product.codes, disputed, exposure, code_parts(rows))
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
    return Reviewed(rows, product, adjustment, products, families, posterior, supplier, category)


def product_frame(
    reviewed: Reviewed, *, limit: float, fixed_cost_usd: float, seed: int, stop_factor: float = 2.0
) -> pl.DataFrame:
    """One row per product; docs/explanation/product-rates.md describes the columns."""
    rng = np.random.default_rng(seed)
    families, posterior = reviewed.families, reviewed.posterior
    frame = _with_rates(reviewed.products, posterior, limit, families.rate)
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
        _trend(frame, families),
        _loss(frame, fixed_cost_usd),
    )


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


def _trend(frame: pl.DataFrame, families: Families) -> pl.Expr:
    """Compare the last 90 days with the time before: rising, falling or steady.

    Null where either has no orders.
    """
    sums = {
        name: frame[name].to_numpy()
        for name in ("count_disputes", "adjusted", "recent_disputes", "recent_adjusted")
    }
    recent = (sums["recent_disputes"], sums["recent_adjusted"] * families.mean)
    before = (
        sums["count_disputes"] - recent[0],
        np.maximum(sums["adjusted"] * families.mean - recent[1], 0.0),
    )
    chance = pl.lit(pl.Series(chance_risen(families.shape, recent, before)))
    has_both = pl.lit(pl.Series((recent[1] > 0) & (before[1] > 0)))
    word = (
        pl.when(chance >= SURE_TREND)
        .then(pl.lit("rising"))
        .when(chance <= 1 - SURE_TREND)
        .then(pl.lit("falling"))
    )
    return pl.when(has_both).then(word.otherwise(pl.lit("steady"))).alias("trend")


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
    return rated.select(
        pl.lit(coded.names).alias(by), pl.all().exclude("group", "lane", "adjusted")
    )


def notes(frame: pl.DataFrame) -> pl.Expr:
    """What a reader must know about a row before trusting it; empty if there is nothing."""
    alone = pl.col("category").is_in(
        frame.filter(pl.col("category") != UNKNOWN)["category"]
        .value_counts()
        .filter(pl.col("count") == 1)["category"]
        .to_list()
    )
    remarks = [
        (~pl.col("is_in_catalogue"), "sold, but not in the catalogue: its category is unknown"),
        (
            pl.col("is_in_catalogue") & (pl.col("category") == UNKNOWN),
            "no category in the catalogue",
        ),
        (pl.col("supplier_id") == UNKNOWN, "no supplier on record"),
        (
            pl.col("count_split") > 0,
            "disputes that name no item count in equal parts for the items of their order",
        ),
        (alone, "the only product in its category: judged by its supplier and the store"),
        (pl.col("exposure") <= 0, "no matured orders: the rate is its family's, not its own"),
        (
            pl.col("value_an_order_usd") <= 0,
            "no price on record: the loss only counts the fixed cost of a dispute",
        ),
    ]
    return pl.concat_str(
        [pl.when(when).then(pl.lit(text)) for when, text in remarks],
        separator="; ",
        ignore_nulls=True,
    ).alias("note")
