"""The journey of an order in seven consecutive legs: how long each takes, where a parcel is lost,
and when the order closes.

The length of each leg is lognormal, scaled by the conditions at its start. Events that are settled
at the start of a leg (a hold at customs, a loss) are drawn for that leg. An order's future can
therefore be drawn again from any moment (`redrawn_future.py`), keeping everything that has begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtri

from pipeline.simulation.world.assumptions import QUARREL, ROAD
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.markets import COUNTRIES, SERVICES
from pipeline.simulation.world.simulated_orders import Orders, World, lane_median_days

LEGS = ("payment", "handling", "origin", "international", "customs", "last_mile", "confirming")
PAYMENT, HANDLING, ORIGIN, INTERNATIONAL, CUSTOMS, LAST_MILE, CONFIRMING = range(7)
NEVER = np.inf
# a parcel is scanned as out for delivery this long before it is delivered
OUT_FOR_DELIVERY_DAYS = 0.4


class Chance(Protocol):
    """Uniform random numbers, one per order. `settled`: for an event that is decided when a leg
    starts, named by `purpose`. `length`: for the length of the leg."""

    def settled(self, purpose: str, leg: int) -> np.ndarray: ...
    def length(self, leg: int) -> np.ndarray: ...


@dataclass(frozen=True)
class Realised:
    """What happens in this world."""

    draws: Draws
    number: np.ndarray

    def settled(self, purpose: str, leg: int) -> np.ndarray:
        return self.draws.uniform(purpose, self.number, leg)

    def length(self, leg: int) -> np.ndarray:
        return self.draws.uniform("leg", self.number, leg)


@dataclass(frozen=True)
class Journey:
    """Times and lengths in days, one row or entry per order.

    `starts` (orders, 8): when each leg starts and, in the last column, when the order closes;
    infinity if the order never gets there. `lost_at`, `returned_at`: infinity for other parcels.
    `held_days`: at customs. `attempt_days`, `pickup_days`: from a failed delivery, or from the
    arrival at a pick-up point, to the delivery; 0 if there was none. `scale`, `extra`, `sigma`
    (orders, 7): a leg takes scale x exp(sigma x normal) + extra.
    """

    starts: np.ndarray
    scale: np.ndarray
    extra: np.ndarray
    sigma: np.ndarray
    lost_at: np.ndarray
    returned_at: np.ndarray
    held_days: np.ndarray
    attempt_days: np.ndarray
    pickup_days: np.ndarray

    @property
    def paid(self) -> np.ndarray:
        return self.starts[:, HANDLING]

    @property
    def handed_over(self) -> np.ndarray:
        return self.starts[:, ORIGIN]

    @property
    def delivered(self) -> np.ndarray:
        return self.starts[:, CONFIRMING]

    @property
    def closed(self) -> np.ndarray:
        return self.starts[:, -1]


# infinity minus infinity is NaN, and is not used
@np.errstate(invalid="ignore")
def travel(world: World, orders: Orders, chance: Chance) -> Journey:
    """The journeys of `orders`, with the random numbers of `chance`."""
    count = len(orders.number)
    starts = np.full((count, len(LEGS) + 1), NEVER)
    starts[:, 0] = orders.placed
    scale, extra, sigma = np.ones((count, 7)), np.zeros((count, 7)), _sigmas(orders)
    lost_at, returned_at = np.full(count, NEVER), np.full(count, NEVER)
    cancelled = np.full(count, NEVER)
    for leg in range(len(LEGS)):
        start = starts[:, leg]
        scale[:, leg] = _scale(world, orders, chance, leg, start)
        extra[:, leg] = _extra(chance, leg)
        end = (
            start
            + scale[:, leg] * np.exp(sigma[:, leg] * ndtri(chance.length(leg)))
            + extra[:, leg]
        )
        if leg == HANDLING:
            cancelled = (
                start + orders.dispatch_promise_days + ROAD.cancelled_days_after_dispatch_promise
            )
            end = _hand_over_times(chance, end, cancelled)
        elif leg in (ORIGIN, INTERNATIONAL, CUSTOMS, LAST_MILE):
            is_lost = (chance.settled("lost", leg) < _loss_share(orders, leg)) & np.isfinite(start)
            lost_at[is_lost] = (start + (end - start) * chance.settled("lost after", leg))[is_lost]
            is_returned = (leg == LAST_MILE) & (
                chance.settled("returned", leg) < ROAD.share_returned
            )
            returned_at[is_returned & ~is_lost] = end[is_returned & ~is_lost]
            end[is_lost | is_returned] = NEVER
        elif leg == CONFIRMING:
            end = np.minimum(end, start + QUARREL.closes_days_after_delivery)
        starts[:, leg + 1] = end
    promise_end = orders.delivery_promise + QUARREL.closes_days_after_promise
    starts[:, -1] = np.where(starts[:, CONFIRMING] < promise_end, starts[:, -1], promise_end)
    starts[:, -1] = np.where(np.isinf(starts[:, ORIGIN]), cancelled, starts[:, -1])
    held_days = extra[:, CUSTOMS]
    attempt, pickup = _attempts(chance)
    return Journey(starts, scale, extra, sigma, lost_at, returned_at, held_days, attempt, pickup)


def _sigmas(orders: Orders) -> np.ndarray:
    transit_sigma = ROAD.leg_sigma_x * np.array([s.sigma for s in SERVICES])[orders.service]
    sigma = np.tile(transit_sigma[:, None], (1, len(LEGS)))
    sigma[:, PAYMENT], sigma[:, HANDLING], sigma[:, CONFIRMING] = (
        ROAD.payment_sigma,
        ROAD.handling_sigma,
        ROAD.confirm_sigma,
    )
    return sigma


def _scale(world: World, orders: Orders, chance: Chance, leg: int, start: np.ndarray) -> np.ndarray:
    """Median days of a leg that starts at `start`."""
    calendar = world.calendar
    day = calendar.day(start)
    if leg == PAYMENT:
        return np.full(len(start), ROAD.payment_median_days)
    if leg == CONFIRMING:
        return np.full(len(start), ROAD.confirm_median_days)
    if leg == HANDLING:
        slow_x = np.where(
            chance.settled("very slow", leg) < ROAD.share_very_slow, ROAD.very_slow_x, 1.0
        )
        return np.asarray(orders.handling_median * calendar.handling_x[day] * slow_x)
    median = (
        lane_median_days(orders.service, orders.country)
        * ROAD.leg_median_x
        * ROAD.leg_shares[leg - ORIGIN]
    )
    if leg == CUSTOMS:
        return np.asarray(median * calendar.customs_x[orders.country, day])
    origin_x = calendar.origin_x[day] if leg == ORIGIN else 1.0
    return np.asarray(median * calendar.road_x[orders.service, day] * origin_x)


def _extra(chance: Chance, leg: int) -> np.ndarray | float:
    """Days added to a leg: a hold at customs, failed deliveries and pick-up."""
    if leg == CUSTOMS:
        low, high = ROAD.customs_hold_days
        is_held = chance.settled("held", leg) < ROAD.share_customs_hold
        return np.where(is_held, low + (high - low) * chance.settled("held days", leg), 0.0)
    return sum(_attempts(chance)) if leg == LAST_MILE else 0.0


def _attempts(chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """Days lost through a failed delivery, and days at a pick-up point; 0: none."""
    lost_days = []
    for purpose, share, (low, high) in (
        ("attempt", ROAD.share_failed_attempt, ROAD.failed_attempt_days),
        ("pickup", ROAD.share_pickup, ROAD.pickup_days),
    ):
        days = low + (high - low) * chance.settled(f"{purpose} days", LAST_MILE)
        lost_days.append(np.where(chance.settled(purpose, LAST_MILE) < share, days, 0.0))
    return lost_days[0], lost_days[1]


def _hand_over_times(chance: Chance, end: np.ndarray, cancelled: np.ndarray) -> np.ndarray:
    """The platform cancels orders that are not handed over in time. All shipped parcels are
    therefore in time; some are never shipped."""
    in_time = np.minimum(end, cancelled - 0.1 - 1.9 * chance.settled("just in time", HANDLING))
    return np.where(
        chance.settled("never shipped", HANDLING) < ROAD.share_never_shipped, NEVER, in_time
    )


def _loss_share(orders: Orders, leg: int) -> np.ndarray:
    loss = (
        np.array([s.loss_share for s in SERVICES])[orders.service]
        * np.array([c.loss_x for c in COUNTRIES])[orders.country]
    )
    return np.asarray(loss * ROAD.lost_by_leg[leg - ORIGIN])
