"""The chance of a dispute given everything except the buyers' tempers. No scorer without access to
the tempers can do better.

This scorer uses every number of `assumptions.py`, each product's hidden risks, each buyer's
patience and the position of every parcel. Of a temper it uses the distribution and what the buyer
did on every day before `as_of`, in this order and in all others. With T the temper, b a day's
hazard and w its worry, both at temper 1, and h the base rate of messages, Bayes' rule uses:

    no dispute that day: exp(-T b)                 a dispute: 1 - exp(-T b)
    no message that day: exp(-h sqrt(T) w)         a message: 1 - exp(-h sqrt(T) w)

Nothing else that a store can see depends on a temper. The chance is the mean over futures of
1 - E[exp(-T A)], where A is the sum of the hazards ahead. The messages of a future change A and
depend on T. They are written with a temper drawn from its posterior, and then count as evidence in
that future, so the mean is exact.

A scorer with less information cannot have a lower expected log loss: proper scores reward the
conditional mean given more information (Gneiting & Raftery 2007). This bound is optimistic, because
it includes facts that a store would have to learn: product risks, patience, the position of parcels
between two scans, when a message will be answered, and what a buyer would have written on the day
of a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.attainable_risk import Ahead, look_ahead
from pipeline.simulation.world.assumptions import QUARREL, SHOPPING
from pipeline.simulation.world.buyer_messages import is_written, worry_x, write_messages
from pipeline.simulation.world.journey import Realised, travel
from pipeline.simulation.world.order_life import live
from pipeline.simulation.world.scans import scan
from pipeline.simulation.world.simulated_orders import Orders, World, draw_orders
from pipeline.workspace.progress import counted

# Points of a standard normal, for ordinary and for habitual buyers; sums over them replace
# integrals. They extend further up than down, because several disputes move all weight there
NODES = np.linspace(-5.0, 8.0, 53)
ORDERS_AT_ONCE, ROWS_AT_ONCE = 20_000, 10_000


@dataclass(frozen=True)
class Tempers:
    """The simulator's distribution of tempers in points: the tempers `x` and the logarithms of
    their weights."""

    x: np.ndarray
    log_weight: np.ndarray


@dataclass(frozen=True)
class History:
    """What buyers did, sorted by `code` = buyer x span + day, as sums over all earlier entries.

    `calm` (days at risk + 1, 2): hazards of the days without a dispute, and worry of the days
    without a message, at temper 1. `event_log_chance` (events + 1, points): the logarithm of the
    chance of each dispute and message, by temper.
    """

    span: int
    code: np.ndarray
    calm: np.ndarray
    event_code: np.ndarray
    event_log_chance: np.ndarray


def knowable_risk(
    world: World, number: np.ndarray, as_of: np.ndarray, horizon: int, copies: int
) -> np.ndarray:
    """P(dispute in [as_of, as_of + horizon) | undisputed at as_of) when tempers are unseen; one
    value per row (order number, day of the world)."""
    tempers, orders = spread_of_tempers(), draw_orders(world, number)
    buyers, buyer = np.unique(orders.buyer, return_inverse=True)
    history = read_history(world, tempers, buyers, int(as_of.max(initial=0)))
    chance = np.empty(len(number))
    parts = np.array_split(np.arange(len(number)), len(number) // ROWS_AT_ONCE + 1)
    with counted("part", len(parts)) as part_done:
        for part in parts:
            weights = posterior(history, tempers, buyer[part], as_of[part])
            chance[part] = _mean_chance(
                world, orders.take(part), as_of[part], horizon, copies, tempers, weights
            )
            part_done()
    return chance


def _mean_chance(
    world: World,
    orders: Orders,
    as_of: np.ndarray,
    horizon: int,
    copies: int,
    tempers: Tempers,
    weights: np.ndarray,
) -> np.ndarray:
    """The mean over `copies` futures; `weights` (rows, points): the posterior of the tempers."""
    running = np.cumsum(weights, axis=1)
    uniform = world.draws.uniform("temper unseen", orders.number, as_of)
    total = np.zeros(len(as_of))
    with counted("future", copies) as future_done:
        for copy in range(1, copies + 1):
            # one temper from each of `copies` equal parts of the posterior
            point = (running < ((uniform + copy - 1.0) / copies)[:, None]).sum(axis=1)
            drawn = tempers.x[np.minimum(point, len(tempers.x) - 1)]
            ahead = look_ahead(world, orders, as_of, horizon, copy=copy, temper_x=drawn)
            total += _disputed(ahead, tempers, weights)
            future_done()
    return np.asarray(total / copies)


def spread_of_tempers() -> Tempers:
    """The prior: two lognormal distributions, of ordinary and of habitual buyers."""
    weight = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
    ordinary = np.exp(SHOPPING.temper_sigma * NODES)
    share = SHOPPING.share_habitual
    weights = np.concatenate([(1.0 - share) * weight, share * weight])
    with np.errstate(divide="ignore"):
        return Tempers(np.concatenate([ordinary, SHOPPING.habitual_x * ordinary]), np.log(weights))


def posterior(
    history: History, tempers: Tempers, buyer: np.ndarray, as_of: np.ndarray
) -> np.ndarray:
    """(rows, points): the probability of each temper of `buyer` (index) given the history before
    the start of `as_of`."""

    def sums_before(code: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Half-open: days 0 to as_of - 1."""
        start, end = (
            np.searchsorted(code, buyer * history.span + day, side="left") for day in (0, as_of)
        )
        return np.asarray(sums[end] - sums[start])

    calm = sums_before(history.code, history.calm)
    events = sums_before(history.event_code, history.event_log_chance)
    return _weights(
        tempers.log_weight + events - calm[:, :1] * tempers.x - calm[:, 1:] * _writing(tempers)
    )


