"""The outcome of each order as known when a day starts: the days of its events, for the indicators.

The unit is the parent order, not the line or the dispute, because the platform's service scores
count parent orders (platform source S9 in docs/reference/policies.md). An order with two disputes
counts as filed on the day of the first, and as withdrawn when both are withdrawn.
"""

from __future__ import annotations

import polars as pl

from features.asof import visible
from features.clock import in_days, is_earlier
from features.indicators.dispute_timeline import STEPS
from features.spine import DEFAULT_WINDOW, DisputeWindow, closings
from features.tables import Tables

# the tables and columns that outcomes are derived from
USED = {
    "orders": ("order_id", "country", "lane", "total_usd", "occurred_day"),
    "order_events": ("order_id", "event", "occurred_day"),
    "promises": ("order_id", "promise_id", "kind", "promised_at", "known_at"),
    "shipments": ("order_id", "occurred_day"),
    "tracking": ("order_id", "status"),
    "disputes": (
        "order_id",
        "dispute_id",
        "step_id",
        "step",
        "liable",
        "amount_usd",
        "occurred_at",
        "known_at",
        "occurred_day",
    ),
    "reviews": ("order_id", "score", "occurred_day"),
}
FOREVER = 2**31 - 1
NEGATIVE_SCORE = 2.0
DAYS = (
    "shipped_day",
    "confirmed_day",
    "filed_day",
    "withdrawn_day",
    "escalated_day",
    "resolved_day",
    "ruled_day",
    "seller_liable_day",
    "negative_review_day",
)


def visible_tables(tables: Tables, as_of_day: int) -> Tables:
    """The tables and columns in `USED`, as known when the day starts.

    `order_events` keeps closings only, `tracking` deliveries only.
    """
    frames = {
        name: visible(tables[name].select("known_day", *columns), as_of_day)
        for name, columns in USED.items()
    }
    frames["order_events"] = frames["order_events"].filter(
        pl.col("event").is_in(["closed", "outcome_observed"])
    )
    frames["tracking"] = frames["tracking"].filter(pl.col("status") == "Delivered")
    return tables.with_frames(frames)


def _drop_old_orders(known: Tables, since_day: int) -> Tables:
    """Drop the undisputed orders that closed before `since_day` and have no event since then."""
    is_recent = in_days(pl.col("occurred_day"), since_day, FOREVER)
    recent = [
        known[n].filter(is_recent).select("order_id")
        for n in ("orders", "shipments", "order_events", "reviews")
    ]
    kept = pl.concat([*recent, known["disputes"].select("order_id")])
    ended = (
        known["order_events"]
        .filter(~is_recent)
        .select("order_id")
        .join(kept, on="order_id", how="anti")
    )
    orders = known["orders"].join(ended, on="order_id", how="anti")
    ids = orders.select("order_id")
    frames = {
        name: known[name].join(ids, on="order_id", how="semi") for name in USED if name != "orders"
    }
    return known.with_frames(frames | {"orders": orders})


def order_outcomes(
    tables: Tables,
    as_of_day: int,
    window: DisputeWindow = DEFAULT_WINDOW,
    *,
    since_day: int | None = None,
) -> pl.DataFrame:
    """One row per order that is known when the day starts.

    The columns are `order_id, country, lane, total_usd, disputed_usd, ordered_day, is_open,
    is_in_dispute` and `DAYS`, the day on which each event first happened (null: not known to have
    happened).

    - `confirmed_day`: receipt confirmed by the buyer or by timeout. A closing after the first
      filing belongs to the dispute and does not count. If no closing is recorded, the end of the
      dispute window counts instead. If outcomes are recorded for some orders only, the other orders
      are neither confirmed nor open, but unknown.
    - `resolved_day`: the dispute was refunded or withdrawn and never went to the platform.
    - `is_open`: neither confirmed nor disputed yet. `is_in_dispute`: a dispute is open.

    `since_day`: leave out undisputed orders that closed before this day and have no event since
    then, which is most of a long history.
    """
    known = visible_tables(tables, as_of_day)
    if since_day is not None:
        known = _drop_old_orders(known, since_day)
    closed = known["order_events"]
    disputed = _disputed(known["disputes"])
    negative_reviews = known["reviews"].filter(pl.col("score") <= NEGATIVE_SCORE)
    orders = known["orders"].select(
        "order_id", "country", "lane", "total_usd", ordered_day="occurred_day"
    )
    for part in (
        _first(known["shipments"], "shipped_day"),
        _first(closed, "closing_day"),
        disputed,
        _window_ends(known, closed, disputed, window, as_of_day),
        _first(negative_reviews, "negative_review_day"),
    ):
        orders = orders.join(part, on="order_id", how="left")
    ended = pl.col("closing_day")
    if not tables.has_partial_outcomes:
        ended = pl.coalesce("closing_day", "window_end_day")
    confirmed = pl.when(~is_earlier(pl.col("filed_day"), ended).fill_null(False)).then(ended)
    return orders.with_columns(
        confirmed_day=confirmed,
        is_open=pl.all_horizontal(pl.col("closing_day", "window_end_day", "filed_day").is_null()),
        is_in_dispute=pl.col("is_in_dispute").fill_null(False),
    ).drop("closing_day", "window_end_day")


