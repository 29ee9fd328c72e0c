"""The forecast part of `kpi`: each rate on the next assessment day, the probability that it exceeds
its limit, and its drivers."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.clock import day_number
from features.indicators.indicator_rules import Rate, rate_on
from features.indicators.order_groups import GROUPED, groups_of
from features.indicators.policy import Indicator, Policy
from features.tables import Tables
from models.indicators.rate_forecast import SAFE, Forecast, StoreParts, drivers, forecast_rate
from pipeline.settings.config import Config
from pipeline.workspace.progress import say, warn
from pipeline.workspace.table_files import TableFiles

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
    """The first date after `as_of` that falls on this day of a month."""
    today = as_of.day
    if today < day_of_month:
        return as_of.replace(day=day_of_month)
    months = as_of.year * 12 + as_of.month
    return date(months // 12, months % 12 + 1, day_of_month)


def judged_kind(rate: Rate) -> str:
    """Which variant the platform judges: "netted" where it subtracts withdrawn disputes, else
    "counted"."""
    return "netted" if rate.netting != "none" and "filed" in rate.numerator else "counted"


def forecast_indicator(
    store: Tables | StoreParts, config: Config, indicator: Indicator, as_of: date, assessed: date
) -> Forecast | None:
    """The forecast of one rate for the day `assessed`, from what is known on `as_of`.

    None if the rate is an amount, is not counted by event day in a window of days, or has too
    little history.
    """
    limit = config.limits.get(indicator.name)
    rate = rate_on(indicator, day_number(assessed), limit=limit)
    if rate.is_amount or rate.basis != "event_day" or indicator.window_months.on(assessed):
        return None
    return forecast_rate(
        store,
        day_number(as_of),
        day_number(assessed),
        lambda day: rate_on(indicator, day, limit=limit),
        judged_kind(rate),
        seed=config.seed,
        window=config.dispute_window,
    )


def forecast_tables(
    files: TableFiles, parts: StoreParts, config: Config, policy: Policy, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables of `forecast.csv`, one row per rate with a forecast, and of `drivers.csv`, the
    lanes and products behind it.

    `parts` has the orders of `files`, with their numbers as `order_id`.
    """
    assessed = next_assessment(as_of, config.assessment_day)
    rows, driver_parts = [], [pl.DataFrame(schema=DRIVER_SCHEMA)]
    for indicator in policy.indicators:
        forecast = forecast_indicator(parts, config, indicator, as_of, assessed)
        if forecast is None:
            warn(
                f"{indicator.name}: no forecast; it needs some months of history and a window in "
                "days that is counted by event day"
            )
            continue
        rows.append(_row(forecast, assessed))
        lines = {name: GROUPED[name] for name in ("order_lines", "products")}
        tables = files.read_columns(lines, forecast.expected["order_id"])
        for dimension, groups in groups_of(tables, forecast.expected, DRIVERS, day_number(as_of)):
            part = drivers(forecast, groups).select(
                pl.lit(indicator.name).alias("indicator"),
                pl.lit(dimension).alias("dimension"),
                pl.all(),
            )
            driver_parts.append(part.cast(DRIVER_SCHEMA))  # type: ignore[arg-type]
    return pl.DataFrame(rows, schema=FORECAST_SCHEMA), pl.concat(driver_parts)


def _row(forecast: Forecast, assessed: date) -> dict[str, object]:
    limit = forecast.rate.limit
    return {
        "indicator": forecast.rate.name,
        "withdrawals": forecast.kind,
        "assessed_on": assessed,
        "expected": float(forecast.rates.mean()),
        "low_80": forecast.quantile(0.1),
        "middle": forecast.quantile(0.5),
        "high_80": forecast.quantile(0.9),
        "expected_numerator": float(forecast.numerators.mean()),
        "expected_denominator": float(forecast.denominators.mean()),
        "limit": limit,
        "breach_probability": None if limit is None else forecast.breach_probability(limit),
        "needed_prevented": None if limit is None else forecast.needed_prevented(limit),
        "count_nights": forecast.count_nights,
    }


def say_forecast(forecasts: pl.DataFrame, driver_rows: pl.DataFrame) -> None:
    """Print one line per rate, with the lanes that drive it."""
    for row in forecasts.iter_rows(named=True):
        line = (
            f"{row['indicator']:<26} on {row['assessed_on']}: "
            f"{row['low_80']:.2%} to {row['high_80']:.2%} (80 % interval)"
        )
        if row["limit"] is not None:
            line += f"; {row['breach_probability']:.0%} likely to exceed {row['limit']:.2%}"
            if row["needed_prevented"]:
                line += (
                    f"; {row['needed_prevented']} fewer disputes (prevented or withdrawn) would "
                    f"lower that to at most {SAFE:.0%}"
                )
        is_lane = (pl.col("indicator") == row["indicator"]) & (pl.col("dimension") == "lane")
        lanes = ", ".join(
            f"{value} ({expected:.1f})"
            for value, expected in driver_rows.filter(is_lane)
            .head(3)
            .select("value", "expected")
            .iter_rows()
        )
        say(f"{line}; most disputes expected from {lanes}" if lanes else line)
