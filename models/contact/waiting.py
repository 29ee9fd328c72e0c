"""What is lost by acting on an order tomorrow, or in some days, instead of today.

An action prevents only disputes that have not been opened yet. Of the disputes that orders like
this one still had on past nights, the share opened within the next d days is lost by waiting d
days. Orders are alike if they are at the same stage and in the same bucket of days: to or past the
promised day, since delivery, or to the day by which to ship.

Few disputes fall into one bucket, so its shares are mixed with those of its stage, the stage's with
those of all stages, and those with an assumption, which is all there is without history. Each of
these counts as `PRIOR_DISPUTES` disputes. The assumption is that disputes open at a constant rate,
by which a tenth is open after `assumed_days`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.clock import in_days, in_label_window
from features.stage import STAGES_AND_UNKNOWN
from models.contact.assumed_deadline import MOST_DAYS, assumed_days
from models.effects.dispute_costs import FIRST_DAY, OLDEST_OPEN_DAYS, PRIOR_DISPUTES

# an action that may wait is done before more than this share of the disputes is lost
MOST_LOST = 0.10
_PROMISE = ("logistics_days_to_promise", (-14.0, -7.0, -3.0, 0.0, 3.0, 7.0, 14.0))
# by stage: the feature, and the limits between its buckets; a limit belongs to the later bucket
BUCKETS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "before_shipment": ("logistics_days_to_ship_by", (-3.0, 0.0, 3.0)),
    "dispatch": _PROMISE,
    "in_transit": _PROMISE,
    "delivered": ("logistics_days_in_stage", (1.0, 3.0, 7.0, 12.0)),
    "unknown": _PROMISE,
}
# the bucket of orders whose days are not known, such as orders without a promised day
NO_DAYS = -1
# an order on which to act at once is one of which a tenth of the disputes is open in half a day
LEAST_ASSUMED_DAYS = 0.5
_ROUNDING = 1e-9
_KEY = ["stage", "bucket"]


def waiting_losses(past_rows: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The disputes lost by waiting, from a store's past: one row per stage and bucket.

    Parameters
    ----------
    past_rows
        Order-nights (`models.effects.past_nights`): `as_of_day, stage, opened_day` (null: no
        dispute) and the features in `BUCKETS`. Only nights at least `OLDEST_OPEN_DAYS` before
        `as_of_day` count. Without any row, the table holds the assumption alone.
    as_of_day
        The night.

    Returns
    -------
    pl.DataFrame
        `stage, bucket, count_disputes` (order-nights with a dispute still to come), `assumed_share`
        (weight of the assumption, 0 to 1) and `lost_shares` (`MOST_DAYS` values): by days of
        waiting, 1 first, the part of the lost share that is measured. The lost share itself is
        that part plus `assumed_share` times the assumed one.

    """
    cells = pl.DataFrame(
        [
            (stage, bucket)
            for stage in STAGES_AND_UNKNOWN
            for bucket in range(NO_DAYS, len(BUCKETS[stage][1]) + 1)
        ],
        schema={"stage": pl.String, "bucket": pl.Int32},
        orient="row",
    )
    counts = cells.join(_counts(past_rows, as_of_day), on=_KEY, how="left", maintain_order="left")
    number = counts["count_disputes"].fill_null(0)
    lost = counts.select(_names()).fill_null(0).to_numpy().astype(np.float64)
    stages = cells["stage"].to_numpy()
    disputes = number.to_numpy().astype(np.float64)
    share, assumed = _mixed(disputes.sum(), lost.sum(axis=0), np.zeros(MOST_DAYS), 1.0)
    shares, weights = np.empty_like(lost), np.empty(len(lost))
    for stage in STAGES_AND_UNKNOWN:
        here = np.flatnonzero(stages == stage)
        own = _mixed(disputes[here].sum(), lost[here].sum(axis=0), share, assumed)
        for row in here:
            shares[row], weights[row] = _mixed(disputes[row], lost[row], *own)
    return cells.with_columns(
        count_disputes=number, assumed_share=pl.Series(weights), lost_shares=pl.Series(shares)
    )


