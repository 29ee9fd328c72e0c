"""Other futures of an order: everything that has begun by a night is kept, and the rest is drawn
again. This gives the chance of a dispute that no model can beat without seeing the future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.journey import LAST_MILE, OUT_FOR_DELIVERY_DAYS, Journey

# one per leg: multiples of their square roots fill the unit cube evenly (Richtmyer 1951)
PRIMES = (2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0)
MOST_DAYS = 10**6


def number_copies(nth: int, as_of: np.ndarray) -> np.ndarray:
    """Numbers of the `nth` future (from 1) of each row. Two nights of one order have different
    futures."""
    return nth * MOST_DAYS + as_of


@dataclass(frozen=True)
class Redrawn:
    """The same world up to `as_of` (one night per order), with another future after it. `copy` is
    `number_copies(nth, as_of)`."""

    draws: Draws
    number: np.ndarray
    journey: Journey
    as_of: np.ndarray
    copy: np.ndarray

    def settled(self, purpose: str, leg: int) -> np.ndarray:
        redrawn = self.draws.uniform(f"redrawn {purpose}", self.number, leg, self.copy)
        # a loss also settles whether and when it will be reported
        has_begun = np.minimum(self.journey.starts[:, leg], self.journey.lost_at) <= self.as_of
        return np.where(has_begun, self.draws.uniform(purpose, self.number, leg), redrawn)

    def length(self, leg: int) -> np.ndarray:
        """A leg that has begun lasts longer than it has so far: its length is drawn again from the
        tail of its distribution.

        The length is kept when the end of the leg is known already: the parcel is lost or on its
        way back, or a delivery failed because no one was at home.
        """
        journey, realised = self.journey, self.draws.uniform("leg", self.number, leg)
        # evenly spread over the futures, so that a few of them are enough; each alone is as random
        # as any other
        shift = self.draws.uniform("redrawn leg", self.number, leg, self.copy % MOST_DAYS)
        redrawn = (shift + self.copy // MOST_DAYS * np.sqrt(PRIMES[leg])) % 1.0
        known_at, least_days = self._known_length(leg)
        # if the end of the promise closed the order, the leg itself has not ended; what follows is
        # cut off anyway
        elapsed = np.where(journey.starts[:, leg] <= self.as_of, least_days, 0.0)
        elapsed = elapsed - journey.extra[:, leg]
        with np.errstate(divide="ignore"):
            elapsed_share = ndtr(
                np.log(np.maximum(elapsed, 0.0) / journey.scale[:, leg]) / journey.sigma[:, leg]
            )
        tail = np.minimum(elapsed_share + (1.0 - elapsed_share) * redrawn, 1.0 - 1e-12)
        return np.where(known_at <= self.as_of, realised, tail)

    # infinity minus infinity is NaN, and is not used
    @np.errstate(invalid="ignore")
    def _known_length(self, leg: int) -> tuple[np.ndarray, np.ndarray]:
        """When the length of the leg becomes known, and the days that it takes at least if it is
        not known yet."""
        journey = self.journey
        start, end = journey.starts[:, leg], journey.starts[:, leg + 1]
        days_so_far = self.as_of - start
        is_lost = np.isfinite(start) & np.isinf(end) & np.isfinite(journey.lost_at)
        days_ahead = np.zeros(len(start))
        if leg == LAST_MILE:
            end = np.minimum(end, journey.returned_at)
            waiting = journey.attempt_days + journey.pickup_days
            days_ahead = np.where(waiting > 0.0, waiting, OUT_FOR_DELIVERY_DAYS)
        known_at = np.where(days_ahead > 0.0, np.maximum(end - days_ahead, start), end)
        least_days = np.where(
            is_lost, days_so_far / self.settled("lost after", leg), days_so_far + days_ahead
        )
        return np.where(is_lost, journey.lost_at, known_at), least_days
