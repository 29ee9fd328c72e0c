"""Messages of buyers while an order is open, and the seller's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.calendars_and_countries import language_of
from pipeline.simulation.words.buyer_words import COUNT_CHANCES, buyer_text
from pipeline.simulation.world.assumptions import QUARREL
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.markets import COUNTRIES
from pipeline.simulation.world.scans import Scans, last_known
from pipeline.simulation.world.simulated_orders import Orders, World

STORE_UTC_HOURS = 8.0
# of what a buyer writes: a late parcel, the product's risk, chance (assumptions)
HEAT_LATE, HEAT_RISK, HEAT_NOISE = 0.8, 0.7, 1.0
# the seller's answers, by topic
SELLER: Mapping[str, str] = {
    "parcel": "Hello, we have asked the carrier and will write as soon as we know more.",
    "product": "Hello, we are sorry. Please send us a photo so that we can help.",
}


@dataclass(frozen=True)
class Messages:
    """One entry per message of a buyer. `order` is an index into the orders; `written` and
    `answered` are times in days; `answered` is infinity if the seller never answers."""

    order: np.ndarray
    written: np.ndarray
    is_about_parcel: np.ndarray
    answered: np.ndarray


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
    """The messages written on the given days of orders (`order` and `day`, one entry per row).

    Buyers ask about the parcel until it is delivered, more often when it is late or without news,
    and about the product afterwards. `copy` (one number, or one per row) is 0 for this world;
    other numbers give other futures. `temper_x` (one per row) replaces the buyers' own tempers.
    """
    draws = world.draws
    keys = (orders.number[order], day, copy)
    delivered = journey.delivered[order]
    temper = orders.temper_x[order] if temper_x is None else temper_x
    chance = -np.expm1(
        -QUARREL.hazard_message * np.sqrt(temper) * worry_x(orders, journey, scans, order, day)
    )
    wrote = np.flatnonzero(draws.uniform("message", *keys) < chance)
    keys = tuple(k if isinstance(k, int) else k[wrote] for k in keys)  # type: ignore[assignment]
    by_order = order[wrote]
    written = day[wrote] + time_of_day(draws, orders.take(by_order), "message", day[wrote])
    weekend_x = np.where(
        world.calendar.is_weekend[world.calendar.day(written)], QUARREL.answer_weekend_x, 1.0
    )
    answered = (
        written + draws.lognormal(QUARREL.answer_median_days, 1.0, "answer", *keys) * weekend_x
    )
    answered[draws.uniform("answered", *keys) >= QUARREL.share_answered] = np.inf
    return Messages(by_order, written, delivered[wrote] > written, answered)


def worry_x(
    orders: Orders, journey: Journey, scans: Scans, order: np.ndarray, day: np.ndarray
) -> np.ndarray:
    """Factor of the chance that a buyer writes on each day, without the effect of the temper."""
    late_x = np.where(day > orders.delivery_promise[order], QUARREL.message_late_x, 1.0)
    is_away = journey.delivered[order] > day
    parcel_x = late_x * silence_x(scans, journey, order, day)
    return np.asarray(np.where(is_away, parcel_x, orders.risks[order].sum(axis=1)))


def silence_x(scans: Scans, journey: Journey, order: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Factor that grows with the days without news of the parcel; 1 before the hand-over."""
    last = last_known(scans, journey, order, day)
    silent_days = np.where(np.isfinite(last), day - last, 0.0) - QUARREL.silence_free_days
    growth = 1.0 + QUARREL.silence_x_per_day * np.maximum(silent_days, 0.0)
    return np.asarray(np.minimum(growth, QUARREL.silence_x_limit))


def is_written(messages: Messages, day: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Whether each order-day has a message. No day has two."""
    has_message = np.zeros(len(day), dtype=bool)
    start = first[messages.order]
    if len(start):
        has_message[start + np.floor(messages.written).astype(np.int64) - day[start]] = True
    return has_message


def is_awaiting_answer(
    messages: Messages, order: np.ndarray, day: np.ndarray, first: np.ndarray
) -> np.ndarray:
    """Whether the buyer has waited a day or more for an answer on each order-day. Buyers stop
    waiting after two weeks."""
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
    """Time as a share of the store's day. Buyers write between 8 and 24 o'clock local time, most of
    them in the evening."""
    hour = 8.0 + 16.0 * np.sqrt(draws.uniform(f"{purpose} hour", orders.number, day))
    offset = np.array([c.utc_hours for c in COUNTRIES])[orders.country]
    return np.asarray((hour - offset + STORE_UTC_HOURS) / 24.0 % 1.0)


def written_texts(world: World, orders: Orders, messages: Messages) -> pl.Series:
    """What buyers write, one text per message, in the language of their country.

    It depends on a heat: the logarithm of the temper, plus lateness (until delivery) or the
    logarithm of the product's risk (after it), plus chance. All of them are known to the buyer when
    writing. Nothing else in the world depends on the texts: their draws have purposes of their own.
    """
    order, written = messages.order, messages.written
    draws, keys = world.draws, (orders.number[order], np.floor(written).astype(np.int64))
    late = HEAT_LATE * (written > orders.delivery_promise[order])
    risk = HEAT_RISK * np.log(orders.risks[order].sum(axis=1))
    heat = np.log(orders.temper_x[order]) + np.where(messages.is_about_parcel, late, risk)
    heat = heat + HEAT_NOISE * draws.normal("words heat", *keys)
    chances = np.stack([draws.uniform(f"words {n}", *keys) for n in range(COUNT_CHANCES)], axis=1)
    countries = pl.Series([country.code for country in COUNTRIES]).gather(orders.country[order])
    languages = countries.to_frame("country").select(language_of(pl.col("country")))
    topics = np.where(messages.is_about_parcel, "parcel", "product").tolist()
    rows = zip(languages.to_series(), topics, heat.tolist(), chances.tolist(), strict=True)
    return pl.Series([buyer_text(*row) for row in rows], dtype=pl.String)
