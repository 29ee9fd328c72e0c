"""Season family: where the night stands between the holidays of both ends. It asks no table but the
spine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from features.calendars_and_countries import CHINESE_NEW_YEARS, CHRISTMASES, SALES
from features.clock import count_before, day_number
from features.feature import EITHER, LOW, Feature
from features.totals.family_inputs import FamilyInputs

FAR_DAYS = 120.0

FEATURES = [
    Feature(
        "season_days_to_chinese_new_year",
        "days, at most 120",
        "suppliers close for two weeks or more",
        "Chinese New Year is in {value:.0f} days",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature(
        "season_days_since_chinese_new_year",
        "days, at most 120",
        "the backlog takes weeks to clear",
        "Chinese New Year was {value:.0f} days ago",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature(
        "season_days_to_sale",
        "days, at most 120",
        "11.11, Black Friday and 12.12 fill every warehouse",
    ),
    Feature(
        "season_days_since_sale",
        "days, at most 120",
        "parcels of the sales crowd the roads for weeks",
        "the last big sale was {value:.0f} days ago",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature(
        "season_days_to_christmas",
        "days, at most 120",
        "a gift that comes after Christmas is not wanted",
        "Christmas is in {value:.0f} days",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature("season_days_since_christmas", "days, at most 120", "late gifts are complained about"),
    Feature(
        "season_weekday",
        "0 Monday to 6 Sunday",
        "offices and carriers rest at the week's end",
        worse=EITHER,
    ),
    Feature(
        "season_promise_after_christmas",
        "1 if so, 0 if not, null without a promise",
        "the buyer may have hoped for it earlier",
    ),
]


def build(view: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    day = view.rows["as_of_day"].to_numpy().astype(np.int64)
    to_new_year, since_new_year = _distances(day, CHINESE_NEW_YEARS)
    to_sale, since_sale = _distances(day, SALES)
    to_christmas, since_christmas = _distances(day, CHRISTMASES)
    left = view.rows["days_to_promise"].to_numpy()
    # 1970-01-01 was a Thursday
    return pl.DataFrame(
        {
            "season_days_to_chinese_new_year": to_new_year,
            "season_days_since_chinese_new_year": since_new_year,
            "season_days_to_sale": to_sale,
            "season_days_since_sale": since_sale,
            "season_days_to_christmas": to_christmas,
            "season_days_since_christmas": since_christmas,
            "season_weekday": ((day + 3) % 7).astype(np.float64),
            "season_promise_after_christmas": np.where(
                np.isnan(left), np.nan, (left > to_christmas) & (to_christmas < 60.0)
            ),
        },
        nan_to_null=True,
    )


def _distances(day: np.ndarray, dates: Sequence[date]) -> tuple[np.ndarray, np.ndarray]:
    """Days to the next of `dates` (0 on it) and since the last one, each at most `FAR_DAYS`."""
    numbers = np.array([day_number(d) for d in dates])
    place = count_before(numbers, day)
    padded = np.concatenate([[-(10**6)], numbers, [10**6]])
    to = padded[place + 1] - day
    since = np.where(to == 0, 0, day - padded[place])
    return np.minimum(to, FAR_DAYS).astype(np.float64), np.minimum(since, FAR_DAYS).astype(
        np.float64
    )
