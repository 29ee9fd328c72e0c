"""Buyers' ratings in dumps: which line of which order, how many stars, and since when they are
known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources.test_aliexpress_messages import TAKEN, faults, load, write

RESPONSE = "aliexpress_evaluation_listorderevaluation_get_response"
LINE = answers.ORDER + 1


def rating(**changed: Any) -> dict[str, Any]:
    row = {
        "parent_order_id": answers.ORDER,
        "order_id": LINE,
        "product_id": answers.PRODUCT,
        "buyer_login_id": "br0001",
        "buyer_evaluation": "2",
        "buyer_feedback": "It came late.",
        "buyer_fb_date": "2024-10-20 01:00:00",
        "gmt_create": "2024-10-18 01:00:00",
        "valid_date": "2024-10-30 01:00:00",
        **changed,
    }
    return {name: value for name, value in row.items() if value is not None}


def listed(*rows: Any, wrapped: bool = True) -> dict[str, Any]:
    target = {"trade_evaluation_open_dto": list(rows)} if wrapped else list(rows)
    return {RESPONSE: {"target_list": target, "time_stamp": "2024-11-05 00:00:00"}}


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_rating_is_known_since_the_first_dump_that_shows_it(
    tmp_path: Path, wrapped: bool
) -> None:
    """It happened when it became effective, in the platform's zone: before, no seller sees it."""
    raw = write(tmp_path / "raw", answers.order_list(), listed(rating(), wrapped=wrapped))
    # words that are added later change no stars
    later = rating(buyer_evaluation="5", buyer_reply="Solved.")
    data = load(write(raw, listed(later, wrapped=wrapped), taken="2024-11-09T0200"))
    assert faults(data) == []
    (row,) = data.frames["reviews"].to_dicts()
    assert row["review_id"] == f"{answers.ORDER}-{LINE}"
    assert (row["order_id"], row["score"]) == (str(answers.ORDER), 2.0)
    assert row["occurred_at"] == datetime(2024, 10, 30, 8, tzinfo=UTC)
    assert row["known_at"] == TAKEN


def test_what_only_the_seller_rated_is_no_review(tmp_path: Path) -> None:
    row = rating(buyer_evaluation=None, buyer_fb_date=None, seller_evaluation="5")
    data = load(write(tmp_path / "raw", answers.order_list(), listed(row)))
    assert faults(data) == []
    assert data.frames["reviews"].is_empty()


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"buyer_evaluation": "6"}, "score"),
        ({"buyer_evaluation": "good"}, "score"),
        ({"valid_date": None, "buyer_fb_date": None, "gmt_create": None}, "what"),
        ({"valid_date": "soon"}, "rated_at"),
    ],
)
def test_a_rating_that_cannot_be_read_is_in_quarantine(
    tmp_path: Path, changed: dict[str, Any], column: str
) -> None:
    data = load(write(tmp_path / "raw", answers.order_list(), listed(rating(**changed))))
    assert {name for name, _ in faults(data)} == {column}
    assert data.frames["reviews"].is_empty()
