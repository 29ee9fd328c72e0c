"""What past nights teach about actions: disputes expected and observed after each of them.

Effects are judged to the end of the order. A night whose label window is over, but whose orders may
still be disputed, is an early read.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from features.asof import visible
from features.clock import day_number, in_days, in_label_window, last_matured_day
from models.actions.action_options import STORE, risk_band
from models.actions.action_stakes import cause_shares
from models.actions.learned_actions import COUNTED_BY, no_counts
from models.effects.dispute_costs import OLDEST_OPEN_DAYS
from pipeline.history.assignments import first_of_each_order, read_assignments
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

FIRST_DAY = -(2**31)
UNKNOWN_CAUSE = "unknown"


def action_counts(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> pl.DataFrame:
    """One row per action ("nothing" if held out), action meant, stage, cause, modifiers,
    band of risk and store.

    `expected` and `observed` are disputes with that cause, `is_ended` says whether they are counted
    to the end of the orders or over the label window only. Each order counts from the first night
    on which it was assigned. Nights of earlier program versions have no actions.
    """
    rows = assigned_actions(workspace, as_of)
    if rows.is_empty():
        return no_counts()
    known = with_store(with_outcomes(rows, files, config, as_of), files).with_columns(
        risk_band=risk_band(pl.col("end_probability"))
    )
    keys = [*COUNTED_BY, STORE, "is_ended"]
    is_unknown = pl.col("opened_cause") == UNKNOWN_CAUSE
    parts = [
        known.select(
            *(name for name in keys if name != "cause"),
            cause=pl.lit(cause),
            expected=pl.col("chance") * share,
            # a dispute without a known cause counts in parts, as forecast
            observed=pl.when(is_unknown)
            .then(share)
            .otherwise((pl.col("opened_cause") == cause).fill_null(False).cast(pl.Float64)),
        )
        for cause, share in cause_shares().items()
    ]
    counts = pl.concat(parts).group_by(keys).agg(pl.col("expected", "observed").sum())
    return counts.with_columns(pl.col(list(COUNTED_BY)).cast(pl.String)).sort(keys)


def with_store(rows: pl.DataFrame, files: TableFiles) -> pl.DataFrame:
    """`rows` with the `store` of each order; null if it has none."""
    return rows.with_columns(store=files.read_buyers_of(rows["order_id"])["store_id"])


def assigned_actions(workspace: Workspace, as_of: date) -> pl.DataFrame:
    """The first assignment of each order before `as_of` that has an action."""
    assigned = read_assignments(workspace, as_of)
    if "meant" not in assigned.columns:
        return assigned.clear()
    is_earlier = in_days(pl.col("as_of").cast(pl.Int32), FIRST_DAY, day_number(as_of))
    return first_of_each_order(assigned.filter(is_earlier)).filter(pl.col("meant").is_not_null())


def with_outcomes(
    rows: pl.DataFrame, files: TableFiles, config: Config, as_of: date
) -> pl.DataFrame:
    """The orders of `rows` whose label window is over, with what became of them.

    Adds `opened_cause` (null: no dispute; it may be "unknown"), `is_ended` (to the end of the
    order, or the label window only) and `chance`, the forecast for the same time.
    """
    day = day_number(as_of)
    steps = visible(files.read_facts("disputes", rows["order_id"]), day)
    opened = (
        steps.filter(pl.col("step") == "opened")
        .sort("occurred_day")
        .unique("order_id", keep="first", maintain_order=True)
        .select("order_id", opened_day="occurred_day", opened_cause="cause")
    )
    night = pl.col("as_of").cast(pl.Int32)
    is_over, is_ended = (
        in_days(night, FIRST_DAY, last_matured_day(day, days, config.reporting_delay_days) + 1)
        for days in (config.horizon_days, OLDEST_OPEN_DAYS)
    )
    known = (
        rows.filter(is_over)
        .join(opened, on="order_id", how="left", maintain_order="left")
        .with_columns(is_ended=is_ended)
    )
    early, whole = (
        in_label_window(pl.col("opened_day"), night, days).fill_null(False)
        for days in (config.horizon_days, OLDEST_OPEN_DAYS)
    )
    counts = pl.when("is_ended").then(whole).otherwise(early)
    return known.with_columns(
        opened_cause=pl.when(counts).then("opened_cause"),
        chance=pl.when("is_ended").then("end_probability").otherwise("probability"),
    )
