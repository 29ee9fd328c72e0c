"""Suggest an offer for each message.

An offer is longer protection, resending the goods, a partial refund, a request for photos, or
nothing. A person accepts or ignores it. The offers of a night never exceed its budget, and money is
offered only to buyers with a reason to complain.
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
# other parcels predict nothing about one that is silent for longer, or older than nearly all of
# them
SILENT_DAYS, OLDEST_RANK = 14.0, 0.95


@dataclass(frozen=True)
class Offers:
    """Limits of the offers.

    `budget_usd` limits the total cost of a night's offers; `refund_share` and `max_refund_usd`
    limit the refund of one order. Goods are sent again (`resend_`) only up to that price, after
    that many silent days and past the promised day. Orders delivered at least `late_days` late get
    a partial refund. Longer protection is offered within `protection_days` before the promised day,
    unless the parcel's chance of being late is known to be below `protection_late_chance`.
    `allowed` holds the platform's actions.
    """

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
    """`suggested_action` and `offer_usd` (its cost, or null), one row per listed order.

    `listed` (best first) has `stage, likely_cause, probability, order_value_usd` and the features
    named below. An action must cost less than the expected cost of the dispute, and the budget goes
    to the best rows first.
    """
    priced = _price(listed, offers)
    expected_usd = pl.col("probability") * (
        pl.col("order_value_usd").fill_null(0.0) + dispute_fixed_cost_usd
    )
    is_worth_it = pl.col("cost_usd") < expected_usd
    rows = priced.select("action", "cost_usd", is_worth_it=is_worth_it.fill_null(False)).iter_rows()
    budget_left, actions, costs = offers.budget_usd, [], []
    for action, cost, is_worth_it in rows:
        is_paid = cost is not None
        if action not in offers.allowed or (is_paid and (not is_worth_it or cost > budget_left)):
            action, is_paid = NOTHING, False
        budget_left -= cost if is_paid else 0.0
        actions.append(action)
        costs.append(cost if is_paid else None)
    return pl.DataFrame({"suggested_action": actions, "offer_usd": costs}, _SCHEMA)


_SCHEMA = {"suggested_action": pl.String(), "offer_usd": pl.Float64()}


def _price(listed: pl.DataFrame, offers: Offers) -> pl.DataFrame:
    """Add the first action that fits each row (`action`), and its cost (`cost_usd`)."""
    stage, value = pl.col("stage"), pl.col("order_value_usd")
    is_delivered, is_on_the_road = stage == "delivered", stage.is_in(["dispatch", "in_transit"])
    is_late = pl.col("logistics_delivered_late_days") >= offers.late_days
    is_lost = (
        (pl.col("logistics_days_since_news") >= offers.resend_silent_days)
        & (pl.col("logistics_days_to_promise") < 0)
        & (value <= offers.resend_max_usd)
    )
    # a buyer whose parcel is on time starts to doubt it when offered a longer wait
    comes_in_time = (
        (pl.col("logistics_late_chance") < offers.protection_late_chance)
        & (pl.col("logistics_days_since_news") <= SILENT_DAYS)
        & (pl.col("logistics_road_rank") <= OLDEST_RANK)
    ).fill_null(False)
    ends_soon = (pl.col("logistics_days_to_promise") <= offers.protection_days) & ~comes_in_time
    ends_soon |= pl.col("logistics_expected_late_days") > 0
    # ask for photos only if the buyer has already complained; others would get the idea from it
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
