"""The days on which an order is open: buyers may write or open a dispute, with hazards that depend
on what has happened.

One row per order and day; the rows of an order are adjacent. A hazard covers the whole day and
depends on the state at the start of the day. A dispute opens on the first day on which the sum of
the hazards reaches the order's threshold, which is exponentially distributed. The same order
therefore has a definite outcome under other hazards too, such as those after a message.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, SHOPPING
from pipeline.simulation.world.buyer_messages import (
    Messages,
    is_awaiting_answer,
    silence_x,
    time_of_day,
    write_messages,
)
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.scans import HELD, LOST, RETURNING, Scans
from pipeline.simulation.world.simulated_contact import contact_factor, state_of
from pipeline.simulation.world.simulated_orders import Orders, World

HAZARD_UNIT = 1e-9


@dataclass(frozen=True)
class OrderDays:
    """One entry per order and day. `first` (orders + 1): the row at which each order starts.

    `hazard` (rows, 3): by cause. `contact_factor`: the part of its effect that a message on this
    day has; `state`: what the effects of other actions depend on (`simulated_contact.py`).
    """

    order: np.ndarray
    day: np.ndarray
    first: np.ndarray
    hazard: np.ndarray
    contact_factor: np.ndarray
    state: np.ndarray


@dataclass(frozen=True)
class Life:
    """The course of each order. `opened` is the time of the dispute, infinity for none;
    `opened_day` and `cause` are its day and cause, -1 for none. `threshold` and `which_cause` are
    the random numbers that decide them."""

    days: OrderDays
    threshold: np.ndarray
    which_cause: np.ndarray
    opened_day: np.ndarray
    opened: np.ndarray
    cause: np.ndarray
    messages: Messages


def live(world: World, orders: Orders, journey: Journey, scans: Scans) -> Life:
    """Day by day from the order to its close: hazards, dispute, and messages before the dispute."""
    order, day, first = open_days(journey.starts[:, 0], journey.closed)
    messages = write_messages(world, orders, journey, scans, order, day)
    days = order_days(orders, journey, scans, messages, order, day, first)
    number, draws = orders.number, world.draws
    threshold = draws.exponential(1.0, "threshold", number)
    which_cause = draws.uniform("which cause", number)
    opened_day, cause = first_dispute(days, threshold, which_cause)
    time = opened_day + time_of_day(draws, orders, "opened", np.maximum(opened_day, 0))
    opened = np.where(opened_day >= 0, time, np.inf)
    kept = messages.written < opened[messages.order]
    messages = Messages(**{name: column[kept] for name, column in vars(messages).items()})
    return Life(days, threshold, which_cause, opened_day, opened, cause, messages)


def open_days(begins: np.ndarray, closed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The whole days from the day after an order begins to the last day before it closes: `order`,
    `day` and `first` of `OrderDays`."""
    start, end = np.floor(begins).astype(np.int64) + 1, np.floor(closed).astype(np.int64)
    count = np.maximum(end - start, 0)
    first = np.concatenate([[0], np.cumsum(count)])
    order = np.repeat(np.arange(len(begins)), count)
    day = np.arange(first[-1]) - np.repeat(first[:-1] - start, count)
    return order, day, first


