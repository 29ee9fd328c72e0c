"""The indicators that the platform judges the store by, for the page: past weeks, now, and the
forecast for the day of assessment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from features.clock import day_number
from features.indicators.indicator_rules import policy_rates
from features.indicators.measured_rates import measure_rates
from features.indicators.order_outcomes import USED
from features.indicators.policy import Policy
from features.sentence import Sentence
from features.tables import Tables
from models.indicators.forecast_states import LONGEST_LIFE_DAYS, recent_tables
from models.indicators.rate_forecast import Forecast
from pipeline.indicators.kpi import indicator_notes
from pipeline.indicators.kpi_forecast import forecast_indicator, judged_kind, next_assessment
from pipeline.settings.config import Config
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

WEEK = 7
# quantiles of the forecast that the chart shows
FAN = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Indicators:
    """The indicators of a store and their forecasts.

    `policy`: title of the policy; `assessed`: the next day of assessment; `now`: one row per
    indicator with the columns of `measure_rates`, of the kind that the platform judges; `trend`:
    the same for past weeks, with `day`; `ahead`: forecasts by indicator, where there is one.
    """

    policy: str = ""
    assessed: date | None = None
    now: pl.DataFrame = field(default_factory=pl.DataFrame)
    trend: pl.DataFrame = field(default_factory=pl.DataFrame)
    ahead: dict[str, Forecast] = field(default_factory=dict)
    # what a reader must know before they trust a figure
    notes: tuple[Sentence, ...] = ()
    # why there are no indicators: a key of the page's words
    left_out: str = ""

    def fan(self, name: str) -> dict[str, Any] | None:
        """Quantiles of the forecast of one indicator as `q10`, `q25`, ...; None without one."""
        forecast = self.ahead.get(name)
        if forecast is None:
            return None
        return {f"q{round(100 * share)}": forecast.quantile(share) for share in FAN}


def read_indicators(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> Indicators:
    """Measure and forecast the indicators of a store.

    Without indicators, `left_out` has the reason: the config switches them off, the store is too
    large for a nightly page, or the policy has none.
    """
    if not config.page.indicator_weeks:
        return Indicators(left_out="indicators.not_asked")
    if files.count_orders() > config.page.indicator_most_orders:
        return Indicators(left_out="indicators.too_large")
    policy = load_policy(config.policy, workspace.folder)
    if not policy.indicators:
        return Indicators(left_out="indicators.no_policy")
    return measure_indicators(_recent(files, config, as_of), policy, config, as_of)


def _recent(files: TableFiles, config: Config, as_of: date) -> Tables:
    """The orders that can affect the rates of the weeks shown and the forecast."""
    tables = files.read_columns({name: (*columns, "known_day") for name, columns in USED.items()})
    back = 2 * LONGEST_LIFE_DAYS + WEEK * config.page.indicator_weeks
    return recent_tables(tables, day_number(as_of) - back)


def measure_indicators(tables: Tables, policy: Policy, config: Config, as_of: date) -> Indicators:
    """The rates now and in past weeks, and their forecasts for the next day of assessment."""
    day, assessed = day_number(as_of), next_assessment(as_of, config.assessment_day)
    weeks = [day - WEEK * back for back in range(config.page.indicator_weeks, -1, -1)]
    trend = pl.concat([_judged(tables, policy, config, week) for week in weeks])
    forecasts = {
        i.name: forecast_indicator(tables, config, i, as_of, assessed) for i in policy.indicators
    }
    return Indicators(
        policy.title,
        assessed,
        trend.filter(pl.col("day") == as_of),
        trend,
        {name: forecast for name, forecast in forecasts.items() if forecast is not None},
        tuple(indicator_notes(policy, tables, config, as_of)),
    )


def _judged(tables: Tables, policy: Policy, config: Config, day: int) -> pl.DataFrame:
    """The rates on a day, of each only the kind that the platform judges."""
    rates = policy_rates(policy, day, limits=config.limits)
    measured = measure_rates(tables, day, rates, window=config.dispute_window)
    kinds = pl.DataFrame(
        {"indicator": [r.name for r in rates], "withdrawals": [judged_kind(r) for r in rates]}
    )
    rows = measured.join(kinds, on=["indicator", "withdrawals"], how="semi", maintain_order="left")
    return rows.with_columns(day=pl.lit(day, pl.Int32).cast(pl.Date))


def indicator_rows(indicators: Indicators) -> list[dict[str, Any]]:
    """One row per indicator for the table of the page.

    Adds the 80% interval of the forecast (`low_80`, `high_80`), the probability of a breach and the
    number of disputes to prevent (`needed`); each is None where it is not known.
    """
    rows = []
    for row in indicators.now.iter_rows(named=True):
        ahead, limit = indicators.ahead.get(row["indicator"]), row["limit"]
        has_limit = ahead is not None and limit is not None
        rows.append(
            {
                **row,
                "low_80": ahead.quantile(0.1) if ahead else None,
                "high_80": ahead.quantile(0.9) if ahead else None,
                "breach": ahead.breach_probability(limit) if ahead and has_limit else None,
                "needed": ahead.needed_prevented(limit) if ahead and has_limit else None,
            }
        )
    return rows


def fan_rows(indicators: Indicators, name: str, as_of: date) -> pl.DataFrame:
    """Two rows, tonight's rate and its forecast quantiles on the day of assessment, for the fan of
    the chart; empty without a forecast."""
    now = indicators.now.filter(pl.col("indicator") == name)
    quantiles = indicators.fan(name)
    if quantiles is None or indicators.assessed is None or now["rate"][0] is None:
        return pl.DataFrame()
    start = {"day": as_of, **dict.fromkeys(quantiles, now["rate"][0])}
    return pl.DataFrame([start, {"day": indicators.assessed, **quantiles}])
