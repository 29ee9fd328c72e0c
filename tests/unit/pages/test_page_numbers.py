"""The numbers of the report, computed by hand: timelines, estimated saving, calibration, drivers of
the risk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.clock import day_number
from features.tables import Tables
from pipeline.history.past_lists import PastLists
from pipeline.pages import risk_panel
from pipeline.pages.html import percent, points
from pipeline.pages.page_rows import Strings, pack_columns
from pipeline.pages.past_nights_panel import calibration_bins, money_saved
from pipeline.pages.risk_panel import drivers_of
from pipeline.pages.time_line import KINDS, time_lines
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT, latest


def test_a_timeline_has_known_facts_and_promised_days(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    store = Workspace(tmp_path)
    store.write_tables(
        make_tables(
            orders="order_id | occurred_at\na | 05-01",
            promises="order_id | kind | promised_at | occurred_at\na | delivery | 05-30 | 05-01",
            tracking="order_id | status | occurred_at | known_at\n"
            "a | InTransit | 05-05 | 05-06\na | Delivered | 05-09 | 05-11",
            messages="order_id | sender | occurred_at\na | buyer | 05-08",
        ),
        {},
    )
    listed = pl.DataFrame({"order_id": ["a", "ghost"]})
    flat, nothing = time_lines(store.table_files(), listed, Config(), date(2024, 5, 10))
    events = list(zip((KINDS[number] for number in flat[::2]), flat[1::2], strict=True))
    # the delivery scan of the 9th is known only on the 11th; the window ends 60 days after the
    # promised day
    assert events == [
        ("placed", -9),
        ("InTransit", -5),
        ("buyer_wrote", -2),
        ("promised_delivery", 20),
        ("window_ends", 80),
    ]
    assert nothing == []


def test_money_of_matured_lists_by_hand() -> None:
    """Order a: 8 USD at stake, (3 + 1) / 0.5, and disputed. Order b: not disputed. Each action
    cost 1 USD. The second night of a does not count."""
    listed = pl.DataFrame(
        {
            "order_id": ["a", "b", "a"] * 20,
            "night": [date(2025, 1, 1), date(2025, 1, 1), date(2025, 1, 2)] * 20,
            "label": [1, 0, 1] * 20,
            "probability": [0.5, 0.2, 0.5] * 20,
            "expected_value_usd": [3.0, 1.0, 3.0] * 20,
            "cost_usd": [1.0, 1.0, 1.0] * 20,
        }
    ).with_columns(pl.col("order_id") + (pl.int_range(60) // 3).cast(pl.String))
    money = money_saved(listed, seed=1)
    assert money is not None
    assert (money["usd"], money["orders"], money["expected"]) == (
        pytest.approx(20 * 6.0),
        40,
        pytest.approx(20 * 4.0),
    )
    assert money["low"] <= money["usd"] <= money["high"]


def test_calibration_uses_every_seventh_night() -> None:
    rows = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(270)],
            "probability": [n / 300 for n in range(270)],
            "label": [n % 2 for n in range(270)],
            "as_of_day": [day_number(date(2025, 3, 1)) - n % 9 for n in range(270)],
        }
    )
    bins = calibration_bins(rows, seed=1)
    assert bins["rows"].sum() == rows.filter(pl.col("as_of_day").is_in([20148, 20141])).height
    assert ((bins["low"] <= bins["realised"]) & (bins["realised"] <= bins["high"])).all()


def test_past_lists_are_equal_if_their_totals_are() -> None:
    numbers = (date(2025, 1, 1), date(2025, 1, 2), 2, 4, 1, 9, 2, 1.5)
    assert PastLists(*numbers, pl.DataFrame({"a": [1]})) == PastLists(*numbers)


def test_drivers_of_a_large_store_are_estimated_from_a_sample(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Workspace(finished).table_files()
    scores = pl.read_parquet(latest(finished) / "scores.parquet")
    whole = drivers_of(files, scores, NIGHT)
    by_stage = dict(scores.group_by("stage").agg(pl.len()).iter_rows())
    assert dict(whole["stage"].select("value", "count_orders").iter_rows()) == by_stage
    assert whole["stage"]["expected"].sum() == pytest.approx(scores["probability"].sum())
    monkeypatch.setattr(risk_panel, "MOST_ORDERS", 100)
    sample = drivers_of(files, scores, NIGHT)
    assert sample["stage"]["count_orders"].sum() == pytest.approx(scores.height, abs=3)
    assert sample["stage"]["expected"].sum() == pytest.approx(scores["probability"].sum(), rel=0.3)


def test_missing_and_infinite_numbers_become_none() -> None:
    rows = pl.DataFrame({"a": [0.123456, None, float("nan"), float("inf")]})
    packed = pack_columns(rows, ["a"], Strings())
    assert packed["columns"]["a"] == [0.1235, None, None, None]
    empty = pl.DataFrame(schema=dict.fromkeys(("order_id", "night"), pl.String))
    assert money_saved(empty, seed=1) is None


def test_shares_are_written_as_percentages() -> None:
    assert [percent(share) for share in (0.1234, 0.0, None)] == ["12.3%", "0.0%", "-"]
    assert percent(0.956, 0) == "96%"
    assert [points(share) for share in (0.00123, -0.02, None)] == ["+0.12", "-2.00", "-"]
