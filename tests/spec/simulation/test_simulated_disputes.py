"""The simulated world, part 3: when disputes may open, messages of buyers, and how disputes end."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.simulation.world.markets import CAUSES, REASONS
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart

Store = dict[str, pl.DataFrame]


def test_every_cause_has_its_reasons(store: Store) -> None:
    opened = store["disputes"].filter(pl.col("step") == "opened")
    reasons = {cause: set(rows["reason"]) for (cause,), rows in opened.group_by("cause")}
    assert reasons == dict(zip(CAUSES, map(set, REASONS), strict=True))


# -- when disputes may open


def test_hazards_are_zero_outside_the_days_on_which_disputes_may_open(piece: StorePart) -> None:
    """From 10 days after hand-over until 15 days after delivery or, for undelivered orders, 60 days
    after the promised day."""
    days, journey, orders = piece.life.days, piece.journey, piece.orders
    order, is_open = days.order, days.hazard.any(axis=1)
    assert (days.day >= journey.handed_over[order] + 10.0)[is_open].all()
    is_early = days.day < journey.handed_over[order] + 10.0
    assert is_early.any()
    assert not days.hazard[is_early].any()
    is_delivered = journey.delivered[order] <= days.day
    last = np.where(
        is_delivered, journey.delivered[order] + 15.0, orders.delivery_promise[order] + 60.0
    )
    assert (days.day <= last)[is_open].all()
    assert not days.hazard[np.isinf(journey.handed_over)[order]].any()


def test_disputes_in_the_tables_open_on_the_same_days(store: Store) -> None:
    opened = (
        store["disputes"]
        .filter(pl.col("step") == "opened")
        .select("order_id", "cause", opened_at="occurred_at")
    )
    delivered = store["tracking"].filter(pl.col("status") == "Delivered").group_by("order_id")
    rows = opened.join(
        delivered.agg(delivered_at=pl.col("occurred_at").min()), on="order_id", how="left"
    )
    for name, column in (("shipments", "occurred_at"), ("promises", "promised_at")):
        facts = (
            store[name].filter(pl.col("kind") == "delivery") if name == "promises" else store[name]
        )
        rows = rows.join(
            facts.select("order_id", pl.col(column).alias(name)), on="order_id", how="left"
        )
    assert rows.height == opened.height > 800
    assert (rows["opened_at"] - rows["shipments"] >= timedelta(days=10)).all()
    is_delivered = (pl.col("delivered_at") <= pl.col("opened_at")).fill_null(False)
    last = pl.when(is_delivered).then(pl.col("delivered_at") + timedelta(days=16))
    assert rows.filter(
        pl.col("opened_at") > last.otherwise(pl.col("promises") + timedelta(days=61))
    ).is_empty()
    assert rows.filter((pl.col("cause") == "not_received") & is_delivered).is_empty()
    assert rows.filter((pl.col("cause") == "not_as_described") & ~is_delivered).is_empty()


def test_an_order_closes_once_and_not_before_its_dispute_is_settled(store: Store) -> None:
    closed = (
        store["order_events"]
        .filter(pl.col("event") == "closed")
        .select("order_id", closed_at="occurred_at")
    )
    assert closed["order_id"].is_unique().all()
    steps = store["disputes"].join(closed, on="order_id", how="left")
    assert steps.filter(pl.col("closed_at") < pl.col("occurred_at")).is_empty()


# -- messages


def test_buyers_ask_about_late_parcels_most_and_write_in_the_daytime(
    store: Store, piece: StorePart
) -> None:
    messages, orders = piece.life.messages, piece.orders
    asks = messages.is_about_parcel
    days = piece.life.days
    is_waiting = piece.journey.delivered[days.order] > days.day
    is_late = days.day > orders.delivery_promise[days.order]
    late = messages.written > orders.delivery_promise[messages.order]
    rate = [(asks & (late == k)).sum() / (is_waiting & (is_late == k)).sum() for k in (False, True)]
    assert rate[1] > 4.0 * rate[0]
    zones = {
        "KR": "Asia/Seoul",
        "SA": "Asia/Riyadh",
        "BR": "America/Sao_Paulo",
    }  # no summer time in these years
    written = (
        store["messages"].filter(pl.col("sender") == "buyer").join(store["orders"], on="order_id")
    )
    for country, zone in zones.items():
        hour = (
            written.filter(pl.col("country") == country)["occurred_at"]
            .dt.convert_time_zone(zone)
            .dt.hour()
        )
        assert len(hour) > 50
        assert hour.is_between(8, 23).all()


def test_most_messages_are_answered_within_a_day_and_later_at_weekends(
    world: World, piece: StorePart
) -> None:
    messages = piece.life.messages
    is_answered = np.isfinite(messages.answered)
    assert 0.84 < is_answered.mean() < 0.92
    took = messages.answered - messages.written
    is_weekend = world.calendar.is_weekend[world.calendar.day(messages.written)]
    weekdays, weekends = (np.median(took[is_answered & (is_weekend == k)]) for k in (False, True))
    assert 0.4 < weekdays < 0.8
    assert weekends > 1.5 * weekdays


# -- how disputes end


def test_disputes_are_escalated_on_days_4_to_15_or_automatically_on_day_16(store: Store) -> None:
    step = {
        name: rows.select("dispute_id", "occurred_at", "actor", "liable")
        for (name,), rows in store["disputes"].group_by("step")
    }
    escalated = step["escalated"].join(step["opened"], on="dispute_id", suffix="_opened")
    zone = "Asia/Shanghai"
    date = [
        pl.col(c).dt.convert_time_zone(zone).dt.date()
        for c in ("occurred_at", "occurred_at_opened")
    ]
    day = escalated.select("actor", day=(date[0] - date[1]).dt.total_days() + 1)
    assert day.filter(pl.col("actor") == "buyer")["day"].is_between(4, 15).all()
    assert day.filter(pl.col("actor") == "platform")["day"].unique().to_list() == [16]
    assert 0.2 < (day["actor"] == "platform").mean() < 0.5  # type: ignore[operator]
    ruled = step["ruled"].join(step["escalated"], on="dispute_id", suffix="_escalated")
    assert ruled.height == step["ruled"].height
    assert (ruled["occurred_at"] > ruled["occurred_at_escalated"]).all()
    assert set(ruled["liable"]) == {"seller", "buyer"}


def test_every_dispute_has_one_ending_and_only_owed_refunds_are_paid(piece: StorePart) -> None:
    disputes = piece.disputes
    is_withdrawn, is_escalated = np.isfinite(disputes.withdrawn), np.isfinite(disputes.escalated)
    assert not (is_withdrawn & is_escalated).any()
    is_paid = np.isfinite(disputes.refunded)
    assert not is_paid[is_withdrawn].any()
    assert np.array_equal(is_paid[is_escalated], disputes.is_liable[is_escalated])
    assert is_paid[~is_withdrawn & ~is_escalated].all()
    assert (disputes.refund <= disputes.claimed + 0.005).all()
    assert (disputes.claimed <= piece.orders.total_usd[disputes.order] + 0.005).all()
    assert np.isfinite(disputes.settled).all()
    assert (disputes.settled > disputes.opened).all()
