"""Keep some fields of a record, and drop all others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import polars as pl

from pipeline.sources.aliexpress.answer_fields import parse_json
from pipeline.sources.phrases import cause_of

# the fields that are kept: `True` for a single value, or those of the object or objects there. With
# SINGLE among them, a single value in place of the object is kept too.
Fields = Mapping[str, Any]
SINGLE = ""


def single_values(names: str) -> dict[str, bool]:
    """Fields with single values, by their names."""
    return dict.fromkeys(names.split(), True)


def kept_fields(node: Any, fields: Fields) -> Any:
    """The object, or the objects of the list, with these fields alone. Other values in a list
    become null, so that the list stays as long as it was."""
    if isinstance(node, str) and node[:1] in ("{", "["):
        # an object inside a text
        node = parse_json(node)
    if isinstance(node, list):
        return [kept_fields(item, fields) if isinstance(item, dict) else None for item in node]
    if not isinstance(node, dict):
        return node if fields.get(SINGLE) else None
    return {
        name: _kept_value(value, fields[name]) for name, value in node.items() if name in fields
    }


def _kept_value(value: Any, fields: Any) -> Any:
    if fields is True:
        return None if isinstance(value, dict | list) else value
    return kept_fields(value, fields)


def reason_without_words(reason: object) -> str | None:
    """The cause that a reason of a dispute means, which is a reason with the same cause: a reason
    may be a text that names people."""
    return _cause(reason) if isinstance(reason, str) and reason else None


@lru_cache(maxsize=10_000)
def _cause(reason: str) -> str:
    frame = pl.DataFrame({"reason": [reason]}, schema={"reason": pl.String})
    return str(frame.select(cause_of(pl.col("reason"), pl.lit(None, pl.String))).item())
