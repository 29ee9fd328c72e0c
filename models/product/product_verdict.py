"""Decide what to do about a product, and explain why in one sentence.

A product is flagged only if its rate is over the limit with probability `sure`. Then the cause is
looked for in this order. The lane: at average lanes and buyers its rate would not be over the
limit, and its lanes multiply the rate; change the carrier. The product: it is so far over that
nothing can fix it, or it loses money; stop. The supplier: its other products are disputed as well;
change the supplier. Otherwise its own promise is at fault; fix the listing.

A product that is not flagged is not kept in silence if its rate, or that of its supplier, rose
(models/monitoring/rate_changes.py): the year's average hides a change of the last weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from models.monitoring.sequential_monitoring import ACT, FINE
from models.product.recent_rates import window_columns

KEEP, LISTING, SUPPLIER = "keep", "fix the listing", "change the supplier"
CARRIER, STOP, CHANGED = "change the carrier", "stop", "check what changed"
NOT_JUDGED = "not judged"
NO_DISPUTES = (
    "no dispute is on record in the lookback, so nothing is known: load the disputes, then review"
)
# what rests on the number of disputes
RESTS_ON_DISPUTES = (
    "raw_rate",
    "rate",
    "rate_low",
    "rate_high",
    "chance_over_limit",
    "rank_stability",
    "trend",
    "change",
    "changed_since",
    "supplier_change",
    *window_columns("expected", "rate"),
    "chance_over_limit_90d",
    "own_rate",
    "product_x",
    "supplier_x",
    "category_x",
    "family_rate",
    "loss_per_100_units_usd",
    "margin_per_100_units_usd",
)
# a part is named if it multiplies the rate by at least this
NOTABLE = 1.25


@dataclass(frozen=True)
class VerdictRules:
    """`sure` is the probability from which a product is flagged.

    `stop_factor` times the limit is too far over to fix.
    """

    limit: float
    sure: float
    stop_factor: float


def add_verdict(products: pl.DataFrame, rules: VerdictRules) -> pl.DataFrame:
    """Add `verdict` and `why` to the output of `product_frame`.

    `products` also has `margin_per_100_units_usd` (null if no cost is known). `chance_hopeless` is
    the probability of being over `stop_factor` x limit.
    """
    sure = pl.lit(rules.sure)
    is_over = pl.col("chance_over_limit") >= sure
    is_own = pl.col("own_chance_over_limit") >= sure
    is_over = is_over | is_own
    is_lane = ~is_own & (pl.col("lane_x") >= NOTABLE) & (pl.col("lane_x") >= pl.col("buyers_x"))
    # over the limit because of its buyers, not because of the product or its lanes alone
    is_buyers = ~is_own & ~is_lane & (pl.col("buyers_x") >= NOTABLE)
    is_hopeless = (pl.col("chance_hopeless") >= sure) | (
        pl.col("margin_per_100_units_usd") < 0
    ).fill_null(False)
    is_supplier = pl.col("supplier_x") >= NOTABLE
    is_worse = (pl.col("change") == ACT) | (pl.col("supplier_change") == ACT)
    verdict = (
        pl.when(is_over & is_lane)
        .then(pl.lit(CARRIER))
        .when((~is_over | is_buyers) & is_worse)
        .then(pl.lit(CHANGED))
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
    """Counts, rate, chance of being over the limit, and what the verdict rests on."""
    counts = pl.format(
        "{} disputes in {} orders ({} matured)",
        _count("count_disputes"),
        "count_orders",
        pl.col("exposure").round(1),
    )
    rate = pl.format(
        "rate {} % (90 % interval {} to {})",
        _percent("rate"),
        _percent("rate_low"),
        _percent("rate_high"),
    )
    chance = pl.format(
        "{} % likely to be over the limit of {} %",
        (pl.col("chance_over_limit") * 100).round(0),
        _percent("limit"),
    )
    sentences = [counts, rate, chance, _reason(is_buyers), *_changes()]
    return pl.concat_str(sentences, separator="; ", ignore_nulls=True)


def _changes() -> tuple[pl.Expr, pl.Expr]:
    """What rose: the product's own rate and its supplier's; null where nothing did."""
    own = pl.format(
        "its rate {} about {}: {} disputes in the orders of the last 90 days; its rate of the "
        "whole period gives {}",
        _rose("change"),
        "changed_since",
        _count("count_disputes_90d"),
        pl.col("expected_90d").round(1),
    )
    supplier = pl.format(
        "its supplier's rate {} about {}", _rose("supplier_change"), "supplier_changed_since"
    )
    return (
        pl.when(pl.col("change") != FINE).then(own),
        pl.when(pl.col("supplier_change") != FINE).then(supplier),
    )


def _rose(change: str) -> pl.Expr:
    return pl.when(pl.col(change) == ACT).then(pl.lit("rose")).otherwise(pl.lit("may have risen"))


def _reason(is_buyers: pl.Expr) -> pl.Expr:
    """What the verdict rests on."""
    verdict = pl.col("verdict")
    lane = pl.format(
        "its lanes multiply its disputes by {}; on average lanes its rate would be {} %",
        _times("lane_x"),
        _percent("own_rate"),
    )
    supplier = pl.format(
        "its supplier's other products are disputed {} times as often as usual",
        _times("supplier_x"),
    )
    own = pl.format(
        "even on average lanes its rate would be {} %, {} times the store's",
        _percent("own_rate"),
        _times("product_x"),
    )
    loss = pl.format(
        "after the cost of disputes, 100 units lose {} USD",
        (-pl.col("margin_per_100_units_usd")).round(0),
    )
    described = pl.format(
        "{} disputes say the goods are not as described", _count("count_not_as_described")
    )
    described = described.fill_null("the reasons for the disputes are not on record")
    buyers = pl.format(
        "its buyers and months multiply its disputes by {}; the goods are not the cause",
        _times("buyers_x"),
    )
    return (
        pl.when(verdict == CARRIER)
        .then(lane)
        .when(verdict == SUPPLIER)
        .then(supplier)
        .when((verdict == STOP) & (pl.col("margin_per_100_units_usd") < 0).fill_null(False))
        .then(loss)
        .when(verdict == STOP)
        .then(own)
        .when(verdict == LISTING)
        .then(pl.concat_str([own, pl.lit("; "), described]))
        .when(is_buyers)
        .then(buyers)
        .when(verdict == CHANGED)
        .then(pl.lit("not over the limit on the whole, but not as before"))
        .otherwise(_reason_to_keep())
    )


def _reason_to_keep() -> pl.Expr:
    return (
        pl.when(pl.col("exposure") <= 0)
        .then(pl.lit("no matured orders: this is the rate of its family"))
        .when(pl.col("chance_over_limit") > 0.5)
        .then(pl.lit("probably over the limit, but too few orders to be sure"))
        .when(pl.col("chance_over_limit") > 0.2)
        .then(pl.lit("may be over the limit; watch it"))
        .when((pl.col("change") != FINE) | (pl.col("supplier_change") != FINE))
        .then(pl.lit("not over the limit; watch it"))
        .otherwise(pl.lit("no sign of a problem"))
    )


def without_disputes(frame: pl.DataFrame) -> pl.DataFrame:
    """The table of a store without a dispute on record: what rests on disputes is null, and a
    verdict, if there is one, is `NOT_JUDGED`."""
    unknown = [
        pl.lit(None, frame.schema[name]).alias(name)
        for name in RESTS_ON_DISPUTES
        if name in frame.columns
    ]
    if "verdict" not in frame.columns:
        return frame.with_columns(unknown)
    return frame.with_columns(*unknown, verdict=pl.lit(NOT_JUDGED), why=pl.lit(NO_DISPUTES))


def _count(name: str) -> pl.Expr:
    """A number of disputes as text: whole, or with one digit if some are counted in parts."""
    value = pl.col(name)
    whole = value.round(0).cast(pl.Int64).cast(pl.String)
    is_whole = (value - value.round(0)).abs() < 0.05
    return pl.when(is_whole).then(whole).otherwise(value.round(1).cast(pl.String))


def _percent(name: str) -> pl.Expr:
    return (pl.col(name) * 100.0).round(1)


def _times(name: str) -> pl.Expr:
    return pl.col(name).round(1)
