"""What a dispute costs, and how many disputes come after the label window: from the store's own
history."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.asof import visible
from features.clock import in_days, in_label_window
from features.tables import CAUSES, Tables

# disputes that old have nearly all ended
ENDED_DAYS = 60
# the store's own share is mixed with the assumed one, which counts as this many disputes
PRIOR_DISPUTES = 20.0
# in days before the night: long enough for an order of today to have ended
OLDEST_OPEN_DAYS = 120
FIRST_DAY = -(2**31)


def loss_shares(tables: Tables, as_of_day: int, assumed: float) -> dict[str, float]:
    """By cause, the share of the order value that a dispute costs in refunds.

    Sum of refunds over sum of order values, for disputes opened at least `ENDED_DAYS` before
    `as_of_day`, mixed with the share `assumed`, which counts as `PRIOR_DISPUTES` average disputes.
    A refund above the order value counts as the order value.
    """
    steps = visible(tables["disputes"], as_of_day)
    is_old = in_days(pl.col("known_day"), FIRST_DAY, as_of_day - ENDED_DAYS)
    opened = steps.filter(pl.col("step") == "opened", is_old).select("order_id", "cause")
    refunds = steps.filter(pl.col("step") == "refunded").group_by("order_id")
    disputes = (
        opened.unique("order_id", keep="first", maintain_order=True)
        .join(tables["orders"].select("order_id", "total_usd"), on="order_id", how="inner")
        .join(refunds.agg(refund=pl.col("amount_usd").sum()), on="order_id", how="left")
        .filter(pl.col("total_usd") > 0)
        .with_columns(refund=pl.min_horizontal(pl.col("refund").fill_null(0.0), "total_usd"))
    )
    if disputes.is_empty():
        return dict.fromkeys(CAUSES, assumed)
    weight = PRIOR_DISPUTES * float(disputes["total_usd"].mean())  # type: ignore[arg-type]
    shares = {}
    for cause in CAUSES:
        of_cause = disputes.filter(pl.col("cause") == cause)
        refund, total = float(of_cause["refund"].sum()), float(of_cause["total_usd"].sum())
        shares[cause] = (refund + weight * assumed) / (total + weight)
    return shares


def end_ratios(rows: pl.DataFrame, horizon_days: int, as_of_day: int) -> Mapping[str, float]:
    """By stage, disputes to the end of the order per dispute within the horizon.

    `rows` (order-nights): `as_of_day, stage, opened_day` (null: no dispute). Only nights at least
    `OLDEST_OPEN_DAYS` before `as_of_day` count. Each stage is mixed with all stages together, which
    count as `PRIOR_DISPUTES` disputes; without any dispute the ratio is 1.
    """
    is_old = in_days(pl.col("as_of_day"), FIRST_DAY, as_of_day - OLDEST_OPEN_DAYS)
    opened = pl.col("opened_day")
    counted = rows.filter(is_old).select(
        "stage",
        soon=in_label_window(opened, pl.col("as_of_day"), horizon_days).fill_null(False),
        ever=in_label_window(opened, pl.col("as_of_day"), OLDEST_OPEN_DAYS).fill_null(False),
    )
    soon, ever = float(counted["soon"].sum()), float(counted["ever"].sum())
    overall = ever / soon if soon else 1.0
    by_stage = counted.group_by("stage").agg(pl.col("soon", "ever").sum())
    return {
        row["stage"]: (row["ever"] + PRIOR_DISPUTES * overall) / (row["soon"] + PRIOR_DISPUTES)
        for row in by_stage.sort("stage").iter_rows(named=True)
    }
