"""Which measures are totalled for each entity, and over which lookbacks."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.totals.parcel_facts import GAP_EDGES, TRANSIT_EDGES, bins
from features.totals.quiet_parcels import ARRIVED, HEARD, QUIET, WAITED, cell_names

LOOKBACKS = (30, 90, 365)
# a lookback longer than any history: the number of open orders is a total over all time
EVER = 10_000
_ALL, _QUARTER, _YEAR, _EVER = LOOKBACKS, (90,), (365,), (EVER,)
_OPEN = ("count_open",)
OPEN = f"count_open_{EVER}d"
_SHARES = ("count_outcomes", "count_disputes")
_CAUSES = ("count_not_received", "count_not_as_described")
_RATINGS = ("count_reviews", "sum_star_hundredths")
_HANDLING = ("count_shipped", "sum_handling_seconds", "count_shipped_late")
_TRANSIT = ("count_delivered", "count_late", "sum_transit_seconds", *bins("transit", TRANSIT_EDGES))
_SILENCES = tuple(name for m in (QUIET, HEARD, WAITED, ARRIVED) for name in cell_names(m))
# this week and the week before; two weeks ago
_WEEKS, _FORTNIGHT = (7, 14), (14,)
_PRICES = ("count_lines", "sum_price_cents")


def merge_lookbacks(*groups: tuple[tuple[str, ...], tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Measure -> lookbacks in ascending order; a measure in several groups has those of all."""
    merged: dict[str, set[int]] = {}
    for measures, lookbacks in groups:
        for measure in measures:
            merged.setdefault(measure, set()).update(lookbacks)
    return {measure: tuple(sorted(lookbacks)) for measure, lookbacks in merged.items()}


# the measures that are totalled for each entity, and their lookbacks in days
ENTITIES: dict[str, Mapping[str, tuple[int, ...]]] = {
    "product_id": merge_lookbacks(
        (("count_orders", *_SHARES), _ALL),
        (_RATINGS, (90, 365)),
        ((*_CAUSES, "count_refunded", "count_returning", *_PRICES), _YEAR),
    ),
    "supplier_id": merge_lookbacks(
        ((*_SHARES, "count_orders"), _ALL),
        ((*_HANDLING, "count_delivered", "count_late", "sum_transit_seconds"), _QUARTER),
        ((*_CAUSES, *_RATINGS, "count_refunded"), _YEAR),
        (_OPEN, _EVER),
        (("count_unsent",), (*_FORTNIGHT, EVER)),
    ),
    "category": merge_lookbacks(
        (_SHARES, _ALL), ((*_CAUSES, "count_refunded", *_RATINGS, *_PRICES), _YEAR)
    ),
    "lane": merge_lookbacks(
        ((*_SHARES, "count_delivered", "count_late", "sum_transit_seconds"), (30, 90)),
        ((*bins("transit", TRANSIT_EDGES), "count_exceptions", "count_shipped"), _QUARTER),
        (("count_scans", *bins("gap", GAP_EDGES)), _QUARTER),
        (_OPEN, _EVER),
    ),
    "service": merge_lookbacks(
        (("count_delivered", "count_late", "sum_transit_seconds"), (30,)),
        ((*_SHARES, *_TRANSIT, *bins("gap", GAP_EDGES), "count_scans"), _QUARTER),
        (_SILENCES, _QUARTER),
        (("count_scans", "count_delivered"), _WEEKS),
    ),
    "buyer_id": merge_lookbacks(
        (("count_orders", "count_questions", *_SHARES, *_CAUSES, *_RATINGS), _YEAR),
        (("count_withdrawn", "sum_refund_cents", "sum_dispute_seconds"), _YEAR),
        (_OPEN, _EVER),
    ),
    "country": merge_lookbacks(
        ((*_SHARES, *_CAUSES), _YEAR),
        (("count_refunded", "count_withdrawn", "count_questions", "count_orders"), _YEAR),
        (("count_released",), _WEEKS),
    ),
    "language": merge_lookbacks((_SHARES, _YEAR)),
    "store_id": merge_lookbacks(
        ((*_SHARES, "count_shipped", "sum_handling_seconds"), _ALL),
        (("count_delivered", "count_late", "sum_transit_seconds"), _ALL),
        (("count_orders", "count_shipped_late", *_RATINGS), (30, 365)),
        (("count_replies", "sum_reply_seconds", "count_questions"), (30,)),
        ((*bins("transit", TRANSIT_EDGES), *bins("gap", GAP_EDGES), "count_scans"), _QUARTER),
        ((*_CAUSES, "count_refunded", "count_returning", "count_withdrawn"), _YEAR),
        ((*_SILENCES, "count_followed"), _QUARTER),
        (_OPEN, _EVER),
    ),
}


def longest_lookback(*measures: str) -> int:
    """The longest lookback, in days, of any of `measures`."""
    return max(
        max(lookbacks[m]) for lookbacks in ENTITIES.values() for m in measures if m in lookbacks
    )


# scans that are older than this number of days are of no use to a row
SCANS_LOOKBACK = longest_lookback("count_scans", *bins("gap", GAP_EDGES), *_SILENCES)


def total_names(entity: str) -> list[str]:
    """Names of the entity's totals, `<measure>_<lookback>d`, in their fixed order."""
    return [
        f"{measure}_{days}d"
        for measure, lookbacks in ENTITIES[entity].items()
        for days in lookbacks
    ]


def measures_of(entity: str, facts: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """The entity's measures that are columns of `facts`, with their lookbacks."""
    return {measure: days for measure, days in ENTITIES[entity].items() if measure in facts.columns}
