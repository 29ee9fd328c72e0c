"""What the carrier tells of a parcel: scans in 17TRACK's words, late, twice, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.clock import SECONDS_A_DAY
from pipeline.simulation.world.assumptions import ROAD
from pipeline.simulation.world.journey import (
    CONFIRMING,
    CUSTOMS,
    INTERNATIONAL,
    LAST_MILE,
    NEVER,
    ORIGIN,
    OUT_FOR_DELIVERY_DAYS,
    Chance,
    Journey,
)
from pipeline.simulation.world.markets import SERVICES
from pipeline.simulation.world.simulated_orders import Orders, World

# slot: (status, sub-status, the leg with whose start it is drawn); the words of 17TRACK's public
# vocabulary
SLOTS = (
    ("InfoReceived", "InfoReceived", ORIGIN),
    ("InTransit", "InTransit_PickedUp", ORIGIN),
    ("InTransit", "InTransit_Other", ORIGIN),
    ("InTransit", "InTransit_Other", ORIGIN),
    ("InTransit", "InTransit_Departure", INTERNATIONAL),
    ("InTransit", "InTransit_Other", INTERNATIONAL),
    ("InTransit", "InTransit_Arrival", CUSTOMS),
    ("InTransit", "InTransit_CustomsProcessing", CUSTOMS),
    ("InTransit", "InTransit_CustomsRequiringInformation", CUSTOMS),
    ("InTransit", "InTransit_CustomsReleased", LAST_MILE),
    ("InTransit", "InTransit_Other", LAST_MILE),
    ("InTransit", "InTransit_Other", LAST_MILE),
    ("AvailableForPickup", "AvailableForPickup_Other", LAST_MILE),
    ("OutForDelivery", "OutForDelivery_Other", LAST_MILE),
    ("DeliveryFailure", "DeliveryFailure_NoBody", LAST_MILE),
    ("Delivered", "Delivered_Other", CONFIRMING),
    ("Exception", "Exception_Returning", LAST_MILE),
    ("Exception", "Exception_Lost", LAST_MILE),
)
SUB_STATUSES = [sub_status for _, sub_status, _ in SLOTS]
DELIVERED, RETURNING, LOST = (
    SUB_STATUSES.index(s) for s in ("Delivered_Other", "Exception_Returning", "Exception_Lost")
)
HELD, PICKED_UP = (
    SUB_STATUSES.index("InTransit_CustomsRequiringInformation"),
    SUB_STATUSES.index("InTransit_PickedUp"),
)
_SPAN = 10**9  # seconds, wider than any store's days
# what the platform itself reports does not get lost
SURE = [DELIVERED, LOST]


@dataclass(frozen=True)
class Scans:
    """`occurred`, `known` (orders, slots): infinity where there is no such scan. `told_again`:
    known a second time."""

    occurred: np.ndarray
    known: np.ndarray
    told_again: np.ndarray


# never minus never: there is no such scan
@np.errstate(invalid="ignore")
def scan(world: World, orders: Orders, journey: Journey, chance: Chance) -> Scans:
    occurred = _occurred(orders, journey, chance)
    # a lost parcel is scanned no more; that it is lost may be said later
    gone = occurred > journey.lost_at[:, None]
    gone[:, LOST] = False
    service = np.array([s.scan_share for s in SERVICES])[orders.service]
    uniform = {
        purpose: np.stack(
            [chance.settled(f"{purpose} {slot}", leg) for slot, (_, _, leg) in enumerate(SLOTS)],
            axis=1,
        )
        for purpose in ("scanned", "late", "delay", "told again")
    }
    is_missing = uniform["scanned"] > service[:, None]
    is_missing[:, SURE] = False
    occurred = np.where(gone | is_missing, NEVER, occurred)
    low, high = ROAD.late_known_days
    is_late = uniform["late"] < ROAD.share_late_known
    delay = np.where(
        is_late, low + (high - low) * uniform["delay"], ROAD.usual_known_days * uniform["delay"]
    )
    known, is_silenced = _through_the_feed(world, orders, occurred, delay, uniform["late"])
    is_again = uniform["told again"] < ROAD.share_duplicated
    return Scans(
        occurred=np.where(is_silenced, NEVER, occurred),
        known=np.where(is_silenced, NEVER, known),
        told_again=np.where(is_again & ~is_silenced, known + 0.2 + 2.0 * uniform["delay"], NEVER),
    )


def _occurred(orders: Orders, journey: Journey, chance: Chance) -> np.ndarray:
    starts = journey.starts
    gap = np.array([s.scan_gap_days for s in SERVICES])[orders.service]

    def after(time: np.ndarray, purpose: str, leg: int) -> np.ndarray:
        """The next scan on the road: memoryless, as far as the leg still lasts."""
        found = time - gap * np.log(chance.settled(purpose, leg))
        return np.where(found < starts[:, leg + 1], found, NEVER)

    def shortly(leg: int, share: float) -> np.ndarray:
        """Within the first part of a leg, at most a day after its start."""
        length = np.minimum(
            np.where(np.isfinite(starts[:, leg + 1]), starts[:, leg + 1] - starts[:, leg], 1.0), 1.0
        )
        return np.asarray(starts[:, leg] + length * share * chance.settled("shortly", leg))

    origin, last = (
        after(starts[:, ORIGIN] + 0.5, "first other", ORIGIN),
        after(starts[:, LAST_MILE], "last other", LAST_MILE),
    )
    delivered = starts[:, CONFIRMING]
    held = journey.held_days > 0.0
    near = np.where(np.isfinite(delivered), delivered, journey.returned_at)
    attempt = np.where(journey.attempt_days > 0.0, near - journey.attempt_days, NEVER)
    pickup = np.where(
        journey.pickup_days > 0.0, near - journey.attempt_days - journey.pickup_days, NEVER
    )
    is_told = chance.settled("lost told", LAST_MILE) < ROAD.share_lost_reported
    low, high = ROAD.lost_reported_days
    lost = journey.lost_at + low + (high - low) * chance.settled("lost told days", LAST_MILE)
    columns = [
        shortly(ORIGIN, 0.2),
        shortly(ORIGIN, 0.9),
        origin,
        after(origin, "second other", ORIGIN),
        starts[:, INTERNATIONAL],
        after(starts[:, INTERNATIONAL], "sea", INTERNATIONAL),
        starts[:, CUSTOMS],
        shortly(CUSTOMS, 0.3),
        np.where(held, shortly(CUSTOMS, 0.3) + 0.5, NEVER),
        starts[:, LAST_MILE],
        last,
        after(last, "more other", LAST_MILE),
        np.maximum(pickup, starts[:, LAST_MILE]),
        near - np.minimum(near - starts[:, LAST_MILE], OUT_FOR_DELIVERY_DAYS),
        np.maximum(attempt, starts[:, LAST_MILE]),
        delivered,
        journey.returned_at,
        np.where(is_told, lost, NEVER),
    ]
    return np.stack([np.where(np.isnan(c), NEVER, c) for c in columns], axis=1)


def _through_the_feed(
    world: World, orders: Orders, occurred: np.ndarray, delay: np.ndarray, uniform: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """When the store knows: usually at once; a silent feed tells afterwards, or never."""
    day = world.calendar.day(occurred)
    back = world.calendar.feed_back[orders.service[:, None], day]
    is_silent = (back > day) & np.isfinite(occurred)
    known = np.where(is_silent, back + delay, occurred + delay)
    is_never = is_silent & (uniform > 1.0 - ROAD.share_lost_in_silence)
    is_never[:, SURE] = False
    return known, is_never


def last_known(scans: Scans, journey: Journey, order: np.ndarray, day: np.ndarray) -> np.ndarray:
    """When the buyer last saw news of `order` (index) before `day` starts: a scan, or else the
    hand-over; -inf: none.

    One sorted row holds all orders, in whole seconds, so that it is exact however many there are.
    """
    known = np.concatenate([scans.known, journey.handed_over[:, None]], axis=1)
    by, slot = np.nonzero(np.isfinite(known))
    code = np.sort(by * _SPAN + (known[by, slot] * SECONDS_A_DAY).astype(np.int64))
    found = np.searchsorted(code, order * _SPAN + day * int(SECONDS_A_DAY), side="left") - 1
    seconds = (
        np.concatenate([code, [-1]])[found] - order * _SPAN
    )  # of the order before, if it has none: negative
    return np.where(seconds >= 0, seconds / SECONDS_A_DAY, -NEVER)
