"""Why this action and not the next best: each sentence of a row, and its translation."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from features.sentence import Sentence
from models.actions.actions import Action
from pipeline.night.why_action import LIMITS, WHY, WHY_KEY, add_why, title_of, why_action
from pipeline.pages.page_words import read_sentences
from pipeline.settings.action_files import load_actions


def action(name: str, title: str) -> Action:
    effects: Any = [{"mean": 0.1, "weight": 5}]
    return Action(
        name=name, title=title, since="2026-11-27", applies_to=["delivered"], effects=effects
    )


ACTIONS = {"inform": action("inform", "Write"), "refund": action("refund", "Pay {half}")}
# one row: the action and its worth, the next best option, and what it was drawn in place of
ROW: dict[str, Any] = {
    "order_id": "a",
    "action": "inform",
    "expected_value_usd": 1.234,
    "next_order_id": "a",
    "next_action": "refund",
    "next_value_usd": 0.9,
    "next_limit": None,
    "replaced_action": None,
    "replaced_value_usd": None,
}
ALONE = {"next_order_id": None, "next_action": None, "next_value_usd": None}
OTHER = {"next_order_id": "b"}
MORE = {"next_value_usd": 5.0}
DRAWN = {"replaced_action": "refund", "replaced_value_usd": 1.25}
CASES = [
    ({}, "why.next", "Write: 1.23 USD net. Next best: Pay {half}, 0.90 USD."),
    (
        {"next_value_usd": 1.234},
        "why.next",
        "Write: 1.23 USD net. Next best: Pay {half}, 1.23 USD.",
    ),
    (ALONE, "why.only", "Write: 1.23 USD net. No other action pays here."),
    (
        OTHER,
        "why.other_order",
        "Write: 1.23 USD net. Next best for this buyer: Pay {half} for order b, 0.90 USD.",
    ),
    (
        MORE | {"next_limit": "budget_usd"},
        "why.limit",
        "Write: 1.23 USD net. Pay {half} would be worth 5.00 USD, but the budget for offers is "
        "worth more elsewhere.",
    ),
    (
        MORE,
        "why.no_room",
        "Write: 1.23 USD net. Pay {half} would be worth 5.00 USD, but the limits of the night "
        "leave no room for it.",
    ),
    (
        OTHER | MORE | {"next_limit": "minutes"},
        "why.limit",
        "Write: 1.23 USD net. Pay {half} for order b would be worth 5.00 USD, but the time of "
        "those who write this language is worth more elsewhere.",
    ),
    (
        OTHER | MORE,
        "why.no_room",
        "Write: 1.23 USD net. Pay {half} for order b would be worth 5.00 USD, but the limits "
        "of the night leave no room for it.",
    ),
    (
        DRAWN,
        "why.tried",
        "Write: 1.23 USD net. Drawn at random, to measure its effect, in place of Pay {half}, "
        "1.25 USD.",
    ),
    # another option is worth more than both, and was held back by a limit
    (
        DRAWN | OTHER | MORE | {"next_limit": "contacts"},
        "why.tried",
        "Write: 1.23 USD net. Drawn at random, to measure its effect, in place of Pay {half}, "
        "1.25 USD.",
    ),
]


def in_chinese(key: Any) -> str:
    """The translation of a key; one that is missing is an error."""
    if isinstance(key, str):
        return key
    name, values = key
    text = read_sentences("zh")[name]
    return text.format(**{placeholder: in_chinese(value) for placeholder, value in values.items()})


@pytest.mark.parametrize(("changed", "id", "text"), CASES)
def test_the_sentence_of_a_row(changed: dict[str, Any], id: str, text: str) -> None:
    line = why_action(ROW | changed, ACTIONS)
    assert (line.id, str(line)) == (id, text)


SHIPPED = {action.name: action for action in load_actions()}


@pytest.mark.parametrize(("changed", "id", "text"), CASES)
def test_the_sentence_is_known_in_chinese(changed: dict[str, Any], id: str, text: str) -> None:
    del text
    row = ROW | changed
    renamed = {k: "resend" if v == "refund" else v for k, v in row.items()}
    line = why_action(renamed, SHIPPED)
    chinese = in_chinese(line.key)
    assert line.id == id
    assert "1.23" in chinese
    for name in ("next_value_usd", "replaced_value_usd"):
        if f"{row[name] or 0:.2f} USD" in line:
            assert f"{row[name]:.2f}" in chinese
    assert ("b" in chinese.replace("USD", "")) == ("order b" in line)


def test_every_limit_and_every_action_of_the_program_has_a_chinese_name() -> None:
    known = read_sentences("zh")
    assert {limit.id for limit in LIMITS.values()} <= known.keys()
    titles = [title_of(name, SHIPPED) for name in SHIPPED]
    assert {title.id for title in titles if isinstance(title, Sentence)} <= known.keys()
    assert all(isinstance(title, Sentence) for title in titles)


def test_a_title_of_the_sellers_own_stays_as_written() -> None:
    """The page has a translation of "action.wait", which is an advice about open disputes, and of
    the program's own "inform"."""
    own = {name: action(name, "Call them") for name in ("wait", "inform")}
    rows = [ROW | ALONE | {"action": name} for name in own]
    assert [in_chinese(why_action(row, own).key) for row in rows] == [
        read_sentences("zh")["why.only"].format(action="Call them", usd="1.23")
    ] * 2


def test_the_columns_of_the_list() -> None:
    rows = pl.DataFrame([ROW, ROW | DRAWN])
    listed = add_why(rows, ACTIONS)
    assert listed[WHY].to_list() == [str(why_action(row, ACTIONS)) for row in (ROW, ROW | DRAWN)]
    assert json.loads(listed[WHY_KEY][0]) == [
        "why.next",
        {"action": "Write", "other": "Pay {half}", "usd": "1.23", "other_usd": "0.90"},
    ]
    assert add_why(rows.clear(), ACTIONS).schema[WHY] == pl.String
