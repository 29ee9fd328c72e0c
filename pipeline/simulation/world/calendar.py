"""The days of the simulated world: demand, the speed of packing and transport, and shocks.

Days are numbered from the store's first day, in the store's time zone. Arrays extend `MARGIN` days
past the last day, for parcels that are still on their way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from features.calendars_and_countries import CHINESE_NEW_YEARS
from pipeline.simulation.world.assumptions import ROAD, SHOPPING
from pipeline.simulation.world.draws import Draws, pick
from pipeline.simulation.world.markets import COUNTRIES, SERVICES

MARGIN = 400


@dataclass(frozen=True)
class Calendar:
    """Factors by day. `road_x` also has one row per service, `customs_x` one row per country.

    `feed_back` (services, days): the day on which the carrier's feed reports scans again that were
    made on this day; the day itself when the feed works.
    """

    demand: np.ndarray
    is_sale: np.ndarray
    handling_x: np.ndarray
    origin_x: np.ndarray
    road_x: np.ndarray
    customs_x: np.ndarray
    feed_back: np.ndarray
    is_weekend: np.ndarray

    def day(self, time: np.ndarray) -> np.ndarray:
        """Index of the day of each time; events that never happen (infinity) get day 0."""
        known = np.where(np.isfinite(time), time, 0.0)
        return np.clip(known, 0, len(self.handling_x) - 1).astype(np.int64)


def draw_calendar(draws: Draws, first_day: date, days: int) -> Calendar:
    dates = [first_day + timedelta(days=d) for d in range(days + MARGIN)]
    weekday = np.array([d.weekday() for d in dates])
    is_peak = np.isin([d.month for d in dates], SHOPPING.peak_months)
    is_new_year = np.array([_is_new_year(d) for d in dates])
    sale_x = np.array(
        [
            max([x for m, n, x in SHOPPING.sale_days if (d.month, d.day) == (m, n)], default=1.0)
            for d in dates
        ]
    )
    index = np.arange(len(dates))
    demand = (
        np.array(SHOPPING.weekday_x)[weekday]
        * sale_x
        * np.where(is_peak, SHOPPING.peak_x, 1.0)
        * np.where(is_new_year, SHOPPING.new_year_x, 1.0)
        * SHOPPING.growth_a_year ** (index / 365.0)
        * draws.lognormal(1.0, SHOPPING.day_sigma, "demand", index)
    )
    handling_x = np.where(is_peak, ROAD.peak_handling_x, 1.0) * np.where(
        is_new_year, ROAD.new_year_handling_x, 1.0
    )
    road_x = np.tile(np.where(is_peak, ROAD.peak_road_x, 1.0), (len(SERVICES), 1))
    for service, start, end in _shocks(
        draws, "collapse", len(dates), ROAD.collapse_every_days, ROAD.collapse_days, len(SERVICES)
    ):
        road_x[service, start:end] *= ROAD.collapse_x
    customs_x = np.tile([[c.customs_x] for c in COUNTRIES], (1, len(dates)))
    for country, start, end in _shocks(
        draws, "border", len(dates), ROAD.border_every_days, ROAD.border_days, len(COUNTRIES)
    ):
        customs_x[country, start:end] *= ROAD.border_x
    feed_back = np.tile(index.astype(np.float64), (len(SERVICES), 1))
    for service, start, end in _shocks(
        draws, "silence", len(dates), ROAD.silence_every_days, ROAD.silence_days, len(SERVICES)
    ):
        feed_back[service, start:end] = end
    return Calendar(
        demand=demand[:days],
        is_sale=sale_x > 1.0,
        handling_x=handling_x,
        origin_x=np.where(is_new_year, ROAD.new_year_origin_x, 1.0),
        road_x=road_x,
        customs_x=customs_x,
        feed_back=feed_back,
        is_weekend=weekday >= 5,
    )


def _is_new_year(day: date) -> bool:
    first, last = ROAD.new_year_days
    return any(first <= (day - new_year).days <= last for new_year in CHINESE_NEW_YEARS)


def _shocks(
    draws: Draws, kind: str, days: int, every: float, length: int, count_affected: int
) -> list[tuple[int, int, int]]:
    """(row, first day, day after the last) of each shock: one shock at a random time in each period
    of `every` days. It strikes one of `count_affected` services or countries."""
    number = np.arange(int(np.ceil(days / every)))
    start = ((number + 0.1 + 0.8 * draws.uniform(f"{kind} day", number)) * every).astype(int)
    row = pick(draws.uniform(f"{kind} place", number), np.ones(count_affected))
    return [(int(r), int(s), int(s) + length) for r, s in zip(row, start, strict=True)]
