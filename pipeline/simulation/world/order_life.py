"""Day by day while an order is open: buyers ask, and may dispute, each by a hazard that what
happens moves.

A day of an order is a row; the rows of an order follow each other. Hazards are those of the whole
day and stand on what was so when it started. A dispute opens on the first day on which the hazards
so far reach the order's threshold, an exponential number: so the same order under other hazards (a
message to the buyer) has a definite other outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, SHOPPING
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.markets import COUNTRIES
from pipeline.simulation.world.scans import HELD, LOST, RETURNING, Scans, last_known
from pipeline.simulation.world.simulated_contact import contact_factor
from pipeline.simulation.world.simulated_orders import Orders, World

STORE_UTC_HOURS = 8.0
HAZARD_UNIT = 1e-9


@dataclass(frozen=True)
class Messages:
    """One entry per message of a buyer: `order` is an index, `answered` infinity when nobody
    answers."""

    order: np.ndarray
    written: np.ndarray
    is_about_parcel: np.ndarray
    answered: np.ndarray


@dataclass(frozen=True)
class OrderDays:
    """One entry per order and day; `first` (orders + 1) says where each order's rows start.

    `hazard` (rows, 3) by cause; `contact_factor`: how much of its effect a message on this day has
    (contact.py).
    """

    order: np.ndarray
    day: np.ndarray
    first: np.ndarray
    hazard: np.ndarray
    contact_factor: np.ndarray


@dataclass(frozen=True)
class Life:
    """`opened`: a time, infinity for no dispute; `opened_day` (-1: none) and `cause` (-1: none)
    belong to it."""

    days: OrderDays
    threshold: np.ndarray
    which: np.ndarray
    opened_day: np.ndarray
    opened: np.ndarray
    cause: np.ndarray
    messages: Messages


def live(world: World, orders: Orders, journey: Journey, scans: Scans) -> Life:
    order, day, first = open_days(journey.starts[:, 0], journey.closed)
    messages = write_messages(world, orders, journey, scans, order, day)
    days = order_days(orders, journey, scans, messages, order, day, first)
    number, draws = orders.number, world.draws
    threshold, which = (
        draws.exponential(1.0, "threshold", number),
        draws.uniform("which cause", number),
    )
    opened_day, cause = first_dispute(days, threshold, which)
    time = opened_day + time_of_day(draws, orders, "opened", np.maximum(opened_day, 0))
    opened = np.where(opened_day >= 0, time, np.inf)
    kept = messages.written < opened[messages.order]
    messages = Messages(**{name: column[kept] for name, column in vars(messages).items()})
    return Life(days, threshold, which, opened_day, opened, cause, messages)


def open_days(begins: np.ndarray, closed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of whole days from the day after an order begins to the last before it closes: order,
    day, first row."""
    start, end = np.floor(begins).astype(np.int64) + 1, np.floor(closed).astype(np.int64)
    count = np.maximum(end - start, 0)
    first = np.concatenate([[0], np.cumsum(count)])
    order = np.repeat(np.arange(len(begins)), count)
    day = np.arange(first[-1]) - np.repeat(first[:-1] - start, count)
    return order, day, first


