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
from models.product.verdict_reasons import (
    BUYERS,
    CHANCE,
    COUNTS,
    DESCRIBED,
    ELSEWHERE,
    LANES,
    LOSS,
    MAY_HAVE_RISEN,
    MAYBE,
    NO_DISPUTES,
    NO_REASONS,
    NO_SIGN,
    NOT_AS_BEFORE,
    NOT_THE_GOODS,
    OF_SUPPLIER,
    OWN,
    PROBABLY,
    RATE,
    ROSE,
    SEPARATOR,
    SUPPLIER_MAY_HAVE_RISEN,
    SUPPLIER_ROSE,
    UNMATURED,
    WATCH,
)

KEEP, LISTING, SUPPLIER = "keep", "fix the listing", "change the supplier"
CARRIER, STOP, CHANGED = "change the carrier", "stop", "check what changed"
NOT_JUDGED = "not judged"
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
        str(COUNTS), _count("count_disputes"), "count_orders", pl.col("exposure").round(1)
    )
    rate = pl.format(str(RATE), _percent("rate"), _percent("rate_low"), _percent("rate_high"))
    chance = pl.format(str(CHANCE), (pl.col("chance_over_limit") * 100).round(0), _percent("limit"))
    sentences = [counts, rate, chance, _reason(is_buyers), *_changes()]
    return pl.concat_str(sentences, separator=SEPARATOR, ignore_nulls=True)


def _changes() -> tuple[pl.Expr, pl.Expr]:
    """What rose: the product's own rate and its supplier's; null where nothing did."""
    disputes, expected = _count("count_disputes_90d"), pl.col("expected_90d").round(1)
    own = [
        pl.format(str(text), "changed_since", disputes, expected) for text in (ROSE, MAY_HAVE_RISEN)
    ]
    supplier = [
        pl.format(str(text), "supplier_changed_since")
        for text in (SUPPLIER_ROSE, SUPPLIER_MAY_HAVE_RISEN)
    ]
    return _risen("change", *own), _risen("supplier_change", *supplier)


def _risen(change: str, surely: pl.Expr, perhaps: pl.Expr) -> pl.Expr:
    is_sure = pl.col(change) == ACT
    return pl.when(is_sure).then(surely).when(pl.col(change) != FINE).then(perhaps)


def _reason(is_buyers: pl.Expr) -> pl.Expr:
    """What the verdict rests on."""
    verdict = pl.col("verdict")
    lanes = [
        pl.format(str(LANES), _times("lane_x")),
        pl.format(str(ELSEWHERE), _percent("own_rate")),
    ]
    own = pl.format(str(OWN), _percent("own_rate"), _times("product_x"))
    loss = pl.format(str(LOSS), (-pl.col("margin_per_100_units_usd")).round(0))
    described = pl.format(str(DESCRIBED), _count("count_not_as_described"))
    buyers = [pl.format(str(BUYERS), _times("buyers_x")), pl.lit(str(NOT_THE_GOODS))]
    return (
        pl.when(verdict == CARRIER)
        .then(pl.concat_str(lanes, separator=SEPARATOR))
        .when(verdict == SUPPLIER)
        .then(pl.format(str(OF_SUPPLIER), _times("supplier_x")))
        .when((verdict == STOP) & (pl.col("margin_per_100_units_usd") < 0).fill_null(False))
        .then(loss)
        .when(verdict == STOP)
        .then(own)
        .when(verdict == LISTING)
        .then(pl.concat_str([own, described.fill_null(str(NO_REASONS))], separator=SEPARATOR))
        .when(is_buyers)
        .then(pl.concat_str(buyers, separator=SEPARATOR))
        .when(verdict == CHANGED)
        .then(pl.lit(str(NOT_AS_BEFORE)))
        .otherwise(_reason_to_keep())
    )


def _reason_to_keep() -> pl.Expr:
    return (
        pl.when(pl.col("exposure") <= 0)
        .then(pl.lit(str(UNMATURED)))
        .when(pl.col("chance_over_limit") > 0.5)
        .then(pl.lit(str(PROBABLY)))
        .when(pl.col("chance_over_limit") > 0.2)
        .then(pl.lit(str(MAYBE)))
        .when((pl.col("change") != FINE) | (pl.col("supplier_change") != FINE))
        .then(pl.lit(str(WATCH)))
        .otherwise(pl.lit(str(NO_SIGN)))
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
    return frame.with_columns(*unknown, verdict=pl.lit(NOT_JUDGED), why=pl.lit(str(NO_DISPUTES)))


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
