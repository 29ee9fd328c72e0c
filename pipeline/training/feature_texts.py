"""What the pages say of a feature: how often it is missing, and an example from the store."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from features.clock import calendar_day
from features.feature import Feature


def about_features(order_nights: int, as_of: date) -> str:
    """What the columns mean, as plain text."""
    return (
        "Every feature uses only what was known before the night, and an order never counts in its "
        f"own history. Missing: the share of {order_nights:,} order-nights before {as_of} where "
        "the feature is null. Example: the order-night with the median value among those where "
        "the feature is not 0, and the sentence that the seller sees, if there is one. Shares that "
        "rest on few orders are drawn towards the share of a larger group. Theme: the features "
        "of a theme form one reason for the seller, and one of them provides the sentence. Made by "
        "make describe-features."
    )


def first_line(text: str | None) -> str:
    """A docstring's first line without the family's name."""
    line = (text or "").split("\n")[0].split(": ", 1)[-1]
    return line[:1].upper() + line[1:]


def missing_share(feature: Feature, rows: pl.DataFrame) -> str:
    """The share of `rows` without a value, such as "25%"."""
    return f"{rows[feature.name].null_count() / rows.height:.0%}"


def example_of(feature: Feature, rows: pl.DataFrame) -> str:
    """The order-night of `rows` with the median value that is not 0, and its sentence."""
    nonzero = (
        rows.select("order_id", "as_of_day", feature.name)
        .drop_nulls()
        .filter(pl.col(feature.name) != 0)
    )
    if nonzero.is_empty():
        return "always 0 or missing here"
    ordered = nonzero.sort(feature.name, "order_id", "as_of_day")
    order_id, night, value = ordered.row(ordered.height // 2)
    sentence = feature.sentence(value, None)
    # ids come from the source: nothing in them may be read as Markdown or HTML
    safe_id = re.sub(r"[^\w.-]", "_", order_id)
    return f"{safe_id} on {calendar_day(night)}: {value:.4g}" + (
        f', "{sentence}"' if sentence else ""
    )
