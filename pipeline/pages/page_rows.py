"""The contact list as data for the page: columns, with each repeated text stored once.

A page with 5,000 rows must stay well below the size limit of a mail attachment. Drafts are split
into sentences, because most sentences are shared between drafts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from math import isfinite
from typing import Any

import polars as pl

from features.clock import day_number
from pipeline.output.contact_list_columns import KEY_COLUMNS, ROW_FACTS
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
    "action",
    "why_action",
    "stake_usd",
    "prevented_usd",
    "cost_usd",
    "expected_value_usd",
    "offer_usd",
    "also_orders",
    "basis",
    "country",
    "message_language",
    *ROW_FACTS,
)
# a sentence with the space or line breaks after it: joined, the matches are exactly the text again
_SENTENCE = re.compile(r".+?(?:[.!?…](?:\s+|$)|[。！？؟]\s*|\n+|$)", re.DOTALL)
DIGITS = 4


class Strings:
    """Texts by number, each stored once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text; a new text gets the next number."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self._numbers)


def pack_list(
    listed: pl.DataFrame, scores: pl.DataFrame, events: Sequence[Sequence[int]], as_of: date
) -> dict[str, Any]:
    """The contact list as `pack_columns` has it, with `strings` (the texts by number), `message`
    (the draft of each row as numbers of its sentences) and `events`.

    `listed`: contact_list.parquet; `scores`: scores.parquet; `events`: the timeline of each row.
    `contact_by` is in days from `as_of`. Texts are made harmless as in the CSV of the list, because
    `make contacts` reads the exported sheet back.
    """
    bounds = scores.select("order_id", "probability_low", "probability_high")
    rows = neutral_frame(listed.join(bounds, on="order_id", how="left", maintain_order="left"))
    days = (pl.col("contact_by").cast(pl.Int32) - day_number(as_of)).alias("contact_by")
    moments = pl.selectors.datetime().dt.strftime("%Y-%m-%d %H:%M")
    rows = rows.with_columns(days, moments)
    strings = Strings()
    # lists of earlier versions have fewer columns
    absent = [name for name in (*COLUMNS, *KEY_COLUMNS) if name not in rows.columns]
    rows = rows.with_columns(
        (pl.lit(None, pl.Float64) if name.endswith("_usd") else pl.lit("")).alias(name)
        for name in absent
    )
    packed = pack_columns(rows, (*COLUMNS, *KEY_COLUMNS), strings)
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
    """The columns as JSON: `count` (rows), `columns` and `text_columns` (names).

    A text column holds the numbers of its texts in `strings`. Floats are rounded to 4 digits; null,
    NaN and infinity become None.
    """
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
    """The options of a filter: the non-empty values of a column, sorted."""
    return sorted(value for value in neutral_frame(listed)[column].unique() if value)