def _window_ends(
    known: Tables,
    closed: pl.DataFrame,
    disputed: pl.DataFrame,
    window: DisputeWindow,
    as_of_day: int,
) -> pl.DataFrame:
    """The end of the dispute window, if past, of orders without a recorded closing or dispute.

    Returns `order_id, window_end_day`.
    """
    ended = pl.concat([closed.select("order_id"), disputed.select("order_id")])
    ids = known["orders"].select("order_id").join(ended, on="order_id", how="anti")
    frames = {
        name: known[name].join(ids, on="order_id", how="semi")
        for name in ("orders", "promises", "shipments", "tracking", "disputes")
    }
    without_events = known.with_frames({"order_events": closed.clear(), **frames})
    ends = closings(without_events, window).rename({"closed_day": "window_end_day"})
    return ends.filter(is_earlier(pl.col("window_end_day"), pl.lit(as_of_day)))


def _first(facts: pl.DataFrame, name: str) -> pl.DataFrame:
    return facts.group_by("order_id").agg(pl.col("occurred_day").min().alias(name))


def _disputed(steps: pl.DataFrame) -> pl.DataFrame:
    """One row per disputed order. The amount is the sum over disputes of the last filed amount."""

    def day_of(step: pl.Expr) -> pl.Expr:
        return pl.col("occurred_day").filter(step)

    step = pl.col("step")
    rank = step.replace_strict({name: n for n, name in enumerate(STEPS)}, return_dtype=pl.Int8)
    ordered = steps.sort("order_id", "dispute_id", "occurred_at", "known_at", rank, "step_id")
    # a dispute is open if its last filing comes after its last end
    last = step.filter(step.is_in(["opened", "withdrawn", "ruled", "refunded"])).last()
    disputes = ordered.group_by("order_id", "dispute_id").agg(
        day_of(step == "opened").min().alias("filed_day"),
        day_of(step == "escalated").min().alias("escalated_day"),
        day_of(step == "ruled").min().alias("ruled_day"),
        day_of((step == "ruled") & (pl.col("liable") == "seller")).min().alias("seller_liable_day"),
        day_of(step.is_in(["withdrawn", "refunded"])).min().alias("settled_day"),
        pl.when(last == "withdrawn").then(day_of(step == "withdrawn").max()).alias("withdrawn_day"),
        (last == "opened").alias("is_in_dispute"),
        pl.col("amount_usd").filter(step == "opened").drop_nulls().last().alias("disputed_usd"),
    )
    resolved = pl.when(pl.col("escalated_day").is_null() & pl.col("ruled_day").is_null()).then(
        "settled_day"
    )
    disputes = disputes.filter(pl.col("filed_day").is_not_null()).with_columns(
        resolved_day=resolved
    )
    days = ["filed_day", "escalated_day", "ruled_day", "seller_liable_day", "resolved_day"]
    return disputes.group_by("order_id").agg(
        pl.col(days).min(),
        pl.when(pl.col("withdrawn_day").is_not_null().all())
        .then(pl.col("withdrawn_day").max())
        .alias("withdrawn_day"),
        pl.col("is_in_dispute").any(),
        pl.when(pl.col("disputed_usd").is_not_null().any())
        .then(pl.col("disputed_usd").sum())
        .alias("disputed_usd"),
    )
