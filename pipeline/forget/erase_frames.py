"""Erase a buyer from one table: a Parquet file, or a CSV file read as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipeline.forget.buyer_traces import BuyerTraces

# columns that are emptied in the rows of the buyer's orders
PERSONAL = frozenset(
    (
        "text",
        "topic",
        "intent",
        "urgency",
        "sentiment",
        "location",
        "reason",
        "first_words",
        "draft_message",
        "draft_answer",
        "tracking_number",
        "thread_url",
        "parcel_url",
        "last_scan_location",
    )
)


def erased_frame(frame: pl.DataFrame, traces: BuyerTraces) -> pl.DataFrame:
    """The table with the buyer's texts emptied and every id replaced; the same if it has none."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    is_theirs = _rows_of_buyer(frame, traces)
    emptied = [
        pl.when(~is_theirs).then(pl.col(name)).alias(name) for name in texts if name in PERSONAL
    ]
    frame = frame.with_columns(emptied)
    replaced = {name: _hidden(frame[name], traces) for name in texts}
    return frame.with_columns(
        pl.col(name).replace(values) for name, values in replaced.items() if values
    )


def _rows_of_buyer(frame: pl.DataFrame, traces: BuyerTraces) -> pl.Expr:
    is_theirs = pl.lit(False)
    if frame.schema.get("order_id") == pl.String:
        is_theirs = is_theirs | pl.col("order_id").is_in(list(traces.orders))
    if frame.schema.get("buyer_id") == pl.String:
        is_theirs = is_theirs | pl.col("buyer_id").is_in([*traces.ids, traces.pseudonym])
    return is_theirs.fill_null(False)


def _hidden(texts: pl.Series, traces: BuyerTraces) -> Mapping[str, str]:
    """What replaces each text that has an id of the buyer."""
    may_have = texts.str.contains_any(list(traces.ids))
    candidates = texts.filter(may_have.fill_null(False)).unique()
    pairs = ((text, traces.hide_cell(texts.name, text)) for text in candidates)
    return {text: hidden for text, hidden in pairs if hidden != text}


def erased_parquet(path: Path, traces: BuyerTraces) -> pl.DataFrame | None:
    """The content of a Parquet file without the buyer; None if nothing changes."""
    frame = pl.read_parquet(path)
    changed = erased_frame(frame, traces)
    return None if changed.equals(frame) else changed


def erased_csv(path: Path, traces: BuyerTraces) -> pl.DataFrame | None:
    """The content of a CSV file of this program without the buyer; None if nothing changes."""
    frame = pl.read_csv(path, infer_schema=False)
    changed = erased_frame(frame, traces)
    return None if changed.equals(frame) else changed
