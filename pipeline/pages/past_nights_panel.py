"""How good the lists of past nights were, for the page: precision by night, calibration, and the
estimated saving.

Only matured nights count, and only lists by a model that was trained before their outcomes were
known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from features.labels import LEAST_DISPUTED, has_enough_disputes, is_measurable
from models.comparison.paired_comparison import draw_totals, interval
from pipeline.history.measured_impact import EARLIER_MESSAGE_USD, impact_table, matured_rows
from pipeline.history.past_lists import PastLists, matured_labels, matured_runs
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

YEAR_DAYS = 365
BINS, LEAST_IN_BIN = 10, 30
# an order is open on many nights, so every seventh night has nearly as much information as all of
# them and takes a seventh of the time
NIGHTS_APART = 7
RESAMPLES = 300
BINS_SCHEMA = {"rows": pl.Int64()} | dict.fromkeys(
    ("predicted", "realised", "low", "high"), pl.Float64()
)


@dataclass(frozen=True)
class Past:
    """Results of matured nights.

    `nights`: one row per night of the last year: `night, listed, disputed, precision, expected`
    (the mean probability of the listed orders), with `precision` null on nights with too few
    disputes to measure it; `bins`: predicted and realised shares of all open
    orders of the last 30 matured nights; `money`: the estimated saving of the lists in USD with its
    90% interval, None without such nights; `effect`: the row of `impact_table` for all lists, None
    while too few orders are held out.
    """

    nights: pl.DataFrame
    bins: pl.DataFrame
    money: dict[str, Any] | None
    effect: dict[str, Any] | None


def read_past(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date, month: PastLists | None
) -> Past | None:
    """Results of matured nights; None while there are none. `month`: the last 30 matured nights
    with their rows."""
    if month is None:
        return None
    listed = _listed(workspace, files, config, as_of)
    by_night = listed.group_by("night").agg(
        listed=pl.len(),
        disputed=pl.col("label").sum(),
        precision=pl.when(pl.col("label").sum() >= LEAST_DISPUTED).then(pl.col("label").mean()),
        expected=pl.col("probability").mean(),
    )
    return Past(
        by_night.sort("night"),
        calibration_bins(month.rows, config.seed),
        money_saved(listed, config.seed),
        measured_effect(workspace, files, config, as_of),
    )


def measured_effect(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> dict[str, Any] | None:
    """The row of `impact_table` for all lists; None while the effect cannot be measured."""
    table = impact_table(matured_rows(workspace, files, config, as_of), config)
    return next((row for row in table.head(1).to_dicts() if row["effect"] is not None), None)


_LIST = ("order_id", "probability", "expected_value_usd")


def _listed(workspace: Workspace, files: TableFiles, config: Config, as_of: date) -> pl.DataFrame:
    """The listed rows of the matured nights of the last year, with their label and with the cost of
    the action. Lists of earlier versions have none: it is that of a message in their settings."""
    parts = []
    for night, folder, manifest in matured_runs(workspace, config, as_of, YEAR_DAYS):
        settings = manifest.get("inputs", {}).get("config", {}).get("decide", {})
        rows = pl.read_parquet(folder / "contact_list.parquet")
        if "cost_usd" not in rows.columns:
            message_usd = float(settings.get("contact_cost_usd", EARLIER_MESSAGE_USD))
            rows = rows.with_columns(cost_usd=pl.lit(message_usd))
        parts.append(rows.select(*_LIST, "cost_usd", night=pl.lit(night)))
    rows = pl.concat(parts).sort("night", "order_id")
    return rows.with_columns(matured_labels(files, rows, config, as_of)).drop_nulls("label")


def money_saved(listed: pl.DataFrame, seed: int) -> dict[str, Any] | None:
    """Estimated saving in USD of the listed actions; None if too few orders were disputed.

    A night's expected value of an action is `probability x share prevented x cost of a dispute -
    cost of the action`. This estimate replaces the probability by the outcome and keeps the
    night's value of a dispute. The share prevented is the night's assumption, so this is not a
    measured effect. Only the first night of each order counts. The interval (`low`, `high`, 90%)
    is a bootstrap over orders.
    """
    if listed.is_empty() or not has_enough_disputes(listed):
        return None
    first = listed.sort("night", "order_id").unique("order_id", keep="first", maintain_order=True)
    first = first.filter(pl.col("probability") > 0)
    at_stake = (pl.col("expected_value_usd") + pl.col("cost_usd")) / pl.col("probability")
    saved = first.select(pl.col("label") * at_stake - pl.col("cost_usd")).to_series()
    drawn = draw_totals(first["order_id"], [saved.to_numpy()], seed, RESAMPLES)[:, 0]
    low, high = interval(drawn[1:])
    return {
        "usd": float(drawn[0]),
        "low": float(low),
        "high": float(high),
        "orders": first.height,
        "expected": float(first["expected_value_usd"].sum()),
    }


def calibration_bins(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per bin of probability with about as many rows each: `predicted, realised, low, high,
    rows`.

    Uses every seventh night. The interval (90%) is a bootstrap over whole orders. No bin if too few
    orders were disputed.
    """
    nights = rows["as_of_day"].unique().sort(descending=True).gather_every(NIGHTS_APART)
    ordered = rows.filter(pl.col("as_of_day").is_in(nights.implode())).sort(
        "probability", "order_id"
    )
    if not is_measurable(ordered):
        return pl.DataFrame(schema=BINS_SCHEMA)
    count_bins = max(min(BINS, ordered.height // LEAST_IN_BIN), 1)
    bins = []
    for numbers in np.array_split(np.arange(ordered.height), count_bins):
        part = ordered[numbers]
        if part.is_empty():
            continue
        counts = [part["label"].to_numpy().astype(float), np.ones(part.height)]
        drawn = draw_totals(part["order_id"], counts, seed, RESAMPLES)
        share = drawn[:, 0] / np.maximum(drawn[:, 1], 1.0)
        low, high = interval(share[1:])
        predicted = float(part["probability"].mean())  # type: ignore[arg-type]
        bins.append(
            {
                "rows": part.height,
                "predicted": predicted,
                "realised": share[0],
                "low": low,
                "high": high,
            }
        )
    return pl.DataFrame(bins)
