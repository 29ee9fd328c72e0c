"""What happened to each order, as countable facts: `order_id, known_day` and measures to be summed.

A fact about an order becomes a fact about its product, supplier or lane once both are known: a join
of two facts is known on the later of their days. Only the first fact of each kind counts, and a
later one never changes it, so each row here is itself a fact of its day.
"""

from __future__ import annotations

import polars as pl

from features.clock import seconds_between
from features.spine import closings, first_known
from features.tables import Tables
from features.totals.first_facts import FACT_COLUMNS, first_fact
from features.totals.parcel_facts import parcel_facts
from features.totals.quiet_parcels import quiet_facts

CENTS = 100.0


def order_facts(
    tables: Tables,
    returning: pl.DataFrame,
    scans_since: int | None = None,
    closed: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Kinds of facts about orders: tables with `order, known_day` and measures.

    `order` is the order's row number in `tables["orders"]`. Counts are int8, sums int64. The facts
    of an order come from its own rows of `tables` alone, except for `returning` (see
    `returning_facts`). Most facts are scans; those of orders without any fact known on or after day
    `scans_since` are left out. `closed`: the `closings` of these orders, if they have been computed
    already.
    """
    orders = (
        tables["orders"]
        .select("order_id", placed_at="occurred_at", order_day="known_day")
        .with_row_index("order")
    )
    ended = _ended(tables, closings(tables) if closed is None else closed)
    parcels = parcel_facts(tables, orders, scans_since)
    kinds = {
        "ordered": tables["orders"].select(
            "order_id", "known_day", count_orders=1, count_open=1, count_unsent=1
        ),
        "returning": returning,
        **ended,
        **_disputed(tables, orders),
        **parcels,
        "sent": _sent(parcels["shipped"], ended["closed"]),
        **quiet_facts(tables, scans_since),
        "reviewed": _reviewed(tables),
        **_messages(tables),
    }
    return {kind: _since_the_order(facts, orders) for kind, facts in kinds.items()}


def returning_facts(orders: pl.DataFrame) -> pl.DataFrame:
    """One row per order of a buyer with an order that was known on an earlier day.

    `orders` has all orders of these buyers.
    """
    return split_buyers(orders)[0]


def split_buyers(orders: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`returning_facts(orders)`, and `order_id, buyer_id` of all orders of repeat buyers."""
    first, count = pl.col("known_day").min().over("buyer_id"), pl.len().over("buyer_id")
    orders = orders.with_columns(first_day=first, count=count).filter(pl.col("count") > 1)
    returning = orders.filter(pl.col("known_day") != pl.col("first_day"))
    return returning.select("order_id", "known_day", count_returning=1), orders.select(
        "order_id", "buyer_id"
    )


def _since_the_order(facts: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """`facts` with a `known_day` no earlier than that of their order."""
    joined = facts.select(pl.exclude("order")).join(
        orders.select("order_id", "order", "order_day"), on="order_id"
    )
    # a fact counts as one, so a byte is enough for its counts; the totals are int64
    measures = [pl.col(c).cast(pl.Int8) for c in facts.columns if c.startswith("count_")]
    measures += [pl.col(c).cast(pl.Int64) for c in facts.columns if c.startswith("sum_")]
    known = pl.max_horizontal("known_day", "order_day").cast(pl.Int32)
    return joined.select("order", known.alias("known_day"), *measures)


def _ended(tables: Tables, closed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Outcomes, and the ends of open orders.

    The outcome of an order is its dispute or its closing, whichever is known first. If outcomes are
    recorded for some orders only, the record replaces the closing, so an order without a record or
    a dispute counts in no share.
    """
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
        # count_open is 1 when ordered and -1 when ended, whether or not the outcome is recorded,
        # so that its sum is the number of open orders
        "closed": ended.with_columns(count_open=-1),
    }


def _sent(shipped: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """One row per order that was shipped or has ended: -1, so that the sum of `count_unsent` is the
    number of orders that wait to be shipped."""
    done = pl.concat([facts.select("order_id", "known_day") for facts in (shipped, closed)])
    return first_known(done, "known_day").with_columns(count_unsent=-1)


def _opened(tables: Tables) -> pl.DataFrame:
    return first_fact(tables["disputes"].filter(pl.col("step") == "opened"), "cause")


def _disputed(tables: Tables, orders: pl.DataFrame) -> dict[str, pl.DataFrame]:
    steps = tables["disputes"]
    cents = (pl.col("amount_usd").fill_null(0.0) * CENTS).round().cast(pl.Int64)
    refunded = first_fact(steps.filter(pl.col("step") == "refunded"), "amount_usd")
    withdrawn = first_fact(steps.filter(pl.col("step") == "withdrawn"))
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


def _reviewed(tables: Tables) -> pl.DataFrame:
    stars = (pl.col("score") * CENTS).round().cast(pl.Int64)
    reviews = first_fact(tables["reviews"], "score")
    return reviews.select("order_id", "known_day", count_reviews=1, sum_star_hundredths=stars)


def _messages(tables: Tables) -> dict[str, pl.DataFrame]:
    """Questions (messages by buyers), and the first known reply to each with its delay."""
    questions = tables["messages"].filter(pl.col("sender") == "buyer").with_row_index("message")
    replies = tables["messages"].filter(pl.col("sender") == "seller")
    replied = (
        questions.select("order_id", "message", asked_day="known_day", asked_at="occurred_at")
        .join(replies.select(FACT_COLUMNS), on="order_id")
        .with_columns(seconds=seconds_between(pl.col("asked_at"), pl.col("occurred_at")))
        .filter(pl.col("seconds") >= 0)
        .sort("order_id", "message", "known_at", "seconds")
        .group_by("order_id", "message", maintain_order=True)
        .first()
    )
    known = pl.max_horizontal("known_day", "asked_day").alias("known_day")
    return {
        "asked": questions.select("order_id", "known_day", count_questions=1),
        "replied": replied.select("order_id", known, count_replies=1, sum_reply_seconds="seconds"),
    }
