"""The forecast of a rate: what it is made from, and what its values mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.clock import day_number
from features.indicators.indicator_rules import Rate, rate_on
from features.indicators.measured_rates import measure_rates
from features.spine import DEFAULT_WINDOW
from features.tables import TABLES, Tables, create_tables
from models.indicators.forecast_states import order_states
from models.indicators.rate_forecast import Forecast, drivers, forecast_rate
from pipeline.indicators.kpi_forecast import next_assessment
from pipeline.settings.policy_files import load_policy
from tests.conftest import day

START, DAYS, A_DAY = datetime(2024, 1, 1, 12, tzinfo=UTC), 300, 10
TODAY = day_number(START.date()) + 260
AHEAD = 26
DISPUTE_RATE = load_policy("aliexpress-classic").indicators[0]


def on_day(assessed: int) -> Rate:
    return rate_on(DISPUTE_RATE, assessed)


ORDER = {
    "buyer_id": "b",
    "store_id": "s",
    "country": "US",
    "lane": "L",
    "currency": "USD",
    "total_usd": 9.0,
    "total_source": 9.0,
}


def made_row(table: str, order: str, at: datetime, **values: object) -> dict[str, object]:
    times = {"occurred_at": at, "known_at": at}
    return dict.fromkeys(TABLES[table].schema) | {"order_id": order, **values, **times}


def steady_store(disputed_of_ten: Callable[[int], int]) -> Tables:
    """Ten orders a day; `disputed_of_ten` of them file a dispute on day 15.

    The others are closed on day 20.
    """
    orders, events, disputes = [], [], []
    for number in range(DAYS * A_DAY):
        placed, order = START + timedelta(days=number // A_DAY), f"o{number:05}"
        orders.append(made_row("orders", order, placed, **ORDER))
        if number % A_DAY < disputed_of_ten(number // A_DAY):
            filed = placed + timedelta(days=15)
            ids = {"step_id": order, "dispute_id": order}
            disputes.append(made_row("disputes", order, filed, **ids, step="opened", cause="other"))
        else:
            closed = placed + timedelta(days=20)
            events.append(made_row("order_events", order, closed, event_id=order, event="closed"))
    rows = {"orders": orders, "order_events": events, "disputes": disputes}
    frames = {
        name: pl.DataFrame(rows_of_table, schema=TABLES[name].schema)
        for name, rows_of_table in rows.items()
    }
    return create_tables(frames, zone="UTC")


def forecast(tables: Tables, today: int = TODAY) -> Forecast | None:
    return forecast_rate(tables, today, today + AHEAD, on_day, "netted", seed=7)


@pytest.fixture(scope="module")
def steady() -> Tables:
    return steady_store(lambda _: 2)


def test_in_a_steady_store_the_forecast_is_right(steady: Tables) -> None:
    forecasted = forecast(steady)
    assert forecasted is not None
    actual = measure_rates(steady, TODAY + AHEAD, [on_day(TODAY + AHEAD)]).row(1, named=True)
    assert actual["rate"] == pytest.approx(0.2)
    assert forecasted.rates.mean() == pytest.approx(0.2, abs=0.01)
    assert forecasted.numerators.mean() == pytest.approx(actual["numerator"], rel=0.05)
    assert forecasted.denominators.mean() == pytest.approx(actual["denominator"], rel=0.05)
    assert forecasted.quantile(0.1) <= actual["rate"] <= forecasted.quantile(0.9)


def test_where_months_differ_more_than_chance_the_interval_is_wider(steady: Tables) -> None:
    unsteady = forecast(steady_store(lambda number: (1, 3)[number // 40 % 2]))
    calm = forecast(steady)
    assert calm is not None
    assert unsteady is not None
    width = [one.quantile(0.9) - one.quantile(0.1) for one in (calm, unsteady)]
    assert width[1] > 1.5 * width[0]


def test_the_forecast_ignores_later_facts_and_is_reproducible(steady: Tables) -> None:
    ending = create_tables(
        {
            name: steady[name]
            .filter(pl.col("known_day") < TODAY)
            .sample(fraction=1.0, shuffle=True, seed=3)
            for name in TABLES
        },
        zone="UTC",
    )
    from_end, from_all = forecast(ending), forecast(steady)
    assert from_end is not None
    assert from_all is not None
    assert np.array_equal(from_end.rates, from_all.rates)
    assert_frame_equal(from_end.expected, from_all.expected)


def test_a_young_store_has_no_forecast(steady: Tables) -> None:
    assert forecast(steady, day_number(START.date()) + 60) is None
    assert forecast(create_tables({}, zone="UTC")) is None


def hand_made(numerators: list[int], limit: float = 0.05) -> Forecast:
    expected = pl.DataFrame(
        {"order_id": ["a", "b", "c"], "lane": ["X", "X", "Y"], "chance": [0.5, 0.1, 0.3]}
    )
    rate = rate_on(DISPUTE_RATE, TODAY, limit=limit)
    return Forecast(
        rate,
        "netted",
        TODAY,
        np.array(numerators, float),
        np.full(len(numerators), 100.0),
        expected,
        9,
    )


def test_breach_probability_and_disputes_to_prevent() -> None:
    """Ten equally likely numerators over 100 orders; reaching the limit of 5 in 100 is a breach."""
    forecasted = hand_made([1, 2, 3, 4, 4, 5, 5, 6, 7, 9])
    assert forecasted.breach_probability(0.05) == 0.5
    assert forecasted.breach_probability(0.05, prevented=1) == 0.3  # 6, 7 and 9 stay at 5 or more
    assert forecasted.needed_prevented(0.05) == 3  # only 9 stays over: one in ten
    assert forecasted.needed_prevented(0.5) == 0
    assert (forecasted.quantile(0.1), forecasted.quantile(0.5), forecasted.quantile(0.9)) == (
        0.01,
        0.04,
        0.07,
    )


def test_a_rate_with_too_few_orders_to_be_judged_is_no_breach() -> None:
    forecasted = hand_made([4, 5, 6, 7])
    least = replace(forecasted, rate=replace(forecasted.rate, least_numerator=6))
    assert forecasted.breach_probability(0.05) == 0.75
    assert least.breach_probability(0.05) == 0.5  # 5 of 100 reaches the limit, but is not judged
    assert least.breach_probability(0.05, prevented=1) == 0.25
    many = replace(forecasted, rate=replace(forecasted.rate, least_denominator=101))
    assert many.breach_probability(0.05) == 0.0


def test_drivers_are_the_groups_with_the_expected_disputes() -> None:
    forecasted = hand_made([1])
    rows = drivers(forecasted, forecasted.expected.select("order_id", value="lane")).rows()
    assert [row[0] for row in rows] == ["X", "Y"]
    assert rows[0][1:] == pytest.approx((2, 0.6, 0.0))  # the mean chance is 0.3
    assert rows[1][1:] == pytest.approx((1, 0.3, 0.0))


@pytest.mark.parametrize(
    ("today", "assessed"),
    [
        ("2024-02-26", "2024-02-27"),
        ("2024-02-27", "2024-03-27"),
        ("2024-12-27", "2025-01-27"),
        ("2024-11-30", "2024-12-27"),
        ("2024-12-01", "2024-12-27"),
    ],
)
def test_the_next_day_of_assessment(today: str, assessed: str) -> None:
    assert next_assessment(date.fromisoformat(today), 27) == date.fromisoformat(assessed)


def test_states_of_orders(make_tables: Callable[..., Tables]) -> None:
    tables = make_tables(
        orders="""
        order_id  | occurred_at
        placed    | 05-25
        sent      | 05-01
        late      | 05-01
        there     | 05-01
        closed    | 05-01
        disputed  | 05-01
        judged    | 05-01
        over      | 05-01
        """,
        promises="order_id | promised_at | occurred_at\nsent | 06-12 | 05-01\nlate | 05-20 | 05-01",
        shipments="order_id | occurred_at\nsent | 05-28\nlate | 05-05\nthere | 05-05",
        tracking="order_id | status | occurred_at\nthere | Delivered | 05-27",
        order_events="order_id | event | occurred_at\nclosed | closed | 05-20",
        disputes="""
        order_id | dispute_id | step      | occurred_at
        disputed | d1         | opened    | 05-24
        judged   | d2         | opened    | 05-10
        judged   | d2         | escalated | 05-22
        over     | d3         | opened    | 05-10
        over     | d3         | refunded  | 05-12
        """,
    )
    states = order_states(tables, day("06-01"), DEFAULT_WINDOW).select("order_id", "state")
    assert dict(states.iter_rows()) == {
        "placed": "o2",  # seven days ago, in steps of three
        "sent": "t3.0",  # eleven days to the promise, four since the hand-over
        "late": "t6.2",  # twelve past it
        "there": "v1",  # five days after delivery
        "closed": "c2",
        "disputed": "d2",  # eight days
        "judged": "e2",  # ten days with the platform
        "over": "z",
    }
