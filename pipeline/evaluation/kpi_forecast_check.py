"""rules-check: check the rate forecasts and the escalation probabilities on past months.

Each forecast is made on the first of a month from what was known then. It is compared with the rate
as the platform counted it on the assessment day. The check works on any store and reads no truth.
The baseline is last month's rate: it assumes that a rate over its limit stays over it. If the
seller has set no limit, the store's own rate over the year before the first month is used.
"""

from __future__ import annotations

import operator
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from features.clock import day_number, is_by
from features.indicators.dispute_timeline import clock_disputes
from features.indicators.indicator_rules import rate_on
from features.indicators.measured_rates import count_groups, rates_of
from features.indicators.order_groups import add_up_groups
from features.indicators.order_outcomes import FOREVER
from features.indicators.policy import Indicator, Policy
from features.tables import Tables
from models.comparison.metrics import expected_calibration_error
from models.indicators.escalation import MATURITY_DAYS, dispute_lives, fit_escalation, rows_of
from models.indicators.rate_forecast import StoreParts
from pipeline.indicators.kpi_forecast import forecast_indicator, judged_kind, next_assessment
from pipeline.indicators.store_parts import store_parts
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "rules_check.csv"
YEAR, NIGHTS_APART = 365, 7


def rules_check(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date
) -> pl.DataFrame:
    """Write and return `rules_check.csv`: one row per month and rate."""
    files = workspace.table_files()
    parts = store_parts(files, config.engine.orders_per_part)
    policy = load_policy(config.policy, workspace.folder)
    newest = files.newest_fact_day(FOREVER)
    months = [
        m
        for m in _months(first, last)
        if newest is not None
        and is_by(day_number(next_assessment(m, config.assessment_day)), newest + 1)
    ]
    if not months:
        raise Refused(f"no month from {first} to {last} has been assessed yet. Use earlier dates.")
    rows = []
    with progress.piece("forecast") as notes:
        for indicator in policy.indicators:
            limit = config.limits.get(indicator.name) or _own_rate(
                parts, config, indicator, months[0]
            )
            for month in months:
                rows += _judge(parts, config, indicator, month, limit)
        notes.append(f"{len(months)} months, {len(rows)} forecasts")
    if not rows:
        raise Refused("the history is too short for any forecast. Use later dates.")
    result = pl.DataFrame(rows)
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=6))
    say_forecasts(result)
    with progress.piece("escalate"):
        summary = judge_escalation(files.read_disputed(), policy, months, newest or 0)
    say(summary)
    return result


def _months(first: date, last: date) -> list[date]:
    """The first of each month from `first` to `last`."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    days = [date(n // 12, n % 12 + 1, 1) for n in numbers]
    return [day for day in days if first <= day <= last]


def _rate(
    parts: StoreParts, config: Config, indicator: Indicator, day: date, *, days: int | None = None
) -> dict[str, Any]:
    """The row of `measure_rates` by which the platform judges the indicator, as of `day`."""
    rate = rate_on(indicator, day_number(day), window_days=days)
    counts = [
        count_groups(tables, day_number(day), [rate], window=config.dispute_window)
        for tables in parts.read()
    ]
    measured = rates_of(add_up_groups(counts, ()), [rate])
    return measured.filter(pl.col("withdrawals") == judged_kind(rate)).row(0, named=True)


def _own_rate(parts: StoreParts, config: Config, indicator: Indicator, day: date) -> float:
    """The store's rate over the year before `day`; 0 where it has none."""
    return float(_rate(parts, config, indicator, day, days=YEAR)["rate"] or 0.0)


def _judge(
    parts: StoreParts, config: Config, indicator: Indicator, month: date, limit: float
) -> list[dict[str, object]]:
    """One row with the forecast and the actual rate, or none where either does not exist."""
    assessed = next_assessment(month, config.assessment_day)
    forecast = forecast_indicator(parts, config, indicator, month, assessed)
    actual = _rate(parts, config, indicator, assessed)["rate"]
    last = _rate(parts, config, indicator, month)["rate"]
    if forecast is None or actual is None or last is None:
        return []
    low, high = forecast.quantile(0.1), forecast.quantile(0.9)
    passes = operator.ge if forecast.rate.is_breach_at_limit else operator.gt
    return [
        {
            "indicator": indicator.name,
            "as_of": month,
            "assessed_on": assessed,
            "low_80": low,
            "middle": forecast.quantile(0.5),
            "high_80": high,
            "came": actual,
            "last_month": last,
            "is_inside": low <= actual <= high,
            "limit": limit,
            "came_over": passes(actual, limit),
            "breach_probability": forecast.breach_probability(limit),
            "last_month_over": passes(last, limit),
        }
    ]


def say_forecasts(result: pl.DataFrame) -> None:
    """Print coverage and Brier score (Brier 1950) of each rate and of all rates together."""
    for name in [*result["indicator"].unique(maintain_order=True), None]:
        rows = result if name is None else result.filter(pl.col("indicator") == name)
        over, inside = (
            rows[column].to_numpy().astype(float) for column in ("came_over", "is_inside")
        )
        brier = np.mean((rows["breach_probability"].to_numpy() - over) ** 2)
        naive = np.mean((rows["last_month_over"].to_numpy().astype(float) - over) ** 2)
        say(
            f"{name or 'all':<26} {rows.height:>3} forecasts: the 80 % interval held "
            f"{inside.mean():.0%}; Brier score of passing the limit {brier:.3f}, "
            f"by last month's rate {naive:.3f}; the limit was passed {over.mean():.0%} of the time"
        )


def judge_escalation(tables: Tables, policy: Policy, months: list[date], newest: int) -> str:
    """The calibration error of the escalation probabilities, as a sentence.

    `tables` has all facts of the disputed orders; `newest` is the day of the store's newest fact.
    Covers the open disputes that had not reached the platform, on every seventh night of each
    month. The probabilities of a month use what was known at its start.
    """
    ends = dispute_lives(tables, FOREVER).select(
        "order_id", "dispute_id", "escalated_day", "is_liable"
    )
    parts, basis = [], ""
    for month in months if policy.clock else []:
        start = day_number(month)
        learned = fit_escalation(tables, start)
        basis = learned.basis
        for night in range(start, start + 28, NIGHTS_APART):
            if learned.base_rate is None or newest - night < MATURITY_DAYS:
                continue
            clock = clock_disputes(tables, night, policy)
            predicted = clock.hstack(learned.predict(rows_of(clock, night, tables.zone)))
            not_escalated = predicted.filter(pl.col("escalated_at").is_null())
            parts.append(
                not_escalated.join(ends, on=["order_id", "dispute_id"], how="left").select(
                    "escalation_probability",
                    "liability_probability",
                    is_escalated=pl.col("escalated_day").is_not_null(),
                    is_liable=pl.col("is_liable"),
                )
            )
    rows = pl.concat(parts) if parts else None
    if rows is None or rows.is_empty():
        return f"escalation: not checked; {basis or 'this policy has no time line'}"
    escalated = _error(rows, "is_escalated", "escalation_probability")
    liable = _error(rows.drop_nulls("liability_probability"), "is_liable", "liability_probability")
    return (
        f"escalation: {rows.height:,} open disputes, calibration error {escalated:.3f}, for being "
        f"found liable {liable:.3f}; last learned from {basis}"
    )


def _error(rows: pl.DataFrame, label: str, probability: str) -> float:
    if rows.is_empty():
        return float(np.nan)
    return expected_calibration_error(
        rows[label].cast(pl.Float64).to_numpy(), rows[probability].to_numpy()
    )
