"""What to do about a product, and why, in one sentence.

A product is accused only where its rate is over the limit with the chance `sure`. Then: is it the
lane? Its rate on average lanes and before average buyers would not be over the limit, and its lanes
multiply the rate: change the carrier. Is it the product? It is so far over that nothing mends it,
or it loses money: stop. Its supplier's other products are disputed as well: change the supplier.
Else its own promise is at fault: fix the listing.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

KEEP, LISTING, SUPPLIER = "keep", "fix the listing", "change the supplier"
CARRIER, STOP = "change the carrier", "stop"
# parts that multiply a rate by more are worth naming
NOTABLE = 1.25


@dataclass(frozen=True)
class VerdictRules:
    """`sure`: chance from which a product is accused; `stop_factor`: so far over is hopeless."""

    limit: float
    sure: float
    stop_factor: float


def add_verdict(products: pl.DataFrame, rules: VerdictRules) -> pl.DataFrame:
    """`products` as `product_frame` gives them, with `margin_per_100_units_usd` (null: no cost
    known): with `verdict` and `why`. `chance_hopeless` is that of being over stop_factor x
    limit."""
    sure = pl.lit(rules.sure)
    is_over = pl.col("chance_over_limit") >= sure
    is_own = pl.col("own_chance_over_limit") >= sure
    is_over = is_over | is_own
    is_lane = ~is_own & (pl.col("lane_x") >= NOTABLE) & (pl.col("lane_x") >= pl.col("buyers_x"))
    # what is over with its lanes and buyers as they are, on neither's account alone
    is_buyers = ~is_own & ~is_lane & (pl.col("buyers_x") >= NOTABLE)
    is_hopeless = (pl.col("chance_hopeless") >= sure) | (
        pl.col("margin_per_100_units_usd") < 0
    ).fill_null(False)
    is_supplier = pl.col("supplier_x") >= NOTABLE
    verdict = (
        pl.when(is_over & is_lane)
        .then(pl.lit(CARRIER))
        .when(~is_over | is_buyers)
        .then(pl.lit(KEEP))
        .when(is_hopeless)
        .then(pl.lit(STOP))
        .when(is_supplier)
        .then(pl.lit(SUPPLIER))
        .otherwise(pl.lit(LISTING))
    )
    return products.with_columns(verdict=verdict).with_columns(why=_why(is_over & is_buyers))


def _why(is_buyers: pl.Expr) -> pl.Expr:
    verdict = pl.col("verdict")
    counts = pl.format(
        "{} disputes in {} orders ({} matured)",
        pl.col("count_disputes").cast(pl.Int64),
        "count_orders",
        pl.col("exposure").round(1),
    )
    rate = pl.format(
        "rate {} % (90 %: {} to {})", _percent("rate"), _percent("rate_low"), _percent("rate_high")
    )
    chance = pl.format(
        "{} % likely over {} %", (pl.col("chance_over_limit") * 100).round(0), _percent("limit")
    )
    lane = pl.format(
        "its lanes multiply disputes by {}; on average lanes it would be {} %",
        _times("lane_x"),
        _percent("own_rate"),
    )
    supplier = pl.format(
        "its supplier's other products are disputed {} times as often as usual",
        _times("supplier_x"),
    )
    own = pl.format(
        "on average lanes it would still be {} %, {} times the store's",
        _percent("own_rate"),
        _times("product_x"),
    )
    described = pl.format(
        "{} of them not as described", pl.col("count_not_as_described").cast(pl.Int64)
    )
    described = described.fill_null("why they were opened is not on record")
    buyers = pl.format(
        "its buyers and months multiply disputes by {}, not the goods", _times("buyers_x")
    )
    reason = (
        pl.when(verdict == CARRIER)
        .then(lane)
        .when(verdict == SUPPLIER)
        .then(supplier)
        .when(verdict == STOP)
        .then(
            pl.when((pl.col("margin_per_100_units_usd") < 0).fill_null(False))
            .then(
                pl.format(
                    "after disputes 100 units lose {} USD",
                    (-pl.col("margin_per_100_units_usd")).round(0),
                )
            )
            .otherwise(own)
        )
        .when(verdict == LISTING)
        .then(pl.concat_str([own, pl.lit("; "), described]))
        .when(is_buyers)
        .then(buyers)
        .when(pl.col("exposure") <= 0)
        .then(pl.lit("nothing has matured: this is what its family does"))
        .when(pl.col("chance_over_limit") > 0.5)
        .then(pl.lit("more likely over than not, too few orders to accuse it"))
        .when(pl.col("chance_over_limit") > 0.2)
        .then(pl.lit("may be over; watch it"))
        .otherwise(pl.lit("nothing speaks against it"))
    )
    return pl.concat_str([counts, rate, chance, reason], separator="; ")


def _percent(name: str) -> pl.Expr:
    return (pl.col(name) * 100.0).round(1)


def _times(name: str) -> pl.Expr:
    return pl.col(name).round(1)