def first_dispute(
    days: OrderDays, threshold: np.ndarray, which_cause: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Day and cause of each order's dispute, -1 where there is none.

    Hazards are summed in whole `HAZARD_UNIT`s. The sums are exact, so the outcome of an order does
    not depend on the orders that it is computed with.
    """
    units = to_units(days.hazard)
    total = units.sum(axis=1)
    running = np.concatenate([[0], np.cumsum(total)])
    needed = np.ceil(threshold / HAZARD_UNIT)
    row = np.flatnonzero(running[1:] - running[days.first[:-1]][days.order] >= needed[days.order])
    order, nth = np.unique(days.order[row], return_index=True)
    row = row[nth]
    day, cause = np.full(len(threshold), -1), np.full(len(threshold), -1)
    day[order] = days.day[row]
    shares = np.cumsum(units[row], axis=1) / total[row][:, None]
    cause[order] = (which_cause[order][:, None] > shares[:, :-1]).sum(axis=1)
    return day, cause


def to_units(hazard: np.ndarray) -> np.ndarray:
    """Hazards as whole numbers of `HAZARD_UNIT`."""
    return np.rint(hazard / HAZARD_UNIT).astype(np.int64)


def order_days(
    orders: Orders,
    journey: Journey,
    scans: Scans,
    messages: Messages,
    order: np.ndarray,
    day: np.ndarray,
    first: np.ndarray,
) -> OrderDays:
    """The hazards and the contact factor of the given order-days (`open_days`)."""
    is_unanswered = is_awaiting_answer(messages, order, day, first)
    is_waiting = journey.delivered[order] >= day + 1.0
    overdue_days = day - orders.delivery_promise[order]
    is_gone = np.minimum(journey.lost_at, journey.returned_at)[order] < day
    hazard = dispute_hazards(
        orders, journey, scans, order, day, is_waiting, overdue_days, is_unanswered
    )
    factor = contact_factor(journey, order, day, overdue_days, is_gone, is_unanswered)
    state = state_of(journey, order, day, overdue_days, is_gone, is_unanswered)
    return OrderDays(order, day, first, hazard, factor, state)


def dispute_hazards(
    orders: Orders,
    journey: Journey,
    scans: Scans,
    order: np.ndarray,
    day: np.ndarray,
    is_waiting: np.ndarray,
    overdue_days: np.ndarray,
    is_unanswered: np.ndarray,
) -> np.ndarray:
    """Hazard of each day by cause (rows, 3); zero while no dispute may be opened."""
    not_received = _not_received_hazard(
        orders, journey, scans, order, day, is_waiting, overdue_days
    )
    not_as_described = _not_as_described_hazard(orders, journey, order, day)
    other = np.full(len(order), QUARREL.hazard_other)
    may_open = day >= journey.handed_over[order] + QUARREL.opens_days_after_hand_over
    mood_x = (
        orders.temper_x[order]
        * (orders.total_usd[order] / SHOPPING.price_median_usd) ** QUARREL.value_power
    )
    mood_x = mood_x * np.where(is_unanswered, QUARREL.unanswered_x, 1.0)
    by_cause = np.stack([not_received, not_as_described, other], axis=1)
    return np.asarray(by_cause * (mood_x * may_open)[:, None])


def _not_received_hazard(
    orders: Orders,
    journey: Journey,
    scans: Scans,
    order: np.ndarray,
    day: np.ndarray,
    is_waiting: np.ndarray,
    overdue_days: np.ndarray,
) -> np.ndarray:
    """Grows once the promise has passed, after bad news and in silence; falls when buyers tire."""
    patience = orders.patience_days[order] * QUARREL.patience_days
    tired_x = np.where(overdue_days > patience + QUARREL.tired_after_days, QUARREL.tired_x, 1.0)
    overdue_x = np.where(
        overdue_days > patience,
        QUARREL.promise_passed_x * tired_x,
        np.where(overdue_days > 0.0, 2.0, 1.0),
    )
    is_bad_news = np.minimum(scans.known[:, LOST], scans.known[:, RETURNING])[order] < day
    is_held = scans.known[order, HELD] < day
    news_x = np.where(is_bad_news, QUARREL.bad_news_x, np.where(is_held, QUARREL.customs_x, 1.0))
    return np.asarray(
        QUARREL.hazard_not_received
        * overdue_x
        * news_x
        * silence_x(scans, journey, order, day)
        * is_waiting
    )


def _not_as_described_hazard(
    orders: Orders, journey: Journey, order: np.ndarray, day: np.ndarray
) -> np.ndarray:
    """Highest at delivery, then fading; in proportion to the product's risk."""
    delivered = journey.delivered[order]
    is_delivered = delivered <= day
    days_since = np.where(is_delivered, day - np.where(is_delivered, delivered, 0.0), 0.0)
    late_x = np.where(delivered > orders.delivery_promise[order], QUARREL.late_delivery_x, 1.0)
    fading = np.exp(-days_since / QUARREL.after_delivery_fading_days) * late_x
    return np.asarray(
        QUARREL.hazard_not_as_described * orders.risks[order].sum(axis=1) * fading * is_delivered
    )
