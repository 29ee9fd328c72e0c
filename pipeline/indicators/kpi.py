"""kpi: the platform's indicators on a day, overall and by dimension, and their forecast for the
next assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from features.asof import visible
from features.clock import day_number
from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import count_groups, rates_of
from features.indicators.order_groups import add_up_groups
from features.indicators.policy import Basis, Policy, indicators_without_limit
from features.sentence import Sentence, sentence
from features.tables import Tables
from pipeline.indicators.kpi_forecast import forecast_tables, next_assessment, say_forecast
from pipeline.indicators.store_parts import store_parts
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
    """Write `kpi.csv`, `forecast.csv`, `drivers.csv` and `kpi.xlsx` with all three into their own
    run folder; return it.

    `by`: dimensions to break the rates down by. `window_days` replaces the policy's window.

    Raises `Refused` when the newest fact is too old for `as_of`.
    """
    files, day = workspace.table_files(), day_number(as_of)
    refuse_stale_data(files, day, config.max_data_age_days)
    parts = store_parts(files, config.engine.orders_per_part)
    policy = load_policy(config.policy, workspace.folder)
    with publish(workspace, config, as_of, "kpi") as (folder, manifest):
        with progress.piece("kpi") as notes:
            rates = policy_rates(
                policy, day, bases=BASES, window_days=window_days, limits=config.limits
            )
            counts = [
                count_groups(tables, day, rates, dimensions=by, window=config.dispute_window)
                for tables in parts.read()
            ]
            measured = rates_of(add_up_groups(counts, by), rates)
            dimensions = f" by {', '.join(by)}" if by else ""
            notes.append(f"{measured.height:,} rows{dimensions}; policy {policy.name}")
        with progress.piece("forecast") as notes:
            forecasts, driver_rows = forecast_tables(files, parts, config, policy, as_of)
            assessed = next_assessment(as_of, config.assessment_day)
            notes.append(f"{forecasts.height} rates on {assessed}")
        _write_tables(folder, measured, {"forecast": forecasts, "drivers": driver_rows}, as_of)
        manifest["kpi"] = {
            "policy": policy.name,
            "rows": measured.height,
            "window_days": window_days,
        }
    say_rates(measured)
    say_forecast(forecasts, driver_rows)
    steps = files.read_columns({"disputes": ("step", "known_day")})
    for note in indicator_notes(policy, steps, config, as_of):
        warn(note)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-kpi").resolve()


def _write_tables(
    folder: Path, measured: pl.DataFrame, more: Mapping[str, pl.DataFrame], as_of: date
) -> None:
    """Write one CSV file per table, and `kpi.xlsx` with all of them."""
    for name, frame in {"kpi": measured, **more}.items():
        neutral_frame(frame).write_csv(folder / f"{name}.csv", float_precision=6)
    sheets = _sheets(measured) | {name: neutral_frame(frame) for name, frame in more.items()}
    write_workbook(folder / "kpi.xlsx", sheets, as_of)


def _sheets(measured: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """One sheet for the store and one per dimension."""
    safe = neutral_frame(measured)
    return {
        name: safe.filter(pl.col("dimension") == name)
        for name in measured["dimension"].unique(maintain_order=True)
    }


def say_rates(measured: pl.DataFrame) -> None:
    """Print the store's indicators, one line each."""
    for row in measured.filter(pl.col("dimension") == "all").iter_rows(named=True):
        name = row["indicator"] + (", net of withdrawn" if row["withdrawals"] == "netted" else "")
        share = "no orders yet" if row["rate"] is None else f"{row['rate']:.2%}"
        interval = "" if row["low"] is None else f" ({row['low']:.2%} to {row['high']:.2%})"
        change = "" if row["change"] is None else f", change {row['change'] * 100:+.2f} points"
        limit = (
            "no limit set"
            if row["limit"] is None
            else f"limit {row['limit']:.2%}" + _verdict(row["is_over"])
        )
        say(
            f"{name:<44} by {row['basis']}: {share}{interval}, "
            f"{row['numerator']:g} of {row['denominator']:g}{change}; {limit}; "
            f"{row['count_maturing']:,} orders not final yet"
        )


def _verdict(is_over: bool | None) -> str:
    return {True: ": OVER", False: "", None: ", too few orders to judge"}[is_over]


def indicator_notes(policy: Policy, tables: Tables, config: Config, as_of: date) -> list[Sentence]:
    """What a reader must know before trusting a rate: limits that are not set, limits that the
    policy does not have, and dispute steps that the data does not record."""
    notes = []
    missing = [
        name for name in indicators_without_limit(policy, as_of) if name not in config.limits
    ]
    if missing:
        notes.append(
            sentence(
                "note.no_limit",
                "{platform} publishes no limit for {indicators}: set yours from your seller back "
                "office under [limits] in config.toml",
                platform=policy.platform,
                indicators=", ".join(missing),
            )
        )
    unknown = sorted(set(config.limits) - {indicator.name for indicator in policy.indicators})
    if unknown:
        notes.append(
            sentence(
                "note.unknown_limit",
                "[limits] in config.toml names {indicators}, which policy {policy} does not have",
                indicators=", ".join(unknown),
                policy=policy.name,
            )
        )
    recorded = set(visible(tables["disputes"], day_number(as_of))["step"].unique())
    for indicator in policy.indicators:
        events = indicator.numerator.on(as_of) or ()
        steps = [STEP_OF[event] for event in events if event in STEP_OF]
        if absent := [step for step in steps if step not in recorded]:
            notes.append(
                sentence(
                    "note.step_not_recorded",
                    "{indicator}: the data has no dispute step '{step}', so 0 may mean that it was "
                    "not recorded",
                    indicator=indicator.name,
                    step=absent[0],
                )
            )
    return notes
