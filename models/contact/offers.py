"""What to offer beside a message: more protection, the goods again, a part back, photos asked for,
or nothing.

A suggestion for a person to take or leave. It never costs more than the night's budget, and money
is offered only to buyers who have something to be sorry for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

EXTEND, RESEND, REFUND, PHOTOS, NOTHING = (
    "extend_protection",
    "resend",
    "partial_refund",
    "ask_for_photos",
    "nothing",
)
ACTIONS = (EXTEND, RESEND, REFUND, PHOTOS, NOTHING)
# what other parcels did says nothing of one that is silent for longer, or older than nearly all of
# them
SILENT_DAYS, OLDEST_RANK = 14.0, 0.95


@dataclass(frozen=True)
class Offers:
    """`budget_usd`: what a night's offers may cost together; `refund_share`, `max_refund_usd`: of
    one order; `resend_`: only goods up to that price, silent for so long and past their promised
    day; `late_days`: delivered so late that a part is offered back; `protection_days`: offered so
    long before the promised day, to parcels whose chance of being late is `protection_late_chance`
    or more, or of which nobody can tell. `allowed`: the platform's."""

    allowed: Collection[str]
    budget_usd: float
    refund_share: float
    max_refund_usd: float
    late_days: float
    resend_max_usd: float
    resend_silent_days: float
    protection_days: float
    protection_late_chance: float


def suggest(listed: pl.DataFrame, offers: Offers, dispute_fixed_cost_usd: float) -> pl.DataFrame:
    """One row per listed order, in its order: `suggested_action`, `offer_usd` (what it costs; null:
    nothing).

    `listed`, best first: `stage, likely_cause, probability, order_value_usd` and the features named
    below. What costs money must cost less than the dispute is expected to, and the budget goes to
    the best rows first.
    """
    priced = _price(listed, offers)
    expected_usd = pl.col("probability") * (
        pl.col("order_value_usd").fill_null(0.0) + dispute_fixed_cost_usd
    )
    is_worth = pl.col("cost_usd") < expected_usd
    rows = priced.select("action", "cost_usd", is_worth=is_worth.fill_null(False)).iter_rows()
    left, actions, costs = offers.budget_usd, [], []
    for action, cost, worth in rows:
        is_paid = cost is not None
        if action not in offers.allowed or (is_paid and (not worth or cost > left)):
            action, is_paid = NOTHING, False
        left -= cost if is_paid else 0.0
        actions.append(action)
        costs.append(cost if is_paid else None)
    return pl.DataFrame({"suggested_action": actions, "offer_usd": costs}, _SCHEMA)


_SCHEMA = {"suggested_action": pl.String(), "offer_usd": pl.Float64()}


def _price(listed: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """The first action that fits each row, and what it costs."""
    stage, value = pl.col("stage"), pl.col("order_value_usd")
    is_delivered, is_on_the_road = stage == "delivered", stage.is_in(["dispatch", "in_transit"])
    is_late = pl.col("logistics_delivered_late_days") >= offers.late_days
    is_lost = (
        (pl.col("logistics_days_since_news") >= offers.resend_silent_days)
        & (pl.col("logistics_days_to_promise") < 0)
        & (value <= offers.resend_max_usd)
    )
    # who is told to expect a parcel in time, and is offered to wait longer, begins to doubt
    comes_in_time = (
        (pl.col("logistics_late_chance") < offers.protection_late_chance)
        & (pl.col("logistics_days_since_news") <= SILENT_DAYS)
        & (pl.col("logistics_road_rank") <= OLDEST_RANK)
    ).fill_null(False)
    ends_soon = (pl.col("logistics_days_to_promise") <= offers.protection_days) & ~comes_in_time
    ends_soon |= pl.col("logistics_expected_late_days") > 0
    # photos are asked for only from a buyer who has said that something is wrong: others would be
    # put on the idea
    complained = pl.col("conversation_count_product_questions") > 0
    refund = pl.min_horizontal(value * offers.refund_share, pl.lit(offers.max_refund_usd)).round(2)
    action = (
        pl.when(is_delivered & complained)
        .then(pl.lit(PHOTOS))
        .when(is_delivered & is_late)
        .then(pl.lit(REFUND))
        .when(is_on_the_road & is_lost)
        .then(pl.lit(RESEND))
        .when(is_on_the_road & ends_soon)
        .then(pl.lit(EXTEND))
        .otherwise(pl.lit(NOTHING))
    )
    cost = (
        pl.when(pl.col("action") == REFUND)
        .then(refund)
        .when(pl.col("action") == RESEND)
        .then(value)
    )
    return listed.with_columns(action=action).with_columns(cost_usd=cost)
