"""The chance of a dispute as known to one who knows all but the buyers' tempers: nobody who cannot
look into heads does better.

This scorer knows every number of `assumptions.py`, each product's hidden risks, each buyer's
patience and where every parcel is; of a temper it knows how tempers are spread, and what the buyer
has done on every day before `as_of`, in this order and in all others. With T the temper, b a day's
hazard and w its worry, both at temper 1, by Bayes' rule:

    no dispute that day: exp(-T b)                 a dispute: 1 - exp(-T b)
    no message that day: exp(-h sqrt(T) w)         a message: 1 - exp(-h sqrt(T) w)

Nothing else that a store can see depends on a temper. The chance is the mean over futures of 1 -
E[exp(-T A)], A being the hazards ahead. Messages of a future move A and depend on T: they are
written by a temper drawn from what is known of it, and then count as evidence in that future, so
that the mean is exact.

Who knows less has no lower expected log loss: the chance given more is the mean that proper scores
reward (Gneiting & Raftery 2007). It errs on the side of too high, for it gives away what a store
would have to learn: products, patience, parcels between two scans, when a message will be answered,
and what a buyer would have written on the day of a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, SHOPPING
from pipeline.simulation.world.attainable_risk import Ahead, look_ahead
from pipeline.simulation.world.journey import Realised, travel
from pipeline.simulation.world.order_life import is_written, live, worry_x, write_messages
from pipeline.simulation.world.scans import scan
from pipeline.simulation.world.simulated_orders import World, draw_orders

# of a standard normal, for ordinary buyers and for habitual ones: sums over them are as good as
# integrals. Further up than down, since several disputes move all weight there
NODES = np.linspace(-5.0, 8.0, 53)
ORDERS_AT_ONCE, ROWS_AT_ONCE = 20_000, 10_000


@dataclass(frozen=True)
class Tempers:
    """The simulator's own spread of tempers, in points: `x` and the logarithm of the weight of
    each."""

    x: np.ndarray
    log_weight: np.ndarray


@dataclass(frozen=True)
class History:
    """What buyers did, sorted by `code` = buyer x span + day, as sums of all that comes before each
    entry.

    Of days at risk `calm` (days + 1, 2): hazards of those without dispute, worry of those without
    message, at temper 1; of disputes and messages `told` (events + 1, points): the logarithm of the
    chance of each, by temper.
    """

    span: int
    code: np.ndarray
    calm: np.ndarray
    event_code: np.ndarray
    told: np.ndarray


def knowable_risk(
    world: World, number: np.ndarray, as_of: np.ndarray, horizon: int, copies: int
) -> np.ndarray:
    """P(dispute in [as_of, as_of + horizon) | undisputed at as_of, tempers unseen); one a row
    (order number, day)."""
    tempers, orders = spread_of_tempers(), draw_orders(world, number)
    buyers, buyer = np.unique(orders.buyer, return_inverse=True)
    history = read_history(world, tempers, buyers, int(as_of.max(initial=0)))
    found = np.empty(len(number))
    for part in np.array_split(np.arange(len(number)), len(number) // ROWS_AT_ONCE + 1):
        known, some, night = (
            posterior(history, tempers, buyer[part], as_of[part]),
            orders.take(part),
            as_of[part],
        )
        up_to = np.cumsum(known, axis=1)
        where = world.draws.uniform("temper unseen", some.number, night)
        total = np.zeros(len(part))
        for copy in range(1, copies + 1):
            # one temper from each of `copies` equal parts of what is thought possible
            at = (up_to < ((where + copy - 1.0) / copies)[:, None]).sum(axis=1)
            drawn = tempers.x[np.minimum(at, len(tempers.x) - 1)]
            total += _disputed(
                look_ahead(world, some, night, horizon, copy=copy, temper_x=drawn), tempers, known
            )
        found[part] = total / copies
    return found


def spread_of_tempers() -> Tempers:
    weight = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
    ordinary = np.exp(SHOPPING.temper_sigma * NODES)
    share = SHOPPING.share_habitual
    weights = np.concatenate([(1.0 - share) * weight, share * weight])
    with np.errstate(divide="ignore"):
        return Tempers(np.concatenate([ordinary, SHOPPING.habitual_x * ordinary]), np.log(weights))


def posterior(
    history: History, tempers: Tempers, buyer: np.ndarray, as_of: np.ndarray
) -> np.ndarray:
    """(rows, points): how likely each temper is of `buyer` (index), by what was seen before the
    start of `as_of`."""

    def seen(code: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Half-open: days 0 to as_of - 1."""
        start, end = (
            np.searchsorted(code, buyer * history.span + day, side="left") for day in (0, as_of)
        )
        return np.asarray(sums[end] - sums[start])

    calm = seen(history.code, history.calm)
    told = seen(history.event_code, history.told)
    return _weights(
        tempers.log_weight + told - calm[:, :1] * tempers.x - calm[:, 1:] * _writing(tempers)
    )


