"""How often the change test is wrong in stores without a change."""

from __future__ import annotations

import numpy as np

from models.monitoring.rate_changes import OrderCounts, rate_rises, risen_on_one_day
from models.monitoring.sequential_monitoring import LOOKBACK_NIGHTS, SEASON_NIGHTS, SUPPLIERS

STREAMS, YEAR, WINDOWS = 300, 365, (30, 90)


def quiet_store(seed: int) -> OrderCounts:
    """A year and a season of 300 independent products of any rate, with an order a day each."""
    rng = np.random.default_rng(seed)
    days = YEAR + SEASON_NIGHTS
    day = np.tile(np.arange(days), STREAMS)
    product = np.repeat(np.arange(STREAMS), days)
    rate = rng.gamma(1.0, 0.05, STREAMS)[product]
    return OrderCounts(product, day, rng.poisson(rate).astype(float), np.ones(len(day)))


def as_known(store: OrderCounts, night: int) -> OrderCounts:
    """The orders of the year before `night`. Disputes come 0 to 60 days after the order, and an
    order counts for the share of these days that has passed."""
    is_known = (store.day < night) & (store.day >= night - YEAR)
    age = night - store.day[is_known]
    # all disputes of a product and day come at once, on the same day whichever night it is
    delay = np.random.default_rng(7).uniform(0.0, 60.0, len(store.day))[is_known]
    disputes = store.disputes[is_known] * (delay < age)
    return OrderCounts(
        store.product[is_known], store.day[is_known], disputes, np.minimum(age / 60.0, 1.0)
    )


def test_a_season_without_a_change_seldom_reaches_the_threshold() -> None:
    """Every night is looked at, with disputes that come late. Each product is a season of its own:
    at most one in five may ever reach the evidence that one in five may reach."""
    store = quiet_store(1)
    limit = np.log((SEASON_NIGHTS + LOOKBACK_NIGHTS) / 0.2)
    reached = np.zeros(STREAMS, dtype=bool)
    for night in range(YEAR, YEAR + SEASON_NIGHTS, 6):
        known = as_known(store, night)
        change = rate_rises(known, np.arange(STREAMS), night, SUPPLIERS, tolerance=1.0)
        reached |= change.evidence >= limit
    assert reached.mean() <= 0.2


def test_the_ratio_is_a_fair_bet_on_any_one_night() -> None:
    """Its mean without a change is 1 per day that a change may have come on, for any rate."""
    store = quiet_store(3)
    known = as_known(store, YEAR)
    change = rate_rises(known, np.arange(STREAMS), YEAR, SUPPLIERS, tolerance=1.0)
    mean = np.exp(change.evidence).mean() / LOOKBACK_NIGHTS
    assert 0.5 < mean < 1.6


def test_a_planned_review_seldom_shows_a_stream_without_a_change() -> None:
    """In at most a fifth of 40 stores, and four more by chance."""
    shown = 0
    for seed in range(40):
        store = quiet_store(100 + seed)
        known = as_known(store, YEAR)
        stream = np.arange(STREAMS)
        shown += bool(risen_on_one_day(known, stream, YEAR, WINDOWS, 0.2, tolerance=1.0).any())
    assert shown <= 0.2 * 40 + 4
