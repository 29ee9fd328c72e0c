"""The words of a finding follow the numbers."""

from __future__ import annotations

import pytest

from pipeline.evaluation.findings.wording import (
    difference,
    in_words,
    part_of,
    percent,
    refused_sentence,
    require,
    time_line_sentence,
)
from pipeline.pages.time_line import KINDS
from pipeline.settings.errors import Refused

WORDS = {"above": "more", "below": "less", "unclear": "no clear difference"}


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0%"), (0.0388, "3.9%"), (0.0994, "9.9%"), (0.0996, "10%"), (0.4, "40%")],
)
def test_a_share_has_two_digits(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_count_has_its_share_unless_there_is_nothing_to_share() -> None:
    assert part_of(1234, 2468) == "1,234 of 2,468 (50%)"
    assert part_of(0, 0) == "0 of 0"


@pytest.mark.parametrize(
    ("names", "text"),
    [([], "none"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_joined_as_in_a_sentence(names: list[str], text: str) -> None:
    assert in_words(names) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.1, 0.2, "more"), (-0.2, -0.1, "less"), (-0.1, 0.1, WORDS["unclear"])],
)
def test_a_difference_is_claimed_only_if_its_interval_is_on_one_side(
    low: float, high: float, text: str
) -> None:
    assert difference(low, high, **WORDS) == text


@pytest.mark.parametrize("low", [0.0, -0.1])
def test_an_interval_that_ends_at_zero_proves_nothing(low: float) -> None:
    assert difference(low, 0.0, **WORDS) == WORDS["unclear"]


def test_an_unsupported_claim_stops_the_notebook_and_says_which() -> None:
    require(True, "the shares add up to 100%")
    with pytest.raises(Refused, match="does not support .*: the shares add up to 100%"):
        require(False, "the shares add up to 100%")


def test_a_timeline_counts_days_from_the_night() -> None:
    line = [KINDS.index("placed"), -46, KINDS.index("Exception"), 0, KINDS.index("window_ends"), 1]
    assert time_line_sentence("o-1", line) == (
        "Order o-1: order placed 46 days ago; scan: exception on the night; "
        "last day to open a dispute in 1 day."
    )


def test_refused_rows_are_counted_and_the_first_reason_is_named() -> None:
    assert refused_sentence([]) == "No row of the source files was refused."
    reasons = [
        {"file": "orders.csv", "column": "total", "reason": "not a number", "count": 1200},
        {"file": "orders.csv", "column": "lane", "reason": "too long", "count": 1},
    ]
    assert refused_sentence(reasons) == (
        "1,201 rows of the source files were refused. The most common reason: not a number "
        "(orders.csv, column total, 1,200 rows)."
    )
