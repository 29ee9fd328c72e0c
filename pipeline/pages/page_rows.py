"""The contact list as data of the page: columns, and each text that comes twice only once.

A list of 5,000 rows must stay well below the size of a mail attachment: drafts are cut into
sentences, of which most are shared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from math import isfinite
from typing import Any

import polars as pl

from features.clock import day_number
from pipeline.output.safe_text import neutral_frame

COLUMNS = (
    "rank",
    "order_id",
    "buyer_id",
    "product_id",
    "product_title",
    "stage",
    "probability",
    "probability_low",
    "probability_high",
    "likely_cause",
    "reason_1",
    "reason_2",
    "reason_3",
    "contact_by",
    "expected_value_usd",
    "also_orders",
    "basis",
    "country",
    "message_language",
    "suggested_action",
    "offer_usd",
)
# a sentence with what parts it from the next; together they are the text again, to the letter
_SENTENCE = re.compile(r".+?(?:[.!?…](?:\s+|$)|[。！？؟]\s*|\n+|$)", re.DOTALL)
DIGITS = 4


class Strings:
    """Texts by number, each kept once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        return list(self._numbers)


def pack_list(
    listed: pl.DataFrame, scores: pl.DataFrame, events: Sequence[Sequence[int]], as_of: date
) -> dict:
    """`columns` of numbers and of texts' numbers, `strings`, `message` (a draft's sentences) and
    `events`, row by row.

    `listed`: contact_list.parquet; `scores`: scores.parquet; `events`: of each row its time line.
    Days are counted from the night. Texts are made harmless as in the list's CSV, which the
    exported sheet goes back as.
    """
    bounds = scores.select("order_id", "probability_low", "probability_high")
    rows = neutral_frame(listed.join(bounds, on="order_id", how="left", maintain_order="left"))
    days = (pl.col("contact_by").cast(pl.Int32) - day_number(as_of)).alias("contact_by")
    rows = rows.with_columns(days)
    strings = Strings()
    packed = pack_columns(rows, COLUMNS, strings)
    message = [
        [strings.number(part) for part in _SENTENCE.findall(text or "")]
        for text in rows["draft_message"]
    ]
    return packed | {
        "message": message,
        "events": [list(row) for row in events],
        "strings": strings.texts,
    }


def pack_columns(rows: pl.DataFrame, names: Sequence[str], strings: Strings) -> dict[str, Any]:
    """`count`, `columns` (of a text column the texts' numbers) and `text_columns`; numbers rounded
    to 4 digits."""
    columns: dict[str, list[Any]] = {}
    for name in names:
        series = rows[name]
        if series.dtype == pl.String:
            columns[name] = [strings.number(text or "") for text in series]
        elif series.dtype.is_float():
            columns[name] = [
                round(value, DIGITS) if value is not None and isfinite(value) else None
                for value in series
            ]
        else:
            columns[name] = series.to_list()
    texts = [name for name in names if rows[name].dtype == pl.String]
    return {"count": rows.height, "columns": columns, "text_columns": texts}


def choices(listed: pl.DataFrame, column: str) -> list[Any]:
    """What a filter offers: the column's values, sorted."""
    return sorted(value for value in neutral_frame(listed)[column].unique() if value)