def first_dispute(
    days: OrderDays, threshold: np.ndarray, which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Day and cause of each order's dispute, -1 where there is none.

    Sums are taken in whole `HAZARD_UNIT`s: they are exact, so an order ends alike whatever it is
    computed with.
    """
    units = to_units(days.hazard)
    total = units.sum(axis=1)
    so_far = np.concatenate([[0], np.cumsum(total)])
    needed = np.ceil(threshold / HAZARD_UNIT)
    row = np.flatnonzero(so_far[1:] - so_far[days.first[:-1]][days.order] >= needed[days.order])
    order, nth = np.unique(days.order[row], return_index=True)
    row = row[nth]
    day, cause = np.full(len(threshold), -1), np.full(len(threshold), -1)
    day[order] = days.day[row]
    shares = np.cumsum(units[row], axis=1) / total[row][:, None]
    cause[order] = (which[order][:, None] > shares[:, :-1]).sum(axis=1)
    return day, cause


def to_units(hazard: np.ndarray) -> np.ndarray:
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
    is_unanswered = _unanswered(messages, order, day, first)
    is_waiting = journey.delivered[order] >= day + 1.0
    overdue = day - orders.delivery_promise[order]
    gone = np.minimum(journey.lost_at, journey.returned_at)[order] < day
    hazard = dispute_hazards(orders, journey, scans, order, day, is_waiting, overdue, is_unanswered)
    factor = contact_factor(journey, order, day, overdue, gone, is_unanswered)
    return OrderDays(order, day, first, hazard, factor)


def dispute_hazards(
    orders: Orders,
    journey: Journey,
    scans: Scans,
    order: np.ndarray,
    day: np.ndarray,
    is_waiting: np.ndarray,
    overdue: np.ndarray,
    is_unanswered: np.ndarray,
) -> np.ndarray:
    """Hazard of a day by cause (rows, 3); zero while no dispute may be opened."""
    may_open = day >= journey.handed_over[order] + QUARREL.opens_days_after_hand_over
    mood_x = (
        orders.temper_x[order]
        * (orders.total_usd[order] / SHOPPING.price_median_usd) ** QUARREL.value_power
    )
    mood_x = mood_x * np.where(is_unanswered, QUARREL.unanswered_x, 1.0)
    patience = orders.patience_days[order] * QUARREL.patience_days
    tired_x = np.where(overdue > patience + QUARREL.tired_after_days, QUARREL.tired_x, 1.0)
    over_x = np.where(
        overdue > patience, QUARREL.promise_passed_x * tired_x, np.where(overdue > 0.0, 2.0, 1.0)
    )
    bad_news = np.minimum(scans.known[:, LOST], scans.known[:, RETURNING])[order] < day
    held = scans.known[order, HELD] < day
    news_x = np.where(bad_news, QUARREL.bad_news_x, np.where(held, QUARREL.customs_x, 1.0))
    not_received = (
        QUARREL.hazard_not_received
        * over_x
        * news_x
        * silence_x(scans, journey, order, day)
        * is_waiting
    )
    delivered = journey.delivered[order]
    is_there = delivered <= day
    since = np.where(is_there, day - np.where(is_there, delivered, 0.0), 0.0)
    late_x = np.where(delivered > orders.delivery_promise[order], QUARREL.late_delivery_x, 1.0)
    fading = np.exp(-since / QUARREL.after_delivery_fading_days) * late_x
    not_as_described = (
        QUARREL.hazard_not_as_described * orders.risks[order].sum(axis=1) * fading * is_there
    )
    other = np.full(len(order), QUARREL.hazard_other)
    return np.stack([not_received, not_as_described, other], axis=1) * (mood_x * may_open)[:, None]


def silence_x(scans: Scans, journey: Journey, order: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Grows with the days without news of the parcel; an order not handed over has none to miss."""
    last = last_known(scans, journey, order, day)
    silent = np.where(np.isfinite(last), day - last, 0.0) - QUARREL.silence_free_days
    x: np.ndarray = np.minimum(
        1.0 + QUARREL.silence_x_per_day * np.maximum(silent, 0.0), QUARREL.silence_x_limit
    )
    return x


def write_messages(
    world: World,
    orders: Orders,
    journey: Journey,
    scans: Scans,
    order: np.ndarray,
    day: np.ndarray,
    copy: np.ndarray | int = 0,
    temper_x: np.ndarray | None = None,
) -> Messages:
    """A buyer asks for the parcel while it is away, more so once late and silent; about the product
    after it came.

    `copy` (a number a row): 0 for what happens, others for other futures. `temper_x` (a row), if
    not the buyer's own.
    """
    draws = world.draws
    keys = (orders.number[order], day, copy if isinstance(copy, int) else copy)
    delivered = journey.delivered[order]
    temper = orders.temper_x[order] if temper_x is None else temper_x
    chance = -np.expm1(
        -QUARREL.hazard_message * np.sqrt(temper) * worry_x(orders, journey, scans, order, day)
    )
    wrote = np.flatnonzero(draws.uniform("message", *keys) < chance)
    keys = tuple(k if isinstance(k, int) else k[wrote] for k in keys)  # type: ignore[assignment]
    by = order[wrote]
    written = day[wrote] + time_of_day(draws, orders.take(by), "message", day[wrote])
    weekend_x = np.where(
        world.calendar.is_weekend[world.calendar.day(written)], QUARREL.answer_weekend_x, 1.0
    )
    answered = (
        written + draws.lognormal(QUARREL.answer_median_days, 1.0, "answer", *keys) * weekend_x
    )
    answered[draws.uniform("answered", *keys) >= QUARREL.share_answered] = np.inf
    return Messages(by, written, delivered[wrote] > written, answered)


def worry_x(
    orders: Orders, journey: Journey, scans: Scans, order: np.ndarray, day: np.ndarray
) -> np.ndarray:
    """What moves a buyer to write on a day, whatever the temper."""
    late_x = np.where(day > orders.delivery_promise[order], QUARREL.message_late_x, 1.0)
    is_away = journey.delivered[order] > day
    return np.where(
        is_away, late_x * silence_x(scans, journey, order, day), orders.risks[order].sum(axis=1)
    )


def is_written(messages: Messages, day: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Which rows have a message; no day has two."""
    found = np.zeros(len(day), dtype=bool)
    start = first[messages.order]
    if len(start):
        found[start + np.floor(messages.written).astype(np.int64) - day[start]] = True
    return found


def _unanswered(
    messages: Messages, order: np.ndarray, day: np.ndarray, first: np.ndarray
) -> np.ndarray:
    """Rows on which the buyer has waited for an answer for a day or more; after two weeks nobody
    waits any longer."""
    least, most = QUARREL.unanswered_days
    start = np.ceil(messages.written + least).astype(np.int64)
    end = np.ceil(np.minimum(messages.answered, messages.written + most)).astype(np.int64)
    base = first[messages.order]
    last = first[messages.order + 1]
    begins = day[np.minimum(base, max(len(day) - 1, 0))] if len(day) else base
    from_row = np.clip(base + start - begins, base, last)
    to_row = np.clip(base + np.maximum(end, start) - begins, base, last)
    change = np.zeros(len(order) + 1, dtype=np.int64)
    np.add.at(change, from_row, 1)
    np.add.at(change, to_row, -1)
    return np.asarray(np.cumsum(change)[:-1] > 0)


def time_of_day(draws: Draws, orders: Orders, purpose: str, day: np.ndarray) -> np.ndarray:
    """Part of the store's day: buyers write between 8 and 24 by their own clock, most in the
    evening."""
    hour = 8.0 + 16.0 * np.sqrt(draws.uniform(f"{purpose} hour", orders.number, day))
    offset = np.array([c.utc_hours for c in COUNTRIES])[orders.country]
    return np.asarray((hour - offset + STORE_UTC_HOURS) / 24.0 % 1.0)
