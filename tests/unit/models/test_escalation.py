"""Forecasts of escalation: a model with enough history, else the base rate, else nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from features.clock import day_number
from features.tables import TABLES, Tables, create_tables
from models.indicators.escalation import LEAST_ENDED, dispute_lives, dispute_nights, fit_escalation

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
LATER = day_number((START + timedelta(days=400)).date())


def made_store(count: int, *, escalated_every: int) -> Tables:
    """Disputes a day apart; every n-th is escalated after 6 days, every second of those is lost.

    The others are settled after 4 days.
    """
    rows = []
    for n in range(count):
        is_escalated = escalated_every > 0 and n % escalated_every == 0
        steps = [("opened", 0.0, None), ("refunded", 4.0, None)]
        if is_escalated:
            liable = "seller" if n % (2 * escalated_every) == 0 else "buyer"
            steps = [("opened", 0.0, None), ("escalated", 6.0, None), ("ruled", 9.0, liable)]
        for step, after, liable in steps:
            at = START + timedelta(days=n % 300 + after)
            base = dict.fromkeys(TABLES["disputes"].schema)
            rows.append(
                base
                | {
                    "step_id": f"{n}-{step}",
                    "dispute_id": f"d{n}",
                    "order_id": f"o{n}",
                    "step": step,
                    "cause": "other",
                    "liable": liable,
                    "amount_usd": 10.0,
                    "occurred_at": at,
                    "known_at": at,
                }
            )
    return create_tables(
        {"disputes": pl.DataFrame(rows, schema=TABLES["disputes"].schema)}, zone="UTC"
    )


def chance(
    tables: Tables, age_days: int, *, is_escalated: bool = False
) -> tuple[float | None, float | None]:
    rows = pl.DataFrame(
        {
            "cause": ["other"],
            "amount_usd": [10.0],
            "age_days": [age_days],
            "is_answered": [False],
            "is_escalated": [is_escalated],
        }
    )
    return fit_escalation(tables, LATER).predict(rows).row(0)


def test_with_history_old_disputes_are_likely_to_escalate() -> None:
    tables = made_store(400, escalated_every=4)
    young, old = chance(tables, 1)[0], chance(tables, 6)[0]
    assert young == pytest.approx(0.25, abs=0.03)  # one in four of those open on the first night
    assert old is not None
    assert old > 0.9  # disputes that are not settled by then never are
    assert fit_escalation(tables, LATER).basis.startswith(
        "a model trained on past disputes: 100 of 400"
    )


def test_an_escalated_dispute_gets_the_past_share_of_lost_rulings() -> None:
    assert chance(made_store(400, escalated_every=4), 7, is_escalated=True) == pytest.approx(
        (1.0, 0.5)
    )


def test_with_little_history_the_base_rate_is_used() -> None:
    count = (LEAST_ENDED - 1) * 2
    tables = made_store(count, escalated_every=2)
    assert chance(tables, 1)[0] == chance(tables, 9)[0] == pytest.approx(0.5)
    assert fit_escalation(tables, LATER).basis.startswith("the base rate, because history is short")


def test_without_any_escalation_the_chance_is_unknown() -> None:
    tables = made_store(400, escalated_every=0)
    assert chance(tables, 3) == (None, None)
    assert fit_escalation(tables, LATER).basis.startswith(
        "unknown: no escalation is on record (0 of 400"
    )


def test_an_empty_store_and_an_empty_night() -> None:
    learned = fit_escalation(create_tables({}, zone="UTC"), LATER)
    assert learned.basis.startswith("unknown")
    tables = made_store(400, escalated_every=4)
    nights = dispute_nights(dispute_lives(tables, LATER)).head(0)
    assert fit_escalation(tables, LATER).predict(nights).height == 0


def test_only_disputes_old_enough_to_have_ended_are_used() -> None:
    """On day 60 of the store only the disputes of the first 15 days are used.

    Younger ones may still be open.
    """
    tables = made_store(60, escalated_every=4)
    basis = fit_escalation(tables, day_number(START.date()) + 60).basis
    assert basis.startswith("the base rate, because history is short: 4 of 15")
