"""The first fact or promise of each order: later facts never replace it."""

from __future__ import annotations

import polars as pl

FACT_COLUMNS = ("order_id", "known_day", "known_at", "occurred_at")


def first_fact(facts: pl.DataFrame, *values: str) -> pl.DataFrame:
    """One row per order: `FACT_COLUMNS` and `values` of the fact with the first `known_at`.

    Ties are broken by `occurred_at` and then by `values`.
    """
    # dropping later facts first leaves far fewer rows to sort
    earliest = facts.filter(pl.col("known_at") == pl.col("known_at").min().over("order_id"))
    ordered = earliest.select(*FACT_COLUMNS, *values).sort(
        "order_id", "known_at", "occurred_at", *values
    )
    return ordered.group_by("order_id", maintain_order=True).first()


def first_promise(promises: pl.DataFrame, kind: str) -> pl.DataFrame:
    """One row per order: its first promise of a kind (`dispatch` or `delivery`)."""
    ordered = promises.filter(pl.col("kind") == kind).sort("order_id", "known_at", "promised_at")
    return ordered.group_by("order_id", maintain_order=True).first()
