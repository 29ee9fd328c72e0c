"""Season family: how far the night is from the holidays and sales of sellers and buyers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from features.calendars_and_countries import CHINESE_NEW_YEARS, CHRISTMASES, SALES
from features.clock import count_before, day_number
from features.feature import EITHER, LOW, Feature
from features.totals.family_inputs import FamilyInputs

# longer distances are all the same
FAR_DAYS = 120.0

FEATURES = [
    Feature(
        "season_days_to_chinese_new_year",
        "days, at most 120",
        "suppliers close for two weeks or more",
        "Chinese New Year is in {value:.0f} day(s)",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature(
        "season_days_since_chinese_new_year",
        "days, at most 120",
        "the backlog takes weeks to clear",
        "Chinese New Year was {value:.0f} day(s) ago",
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
        "parcels from the sales slow transport for weeks",
        "the last big sale was {value:.0f} day(s) ago",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature(
        "season_days_to_christmas",
        "days, at most 120",
        "a gift that arrives after Christmas is not wanted",
        "Christmas is in {value:.0f} day(s)",
        worse=LOW,
        norm=FAR_DAYS,
    ),
    Feature("season_days_since_christmas", "days, at most 120", "buyers complain about late gifts"),
    Feature(
        "season_weekday",
        "0 Monday to 6 Sunday",
        "offices and carriers close at weekends",
        worse=EITHER,
    ),
    Feature(
        "season_promise_after_christmas",
        "1 if so, 0 if not, null without a promise",
        "the buyer may have hoped for an earlier delivery",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order. Uses no table except the spine."""
    day = inputs.rows["as_of_day"].to_numpy().astype(np.int64)
    to_new_year, since_new_year = _distances(day, CHINESE_NEW_YEARS)
    to_sale, since_sale = _distances(day, SALES)
    to_christmas, since_christmas = _distances(day, CHRISTMASES)
    to_promise = inputs.rows["days_to_promise"].to_numpy()
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
                np.isnan(to_promise), np.nan, (to_promise > to_christmas) & (to_christmas < 60.0)
            ),
        },
        nan_to_null=True,
    )


def _distances(day: np.ndarray, dates: Sequence[date]) -> tuple[np.ndarray, np.ndarray]:
    """Days until the next and since the last of `dates`, at most `FAR_DAYS`; 0 on a date."""
    numbers = np.array([day_number(d) for d in dates])
    last = count_before(numbers, day)
    padded = np.concatenate([[-(10**6)], numbers, [10**6]])
    until = padded[last + 1] - day
    since = np.where(until == 0, 0, day - padded[last])
    return (
        np.minimum(until, FAR_DAYS).astype(np.float64),
        np.minimum(since, FAR_DAYS).astype(np.float64),
    )
