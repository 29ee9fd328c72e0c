"""The true chance of a dispute as of a night, which no model can beat.

There are two. The chance with *foresight* uses the parcel's journey to its end, so only the buyer's
decision is open: it follows from the hazards of the coming days. The *attainable* chance uses every
trait and everything that has happened, but not the future: it is the mean over many futures, each
drawn again from that night on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipeline.simulation.world.buyer_messages import is_written, worry_x, write_messages
from pipeline.simulation.world.journey import Realised, travel
from pipeline.simulation.world.order_life import OrderDays, order_days
from pipeline.simulation.world.redrawn_future import Redrawn, number_copies
from pipeline.simulation.world.scans import scan
from pipeline.simulation.world.simulated_orders import Orders, World, draw_orders
from pipeline.workspace.progress import counted

# older messages do not change any hazard
MEMORY_DAYS = 20
ROWS_AT_ONCE = 50_000


def foresight_risk(world: World, number: np.ndarray, as_of: np.ndarray, horizon: int) -> np.ndarray:
    """P(dispute in [as_of, as_of + horizon) | undisputed at as_of) when the parcel's journey is
    known; one value per row. Rows are (order number, day of the world)."""
    return _in_parts(lambda n, a: _risk(world, n, a, horizon, copy=0), number, as_of)


def attainable_risk(
    world: World, number: np.ndarray, as_of: np.ndarray, horizon: int, copies: int
) -> np.ndarray:
    """The same chance when the future is unknown: the mean over `copies` futures."""

    def mean(n: np.ndarray, a: np.ndarray) -> np.ndarray:
        risks = []
        with counted("future", copies) as future_done:
            for copy in range(1, copies + 1):
                risks.append(_risk(world, n, a, horizon, copy=copy))
                future_done()
        return np.asarray(np.mean(risks, axis=0))

    return _in_parts(mean, number, as_of)


def _in_parts(
    risk: Callable[[np.ndarray, np.ndarray], np.ndarray], number: np.ndarray, as_of: np.ndarray
) -> np.ndarray:
    parts = np.array_split(np.arange(len(number)), len(number) // ROWS_AT_ONCE + 1)
    risks = []
    with counted("part", len(parts)) as part_done:
        for part in parts:
            risks.append(risk(number[part], as_of[part]))
            part_done()
    return np.concatenate(risks)


def _risk(
    world: World, number: np.ndarray, as_of: np.ndarray, horizon: int, *, copy: int
) -> np.ndarray:
    orders = draw_orders(world, number)
    ahead = look_ahead(world, orders, as_of, horizon, copy=copy, temper_x=orders.temper_x)
    return np.asarray(-np.expm1(-orders.temper_x * ahead.hazard))


@dataclass(frozen=True)
class Ahead:
    """The days [as_of, as_of + horizon). `hazard` (one value per order): the sum of the hazards at
    temper 1.

    The other arrays have one entry per day on which the order is open: `order` (index), `worry`
    (`buyer_messages.worry_x`), and `is_written`, whether the buyer writes a message.
    """

    hazard: np.ndarray
    order: np.ndarray
    worry: np.ndarray
    is_written: np.ndarray


def look_ahead(
    world: World,
    orders: Orders,
    as_of: np.ndarray,
    horizon: int,
    *,
    copy: int,
    temper_x: np.ndarray,
) -> Ahead:
    """The future of this world (`copy` 0) or another one. Its messages are written by buyers with
    the tempers `temper_x` (one per order)."""
    number = orders.number
    chance: Realised | Redrawn = Realised(world.draws, number)
    journey = travel(world, orders, chance)
    if copy:
        chance = Redrawn(world.draws, number, journey, as_of, number_copies(copy, as_of))
        journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    begin = np.maximum(as_of - MEMORY_DAYS, np.floor(orders.placed).astype(np.int64) + 1)
    end = np.minimum(as_of + horizon, np.floor(journey.closed).astype(np.int64))
    count = np.maximum(end - begin, 0)
    first = np.concatenate([[0], np.cumsum(count)])
    order = np.repeat(np.arange(len(number)), count)
    day = np.arange(first[-1]) - np.repeat(first[:-1] - begin, count)
    is_ahead = day >= as_of[order]
    copies = np.where(is_ahead, number_copies(copy, as_of[order]), 0) if copy else 0
    tempers = np.where(is_ahead, temper_x[order], orders.temper_x[order])
    messages = write_messages(world, orders, journey, scans, order, day, copies, tempers)
    calm = replace(orders, temper_x=np.ones(len(number)))
    days = order_days(calm, journey, scans, messages, order, day, first)
    total = np.bincount(order, weights=days.hazard.sum(axis=1) * is_ahead, minlength=len(number))
    return Ahead(
        hazard=total,
        order=order[is_ahead],
        worry=worry_x(orders, journey, scans, order[is_ahead], day[is_ahead]),
        is_written=is_written(messages, day, first)[is_ahead],
    )


def waned_sum(days: OrderDays, waning_days: float) -> np.ndarray:
    """(rows, 3): sum h(t) exp(-(t - c) / waning) over the days t >= c of the same order."""
    last = days.first[1:][days.order] - 1
    waned = days.hazard.copy()
    from_end = last - np.arange(len(last))
    by_distance = np.argsort(from_end, kind="stable")
    edges = np.searchsorted(from_end[by_distance], np.arange(from_end.max(initial=0) + 2))
    keep = np.exp(-1.0 / waning_days)
    for distance in range(1, len(edges) - 1):
        row = by_distance[edges[distance] : edges[distance + 1]]
        waned[row] += keep * waned[row + 1]
    return np.asarray(waned)
