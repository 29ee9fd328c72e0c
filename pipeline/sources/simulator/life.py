"""Day by day after the order: buyers write, and some open a dispute, each by a hazard that what happens moves."""

from __future__ import annotations

import numpy as np

from pipeline.sources.simulator.assumptions import ASSUMED
from pipeline.sources.simulator.state import Life, Message, Orders, Parcels


def live(rng: np.random.Generator, orders: Orders, parcels: Parcels) -> Life:
    """Each order is looked at once a day, at a random moment, until it is closed or disputed."""
    count = len(orders.placed)
    closed = _closing_times(rng, orders, parcels)
    opened, cause = np.full(count, np.inf), np.full(count, -1)
    written_at, answered_at = np.full(count, -np.inf), np.full(count, -np.inf)
    messages = []
    for age in range(int(np.ceil((closed - orders.placed).max()))):
        now = orders.placed + age + rng.random(count)
        is_open = (now < closed) & np.isinf(opened)
        is_unanswered = (answered_at > now) & (now - written_at > 1.0)
        hazards = dispute_hazards(now, orders, parcels, is_unanswered)
        is_disputed = is_open & (rng.random(count) < -np.expm1(-hazards.sum(axis=1)))
        which = rng.random(count) * hazards.sum(axis=1)
        opened[is_disputed] = now[is_disputed]
        cause[is_disputed] = (which[:, None] > np.cumsum(hazards, axis=1)[:, :-1]).sum(axis=1)[is_disputed]
        chance = _message_hazard(now, orders, parcels)
        is_writing = is_open & (now - written_at > ASSUMED.message_gap_days) & (rng.random(count) < chance)
        answer = now + rng.lognormal(np.log(ASSUMED.answer_median_days), 1.0, count)
        answer[rng.random(count) >= ASSUMED.share_answered] = np.inf
        written_at[is_writing], answered_at[is_writing] = now[is_writing], answer[is_writing]
        wrote = np.flatnonzero(is_writing)
        messages.append((wrote, now[wrote], parcels.delivered[wrote] > now[wrote], answer[wrote]))
    order, written, is_about_parcel, answered = (np.concatenate(part) for part in zip(*messages, strict=True))
    return Life(opened, cause, closed, Message(order, written, is_about_parcel, answered))


def _closing_times(rng: np.random.Generator, orders: Orders, parcels: Parcels) -> np.ndarray:
    """When an order closes if nobody complains: confirmed, timed out, promise long over, or never shipped."""
    count = len(orders.placed)
    confirmed_after = np.where(
        rng.random(count) < ASSUMED.share_confirming, rng.gamma(2.0, ASSUMED.confirm_mean_days / 2.0, count), np.inf
    )
    delivered = parcels.delivered + np.minimum(confirmed_after, ASSUMED.closes_days_after_delivery)
    given_up = orders.delivery_promise + ASSUMED.closes_days_after_promise
    cancelled = orders.dispatch_promise + ASSUMED.cancelled_days_after_dispatch_promise
    closed = np.where(parcels.delivered < given_up, delivered, given_up)
    return np.where(np.isinf(parcels.handed_over), cancelled, closed)


def dispute_hazards(now: np.ndarray, orders: Orders, parcels: Parcels, is_unanswered: np.ndarray) -> np.ndarray:
    """Hazard a day of (not_received, not_as_described, other), shape (orders, 3); zero while it may not be opened."""
    may_open = now >= parcels.handed_over + ASSUMED.opens_days_after_hand_over
    is_waiting = parcels.delivered > now
    days_over = now - orders.delivery_promise
    is_just_over = days_over < ASSUMED.promise_passed_days
    over_x = np.where(days_over <= 0.0, 1.0, np.where(is_just_over, ASSUMED.promise_passed_x, ASSUMED.long_passed_x))
    value_x = (orders.total_usd / ASSUMED.price_median_usd) ** 0.2
    mood_x = orders.buyer_temper * value_x * np.where(is_unanswered, ASSUMED.unanswered_x, 1.0)
    gone_x = np.where(parcels.is_gone & (days_over > 0.0), ASSUMED.lost_x, 1.0)
    not_received = ASSUMED.hazard_not_received * over_x * _silence_x(now, parcels) * gone_x * is_waiting
    days_since_delivery = np.where(is_waiting, 0.0, now - np.where(is_waiting, 0.0, parcels.delivered))
    fading = np.exp(ASSUMED.badness_x * orders.badness - days_since_delivery / ASSUMED.after_delivery_fading_days)
    not_as_described = ASSUMED.hazard_not_as_described * fading * ~is_waiting
    other = np.full(len(now), ASSUMED.hazard_other)
    return np.stack([not_received, not_as_described, other], axis=1) * (mood_x * may_open)[:, None]


def _silence_x(now: np.ndarray, parcels: Parcels) -> np.ndarray:
    """Grows with the days since the last scan; a parcel not handed over has none."""
    last = np.where(parcels.scans <= now[:, None], parcels.scans, parcels.handed_over[:, None]).max(axis=1)
    silent_days = np.maximum(now - last - ASSUMED.silence_free_days, 0.0)
    silence_x: np.ndarray = np.minimum(1.0 + ASSUMED.silence_x_per_day * silent_days, ASSUMED.silence_x_limit)
    return silence_x


def _message_hazard(now: np.ndarray, orders: Orders, parcels: Parcels) -> np.ndarray:
    """A buyer asks for the parcel while it is away, more so once late and silent; about the product after it came."""
    is_waiting = parcels.delivered > now
    late_x = np.where(now > orders.delivery_promise, ASSUMED.message_late_x, 1.0) * _silence_x(now, parcels)
    about_product_x = np.exp(ASSUMED.badness_x * orders.badness)
    return ASSUMED.hazard_message * orders.buyer_temper * np.where(is_waiting, late_x, about_product_x)