def read_history(world: World, tempers: Tempers, buyers: np.ndarray, before: int) -> History:
    """Everything that `buyers` (sorted) do before the day `before`, from all orders of the
    world."""
    days = [_watch(world, number, buyers, before) for number in _orders_of(world, buyers, before)]
    buyer, day, hazard, worry = (
        np.concatenate(c) for c in zip(*(d[:4] for d in days), strict=True)
    )
    is_disputed, wrote = (np.concatenate(c) for c in zip(*(d[4:] for d in days), strict=True))
    span = before + 1
    code = buyer * span + day
    by_code = np.argsort(code, kind="stable")
    calm = np.stack([np.where(is_disputed, 0.0, hazard), np.where(wrote, 0.0, worry)], axis=1)
    event_code = np.concatenate([code[is_disputed], code[wrote]])
    chance = np.concatenate(
        [np.outer(hazard[is_disputed], tempers.x), np.outer(worry[wrote], _writing(tempers))]
    )
    by_event_code = np.argsort(event_code, kind="stable")
    return History(
        span=span,
        code=code[by_code],
        calm=_sums_before(calm[by_code]),
        event_code=event_code[by_event_code],
        event_log_chance=_sums_before(_log_event_chance(chance[by_event_code])),
    )


def _orders_of(world: World, buyers: np.ndarray, before: int) -> list[np.ndarray]:
    """The numbers of the orders that these buyers placed before the day `before`, in pieces."""
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
    """Per day at risk (up to and including the day of a dispute): buyer (index), day, hazard and
    worry at temper 1, whether a dispute is opened, whether a message is written."""
    orders = draw_orders(world, number)
    chance = Realised(world.draws, number)
    journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    life = live(world, orders, journey, scans)
    order, day = life.days.order, life.days.day
    # not the messages of `life`, which lack those written after the dispute on the same day
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


def _disputed(ahead: Ahead, tempers: Tempers, weights: np.ndarray) -> np.ndarray:
    """The chance of a dispute in this future, one value per row, with its messages as evidence.
    `weights` (rows, points): the posterior of the tempers."""
    calm = np.bincount(
        ahead.order, weights=np.where(ahead.is_written, 0.0, ahead.worry), minlength=len(weights)
    )
    with np.errstate(divide="ignore"):
        log_weight = np.log(weights) - calm[:, None] * _writing(tempers)
    wrote = np.flatnonzero(ahead.is_written)
    np.add.at(
        log_weight,
        ahead.order[wrote],
        _log_event_chance(np.outer(ahead.worry[wrote], _writing(tempers))),
    )
    return np.asarray(
        (_weights(log_weight) * -np.expm1(-ahead.hazard[:, None] * tempers.x)).sum(axis=1)
    )


def _writing(tempers: Tempers) -> np.ndarray:
    """Rate of messages at a worry of 1, by temper."""
    return np.asarray(QUARREL.hazard_message * np.sqrt(tempers.x))


def _log_event_chance(hazard: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(-np.expm1(-hazard)))


def _sums_before(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])


def _weights(log_weight: np.ndarray) -> np.ndarray:
    """Weights from their logarithms; each row adds up to 1."""
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
