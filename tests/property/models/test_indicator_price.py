"""The price of an indicator is never negative, scales with the loss, and rises to the limit."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from features.indicators.indicator_rules import rate_on
from models.indicators.indicator_price import RatePrice, price_dispute, rate_prices
from models.indicators.rate_forecast import Forecast
from pipeline.settings.policy_files import load_policy

POLICY = load_policy("aliexpress-classic").indicators
ORDERS = 1000.0
# the middles of so many equally likely slices: a sample without chance
SLICES = (np.arange(2000) + 0.5) / 2000


def forecast(number: int, numerators: np.ndarray) -> Forecast:
    expected = pl.DataFrame(schema={"order_id": pl.String, "lane": pl.String, "chance": pl.Float64})
    denominators = np.full(len(numerators), ORDERS)
    return Forecast(
        rate_on(POLICY[number], 20_000), "counted", 20_000, numerators, denominators, expected, 9
    )


def rates_of(draws: list[list[int]], limits: list[int], loss: float) -> tuple[RatePrice, ...]:
    forecasts = {POLICY[n].name: forecast(n, np.array(each, float)) for n, each in enumerate(draws)}
    over = {POLICY[n].name: limit / ORDERS for n, limit in enumerate(limits)}
    return rate_prices(forecasts, over, loss)


DRAWS = st.lists(st.lists(st.integers(0, 60), min_size=5, max_size=5), min_size=3, max_size=3)
LIMITS = st.lists(st.integers(1, 60), min_size=3, max_size=3)


@given(
    draws=DRAWS, limits=LIMITS, loss=st.floats(0, 1e6), chance=st.floats(0, 1), part=st.floats(0, 1)
)
def test_bounds_of_the_price(
    draws: list[list[int]], limits: list[int], loss: float, chance: float, part: float
) -> None:
    rates = rates_of(draws, limits, loss)
    dispute = price_dispute(rates, chance, chance * part)
    assert all(0.0 <= rate.usd <= loss for rate in rates)
    # all events of the blocks together are not worth more than the grade, to the first order
    assert 0.0 <= dispute.usd <= loss * sum(rate.fall for rate in rates) + 1e-9
    double = price_dispute(rates_of(draws, limits, 2 * loss), chance, chance * part)
    assert double.usd == pytest.approx(2 * dispute.usd)
    nothing = price_dispute(rates_of(draws, limits, 0.0), chance, chance * part)
    assert (nothing.usd, nothing.breach) == (0.0, dispute.breach)


@given(draws=DRAWS, limits=LIMITS, chance=st.floats(0, 1))
def test_the_price_is_the_fall_of_the_chance_of_any_breach(
    draws: list[list[int]], limits: list[int], chance: float
) -> None:
    """By another way: the chance of any breach as a function of the events, by its difference."""
    rates = rates_of(draws, limits, 1.0)
    step = 1e-6
    fewer = (step, step * chance, step * chance / 2)

    def any_breach(events: tuple[float, ...]) -> float:
        kept = [
            1 - ((rate.breach or 0.0) - rate.fall * less)
            for rate, less in zip(rates, events, strict=True)
        ]
        return 1.0 - float(np.prod(kept))

    slope = (any_breach((0.0, 0.0, 0.0)) - any_breach(fewer)) / step
    assert price_dispute(rates, chance, chance / 2).usd == pytest.approx(slope, abs=1e-4)


# the first example may be slow on a busy machine
@settings(deadline=None)
@given(mean=st.integers(20, 80), least=st.integers(0, 60))
def test_the_price_rises_towards_the_limit(mean: int, least: int) -> None:
    """The same forecast under limits that come nearer: the price rises until a breach is likelier
    than not, and is nothing where it is near certain."""
    numerators = poisson.ppf(SLICES, mean)
    prices = [
        rate_prices({"r": forecast(0, numerators)}, {"r": limit / ORDERS}, 100.0)[0]
        for limit in range(max(mean + least, 1), 0, -1)
    ]
    likely = [rate for rate in prices if (rate.breach or 0.0) <= 0.5]
    assert [rate.usd for rate in likely] == sorted(rate.usd for rate in likely)
    assert prices[-1].breach == pytest.approx(1.0)
    assert prices[-1].usd == pytest.approx(0.0, abs=0.01)