def add_waiting(rows: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Add `lost_tomorrow_share` and `contact_by_days` to orders of tonight.

    `rows` has `stage` and the features in `BUCKETS`; `table` is that of `waiting_losses`.
    `lost_tomorrow_share` (0 to 1) is the share of the disputes to come that is lost by acting
    tomorrow. `contact_by_days` (0 to 30) is the longest wait that loses at most `MOST_LOST`.
    """
    keys = rows.select("stage", bucket=_bucket(), assumed_days=assumed_days().fill_null(0))
    cells = keys.unique(maintain_order=True).join(table, on=_KEY, how="left", maintain_order="left")
    measured = cells["lost_shares"].to_numpy()
    assumed = assumed_losses(cells["assumed_days"].to_numpy())
    lost = measured + cells["assumed_share"].to_numpy()[:, None] * assumed
    # a longer wait never loses less, so the number of waits that lose little is the longest one
    days = (lost <= MOST_LOST + _ROUNDING).sum(axis=1)
    answers = cells.select("stage", "bucket", "assumed_days").with_columns(
        lost_tomorrow_share=pl.Series(lost[:, 0]), contact_by_days=pl.Series(days, dtype=pl.Int32)
    )
    joined = keys.join(answers, on=[*_KEY, "assumed_days"], how="left", maintain_order="left")
    return rows.with_columns(joined["lost_tomorrow_share"], joined["contact_by_days"])


def assumed_losses(days: np.ndarray) -> np.ndarray:
    """(orders, `MOST_DAYS`): the assumed lost share by days of waiting, 1 first.

    `days` (orders): the days after which a tenth of the disputes is open.
    """
    days_left = np.maximum(days.astype(np.float64), LEAST_ASSUMED_DAYS)
    waits = np.arange(1, MOST_DAYS + 1)
    return np.asarray(1.0 - (1.0 - MOST_LOST) ** (waits / days_left[:, None]))


def _counts(past_rows: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """Per stage and bucket: the disputes still to come, and how many of them were opened within 1,
    2, ... days."""
    is_old = in_days(pl.col("as_of_day"), FIRST_DAY, as_of_day - OLDEST_OPEN_DAYS)
    opened, night = pl.col("opened_day"), pl.col("as_of_day")
    to_come = past_rows.filter(is_old, in_label_window(opened, night, OLDEST_OPEN_DAYS))
    return (
        to_come.with_columns(bucket=_bucket())
        .group_by(_KEY)
        .agg(
            count_disputes=pl.len(),
            **{
                name: in_label_window(opened, night, days).sum()
                for days, name in enumerate(_names(), start=1)
            },
        )
    )


def _names() -> list[str]:
    return [f"lost_{days}" for days in range(1, MOST_DAYS + 1)]


def _bucket() -> pl.Expr:
    """The bucket of an order within its stage: the number of limits that its days have reached."""
    bucket = pl.lit(NO_DAYS, dtype=pl.Int32)
    for stage, (name, limits) in BUCKETS.items():
        reached = pl.sum_horizontal((pl.col(name) >= limit).cast(pl.Int32) for limit in limits)
        is_known = (pl.col("stage") == stage) & pl.col(name).is_not_null()
        bucket = pl.when(is_known).then(reached).otherwise(bucket)
    return bucket


def _mixed(
    disputes: float, lost: np.ndarray, parent: np.ndarray, parent_assumed: float
) -> tuple[np.ndarray, float]:
    """Measured shares mixed with those of the parent, and the weight of the assumption in them."""
    weight = disputes + PRIOR_DISPUTES
    parent_weight = PRIOR_DISPUTES / weight
    return lost / weight + parent_weight * parent, parent_weight * parent_assumed
