"""What one dispute prevented is worth for the grade of a workspace's store, on a night."""

from __future__ import annotations

from datetime import date, timedelta

from features.clock import day_number
from features.indicators.order_outcomes import USED
from features.indicators.policy import Policy
from features.tables import Tables
from models.indicators.escalation import base_chances
from models.indicators.forecast_states import LONGEST_LIFE_DAYS, recent_tables
from models.indicators.indicator_price import DisputePrice, no_price, price_dispute, rate_prices
from pipeline.indicators.kpi_forecast import forecast_indicator, next_assessment
from pipeline.settings.config import Config
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

# half a month: most disputes of the next 30 days count on the first assessment after it
HALF_MONTH_DAYS = 15
# orders placed earlier cannot change the forecast of the latest day that `priced_assessment` gives
DAYS_BACK = 2 * LONGEST_LIFE_DAYS + 45


def dispute_price(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> DisputePrice:
    """The price from what is known on `as_of`; where no loss is stated, 0 without reading a table.

    Raises `BadInput` for a policy that does not exist.
    """
    if not config.value.grade_loss_usd:
        return no_price()
    used = USED | {"disputes": (*USED["disputes"], "cause")}
    tables = files.read_columns({name: (*columns, "known_day") for name, columns in used.items()})
    recent = recent_tables(tables, day_number(as_of) - DAYS_BACK)
    return price_of_tables(recent, load_policy(config.policy, workspace.folder), config, as_of)


def price_of_tables(tables: Tables, policy: Policy, config: Config, as_of: date) -> DisputePrice:
    """The price from the tables of a store: those in `USED`, and the `cause` of disputes."""
    if not config.value.grade_loss_usd:
        return no_price()
    assessed = priced_assessment(as_of, config.assessment_day)
    limits = {
        each.name: config.limits.get(each.name, each.limit.on(assessed))
        for each in policy.indicators
    }
    # without a limit the forecast would change nothing
    forecasts = {
        each.name: forecast_indicator(tables, config, each, as_of, assessed)
        if limits[each.name] is not None
        else None
        for each in policy.indicators
    }
    prices = rate_prices(forecasts, limits, config.value.grade_loss_usd)
    return price_dispute(prices, *base_chances(tables, day_number(as_of)))


def priced_assessment(as_of: date, day_of_month: int) -> date:
    """The day of assessment on which most disputes that open in the next 30 days count.

    The next one may be tomorrow: hardly any dispute prevented tonight would count then.
    """
    return next_assessment(as_of + timedelta(days=HALF_MONTH_DAYS - 1), day_of_month)
