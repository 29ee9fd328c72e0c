"""What a dispute prevented is worth for the store's grade, worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from features.indicators.indicator_rules import rate_on
from features.tables import Tables
from models.indicators.escalation import MATURITY_DAYS, base_chances
from models.indicators.indicator_price import (
    DisputePrice,
    RatePrice,
    block_size,
    price_dispute,
    rate_prices,
)
from models.indicators.rate_forecast import Forecast
from pipeline.settings.policy_files import load_policy
from tests.conftest import day

POLICY = {each.name: each for each in load_policy("aliexpress-classic").indicators}
FILED, ESCALATED, LIABLE = "dispute_rate", "adjudication_filing_rate", "seller_liability_rate"
# ten equally likely numbers of disputes among 100 orders
DRAWS = [1, 2, 3, 4, 4, 5, 5, 6, 7, 9]
ASSESSED = day("06-27")


def forecast(name: str, numerators: list[int], denominator: float = 100.0) -> Forecast:
    expected = pl.DataFrame(schema={"order_id": pl.String, "lane": pl.String, "chance": pl.Float64})
    return Forecast(
        rate_on(POLICY[name], ASSESSED),
        "counted",
        ASSESSED,
        np.array(numerators, float),
        np.full(len(numerators), denominator),
        expected,
        9,
    )


def price(limit: float, grade_loss_usd: float = 300.0) -> DisputePrice:
    """Of a store with the dispute rate only."""
    rates = rate_prices({FILED: forecast(FILED, DRAWS)}, {FILED: limit}, grade_loss_usd)
    return price_dispute(rates, 0.2, 0.1)


def test_a_store_near_its_limit() -> None:
    """With a limit of 5 in 100, five of the ten draws reach it. With five disputes fewer, none
    does: the chance falls by 0.5 / 5 = 0.1 a dispute, and 0.1 x 300 USD is the price."""
    near = price(0.05)
    assert near.usd == pytest.approx(30.0)
    assert near.breach == pytest.approx(0.5)
    assert near.says == (
        "The store's grade adds 30.00 USD to a dispute: dispute_rate has a chance of 50% to breach "
        "its limit of 5.00% on 2024-06-27, and one less lowers that by 10.00 points"
    )


def test_a_store_far_from_its_limit() -> None:
    """No draw reaches 20 in 100, so no dispute changes anything."""
    far = price(0.20)
    assert far.usd == 0.0
    assert far.says == (
        "The store's grade adds nothing to a dispute: dispute_rate has a chance of 0% to breach "
        "its limit of 20.00% on 2024-06-27, and one less changes nothing"
    )


def test_a_store_that_will_surely_breach() -> None:
    """All draws are over 10 in 1,000, and five fewer do not help."""
    sure = forecast(FILED, [n + 100 for n in DRAWS], 1000.0)
    rate = rate_prices({FILED: sure}, {FILED: 0.01}, 300.0)[0]
    assert (rate.breach, rate.fall, rate.usd) == (1.0, 0.0, 0.0)


def test_one_step_of_a_whole_number_is_no_price_of_its_own() -> None:
    """All draws are 5 and the limit is 5 in 100: the very next dispute would be worth the grade,
    and the four after it nothing. The mean is a fifth of it."""
    step = rate_prices({FILED: forecast(FILED, [5] * 10)}, {FILED: 0.05}, 300.0)[0]
    assert step.usd == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("numerators", "size"),
    [
        ([20, 20, 20], 5),  # at least five
        ([60, 140, 60, 140], 10),  # a quarter of the standard deviation of 40
        ([2, 2, 3], 2),  # what does not come cannot be prevented
        ([0, 0, 0], 1),
    ],
)
def test_the_block_of_events(numerators: list[int], size: int) -> None:
    assert block_size(forecast(FILED, numerators)) == size


def three_rates(grade_loss_usd: float = 1000.0) -> tuple[RatePrice, ...]:
    forecasts = {
        FILED: forecast(FILED, DRAWS),
        ESCALATED: forecast(ESCALATED, [5, 5, 5, 5, 5, 5, 5, 5, 6, 7]),
        LIABLE: forecast(LIABLE, [1] * 10),
    }
    return rate_prices(forecasts, {FILED: 0.05, ESCALATED: 0.06, LIABLE: 0.01}, grade_loss_usd)


def test_the_grade_is_lost_once() -> None:
    """Chances 0.5, 0.2 and 1; falls 0.5 / 5, 0.2 / 5 and 1 / 1. While another rate is breached, an
    event of this one changes nothing: the liability rate is, so the others have no price."""
    filed, escalated, liable = three_rates()
    assert [rate.breach for rate in (filed, escalated, liable)] == [0.5, 0.2, 1.0]
    assert [rate.fall for rate in (filed, escalated, liable)] == pytest.approx([0.1, 0.04, 1.0])
    assert (filed.usd, escalated.usd) == (0.0, 0.0)
    assert liable.usd == pytest.approx(1000 * 1.0 * 0.5 * 0.8)


def test_a_dispute_may_be_an_escalation_and_a_ruling_too() -> None:
    """A fifth of the disputes goes to the platform. Filing: 1,000 x 0.1 x (1 - 0.2) = 80 USD; an
    escalation: 1,000 x 0.04 x (1 - 0.5) = 20 USD; so a dispute: 80 + 0.2 x 20 = 84 USD."""
    forecasts = {
        FILED: forecast(FILED, DRAWS),
        ESCALATED: forecast(ESCALATED, [5, 5, 5, 5, 5, 5, 5, 5, 6, 7]),
        LIABLE: forecast(LIABLE, [1] * 10),
    }
    limits = {FILED: 0.05, ESCALATED: 0.06, LIABLE: None}
    dispute = price_dispute(rate_prices(forecasts, limits, 1000.0), 0.2, 0.1)
    assert [rate.usd for rate in dispute.rates] == pytest.approx([80.0, 20.0, 0.0])
    assert dispute.usd == pytest.approx(84.0)
    assert dispute.breach == pytest.approx(1 - 0.5 * 0.8)
    assert price_dispute(three_rates(), 0.2, 0.1).usd == pytest.approx(0.1 * 400.0)


def test_what_has_no_price_says_so() -> None:
    forecasts = {FILED: None, ESCALATED: forecast(ESCALATED, [5] * 10), LIABLE: None}
    rates = rate_prices(forecasts, {FILED: 0.05, LIABLE: None}, 300.0)
    assert [(rate.missing, rate.usd) for rate in rates] == [
        ("no_forecast", 0.0),
        ("no_limit", 0.0),
        ("no_limit", 0.0),
    ]
    dispute = price_dispute(rates, None, None)
    assert (dispute.usd, dispute.breach) == (0.0, 0.0)
    assert dispute.says.id == "grade_price.no_rate"
    assert [note.id for note in dispute.notes] == [
        "grade_price.no_forecast",
        "grade_price.no_limit",
        "grade_price.no_limit",
        "grade_price.no_escalation",
    ]


@pytest.mark.parametrize("loss", [-1.0, float("nan")])
def test_a_loss_that_is_no_amount(loss: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        price(0.05, loss)


DISPUTES = """
    order_id | dispute_id | step      | liable | occurred_at
    a        | d1         | opened    | -      | 01-01
    a        | d1         | escalated | -      | 01-05
    a        | d1         | ruled     | seller | 01-20
    b        | d2         | opened    | -      | 01-02
    b        | d2         | escalated | -      | 01-06
    b        | d2         | withdrawn | -      | 01-07
    c        | d3         | opened    | -      | 01-03
    c        | d3         | refunded  | -      | 01-04
    d        | d4         | opened    | -      | 01-04
    young    | d5         | opened    | -      | 05-31
"""


def test_chances_to_escalate_and_to_be_ruled_against(make_tables: Callable[..., Tables]) -> None:
    """Of four disputes that are old enough, two went to the platform, one of them was lost."""
    tables = make_tables(disputes=DISPUTES)
    assert base_chances(tables, day("06-01")) == (0.5, 0.25)
    assert base_chances(tables, day("01-04") + MATURITY_DAYS) == (2 / 3, 1 / 3)
    assert base_chances(make_tables(), day("06-01")) == (None, None)
