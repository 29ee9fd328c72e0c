"""Tables about the store: its dispute rate, when disputes come, and what precedes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.asof import visible
from features.clock import days_between
from features.indicators.measured_rates import wilson
from features.indicators.order_outcomes import order_outcomes
from features.labels import LEAST_DISPUTED, disputed_orders, has_enough_disputes
from features.spine import DisputeWindow
from features.tables import Tables
from models.comparison.paired_comparison import draw_totals, interval
from models.reasons.risk_rules import SIGNS

RESAMPLES = 300
# the sign covers one week; the name alone does not say so
CLEARER = {"past the promised day": "up to a week past the promised day"}


def rate_by_quarter(tables: Tables, as_of_day: int, window: DisputeWindow) -> pl.DataFrame:
    """The share of disputed orders by the quarter in which they were placed.

    One row per quarter: `quarter` ("2025 Q1"), `orders`, `disputed`, `value` and its 95 % interval
    `low, high`. Quarters with orders that may still be disputed are left out, because their rate
    would be too low, and so are those with too few disputed orders.
    """
    placed, is_disputed = pl.col("ordered_day").cast(pl.Date), pl.col("filed_day").is_not_null()
    quarters = (
        order_outcomes(tables, as_of_day, window)
        .group_by(quarter=pl.format("{} Q{}", placed.dt.year(), placed.dt.quarter()))
        .agg(
            # an order whose outcome was not recorded is neither
            orders=(pl.col("confirmed_day").is_not_null() | is_disputed).sum(),
            disputed=is_disputed.sum(),
            open=pl.col("is_open").sum(),
        )
        .filter(pl.col("open") == 0, pl.col("disputed") >= LEAST_DISPUTED)
        .sort("quarter")
    )
    low, high = wilson(pl.col("disputed"), pl.col("orders"))
    return quarters.select(
        "quarter",
        "orders",
        "disputed",
        value=pl.col("disputed") / pl.col("orders"),
        low=low,
        high=high,
    )


def dispute_days(tables: Tables, as_of_day: int) -> pl.DataFrame:
    """One row per disputed order, of its first dispute: `order_id, cause, days_after_promise,
    days_after_delivery, days_after_message`.

    Days (with fractions) from the first promised delivery, the delivery and the buyer's first
    message to the dispute; negative if the dispute came before, null if the fact is not known.
    """
    promises = visible(tables["promises"], as_of_day).filter(pl.col("kind") == "delivery")
    first_promise = promises.sort("known_at", "promised_at").unique("order_id", keep="first")
    scans = visible(tables["tracking"], as_of_day).filter(pl.col("status") == "Delivered")
    wrote = visible(tables["messages"], as_of_day).filter(pl.col("sender") == "buyer")
    opened = visible(tables["disputes"], as_of_day).filter(pl.col("step") == "opened")
    disputes = opened.sort("occurred_at", "step_id").unique("order_id", keep="first")
    starts = {
        "promise": first_promise.select("order_id", promise="promised_at"),
        "delivery": scans.group_by("order_id").agg(delivery=pl.col("occurred_at").min()),
        "message": wrote.group_by("order_id").agg(message=pl.col("occurred_at").min()),
    }
    for start in starts.values():
        disputes = disputes.join(start, on="order_id", how="left")
    return disputes.sort("order_id").select(
        "order_id",
        "cause",
        **{
            f"days_after_{name}": days_between(pl.col(name), pl.col("occurred_at"))
            for name in starts
        },
    )


def open_by_stage(scores: pl.DataFrame) -> pl.DataFrame:
    """Tonight's open orders and the disputes expected from them: `stage, orders, share_orders,
    expected, share_expected`, most expected disputes first. `scores`: `stage, probability`."""
    stages = scores.group_by("stage").agg(orders=pl.len(), expected=pl.col("probability").sum())
    return stages.select(
        "stage",
        "orders",
        share_orders=pl.col("orders") / pl.col("orders").sum(),
        expected=pl.col("expected"),
        share_expected=pl.col("expected") / pl.col("expected").sum(),
    ).sort("expected", "stage", descending=[True, False])


def disputed_share(rows: pl.DataFrame, seed: int) -> dict[str, Any]:
    """`orders, disputed, value, low, high`: the share of order-nights that were disputed within the
    horizon, with its 90 % interval; whole orders are resampled. `rows`: `order_id, label`."""
    ones = np.ones(rows.height)
    label = rows["label"].to_numpy().astype(float)
    drawn = draw_totals(rows["order_id"], [label, ones], seed, RESAMPLES)
    share = drawn[:, 0] / np.maximum(drawn[:, 1], 1.0)
    low, high = interval(share[1:])
    return {
        "orders": rows["order_id"].n_unique(),
        "disputed": disputed_orders(rows),
        "value": float(share[0]),
        "low": low,
        "high": high,
    }


def rate_by_sign(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """How often order-nights with a sign of trouble were disputed, highest share first.

    One row per sign: `sign` and the columns of `disputed_share`. Signs with too few disputed orders
    are left out. An order-night with two signs counts in both. `rows`: labelled order-nights with
    their features.
    """
    shares = [
        {"sign": CLEARER.get(sign.name, sign.name), **disputed_share(part, seed)}
        for sign in SIGNS
        if has_enough_disputes(part := rows.filter(sign.when.fill_null(False)))
    ]
    schema = {"sign": pl.String, "orders": pl.Int64, "disputed": pl.Int64}
    numbers = dict.fromkeys(("value", "low", "high"), pl.Float64)
    return pl.DataFrame(shares, schema={**schema, **numbers}).sort("value", descending=True)
