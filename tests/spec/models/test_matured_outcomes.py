"""Which past nights the model's health uses: matured ones as known, recent ones as estimates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from features.clock import day_number
from features.labels import LabelWindow
from features.tables import TABLES, Tables, create_tables
from models.monitoring.matured_outcomes import AlarmLimits, judge_outcomes, label_outcomes, traits

FIRST = day_number(date(2024, 5, 1))
LIMITS = AlarmLimits(1.25, 1.6, 1.5, 2.5)


def made(opened: str, known: str) -> Tables:
    """Tables with one disputed order."""
    instants = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (opened, known)]
    row = {name: None for name in TABLES["disputes"].schema}
    row |= {"step_id": "s", "dispute_id": "d", "order_id": "o", "step": "opened", "cause": "other"}
    row |= dict(zip(("occurred_at", "known_at"), instants, strict=True))
    return create_tables(
        {"disputes": pl.DataFrame([row], schema=TABLES["disputes"].schema)}, zone="UTC"
    )


def rows_of(tables: Tables, as_of_day: int) -> pl.DataFrame:
    scored = pl.DataFrame(
        {
            "order_id": ["o"],
            "as_of_day": pl.Series([FIRST], dtype=pl.Int32),
            "stage": ["delivered"],
            "probability": [0.1],
            "is_listed": [True],
            "lane": ["x"],
            "category": ["c"],
        }
    )
    return label_outcomes(scored, tables, LabelWindow(), as_of_day)


def test_open_windows_are_not_used_and_unknown_facts_are_not_seen() -> None:
    tables = made("2024-05-01T10:00", "2024-05-01T11:00")
    recent = rows_of(tables, FIRST + 2)
    # already disputed, but still unlabelled: its window is not over
    assert recent["label"].to_list() == [None]
    assert recent["opened_at_once"].to_list() == [1]
    assert judge_outcomes(recent, LIMITS, LabelWindow(), FIRST + 2)[1].is_empty()
    assert rows_of(tables, FIRST + 30)["label"].to_list() == [None]
    assert rows_of(tables, FIRST + 31)["label"].to_list() == [1]
    # known only after the current night
    late = made("2024-05-01T10:00", "2024-07-01T11:00")
    assert rows_of(late, FIRST + 31)["label"].to_list() == [0]


def test_more_disputes_on_recent_nights_are_reported_before_they_mature() -> None:
    """60 matured nights as expected; on 25 recent ones three times as many disputes on the first
    day.
    """
    rng, last = np.random.default_rng(6), FIRST + 116
    nights = np.repeat(np.arange(FIRST, last - 1), 200)
    is_young = nights > last - 31
    at_once = rng.random(len(nights)) < np.where(is_young, 0.03, 0.01)
    rows = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(len(nights))],
            "as_of_day": pl.Series(nights, dtype=pl.Int32),
            "stage": "in_transit",
            "lane": "x",
            "category": "c",
            "probability": 0.1,
            "is_listed": False,
            "label": pl.Series(rng.random(len(nights)) < 0.1).cast(pl.Int8),
            "opened_at_once": at_once.astype(np.int8),
        }
    )
    rows = rows.with_columns(label=pl.when(~pl.Series(is_young)).then("label"))
    findings, table = judge_outcomes(rows, LIMITS, LabelWindow(), last)
    assert {f.reading for f in findings} == {"early_rise"}
    assert findings[0].level == "act"
    assert "an estimate" in findings[0].says
    assert table.filter(pl.col("by") == "all")["orders"][0] == int((~is_young).sum())


def test_lane_and_category_of_an_order_are_those_known() -> None:
    at = datetime(2024, 5, 1, tzinfo=UTC)
    rows_by_table = {
        "orders": {"order_id": "o", "lane": "A>US"},
        "order_lines": {"order_id": "o", "line_id": "1", "product_id": "p"},
        "products": {"product_id": "p", "category": "shoes"},
    }
    frames = {
        name: pl.DataFrame(
            [dict.fromkeys(TABLES[name].schema) | row | {"occurred_at": at, "known_at": at}],
            schema=TABLES[name].schema,
        )
        for name, row in rows_by_table.items()
    }
    tables = create_tables(frames, zone="UTC")
    assert traits(tables, FIRST + 1).rows() == [("o", "A>US", "shoes")]
    assert traits(tables, FIRST).is_empty()