def read_history(world: World, tempers: Tempers, buyers: np.ndarray, before: int) -> History:
    """All that `buyers` (sorted) do before the day `before`, read off all orders of the world."""
    days = [_watch(world, number, buyers, before) for number in _orders_of(world, buyers, before)]
    buyer, day, hazard, worry = (
        np.concatenate(c) for c in zip(*(d[:4] for d in days), strict=True)
    )
    is_disputed, wrote = (np.concatenate(c) for c in zip(*(d[4:] for d in days), strict=True))
    span = before + 1
    code = buyer * span + day
    by = np.argsort(code, kind="stable")
    calm = np.stack([np.where(is_disputed, 0.0, hazard), np.where(wrote, 0.0, worry)], axis=1)[by]
    event_code = np.concatenate([code[is_disputed], code[wrote]])
    chance = np.concatenate(
        [np.outer(hazard[is_disputed], tempers.x), np.outer(worry[wrote], _writing(tempers))]
    )
    in_turn = np.argsort(event_code, kind="stable")
    told = _log_happens(chance[in_turn])
    return History(span, code[by], _sums_before(calm), event_code[in_turn], _sums_before(told))


def _orders_of(world: World, buyers: np.ndarray, before: int) -> list[np.ndarray]:
    """The numbers of the orders that these buyers placed before a day, in pieces."""
    kept = []
    for start in range(0, world.count_orders, ORDERS_AT_ONCE):
        orders = draw_orders(
            world, np.arange(start, min(start + ORDERS_AT_ONCE, world.count_orders))
        )
        kept.append(orders.number[np.isin(orders.buyer, buyers) & (orders.placed < before)])
    number = np.concatenate(kept)
    return np.array_split(number, len(number) // ORDERS_AT_ONCE + 1)


def _watch(
    world: World, number: np.ndarray, buyers: np.ndarray, before: int
) -> tuple[np.ndarray, ...]:
    """Per day at risk (up to and with that of a dispute): buyer (index), day, hazard and worry at
    temper 1, whether a dispute is opened, whether a message is written."""
    orders = draw_orders(world, number)
    chance = Realised(world.draws, number)
    journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    life = live(world, orders, journey, scans)
    order, day = life.days.order, life.days.day
    # not those of `life`, of which what comes later on the day of a dispute is gone
    messages = write_messages(world, orders, journey, scans, order, day)
    wrote = is_written(messages, day, life.days.first)
    opened = life.opened_day[order]
    row = np.flatnonzero(((opened < 0) | (day <= opened)) & (day < before))
    order, day = order[row], day[row]
    hazard = life.days.hazard[row].sum(axis=1) / orders.temper_x[order]
    worry = worry_x(orders, journey, scans, order, day)
    return (
        np.searchsorted(buyers, orders.buyer)[order],
        day,
        hazard,
        worry,
        opened[row] == day,
        wrote[row],
    )


def _disputed(ahead: Ahead, tempers: Tempers, known: np.ndarray) -> np.ndarray:
    """The chance of a dispute in this future, one a row, its messages being evidence."""
    calm = np.bincount(
        ahead.order, weights=np.where(ahead.is_written, 0.0, ahead.worry), minlength=len(known)
    )
    with np.errstate(divide="ignore"):
        log_weight = np.log(known) - calm[:, None] * _writing(tempers)
    wrote = np.flatnonzero(ahead.is_written)
    np.add.at(
        log_weight,
        ahead.order[wrote],
        _log_happens(np.outer(ahead.worry[wrote], _writing(tempers))),
    )
    return np.asarray(
        (_weights(log_weight) * -np.expm1(-ahead.hazard[:, None] * tempers.x)).sum(axis=1)
    )


def _writing(tempers: Tempers) -> np.ndarray:
    return np.asarray(QUARREL.hazard_message * np.sqrt(tempers.x))


def _log_happens(hazard: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(-np.expm1(-hazard)))


def _sums_before(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])


def _weights(log_weight: np.ndarray) -> np.ndarray:
    """Each row made to sum to one."""
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
