"""What a user should know about the files that a mapping reads, one sentence per matter."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Names

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.mapped_facts import MappedFacts


def mapping_notes(all_facts: list[MappedFacts], frames: Names[str, pl.DataFrame]) -> Iterator[str]:
    """Yield the notes on facts that were read as something else than a user may expect."""
    if left_out := sum(facts.left_out.len() for facts in all_facts):
        yield f"{left_out:,} rows left out by 'where' in the mapping"
    if "disputes" in frames:
        yield from _dispute_notes(all_facts, frames["disputes"])


def _dispute_notes(all_facts: list[MappedFacts], disputes: pl.DataFrame) -> Iterator[str]:
    opened = disputes.filter(step="opened")
    if unknown := opened.filter(cause="unknown").height:
        yield (
            f"{unknown:,} disputes have a reason that is not listed, so their cause is unknown; "
            "see [causes] in the mapping"
        )
    named = [
        facts.facts.filter(pl.col("product_id").is_not_null()).select(FILE, ROW)
        for facts in all_facts
        if facts.table == "disputes" and "product_id" in facts.facts.columns
    ]
    without_line = disputes.filter(pl.col("line_id").is_null())
    if named and (rows := without_line.join(pl.concat(named), on=[FILE, ROW], how="semi")).height:
        yield (
            f"{rows['dispute_id'].n_unique():,} disputes name a product (product_id) that is not "
            "exactly one line of their order; they count for the whole order"
        )
