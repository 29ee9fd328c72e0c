"""How good past nights' lists were, for the page: precision night by night, calibration, and what
they should have saved. Only nights whose outcome is known by now, by a model that did not know
it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.comparison.paired_comparison import draw_totals, interval
from pipeline.history.measured_impact import impact_table, matured_rows
from pipeline.history.past_lists import PastLists, matured_labels, matured_runs
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

YEAR_DAYS = 365
BINS, LEAST_IN_BIN = 10, 30
# an order is open on many nights: every seventh says nearly as much as all, in a seventh of the
# time
NIGHTS_APART = 7
RESAMPLES = 300


@dataclass(frozen=True)
class Past:
    """`nights`: one row per matured night, `night, listed, disputed, precision, expected` (the mean
    probability of the listed); `bins`: predicted and realised shares of all open orders of the last
    30 matured nights; `money`: what the lists should have saved, USD, with its 90 % interval; None
    without such nights; `effect`: what the hold-out measured, the row of all lists of
    `impact_table`, None while there are too few held out."""

    nights: pl.DataFrame
    bins: pl.DataFrame
    money: dict[str, Any] | None
    effect: dict[str, Any] | None


def read_past(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date, month: PastLists | None
) -> Past | None:
    """None while no night has matured. `month`: the last 30 matured nights with their rows."""
    if month is None:
        return None
    listed = _listed(workspace, files, config, as_of)
    by_night = listed.group_by("night").agg(
        listed=pl.len(),
        disputed=pl.col("label").sum(),
        precision=pl.col("label").mean(),
        expected=pl.col("probability").mean(),
    )
    bins, money = calibration_bins(month.rows, config.seed), money_saved(listed, config.seed)
    return Past(
        by_night.sort("night"), bins, money, measured_effect(workspace, files, config, as_of)
    )


def measured_effect(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> dict[str, Any] | None:
    whole = impact_table(matured_rows(workspace, files, config, as_of), config).head(1).to_dicts()
    return next((row for row in whole if row["effect"] is not None), None)


def _listed(workspace: Workspace, files: TableFiles, config: Config, as_of: date) -> pl.DataFrame:
    """The listed rows of the matured nights of a year, with their label and what the night's
    message cost."""
    parts = []
    for night, folder, manifest in matured_runs(workspace, config, as_of, YEAR_DAYS):
        told = manifest.get("inputs", {}).get("config", {}).get("decide", {})
        cost = told.get("contact_cost_usd", config.decide.contact_cost_usd)
        columns = ["order_id", "probability", "expected_value_usd"]
        rows = pl.read_parquet(folder / "contact_list.parquet", columns=columns)
        parts.append(rows.with_columns(night=pl.lit(night), contact_cost_usd=pl.lit(float(cost))))
    rows = pl.concat(parts).sort("night", "order_id")
    return rows.with_columns(matured_labels(files, rows, config, as_of)).drop_nulls("label")


def money_saved(listed: pl.DataFrame, seed: int) -> dict[str, Any] | None:
    """USD that the listed messages should have saved: a dispute that came all the same, or was
    prevented unseen, is valued as the night valued it.

    A night says a message is worth `probability x share prevented x cost of a dispute - cost of the
    message`. With what came in place of the probability this is what was at stake; the share
    prevented is the night's belief, so this is no measured effect. The interval is over orders
    drawn again with replacement.
    """
    if listed.is_empty():
        return None
    first = listed.sort("night", "order_id").unique("order_id", keep="first", maintain_order=True)
    first = first.filter(pl.col("probability") > 0)
    at_stake = (pl.col("expected_value_usd") + pl.col("contact_cost_usd")) / pl.col("probability")
    worth = (
        first.select(pl.col("label") * at_stake - pl.col("contact_cost_usd")).to_series().to_numpy()
    )
    drawn = draw_totals(first["order_id"], [worth], seed, RESAMPLES)[:, 0]
    low, high = interval(drawn[1:])
    return {
        "usd": float(drawn[0]),
        "low": float(low),
        "high": float(high),
        "orders": first.height,
        "expected": float(first["expected_value_usd"].sum()),
    }


def calibration_bins(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """`predicted, realised, low, high, rows` of equally filled bins of probability, over every
    seventh night; 90 % by whole orders."""
    nights = rows["as_of_day"].unique().sort(descending=True).gather_every(NIGHTS_APART)
    ordered = rows.filter(pl.col("as_of_day").is_in(nights.implode())).sort(
        "probability", "order_id"
    )
    found = []
    for place in np.array_split(
        np.arange(ordered.height), max(min(BINS, ordered.height // LEAST_IN_BIN), 1)
    ):
        part = ordered[place]
        if part.is_empty():
            continue
        counts = [part["label"].to_numpy().astype(float), np.ones(part.height)]
        drawn = draw_totals(part["order_id"], counts, seed, RESAMPLES)
        share = drawn[:, 0] / np.maximum(drawn[:, 1], 1.0)
        low, high = interval(share[1:])
        predicted = float(part["probability"].mean())  # type: ignore[arg-type]
        found.append(
            {
                "rows": part.height,
                "predicted": predicted,
                "realised": share[0],
                "low": low,
                "high": high,
            }
        )
    return pl.DataFrame(found)
