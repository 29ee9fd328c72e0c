"""The rates that the platform judges by, for the page: how they went, where they stand, where they
will be judged."""

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
FAN = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Indicators:
    """`now`: one row per rate, as `measure_rates` has them, of the kind that the platform judges;
    `trend`: the same of past weeks, with `day`; `ahead`: the forecast of each rate that can be
    foretold."""

    policy: str = ""
    assessed: date | None = None
    now: pl.DataFrame = field(default_factory=pl.DataFrame)
    trend: pl.DataFrame = field(default_factory=pl.DataFrame)
    ahead: dict[str, Forecast] = field(default_factory=dict)
    # what a reader must know before trusting a figure
    notes: tuple[str, ...] = ()
    # why there are none; a key of the page's words
    left_out: str = ""

    def fan(self, name: str) -> dict[str, Any] | None:
        told = self.ahead.get(name)
        return (
            None
            if told is None
            else {f"q{round(100 * share)}": told.quantile(share) for share in FAN}
        )


def read_indicators(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> Indicators:
    """None where the config asks for none, the store is too large for a nightly page, or the policy
    has none."""
    if not config.page.indicator_weeks:
        return Indicators(left_out="indicators.not_asked")
    if files.count_orders() > config.page.indicator_most_orders:
        return Indicators(left_out="indicators.too_large")
    policy = load_policy(config.policy, workspace.folder)
    if not policy.indicators:
        return Indicators(left_out="indicators.no_policy")
    return measure_indicators(_recent(files, config, as_of), policy, config, as_of)


def _recent(files: TableFiles, config: Config, as_of: date) -> Tables:
    """The orders that the rates and the forecast of the weeks shown can depend on."""
    tables = files.read_columns({name: (*columns, "known_day") for name, columns in USED.items()})
    back = 2 * LONGEST_LIFE_DAYS + WEEK * config.page.indicator_weeks
    return recent_tables(tables, day_number(as_of) - back)


def measure_indicators(tables: Tables, policy: Policy, config: Config, as_of: date) -> Indicators:
    day, assessed = day_number(as_of), next_assessment(as_of, config.assessment_day)
    weeks = [day - WEEK * back for back in range(config.page.indicator_weeks, -1, -1)]
    trend = pl.concat([_judged(tables, policy, config, one) for one in weeks])
    told = {
        i.name: forecast_indicator(tables, config, i, as_of, assessed) for i in policy.indicators
    }
    return Indicators(
        policy.title,
        assessed,
        trend.filter(pl.col("day") == as_of),
        trend,
        {name: forecast for name, forecast in told.items() if forecast is not None},
        tuple(indicator_notes(policy, tables, config, as_of)),
    )


def _judged(tables: Tables, policy: Policy, config: Config, day: int) -> pl.DataFrame:
    rates = policy_rates(policy, day, limits=config.limits)
    told = measure_rates(tables, day, rates, window=config.dispute_window)
    kinds = pl.DataFrame(
        {"indicator": [r.name for r in rates], "withdrawals": [judged_kind(r) for r in rates]}
    )
    rows = told.join(kinds, on=["indicator", "withdrawals"], how="semi", maintain_order="left")
    return rows.with_columns(day=pl.lit(day, pl.Int32).cast(pl.Date))


def indicator_rows(found: Indicators) -> list[dict[str, Any]]:
    """One row per rate for the page's table."""
    rows = []
    for row in found.now.iter_rows(named=True):
        ahead, limit = found.ahead.get(row["indicator"]), row["limit"]
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


def fan_rows(found: Indicators, name: str, as_of: date) -> pl.DataFrame:
    """From tonight's rate to the quantiles on the day of assessment; empty where nothing is
    foretold."""
    now = found.now.filter(pl.col("indicator") == name)
    told = found.fan(name)
    if told is None or found.assessed is None or now["rate"][0] is None:
        return pl.DataFrame()
    start = {"day": as_of, **dict.fromkeys(told, now["rate"][0])}
    return pl.DataFrame([start, {"day": found.assessed, **told}])
