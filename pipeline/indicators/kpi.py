"""kpi: the indicators of a day, overall and by dimension, and what they will be on the next day of
assessment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from features.asof import visible
from features.clock import day_number
from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.policy import Basis, Policy, indicators_without_limit
from features.tables import Tables
from pipeline.indicators.kpi_forecast import forecast_tables, next_assessment, say_forecast
from pipeline.output.safe_text import neutral_frame
from pipeline.output.spreadsheet import write_workbook
from pipeline.settings.config import Config
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.freshness import refuse_stale_data
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

BASES: tuple[Basis, ...] = ("event_day", "order_day")
# the step of a dispute that a numerator needs
STEP_OF = {"filed": "opened", "escalated": "escalated", "seller_liable": "ruled"}


def kpi(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    by: Sequence[str],
    window_days: int | None = None,
) -> Path:
    """Write `kpi.csv`, `forecast.csv`, `drivers.csv` and all of them as `kpi.xlsx` into a run
    folder of their own; return it (`runs/<as_of>/latest-kpi`)."""
    tables, day = workspace.read_tables(), day_number(as_of)
    refuse_stale_data(workspace.table_files(), day, config.max_data_age_days)
    policy = load_policy(config.policy, workspace.folder)
    with publish(workspace, config, as_of, "kpi") as (folder, manifest):
        with progress.piece("kpi") as notes:
            rates = policy_rates(
                policy, day, bases=BASES, window_days=window_days, limits=config.limits
            )
            told = measure_rates(tables, day, rates, dimensions=by, window=config.dispute_window)
            notes.append(
                f"{told.height:,} rows by {', '.join(by) or 'nothing'}; policy {policy.name}"
            )
        with progress.piece("forecast") as notes:
            ahead, driving = forecast_tables(tables, config, policy, as_of)
            notes.append(f"{ahead.height} rates on {next_assessment(as_of, config.assessment_day)}")
        extra = {"forecast": ahead, "drivers": driving}
        for name, frame in {"kpi": told, **extra}.items():
            neutral_frame(frame).write_csv(folder / f"{name}.csv", float_precision=6)
        write_workbook(
            folder / "kpi.xlsx",
            _sheets(told) | {n: neutral_frame(f) for n, f in extra.items()},
            as_of,
        )
        manifest["kpi"] = {"policy": policy.name, "rows": told.height, "window_days": window_days}
    say_rates(told)
    say_forecast(ahead, driving)
    for note in untold_notes(policy, tables, config, as_of):
        warn(note)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-kpi").resolve()


def _sheets(told: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """A sheet for the store and one for each dimension."""
    safe = neutral_frame(told)
    return {
        name: safe.filter(pl.col("dimension") == name)
        for name in told["dimension"].unique(maintain_order=True)
    }


def say_rates(told: pl.DataFrame) -> None:
    """The store's indicators, one line each."""
    for row in told.filter(pl.col("dimension") == "all").iter_rows(named=True):
        name = row["indicator"] + (", less withdrawn" if row["withdrawals"] == "netted" else "")
        share = "no orders yet" if row["rate"] is None else f"{row['rate']:.2%}"
        interval = "" if row["low"] is None else f" ({row['low']:.2%} to {row['high']:.2%})"
        change = "" if row["change"] is None else f", change {row['change'] * 100:+.2f} points"
        limit = (
            "no limit set"
            if row["limit"] is None
            else f"limit {row['limit']:.2%}" + _verdict(row["is_over"])
        )
        say(
            f"{name:<44} by {row['basis']}: {share}{interval}, {row['numerator']:g} of {row['denominator']:g}{change}; "
            f"{limit}; {row['count_maturing']:,} orders maturing"
        )


def _verdict(is_over: bool | None) -> str:
    return {True: ": OVER", False: "", None: ", too few orders to be judged"}[is_over]


def untold_notes(policy: Policy, tables: Tables, config: Config, as_of: date) -> list[str]:
    """What the reader must know before trusting a figure: limits that nobody told, steps that
    nobody recorded."""
    notes = []
    missing = [name for name in indicators_without_limit(policy, as_of) if name not in config.limits]
    if missing:
        notes.append(
            f"{policy.platform} publishes no limit for {', '.join(missing)}: set yours from your seller back office "
            "under [limits] in config.toml"
        )
    wrong = sorted(set(config.limits) - {indicator.name for indicator in policy.indicators})
    if wrong:
        notes.append(
            f"[limits] in config.toml names {', '.join(wrong)}, which policy {policy.name} does not have"
        )
    steps = set(visible(tables["disputes"], day_number(as_of))["step"].unique())
    for indicator in policy.indicators:
        events = indicator.numerator.on(as_of) or ()
        if absent := [e for e in events if STEP_OF.get(e) and STEP_OF[e] not in steps]:
            step = STEP_OF[absent[0]]
            notes.append(
                f"{indicator.name}: no dispute step '{step}' is on record, so 0 may mean: not recorded"
            )
    return notes
