"""The simulated world, second part: why buyers ask and dispute, within which days, and how it
ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.simulation.world.assumptions import QUARREL
from pipeline.simulation.world.journey import NEVER
from pipeline.simulation.world.markets import CAUSES, REASONS
from pipeline.simulation.world.order_life import dispute_hazards
from pipeline.simulation.world.scans import HELD, LOST, RETURNING, Scans
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart

Store = dict[str, pl.DataFrame]
NOT_RECEIVED, NOT_AS_DESCRIBED, OTHER = range(3)


class Waiting:
    """Every order long on its way, on its twentieth day after hand-over, the last scan a day old:
    the hazards of that day, with one thing changed."""

    def __init__(self, piece: StorePart) -> None:
        index = np.flatnonzero(piece.journey.delivered > piece.journey.handed_over + 22.0)
        index = index[np.isfinite(piece.journey.handed_over[index])]
        self.orders = piece.orders.take(index)
        self.journey = replace(
            piece.journey, **{name: column[index] for name, column in vars(piece.journey).items()}
        )
        self.row = np.arange(len(index))
        self.day = np.ceil(self.journey.handed_over).astype(int) + 20
        self.news = self.with_last_scan(1.0)

    def with_last_scan(self, days_ago: float, slot: int = 0) -> Scans:
        known = np.full((len(self.row), 18), NEVER)
        known[:, slot] = self.day - days_ago
        return Scans(known, known, np.full_like(known, NEVER))

    def hazard(
        self,
        *,
        overdue: float | np.ndarray = -1.0,
        scans: Scans | None = None,
        is_unanswered: bool = False,
        days_later: int = 0,
    ) -> np.ndarray:
        count = len(self.row)
        return dispute_hazards(
            self.orders,
            self.journey,
            scans or self.news,
            self.row,
            self.day + days_later,
            np.ones(count, bool),
            np.zeros(count) + overdue,
            np.full(count, is_unanswered),
        )[:, NOT_RECEIVED]


@pytest.fixture(scope="module")
def waiting(piece: StorePart) -> Waiting:
    return Waiting(piece)


# -- not received
# --------------------------------------------------------------------------------------------------


def test_silence_raises_the_hazard_day_by_day_up_to_a_limit(waiting: Waiting) -> None:
    silent = (1, 6, 7, 10, 15, 30, 60)  # days since the last scan
    by_silence = [waiting.hazard(days_later=days - 1) for days in silent]
    ratio = [float(np.median(hazard / by_silence[0])) for hazard in by_silence]
    assert ratio[:2] == [1.0, 1.0]
    assert ratio == sorted(ratio)
    assert ratio[3] == pytest.approx(1.0 + 4 * QUARREL.silence_x_per_day)
    assert ratio[-1] == ratio[-2] == QUARREL.silence_x_limit


def test_the_promised_date_is_a_kink_then_patience_runs_out_then_people_tire(
    waiting: Waiting,
) -> None:
    patience = waiting.orders.patience_days * QUARREL.patience_days
    before, just_after, out_of_patience, tired = (
        waiting.hazard(overdue=overdue)
        for overdue in (-0.5, 0.01, patience + 0.01, patience + QUARREL.tired_after_days + 0.01)
    )
    assert just_after / before == pytest.approx(2.0)
    assert out_of_patience / before == pytest.approx(QUARREL.promise_passed_x)
    assert tired / before == pytest.approx(QUARREL.promise_passed_x * QUARREL.tired_x)
    assert np.std(patience) > 1.0  # buyers differ in it


def test_bad_news_customs_and_being_ignored_raise_the_hazard(waiting: Waiting) -> None:
    plain = waiting.hazard()
    for slot, factor in (
        (LOST, QUARREL.bad_news_x),
        (RETURNING, QUARREL.bad_news_x),
        (HELD, QUARREL.customs_x),
    ):
        assert waiting.hazard(scans=waiting.with_last_scan(1.0, slot)) / plain == pytest.approx(
            factor
        )
    assert waiting.hazard(is_unanswered=True) / plain == pytest.approx(QUARREL.unanswered_x)


def test_dear_orders_are_fought_over_more(waiting: Waiting) -> None:
    dearer = Waiting.__new__(Waiting)
    vars(dearer).update(vars(waiting))
    dearer.orders = replace(waiting.orders, total_usd=16.0 * waiting.orders.total_usd)
    assert dearer.hazard() / waiting.hazard() == pytest.approx(16.0**QUARREL.value_power)


def test_a_few_buyers_dispute_habitually(piece: StorePart) -> None:
    disputed = piece.life.opened_day >= 0
    habitual = piece.orders.is_habitual
    assert 0.01 < habitual.mean() < 0.03
    assert disputed[habitual].mean() > 3.0 * disputed[~habitual].mean()


# -- not as described, and the buyer's own reasons
# -----------------------------------------------------------------


def test_a_bad_product_is_disputed_after_it_came_soon_rather_than_late(piece: StorePart) -> None:
    days, journey = piece.life.days, piece.journey
    hazard, order = days.hazard[:, NOT_AS_DESCRIBED], days.order
    assert not hazard[days.day < journey.delivered[order]].any()
    # of one order, day after day, it fades at the same rate
    both = np.flatnonzero((order[1:] == order[:-1]) & (hazard[:-1] > 0.0) & (hazard[1:] > 0.0))
    ratio = hazard[both + 1] / hazard[both]
    assert np.median(ratio) == pytest.approx(np.exp(-1.0 / QUARREL.after_delivery_fading_days))
    # and the worst fifth of what is sold makes many times the disputes of the best
    risk = piece.orders.risks.sum(axis=1)
    described = piece.life.cause == NOT_AS_DESCRIBED
    best, worst = risk < np.quantile(risk, 0.2), risk > np.quantile(risk, 0.8)
    assert described[worst].sum() > 4 * described[best].sum()


def test_every_cause_has_its_reasons(store: Store) -> None:
    opened = store["disputes"].filter(pl.col("step") == "opened")
    said = {cause: set(rows["reason"]) for (cause,), rows in opened.group_by("cause")}
    assert said == dict(zip(CAUSES, map(set, REASONS), strict=True))


# -- within which days
# ---------------------------------------------------------------------------------------------


def test_no_hazard_before_the_first_day_nor_after_the_last(piece: StorePart) -> None:
    """From 10 days after hand-over until 15 after delivery; undelivered, until 60 after the
    promised day."""
    days, journey, orders = piece.life.days, piece.journey, piece.orders
    order, is_open = days.order, days.hazard.any(axis=1)
    assert (days.day >= journey.handed_over[order] + 10.0)[is_open].all()
    is_early = days.day < journey.handed_over[order] + 10.0
    assert is_early.any()
    assert not days.hazard[is_early].any()
    is_there = journey.delivered[order] <= days.day
    last = np.where(
        is_there, journey.delivered[order] + 15.0, orders.delivery_promise[order] + 60.0
    )
    assert (days.day <= last)[is_open].all()
    assert not days.hazard[np.isinf(journey.handed_over)[order]].any()


def test_disputes_in_the_tables_keep_to_the_same_days(store: Store) -> None:
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
    came_first = (pl.col("delivered_at") <= pl.col("opened_at")).fill_null(False)
    last = pl.when(came_first).then(pl.col("delivered_at") + timedelta(days=16))
    assert rows.filter(
        pl.col("opened_at") > last.otherwise(pl.col("promises") + timedelta(days=61))
    ).is_empty()
    assert rows.filter((pl.col("cause") == "not_received") & came_first).is_empty()
    assert rows.filter((pl.col("cause") == "not_as_described") & ~came_first).is_empty()


def test_an_order_is_closed_once_and_not_before_its_dispute_is_settled(store: Store) -> None:
    closed = (
        store["order_events"]
        .filter(pl.col("event") == "closed")
        .select("order_id", closed_at="occurred_at")
    )
    assert closed["order_id"].is_unique().all()
    steps = store["disputes"].join(closed, on="order_id", how="left")
    assert steps.filter(pl.col("closed_at") < pl.col("occurred_at")).is_empty()


# -- messages
# ------------------------------------------------------------------------------------------------------


def test_buyers_ask_for_the_parcel_most_when_it_is_late_and_write_by_day(
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


def test_staff_answers_most_within_a_day_slower_at_weekends_some_never(
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


# -- how it ends
# ---------------------------------------------------------------------------------------------------


def test_filing_is_day_one_escalation_comes_on_days_4_to_15_or_by_itself_on_day_16(
    store: Store,
) -> None:
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


def test_every_dispute_is_settled_one_way_and_only_what_is_owed_is_paid(piece: StorePart) -> None:
    disputes = piece.disputes
    ways = np.isfinite(np.stack([disputes.withdrawn, disputes.escalated], axis=1))
    assert not ways.all(axis=1).any()
    is_paid = np.isfinite(disputes.refunded)
    assert not is_paid[ways[:, 0]].any()
    assert np.array_equal(is_paid[ways[:, 1]], disputes.is_liable[ways[:, 1]])
    assert is_paid[~ways.any(axis=1)].all()
    assert (disputes.refund <= disputes.claimed + 0.005).all()
    assert (disputes.claimed <= piece.orders.total_usd[disputes.order] + 0.005).all()
    assert np.isfinite(disputes.settled).all()
    assert (disputes.settled > disputes.opened).all()
