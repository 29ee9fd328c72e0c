"""An order's way in seven legs, one after the other: what each takes, where a parcel is lost, when
the order closes.

Every leg is lognormal, scaled by what is going on when it starts. What is settled with the start of
a leg (a hold at customs, a loss) is drawn for that leg; so an order's future can be drawn anew from
any moment (`Redrawn`), with all that has begun kept: that is how the chance of a dispute is known
that nobody can beat without seeing the future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from pipeline.simulation.world.assumptions import QUARREL, ROAD
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.markets import COUNTRIES, SERVICES
from pipeline.simulation.world.simulated_orders import Orders, World, lane_median_days

LEGS = ("payment", "handling", "origin", "international", "customs", "last_mile", "confirming")
PAYMENT, HANDLING, ORIGIN, INTERNATIONAL, CUSTOMS, LAST_MILE, CONFIRMING = range(7)
NEVER = np.inf
# a parcel is scanned out for delivery so long before it is there
OUT_FOR_DELIVERY_DAYS = 0.4


# of the legs: multiples of their roots fill the unit cube evenly (Richtmyer 1951)
PRIMES = (2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0)
MOST_DAYS = 10**6


def number_copies(nth: int, as_of: np.ndarray) -> np.ndarray:
    """Of the `nth` future (from 1) of each row: two nights of one order have futures of their
    own."""
    return nth * MOST_DAYS + as_of


class Chance(Protocol):
    """Uniform numbers of each order, by purpose, for what is settled when a leg starts; and for the
    leg's length."""

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
    """`starts` (orders, 8): when each leg starts, and, last, when the order closes; infinity: it
    never gets there.

    `lost_at`, `returned_at`: infinity for other parcels. `held_days` at customs; `attempt_days`,
    `pickup_days` between a failed delivery, or the arrival at a pick-up point, and the delivery; 0:
    none. `scale`, `extra` (orders, 7): a leg takes scale x exp(its spread x normal) + extra.
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


@dataclass(frozen=True)
class Redrawn:
    """The same up to `as_of` (a night an order), another future after it; `copy` =
    `number_copies(nth, as_of)`."""

    draws: Draws
    number: np.ndarray
    journey: Journey
    as_of: np.ndarray
    copy: np.ndarray

    def settled(self, purpose: str, leg: int) -> np.ndarray:
        anew = self.draws.uniform(f"redrawn {purpose}", self.number, leg, self.copy)
        # with a loss it is settled, too, whether and when it will be told
        has_begun = np.minimum(self.journey.starts[:, leg], self.journey.lost_at) <= self.as_of
        return np.where(has_begun, self.draws.uniform(purpose, self.number, leg), anew)

    def length(self, leg: int) -> np.ndarray:
        """A leg on which the order is now lasts longer than it has so far: the tail of its spread,
        drawn anew.

        Not where its end has shown already: a parcel is lost or on its way back, or was brought and
        nobody was there.
        """
        journey, realised = self.journey, self.draws.uniform("leg", self.number, leg)
        # evenly spread over the futures, so that a few of them do for many: each alone is as random
        # as any
        shift = self.draws.uniform("redrawn leg", self.number, leg, self.copy % MOST_DAYS)
        anew = (shift + self.copy // MOST_DAYS * np.sqrt(PRIMES[leg])) % 1.0
        shown, least = self._shown(leg)
        # closed by the end of the promise, not by the leg: the leg has not ended then, and what
        # follows is cut anyway
        elapsed = np.where(journey.starts[:, leg] <= self.as_of, least, 0.0) - journey.extra[:, leg]
        with np.errstate(divide="ignore"):
            lived = ndtr(
                np.log(np.maximum(elapsed, 0.0) / journey.scale[:, leg]) / journey.sigma[:, leg]
            )
        return np.where(
            shown <= self.as_of, realised, np.minimum(lived + (1.0 - lived) * anew, 1.0 - 1e-12)
        )

    # never minus never has no meaning, and is not used
    @np.errstate(invalid="ignore")
    def _shown(self, leg: int) -> tuple[np.ndarray, np.ndarray]:
        """When it shows how long the leg takes; and if it has not yet, how many days it takes at
        least."""
        journey = self.journey
        start, end = journey.starts[:, leg], journey.starts[:, leg + 1]
        waited = self.as_of - start
        is_lost = np.isfinite(start) & np.isinf(end) & np.isfinite(journey.lost_at)
        ahead = np.zeros(len(start))
        if leg == LAST_MILE:
            end, slow = (
                np.minimum(end, journey.returned_at),
                journey.attempt_days + journey.pickup_days,
            )
            ahead = np.where(slow > 0.0, slow, OUT_FOR_DELIVERY_DAYS)
        shown = np.where(
            is_lost, journey.lost_at, np.where(ahead > 0.0, np.maximum(end - ahead, start), end)
        )
        return shown, np.where(is_lost, waited / self.settled("lost after", leg), waited + ahead)


# never minus never has no meaning, and is not asked for
@np.errstate(invalid="ignore")
def travel(world: World, orders: Orders, chance: Chance) -> Journey:
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
            end = _handed_over(chance, end, cancelled)
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
    given_up = orders.delivery_promise + QUARREL.closes_days_after_promise
    starts[:, -1] = np.where(starts[:, CONFIRMING] < given_up, starts[:, -1], given_up)
    starts[:, -1] = np.where(np.isinf(starts[:, ORIGIN]), cancelled, starts[:, -1])
    held = extra[:, CUSTOMS]
    attempt, pickup = _attempts(chance)
    return Journey(starts, scale, extra, sigma, lost_at, returned_at, held, attempt, pickup)


def _sigmas(orders: Orders) -> np.ndarray:
    on_road = ROAD.leg_sigma_x * np.array([s.sigma for s in SERVICES])[orders.service]
    sigma = np.tile(on_road[:, None], (1, len(LEGS)))
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
    if leg == CUSTOMS:
        low, high = ROAD.customs_hold_days
        is_held = chance.settled("held", leg) < ROAD.share_customs_hold
        return np.where(is_held, low + (high - low) * chance.settled("held days", leg), 0.0)
    return sum(_attempts(chance)) if leg == LAST_MILE else 0.0


def _attempts(chance: Chance) -> tuple[np.ndarray, np.ndarray]:
    """Days lost by a failed delivery, and by waiting at a pick-up point."""
    found = []
    for purpose, share, (low, high) in (
        ("attempt", ROAD.share_failed_attempt, ROAD.failed_attempt_days),
        ("pickup", ROAD.share_pickup, ROAD.pickup_days),
    ):
        days = low + (high - low) * chance.settled(f"{purpose} days", LAST_MILE)
        found.append(np.where(chance.settled(purpose, LAST_MILE) < share, days, 0.0))
    return found[0], found[1]


def _handed_over(chance: Chance, end: np.ndarray, cancelled: np.ndarray) -> np.ndarray:
    """A parcel not handed over in time is cancelled by the platform, so the others made it; some
    never are."""
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
