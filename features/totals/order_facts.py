"""What happened to each order, as countable facts: `order_id, known_day` and whole numbers that may
be summed.

A fact about an order becomes a fact about its product, supplier or lane when both are known:
joining two facts gives one that is known on the later of their days. Of each kind the fact learned
first counts, and a later one never changes it, so that each row here is itself a fact of its day.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.clock import SECONDS_A_DAY, is_visible, seconds_between
from features.spine import closings, first_known
from features.stage import NOT_YET_MOVING
from features.tables import Tables

# upper edges, in days, of the histograms from which quantiles are read
TRANSIT_EDGES = (
    4.0,
    6.0,
    8.0,
    10.0,
    12.0,
    14.0,
    17.0,
    20.0,
    24.0,
    28.0,
    33.0,
    40.0,
    50.0,
    65.0,
    90.0,
)
GAP_EDGES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0)
CENTS = 100.0

_FACT = ("order_id", "known_day", "known_at", "occurred_at")


def bins(name: str, edges: Sequence[float]) -> list[str]:
    """The columns of a histogram: one per edge, and one above the last."""
    return [f"count_{name}_bin{number}" for number in range(len(edges) + 1)]


def order_facts(
    tables: Tables,
    returning: pl.DataFrame,
    scans_since: int | None = None,
    closed: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Kinds of facts about orders, narrow tables each: `order, known_day` and measures (counts
    int8, sums int64).

    `order` is the order's row in `tables["orders"]`, counted from 0. Each order's facts come from
    its own rows of `tables` alone, but for `returning` (see `returning_facts`). Most facts are
    scans: those of orders of which nothing was known from day `scans_since` on are left out.
    `closed`: the `closings` of these orders, where they are at hand.
    """
    orders = (
        tables["orders"]
        .select("order_id", placed_at="occurred_at", order_day="known_day")
        .with_row_index("order")
    )
    shipped, delivered = _shipped(tables), _delivered(tables)
    kinds = {
        "ordered": tables["orders"].select("order_id", "known_day", count_orders=1, count_open=1),
        "returning": returning,
        **_ended(tables, closings(tables) if closed is None else closed),
        **_disputed(tables, orders),
        "shipped": _handled(shipped, orders, tables["promises"]),
        "delivered": _transported(shipped, delivered),
        "late": _late(delivered, tables["promises"]),
        "exceptions": _first_fact(
            tables["tracking"].filter(pl.col("status") == "Exception")
        ).select("order_id", "known_day", count_exceptions=1),
        "reviewed": _reviewed(tables),
        **_messages(tables),
        "scanned": _scanned(tables, scans_since),
    }
    return {kind: _since_the_order(facts, orders) for kind, facts in kinds.items()}


def returning_facts(orders: pl.DataFrame) -> pl.DataFrame:
    """One row per order of a buyer of whom an order was known on an earlier day; `orders`: all
    those of the buyers."""
    return split_buyers(orders)[0]


