"""Why this action and not the next best: one sentence per row, with both figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from features.sentence import Sentence, sentence
from models.actions.actions import Action
from pipeline.settings.action_files import load_actions

WHY, WHY_KEY = "why_action", "why_action_key"
# the limits of a night, as a reader knows them
LIMITS = {
    "contacts": sentence("why.limit.contacts", "the capacity of the night"),
    "budget_usd": sentence("why.limit.budget_usd", "the budget for offers"),
    "minutes": sentence("why.limit.minutes", "the time of those who write this language"),
    "action": sentence("why.limit.action", "the number of such actions a night"),
}


def add_why(listed: pl.DataFrame, actions: Mapping[str, Action]) -> pl.DataFrame:
    """Add `why_action` (text) and `why_action_key` (JSON, for translation).

    `listed` has `order_id, action, expected_value_usd`, the next best option (`next_order_id,
    next_action, next_value_usd, next_limit`) and the action that it was drawn in place of
    (`replaced_action, replaced_value_usd`).
    """
    lines = [why_action(row, actions) for row in listed.iter_rows(named=True)]
    keys = [json.dumps(line.key, ensure_ascii=False) for line in lines]
    return listed.with_columns(
        pl.Series(WHY, [str(line) for line in lines], dtype=pl.String),
        pl.Series(WHY_KEY, keys, dtype=pl.String),
    )


def why_action(row: Mapping[str, Any], actions: Mapping[str, Action]) -> Sentence:
    """The sentence of one row."""
    name = title_of(row["action"], actions)
    values = {"action": name, "usd": f"{row['expected_value_usd']:.2f}"}
    if row["replaced_action"] is not None:
        values |= {
            "other": title_of(row["replaced_action"], actions),
            "other_usd": f"{row['replaced_value_usd']:.2f}",
        }
        return sentence(
            "why.tried",
            "{action}: {usd} USD net. Drawn at random, to measure its effect, in place of {other}, "
            "{other_usd} USD.",
            **values,
        )
    if row["next_action"] is None:
        return sentence("why.only", "{action}: {usd} USD net. No other action pays here.", **values)
    other = title_of(row["next_action"], actions)
    values |= {"other": other, "other_usd": f"{row['next_value_usd']:.2f}"}
    if row["next_value_usd"] > row["expected_value_usd"]:
        return _held_back(row, values)
    if row["next_order_id"] != row["order_id"]:
        return sentence(
            "why.other_order",
            "{action}: {usd} USD net. Next best for this buyer: {other} for order {order}, "
            "{other_usd} USD.",
            **values,
            order=row["next_order_id"],
        )
    return sentence(
        "why.next", "{action}: {usd} USD net. Next best: {other}, {other_usd} USD.", **values
    )


def _held_back(row: Mapping[str, Any], values: dict[str, str]) -> Sentence:
    """Why another action that is worth more is not done."""
    if row["next_order_id"] != row["order_id"]:
        other = sentence(
            "why.for_order",
            "{other} for order {order}",
            other=values["other"],
            order=row["next_order_id"],
        )
        values = values | {"other": other}
    if row["next_limit"] is None:
        return sentence(
            "why.no_room",
            "{action}: {usd} USD net. {other} would be worth {other_usd} USD, but the limits of "
            "the night leave no room for it.",
            **values,
        )
    return sentence(
        "why.limit",
        "{action}: {usd} USD net. {other} would be worth {other_usd} USD, but {limit} is worth "
        "more elsewhere.",
        **values,
        limit=LIMITS[row["next_limit"]],
    )


def title_of(name: str, actions: Mapping[str, Action]) -> str:
    """The title of an action; those of the program have a translation."""
    title = actions[name].title
    return sentence(f"action.{name}", title) if _shipped_titles().get(name) == title else title


@cache
def _shipped_titles() -> Mapping[str, str]:
    return {action.name: action.title for action in load_actions()}
