"""Holiday family: public holidays of the buyer's and the supplier's country around the night.

The dates come from the library `holidays`. They are set by law, so they are known years before; the
few days that a government declares at short notice are the exception. A holiday counts from two
weeks before to two weeks after it. All features are null unless the country of origin is known. A
store that does not record it so keeps the model that it had.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from features.calendars_and_countries import YEARS
from features.clock import count_before, day_number
from features.feature import Feature
from features.totals.family_inputs import FamilyInputs

WINDOW_DAYS = 14
# farther away than the window
FAR_DAYS = WINDOW_DAYS + 1.0
UNIT = "days; 15 if more than 14, null if a country is not known"
# prefix of the feature -> the column of the country
ENDS = {"buyer": "buyer_country", "supplier": "origin_country"}
FEATURES = [
    Feature("holiday_days_to_buyer", UNIT, "a gift is wanted before the holiday", theme="season"),
    Feature(
        "holiday_days_since_buyer", UNIT, "carriers work off what the holiday left", theme="season"
    ),
    Feature(
        "holiday_days_to_supplier", UNIT, "suppliers close, or rush to ship before", theme="season"
    ),
    Feature(
        "holiday_days_since_supplier",
        UNIT,
        "suppliers work off what the holiday left",
        theme="season",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order. Uses the night and two countries alone."""
    columns = {}
    is_known = pl.col("origin_country").is_not_null()
    for end, column in ENDS.items():
        country = inputs.rows.select(pl.when(is_known).then(column)).to_series()
        until, since = _distances(country, inputs.rows["as_of_day"])
        columns[f"holiday_days_to_{end}"] = until
        columns[f"holiday_days_since_{end}"] = since
    return pl.DataFrame(columns, nan_to_null=True)


@cache
def holiday_days(country: str) -> tuple[int, ...]:
    """The day numbers of a country's public holidays in `YEARS`, in order; empty if the country is
    not known."""
    # the import takes most of a second, and a store without countries of origin needs none
    import holidays

    if country not in holidays.list_supported_countries(include_aliases=False):
        return ()
    dates = holidays.country_holidays(country, years=YEARS)
    return tuple(sorted(day_number(day) for day in dates))


def _distances(country: pl.Series, day: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Days until the next and since the last holiday of each row's country; 0 on a holiday."""
    days = day.to_numpy().astype(np.int64)
    until, since = (np.full(len(days), np.nan) for _ in range(2))
    for name in country.drop_nulls().unique():
        own = np.array(holiday_days(name), dtype=np.int64)
        if not len(own):
            continue
        is_own = (country == name).fill_null(False).to_numpy()
        padded = np.concatenate([[-(10**6)], own, [10**6]])
        last = count_before(own, days[is_own])
        to_next = padded[last + 1] - days[is_own]
        from_last = np.where(to_next == 0, 0, days[is_own] - padded[last])
        until[is_own] = np.minimum(to_next, FAR_DAYS)
        since[is_own] = np.minimum(from_last, FAR_DAYS)
    return until, since