def split_buyers(orders: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`returning_facts(orders)`; and `order_id, buyer_id` of the orders whose buyers have more than
    one."""
    first, count = pl.col("known_day").min().over("buyer_id"), pl.len().over("buyer_id")
    orders = orders.with_columns(first_day=first, count=count).filter(pl.col("count") > 1)
    returning = orders.filter(pl.col("known_day") != pl.col("first_day"))
    return returning.select("order_id", "known_day", count_returning=1), orders.select(
        "order_id", "buyer_id"
    )


def _since_the_order(facts: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """A fact about an order is known when the order is, at the earliest."""
    joined = facts.select(pl.exclude("order")).join(
        orders.select("order_id", "order", "order_day"), on="order_id"
    )
    # one fact counts one, so its counts need a byte; their totals are int64
    measures = [pl.col(c).cast(pl.Int8) for c in facts.columns if c.startswith("count_")]
    measures += [pl.col(c).cast(pl.Int64) for c in facts.columns if c.startswith("sum_")]
    known = pl.max_horizontal("known_day", "order_day").cast(pl.Int32)
    return joined.select("order", known.alias("known_day"), *measures)


def _scanned(tables: Tables, since: int | None) -> pl.DataFrame:
    """One row per scan that adds news: the days since the order's news before it, as a histogram.

    The first scan's gap is counted from the hand-over. News is what became known; a scan told twice
    adds none.
    """
    handed, scans = tables["shipments"].select(*_FACT), tables["tracking"].select(*_FACT)
    if since is not None:
        # whole orders, since a gap begins with an older scan, and no scan counts before its order
        # is known
        told = pl.concat(
            [facts.select("order_id", "known_day") for facts in (tables["orders"], scans)]
        )
        recent = (
            told.filter(~is_visible(pl.col("known_day"), pl.lit(since))).select("order_id").unique()
        )
        handed, scans = (facts.join(recent, on="order_id", how="semi") for facts in (handed, scans))
    news = pl.concat([handed.with_columns(is_scan=False), scans.with_columns(is_scan=True)])
    # whole numbers sort much faster than text
    numbers = news.select(pl.col("order_id").unique()).with_row_index("order")
    news = news.join(numbers, on="order_id").sort("order", "known_at", "occurred_at", "is_scan")
    is_told = pl.struct("order", "occurred_at").is_first_distinct()
    has_before = pl.col("order") == pl.col("order").shift(1)
    news = news.with_columns(before=pl.col("known_at").shift(1)).filter(
        "is_scan", is_told, has_before
    )
    news = _binned(news, seconds_between(pl.col("before"), pl.col("known_at")), GAP_EDGES)
    return news.select("order_id", "known_day", count_scans=1, **_histogram("gap", GAP_EDGES))


def _binned(frame: pl.DataFrame, seconds: pl.Expr, edges: Sequence[float]) -> pl.DataFrame:
    """`frame` with the number of each row's `bin`: how many edges, in days, its whole `seconds` are
    above."""
    above = [(pl.col("seconds") > int(edge * SECONDS_A_DAY)).cast(pl.Int32) for edge in edges]
    # found once, then compared with each bin
    return frame.with_columns(seconds=seconds).with_columns(bin=pl.sum_horizontal(above))


def _histogram(name: str, edges: Sequence[float]) -> dict[str, pl.Expr]:
    """1 in the bin of each row, 0 in the others."""
    return {
        column: (pl.col("bin") == place).cast(pl.Int8)
        for place, column in enumerate(bins(name, edges))
    }


def _ended(tables: Tables, closed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """An outcome is the first of a dispute and a closing; where outcomes are recorded for some
    orders only, the first of a dispute and the record: an order nobody reported on counts in no
    share."""
    opened = _opened(tables).select("order_id", "known_day")
    closed = closed.select("order_id", known_day="closed_day").drop_nulls()

    def first(ends: pl.DataFrame) -> pl.DataFrame:
        both = pl.concat([opened, ends.select("order_id", "known_day")])
        return both.group_by("order_id").agg(pl.col("known_day").min())

    recorded = ended = first(closed)
    if tables.has_partial_outcomes:
        events = tables["order_events"].filter(pl.col("event") == "outcome_observed")
        recorded = first(first_known(events, "known_day"))
    return {
        "ended": recorded.with_columns(count_outcomes=1),
        # what is open now: one up when ordered, one down when it ended, whether or not anybody
        # recorded how
        "closed": ended.with_columns(count_open=-1),
    }


def _opened(tables: Tables) -> pl.DataFrame:
    return _first_fact(tables["disputes"].filter(pl.col("step") == "opened"), "cause")


def _disputed(tables: Tables, orders: pl.DataFrame) -> dict[str, pl.DataFrame]:
    steps = tables["disputes"]
    cents = (pl.col("amount_usd").fill_null(0.0) * CENTS).round().cast(pl.Int64)
    refunded = _first_fact(steps.filter(pl.col("step") == "refunded"), "amount_usd")
    withdrawn = _first_fact(steps.filter(pl.col("step") == "withdrawn"))
    return {
        "disputed": _opened(tables)
        .join(orders, on="order_id")
        .select(
            "order_id",
            "known_day",
            count_disputes=1,
            count_not_received=(pl.col("cause") == "not_received").cast(pl.Int64),
            count_not_as_described=(pl.col("cause") == "not_as_described").cast(pl.Int64),
            sum_dispute_seconds=seconds_between(pl.col("placed_at"), pl.col("occurred_at")),
        ),
        "withdrawn": withdrawn.select("order_id", "known_day", count_withdrawn=1),
        "refunded": refunded.select(
            "order_id", "known_day", count_refunded=1, sum_refund_cents=cents
        ),
    }


def _shipped(tables: Tables) -> pl.DataFrame:
    moved = tables["tracking"].filter(~pl.col("status").is_in(NOT_YET_MOVING))
    return _first_fact(pl.concat([tables["shipments"].select(_FACT), moved.select(_FACT)]))


def _delivered(tables: Tables) -> pl.DataFrame:
    return _first_fact(tables["tracking"].filter(pl.col("status") == "Delivered").select(_FACT))


def _handled(shipped: pl.DataFrame, orders: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """Handled late: after the first day to ship by, if that was known by then."""
    ship_by = _first_promise(promises, "dispatch").select(
        "order_id", "promised_at", promise_day="known_day"
    )
    joined = shipped.join(orders, on="order_id").join(ship_by, on="order_id", how="left")
    is_late = seconds_between(pl.col("promised_at"), pl.col("occurred_at")) > 0
    is_told = ~is_visible(pl.col("known_day"), pl.col("promise_day"))
    return joined.select(
        "order_id",
        "known_day",
        count_shipped=1,
        sum_handling_seconds=seconds_between(pl.col("placed_at"), pl.col("occurred_at")),
        count_shipped_late=(is_late & is_told).fill_null(False).cast(pl.Int64),
    )


def _transported(shipped: pl.DataFrame, delivered: pl.DataFrame) -> pl.DataFrame:
    """Known when the delivery is: a delivery scan is itself a sign of shipping, so `shipped` is
    never known later."""
    shipped = shipped.select("order_id", shipped_at="occurred_at")
    seconds = seconds_between(pl.col("shipped_at"), pl.col("occurred_at"))
    taken = _binned(delivered.join(shipped, on="order_id"), seconds, TRANSIT_EDGES)
    return taken.select(
        "order_id",
        "known_day",
        count_delivered=1,
        sum_transit_seconds="seconds",
        **_histogram("transit", TRANSIT_EDGES),
    )


def _late(delivered: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """One row per order delivered after the promise first made, known when both the delivery and
    the promise are."""
    first = _first_promise(promises, "delivery")
    joined = delivered.join(
        first.select("order_id", "promised_at", promise_day="known_day"), on="order_id"
    )
    return joined.filter(seconds_between(pl.col("promised_at"), pl.col("occurred_at")) > 0).select(
        "order_id", known_day=pl.max_horizontal("known_day", "promise_day"), count_late=1
    )


def _reviewed(tables: Tables) -> pl.DataFrame:
    stars = (pl.col("score") * CENTS).round().cast(pl.Int64)
    first = _first_fact(tables["reviews"], "score")
    return first.select("order_id", "known_day", count_reviews=1, sum_star_hundredths=stars)


def _messages(tables: Tables) -> dict[str, pl.DataFrame]:
    """Buyers' messages; and of each the answer learned first, with the time it took."""
    asked = tables["messages"].filter(pl.col("sender") == "buyer").with_row_index("message")
    answers = tables["messages"].filter(pl.col("sender") == "seller")
    replied = (
        asked.select("order_id", "message", asked_day="known_day", asked_at="occurred_at")
        .join(answers.select(_FACT), on="order_id")
        .with_columns(seconds=seconds_between(pl.col("asked_at"), pl.col("occurred_at")))
        .filter(pl.col("seconds") >= 0)
        .sort("order_id", "message", "known_at", "seconds")
        .group_by("order_id", "message", maintain_order=True)
        .first()
    )
    known = pl.max_horizontal("known_day", "asked_day").alias("known_day")
    return {
        "asked": asked.select("order_id", "known_day", count_questions=1),
        "replied": replied.select("order_id", known, count_replies=1, sum_reply_seconds="seconds"),
    }


def _first_promise(promises: pl.DataFrame, kind: str) -> pl.DataFrame:
    first = promises.filter(pl.col("kind") == kind).sort("order_id", "known_at", "promised_at")
    return first.group_by("order_id", maintain_order=True).first()


def _first_fact(facts: pl.DataFrame, *values: str) -> pl.DataFrame:
    """One row per order: the fact learned first (of several learned at once, the one that happened
    first)."""
    # far fewer to sort
    earliest = facts.filter(pl.col("known_at") == pl.col("known_at").min().over("order_id"))
    ordered = earliest.select(*_FACT, *values).sort("order_id", "known_at", "occurred_at", *values)
    return ordered.group_by("order_id", maintain_order=True).first()
