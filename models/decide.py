"""Whom to write to tonight: expected value, capacity, and the last day that still helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.clock import calendar_day


@dataclass(frozen=True)
class Costs:
    """Shares and USD that turn a probability into money; assumptions until a hold-out has measured them."""

    prevented_share: Mapping[str, float]
    dispute_fixed_cost_usd: float
    contact_cost_usd: float


def add_expected_value(scored: pl.DataFrame, costs: Costs) -> pl.DataFrame:
    """`scored` (`stage, probability, order_value_usd`) with `expected_value_usd` of contacting each order.

    probability x share of disputes a contact prevents at that stage x what a dispute costs - what a contact costs.
    A dispute costs the refund at risk, the whole order, and a fixed part.
    """
    share = pl.col("stage").replace_strict(dict(costs.prevented_share), return_dtype=pl.Float64)
    cost = pl.col("order_value_usd").fill_null(0.0) + costs.dispute_fixed_cost_usd
    value = pl.col("probability") * share * cost - costs.contact_cost_usd
    return scored.with_columns(expected_value_usd=value)


def choose_contacts(scored: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """The `capacity` orders most worth a contact, best first, with `rank`; none that costs more than it saves."""
    worthwhile = scored.filter(pl.col("expected_value_usd") > 0)
    best = worthwhile.sort(["expected_value_usd", "order_id"], descending=[True, False]).head(capacity)
    return best.with_row_index("rank", offset=1)


def add_contact_by(listed: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """`contact_by` (a date): the last day on which a message still comes before the buyer's complaint.

    Before shipment: the day the order should be shipped, or tomorrow; at dispatch: two days, the time in which a first
    scan is expected; in transit: three days before the promised day; after delivery: the third day after it, when
    most complaints are still to come. Never a day that is past.
    """
    left = (
        pl.when(pl.col("stage") == "before_shipment")
        .then(pl.col("logistics_days_to_ship_by").fill_null(1.0))
        .when(pl.col("stage") == "dispatch")
        .then(2.0)
        .when(pl.col("stage") == "in_transit")
        .then(pl.col("logistics_days_to_promise").fill_null(0.0) - 3.0)
        .otherwise(3.0 - pl.col("logistics_days_in_stage"))
    )
    days = left.floor().clip(0.0, 30.0).cast(pl.Int32)
    return listed.with_columns(contact_by=pl.lit(calendar_day(as_of_day)) + pl.duration(days=days))
