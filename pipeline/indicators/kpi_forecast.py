"""The forecast inside `kpi`: each rate on the next day of assessment, its chance to pass the limit,
its drivers."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.clock import day_number
from features.indicators.indicator_rules import Rate, rate_on
from features.indicators.measured_rates import groups_of
from features.indicators.policy import Indicator, Policy
from features.tables import Tables
from models.indicators.rate_forecast import SAFE, Forecast, drivers, forecast_rate
from pipeline.settings.config import Config
from pipeline.workspace.progress import say, warn

DRIVERS = ("lane", "product")
FORECAST_SCHEMA = {
    "indicator": pl.String,
    "withdrawals": pl.String,
    "assessed_on": pl.Date,
    "expected": pl.Float64,
    "low_80": pl.Float64,
    "middle": pl.Float64,
    "high_80": pl.Float64,
    "expected_numerator": pl.Float64,
    "expected_denominator": pl.Float64,
    "limit": pl.Float64,
    "breach_probability": pl.Float64,
    "needed_prevented": pl.Int64,
    "count_nights": pl.Int64,
}
DRIVER_SCHEMA = {
    "indicator": pl.String,
    "dimension": pl.String,
    "value": pl.String,
    "count_orders": pl.UInt32,
    "expected": pl.Float64,
    "excess": pl.Float64,
}


def next_assessment(as_of: date, day_of_month: int) -> date:
    """The first such day of a month after `as_of`."""
    if as_of.day < day_of_month:
        return as_of.replace(day=day_of_month)
    months = as_of.year * 12 + as_of.month
    return date(months // 12, months % 12 + 1, day_of_month)


def judged_kind(rate: Rate) -> str:
    """What the platform judges: with withdrawals netted where it nets them."""
    return "netted" if rate.netting != "none" and "filed" in rate.numerator else "counted"


def forecast_indicator(
    tables: Tables, config: Config, indicator: Indicator, as_of: date, assessed: date
) -> Forecast | None:
    """None: the rate is no ratio of orders over days before the assessment, or history is too
    short."""
    limit = config.limits.get(indicator.name)
    rate = rate_on(indicator, day_number(assessed), limit=limit)
    if rate.is_amount or rate.basis != "event_day" or indicator.window_months.on(assessed):
        return None
    return forecast_rate(
        tables,
        day_number(as_of),
        day_number(assessed),
        lambda day: rate_on(indicator, day, limit=limit),
        judged_kind(rate),
        seed=config.seed,
        window=config.dispute_window,
    )


def forecast_tables(
    tables: Tables, config: Config, policy: Policy, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`forecast.csv`, one row per rate that can be foretold, and `drivers.csv`, its lanes and
    products."""
    assessed = next_assessment(as_of, config.assessment_day)
    rows, driving = [], [pl.DataFrame(schema=DRIVER_SCHEMA)]
    for indicator in policy.indicators:
        told = forecast_indicator(tables, config, indicator, as_of, assessed)
        if told is None:
            warn(
                f"{indicator.name}: no forecast; it needs some months of history and a window in days by event day"
            )
            continue
        rows.append(_row(told, assessed))
        for dimension, groups in groups_of(tables, told.expected, DRIVERS, day_number(as_of)):
            named = drivers(told, groups).select(
                pl.lit(indicator.name).alias("indicator"),
                pl.lit(dimension).alias("dimension"),
                pl.all(),
            )
            driving.append(named.cast(DRIVER_SCHEMA))  # type: ignore[arg-type]
    return pl.DataFrame(rows, schema=FORECAST_SCHEMA), pl.concat(driving)


def _row(told: Forecast, assessed: date) -> dict[str, object]:
    limit = told.rate.limit
    return {
        "indicator": told.rate.name,
        "withdrawals": told.kind,
        "assessed_on": assessed,
        "expected": float(told.rates.mean()),
        "low_80": told.quantile(0.1),
        "middle": told.quantile(0.5),
        "high_80": told.quantile(0.9),
        "expected_numerator": float(told.numerators.mean()),
        "expected_denominator": float(told.denominators.mean()),
        "limit": limit,
        "breach_probability": None if limit is None else told.breach_probability(limit),
        "needed_prevented": None if limit is None else told.needed_prevented(limit),
        "count_nights": told.count_nights,
    }


def say_forecast(rows: pl.DataFrame, driving: pl.DataFrame) -> None:
    """One line a rate, with what drives it."""
    for row in rows.iter_rows(named=True):
        line = f"{row['indicator']:<26} on {row['assessed_on']}: {row['low_80']:.2%} to {row['high_80']:.2%} (80 %)"
        if row["limit"] is not None:
            line += f"; chance to pass {row['limit']:.2%}: {row['breach_probability']:.0%}"
            if row["needed_prevented"]:
                line += f"; {row['needed_prevented']} prevented or withdrawn would leave at most {SAFE:.0%}"
        of = driving.filter(
            (pl.col("indicator") == row["indicator"]) & (pl.col("dimension") == "lane")
        ).head(3)
        lanes = ", ".join(
            f"{value} ({expected:.1f})"
            for value, expected in of.select("value", "expected").iter_rows()
        )
        say(f"{line}; most expected from {lanes}" if lanes else line)
