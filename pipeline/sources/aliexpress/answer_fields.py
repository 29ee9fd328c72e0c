"""Read single fields of the Open Platform's answers: text, lists in any shape, amounts of money."""

from __future__ import annotations

import json
import re
from typing import Any

# put before the text of an object or list that is in place of a single value
NESTED = "\x00"
_MONEY_TEXT = re.compile(
    r"^\s*(?:US\s?\$|\$|(?P<before>[A-Z]{3}))?\s*(?P<amount>-?[\d.,]+)\s*(?P<after>[A-Z]{3})?\s*$"
)
_ITEM_NAMES = ("_dto", "_vo", "details", "_node", "_detail", "_item")


def parse_json(text: str) -> Any:
    """The value of a JSON text with its numbers as text, or the text itself if it is not JSON."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def list_items(value: Any) -> list[Any]:
    """The items of a list in any of its shapes.

    A value that is not a list is returned as one item, so that the checks reject it.
    """
    if value is None or value == "" or value == {}:
        return []
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = parse_json(value)
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((name, only),) = value.items()
        if isinstance(only, list) or name.endswith(_ITEM_NAMES):
            return list_items(only)
    return [value]


def field_text(node: Any, *names: str) -> str | None:
    """The first of the fields that is not empty, as text."""
    for name in names:
        value = node.get(name)
        if value is None or value == "" or value == {} or value == []:
            continue
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        return (
            NESTED + json.dumps(value, ensure_ascii=False)
            if isinstance(value, dict | list)
            else str(value)
        )
    return None


def field_money(node: Any, *names: str) -> tuple[str | None, str | None]:
    """(amount, currency) of the first field that is not empty; a bare number has no currency."""
    for name in names:
        value = node.get(name)
        if isinstance(value, dict) and value:
            amount = field_text(value, "amount", "amount_str", "value")
            if amount is None:
                return NESTED + json.dumps(value, ensure_ascii=False), None
            return amount, field_text(value, "currency_code", "currency")
        text = field_text(node, name)
        if text is not None:
            match = _MONEY_TEXT.match(text)
            return (match["amount"], match["before"] or match["after"]) if match else (text, None)
    return None, None
