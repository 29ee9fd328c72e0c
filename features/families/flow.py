"""Flow family: whether parcels move now.

A quiet parcel is compared with parcels that were equally quiet on the same leg; this week's scans,
deliveries and customs releases with last week's; the supplier's unsent orders with those of two
weeks ago. All features are null in a store that had no scans on the way in the last 90 days.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.feature import LOW, Feature
from features.totals.entity_measures import EVER
from features.totals.family_inputs import FamilyInputs
from features.totals.quiet_parcels import (
    ARRIVED,
    HEARD,
    LEG_LEVELS,
    QUIET,
    QUIET_DAYS,
    WAITED,
    cell_names,
    leg_of,
    parcel_news,
    quiet_step,
)
from features.totals.smoothing import STRENGTH

FEATURES = [
    Feature(
        "flow_news_share_90d",
        "share of parcels as quiet on this leg that had news within 7 days; null while not quiet",
        "a parcel that should have been scanned by now may be lost",
        "{value:.0%} of parcels as quiet as this one had news within a week",
        worse=LOW,
        theme="logistics",
    ),
    Feature(
        "flow_arrival_share_90d",
        "share of parcels as quiet on this leg that arrived within 30 days; null while not quiet",
        "what usually comes of such a silence",
        "{value:.0%} of parcels as quiet as this one arrived within 30 days",
        worse=LOW,
        theme="logistics",
    ),
    Feature(
        "flow_carrier_scans",
        "the carrier's scans in 7 days / in the 7 days before, each plus 5; 1 is usual",
        "a carrier that stops moving parcels, or a feed that stops",
        theme="lane",
    ),
    Feature(
        "flow_carrier_deliveries",
        "the carrier's deliveries in 7 days / in the 7 days before, each plus 5; 1 is usual",
        "a carrier that stops delivering",
        theme="lane",
    ),
    Feature(
        "flow_customs_releases",
        "the country's customs releases in 7 days / in the 7 days before, each plus 5; 1 is usual",
        "customs that hold parcels up",
        theme="lane",
    ),
    Feature(
        "flow_supplier_backlog_days",
        "the supplier's unsent orders, in days of its orders over 90 days; null without orders",
        "a supplier with a backlog ships late",
        "the supplier has {value:.0f} day(s) of orders that are not shipped",
        theme="dispatch",
        about="supplier_id",
    ),
    Feature(
        "flow_supplier_backlog_change",
        "the supplier's unsent orders minus those of 14 days ago, in days of its orders",
        "a backlog that grows",
        theme="dispatch",
    ),
]
# scans and deliveries added to both weeks, so that a carrier with few parcels is near 1
USUAL = 5.0


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order."""
    cell = quiet_cell(inputs)
    service, country = inputs.totals["service"], inputs.totals["country"]
    supplier = inputs.totals["supplier_id"]
    a_day = supplier["count_orders_90d"] / 90.0
    a_day = a_day.set(supplier["count_orders_90d"] == 0, None)
    features = pl.DataFrame(
        {
            "flow_news_share_90d": _share(inputs, cell, HEARD, QUIET),
            "flow_arrival_share_90d": _share(inputs, cell, ARRIVED, WAITED),
            "flow_carrier_scans": _weekly(service, "count_scans"),
            "flow_carrier_deliveries": _weekly(service, "count_delivered"),
            "flow_customs_releases": _weekly(country, "count_released"),
            "flow_supplier_backlog_days": supplier[f"count_unsent_{EVER}d"] / a_day,
            "flow_supplier_backlog_change": supplier["count_unsent_14d"] / a_day,
        },
        nan_to_null=True,
    )
    is_followed = inputs.totals["store_id"]["count_followed_90d"] > 0
    return features.select(pl.when(is_followed).then(pl.all()))


def quiet_cell(inputs: FamilyInputs) -> np.ndarray:
    """The cell of `quiet_parcels` of each spine row: -1 unless the parcel is quiet and on its way.

    The days without news count from the day on which the last news became known.
    """
    known = visible_facts(inputs.rows, parcel_news(inputs.tables))
    own = known.group_by(ROW_KEY).agg(
        pl.col("level").max(), last_day=pl.col("known_day").max(), is_in=pl.col("is_delivery").any()
    )
    rows = inputs.rows.select(ROW_KEY).join(own, on=ROW_KEY, how="left", maintain_order="left")
    step = quiet_step(pl.col("as_of_day") - pl.col("last_day"))
    cell = leg_of(pl.col("level")) * len(QUIET_DAYS) + step
    is_quiet = (step >= 0) & ~pl.col("is_in") & pl.col("last_day").is_not_null()
    return rows.select(pl.when(is_quiet).then(cell).otherwise(-1)).to_series().to_numpy()


def _share(inputs: FamilyInputs, cell: np.ndarray, hits: str, cases: str) -> np.ndarray:
    """Share of hits in each row's cell: the carrier's, shrunk towards the store's for the same leg
    and days, that towards the store's for the same days, and that towards one half."""
    row, on_way = np.arange(len(cell)), np.maximum(cell, 0)
    share = np.full(len(cell), 0.5)
    store, service = inputs.totals["store_id"], inputs.totals["service"]
    days = on_way % len(QUIET_DAYS)
    for totals, is_any_leg in ((store, True), (store, False), (service, False)):
        hit, case = (
            totals.select(pl.col(f"{name}_90d").fill_null(0) for name in cell_names(measure))
            .to_numpy()
            .astype(np.float64)
            for measure in (hits, cases)
        )
        if is_any_leg:
            legs = (len(cell), len(LEG_LEVELS), len(QUIET_DAYS))
            hit, case = hit.reshape(legs).sum(axis=1), case.reshape(legs).sum(axis=1)
        at = days if is_any_leg else on_way
        share = (hit[row, at] + STRENGTH * share) / (case[row, at] + STRENGTH)
    return np.where(cell >= 0, share, np.nan)


def _weekly(totals: pl.DataFrame, measure: str) -> pl.Series:
    """The total of the last 7 days divided by that of the 7 days before."""
    week, two_weeks = totals[f"{measure}_7d"], totals[f"{measure}_14d"]
    return (week + USUAL) / (two_weeks - week + USUAL)
