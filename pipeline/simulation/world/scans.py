"""Carrier scans of a parcel in 17TRACK's vocabulary: some are late, repeated or missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

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

# One slot per possible scan: (status, sub-status, the leg at whose start the scan is drawn). The
# words are from 17TRACK's public vocabulary
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
# towns of the seller's country, where parcels are scanned before they leave it
ORIGINS = ("Shenzhen, CN", "Yiwu, CN", "Guangzhou, CN")
SUB_STATUSES = [sub_status for _, sub_status, _ in SLOTS]
DELIVERED, RETURNING, LOST = (
    SUB_STATUSES.index(s) for s in ("Delivered_Other", "Exception_Returning", "Exception_Lost")
)
HELD, PICKED_UP = (
    SUB_STATUSES.index("InTransit_CustomsRequiringInformation"),
    SUB_STATUSES.index("InTransit_PickedUp"),
)
_SPAN = 10**9  # seconds, longer than any store's history
# scans that the platform itself reports: never missing
SURE = [DELIVERED, LOST]


@dataclass(frozen=True)
class Scans:
    """(orders, slots) each, in days. `occurred`, `known`: infinity where there is no such scan.
    `known_again`: when the store gets the same scan a second time; infinity: never."""

    occurred: np.ndarray
    known: np.ndarray
    known_again: np.ndarray


# infinity minus infinity is NaN, which means no such scan
@np.errstate(invalid="ignore")
def scan(world: World, orders: Orders, journey: Journey, chance: Chance) -> Scans:
    """The scans of all `orders` on their `journey`, with the times at which the store gets them."""
    occurred = _occurred(orders, journey, chance)
    # a lost parcel is not scanned again, but its loss may be reported later
    gone = occurred > journey.lost_at[:, None]
    gone[:, LOST] = False
    scan_share = np.array([s.scan_share for s in SERVICES])[orders.service]
    uniform = {
        purpose: np.stack(
            [chance.settled(f"{purpose} {slot}", leg) for slot, (_, _, leg) in enumerate(SLOTS)],
            axis=1,
        )
        for purpose in ("scanned", "late", "delay", "told again")
    }
    is_missing = uniform["scanned"] > scan_share[:, None]
    is_missing[:, SURE] = False
    occurred = np.where(gone | is_missing, NEVER, occurred)
    low, high = ROAD.late_known_days
    is_late = uniform["late"] < ROAD.share_late_known
    delay = np.where(
        is_late, low + (high - low) * uniform["delay"], ROAD.usual_known_days * uniform["delay"]
    )
    known, is_silenced = _feed_times(world, orders, occurred, delay, uniform["late"])
    is_again = uniform["told again"] < ROAD.share_duplicated
    return Scans(
        occurred=np.where(is_silenced, NEVER, occurred),
        known=np.where(is_silenced, NEVER, known),
        known_again=np.where(is_again & ~is_silenced, known + 0.2 + 2.0 * uniform["delay"], NEVER),
    )


def _occurred(orders: Orders, journey: Journey, chance: Chance) -> np.ndarray:
    """(orders, slots): when each scan is made, by the order of `SLOTS`."""
    starts = journey.starts
    gap = np.array([s.scan_gap_days for s in SERVICES])[orders.service]

    def after(time: np.ndarray, purpose: str, leg: int) -> np.ndarray:
        """The next scan on the way: exponential waiting time, if the leg lasts that long."""
        next_scan = time - gap * np.log(chance.settled(purpose, leg))
        return np.where(next_scan < starts[:, leg + 1], next_scan, NEVER)

    def shortly(leg: int, share: float) -> np.ndarray:
        """A time in the first `share` of a leg, at most a day after its start."""
        length = np.minimum(
            np.where(np.isfinite(starts[:, leg + 1]), starts[:, leg + 1] - starts[:, leg], 1.0), 1.0
        )
        return np.asarray(starts[:, leg] + length * share * chance.settled("shortly", leg))

    origin = after(starts[:, ORIGIN] + 0.5, "first other", ORIGIN)
    last_mile = after(starts[:, LAST_MILE], "last other", LAST_MILE)
    is_held = journey.held_days > 0.0
    columns = [
        shortly(ORIGIN, 0.2),
        shortly(ORIGIN, 0.9),
        origin,
        after(origin, "second other", ORIGIN),
        starts[:, INTERNATIONAL],
        after(starts[:, INTERNATIONAL], "sea", INTERNATIONAL),
        starts[:, CUSTOMS],
        shortly(CUSTOMS, 0.3),
        np.where(is_held, shortly(CUSTOMS, 0.3) + 0.5, NEVER),
        starts[:, LAST_MILE],
        last_mile,
        after(last_mile, "more other", LAST_MILE),
        *_last_scans(journey, chance),
    ]
    return np.stack([np.where(np.isnan(c), NEVER, c) for c in columns], axis=1)


def _last_scans(journey: Journey, chance: Chance) -> list[np.ndarray]:
    """The last six slots: pick-up point, out for delivery, failed attempt, delivered, returning,
    lost."""
    last_mile, delivered = journey.starts[:, LAST_MILE], journey.delivered
    end = np.where(np.isfinite(delivered), delivered, journey.returned_at)
    attempt = np.where(journey.attempt_days > 0.0, end - journey.attempt_days, NEVER)
    pickup = np.where(
        journey.pickup_days > 0.0, end - journey.attempt_days - journey.pickup_days, NEVER
    )
    is_reported = chance.settled("lost told", LAST_MILE) < ROAD.share_lost_reported
    low, high = ROAD.lost_reported_days
    lost = journey.lost_at + low + (high - low) * chance.settled("lost told days", LAST_MILE)
    return [
        np.maximum(pickup, last_mile),
        end - np.minimum(end - last_mile, OUT_FOR_DELIVERY_DAYS),
        np.maximum(attempt, last_mile),
        delivered,
        journey.returned_at,
        np.where(is_reported, lost, NEVER),
    ]


def _feed_times(
    world: World, orders: Orders, occurred: np.ndarray, delay: np.ndarray, uniform: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """When the store gets each scan, and whether it never does. Usually after `delay`; from a
    silent feed, after the silence or never."""
    day = world.calendar.day(occurred)
    back = world.calendar.feed_back[orders.service[:, None], day]
    is_silent = (back > day) & np.isfinite(occurred)
    known = np.where(is_silent, back + delay, occurred + delay)
    is_never = is_silent & (uniform > 1.0 - ROAD.share_lost_in_silence)
    is_never[:, SURE] = False
    return known, is_never


def last_known(scans: Scans, journey: Journey, order: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Time of the last news of `order` (index) before `day` starts: a scan or the hand-over; minus
    infinity without news.

    One sorted array holds the news of all orders in whole seconds, so the result is exact for any
    number of orders.
    """
    known = np.concatenate([scans.known, journey.handed_over[:, None]], axis=1)
    by, slot = np.nonzero(np.isfinite(known))
    code = np.sort(by * _SPAN + (known[by, slot] * SECONDS_A_DAY).astype(np.int64))
    row = np.searchsorted(code, order * _SPAN + day * int(SECONDS_A_DAY), side="left") - 1
    # without news, the row is one of an earlier order, and the difference is negative
    seconds = np.concatenate([code, [-1]])[row] - order * _SPAN
    return np.where(seconds >= 0, seconds / SECONDS_A_DAY, -NEVER)


def scan_location(slot: np.ndarray, country: pl.Series, number: np.ndarray) -> pl.Series:
    """Where each scan was made: a town of the seller's country, or the buyer's country. `slot` and
    `country`, the buyer's, have one value per scan; `number` chooses the town."""
    legs = np.array([leg for _, _, leg in SLOTS])[slot]
    town = pl.Series(ORIGINS).gather(number % len(ORIGINS))
    is_origin = pl.Series(np.isin(legs, [ORIGIN, INTERNATIONAL]))
    is_customs = pl.Series(legs == CUSTOMS)
    frame = pl.DataFrame({"town": town, "country": country, "o": is_origin, "c": is_customs})
    abroad = pl.when("c").then(pl.format("Customs, {}", "country")).otherwise("country")
    return frame.select(location=pl.when("o").then("town").otherwise(abroad))["location"]
