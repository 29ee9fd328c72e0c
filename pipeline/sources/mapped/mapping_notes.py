"""What a user should know about the files that a mapping reads, one sentence per matter."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Names

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.mapped_facts import MappedFacts
from pipeline.sources.mapped.mapping import Mapping
from pipeline.sources.mapped.order_amounts import (
    IS_UNCLEAR,
    IS_WHOLE,
    OTHER_SHIPPINGS,
    OTHER_TOTALS,
)
from pipeline.sources.reading.column_zones import has_unclear_zone


def mapping_notes(
    all_facts: list[MappedFacts], mapped: Names[str, pl.DataFrame], frames: Names[str, pl.DataFrame]
) -> Iterator[str]:
    """Yield the notes on facts that were read as something else than a user may expect. `mapped`:
    each fact once, by table; `frames`: the tables made from them."""
    if left_out := sum(facts.left_out.len() for facts in all_facts):
        yield (f"{left_out:,} rows left out by 'where' in the mapping, or with their order")
    yield from _amount_notes(mapped["orders"].join(frames["orders"], on="order_id", how="semi"))
    yield from _line_notes(mapped["order_lines"])
    if "disputes" in frames:
        yield from _dispute_notes(all_facts, frames["disputes"])


def zone_notes(mapping: Mapping) -> Iterator[str]:
    """Yield a note for each column whose name states a zone of several countries."""
    zone = mapping.store.times_in or mapping.store.zone
    cells = [cell for fact in mapping.fact for name, cell in fact.columns.items() if not cell.zone]
    for name in sorted({name for cell in cells for name in cell.column if has_unclear_zone(name)}):
        yield (
            f"column {name!r} names the time of several countries; its times without an offset are "
            f"read in {zone}. Write its zone in the mapping: {{column = ..., zone = ...}}"
        )


def _amount_notes(orders: pl.DataFrame) -> Iterator[str]:
    orders = orders.sort(FILE, ROW)
    whole, unclear = orders.filter(IS_WHOLE), orders.filter(IS_UNCLEAR)
    if whole.height:
        yield (
            f"{whole.height:,} orders already have tax in their prices: quantity x price + "
            f"shipping is their whole total, so tax is not subtracted; first: {_first(whole)}"
        )
    if unclear.height:
        first, both = unclear[OTHER_TOTALS[0]][0], unclear[OTHER_TOTALS[1]][0]
        name = "total"
        if first == both:
            name = "shipping"
            first, both = unclear[OTHER_SHIPPINGS[0]][0], unclear[OTHER_SHIPPINGS[1]][0]
        yield (
            f"{unclear.height:,} orders have a {name} in several rows, and nothing shows whether "
            f"it is that of the order or of each row; first: {_first(unclear)}: {first:.2f} or "
            f'{both:.2f}, taken as {unclear[name][0]:.2f}. Write rows = "first" or rows = '
            f'"sum" for {name} in the mapping'
        )


def _line_notes(lines: pl.DataFrame) -> Iterator[str]:
    product = pl.col("quantity") * pl.col("unit_price")
    slack = 0.005 * (pl.col("quantity").abs() + 1) + 1e-6
    off = lines.filter((product - pl.col("line_total")).abs() > slack).sort(FILE, ROW)
    if off.height:
        row = off.row(0, named=True)
        yield (
            f"{off.height:,} order lines contradict themselves: quantity x unit_price is not "
            f"line_total; unit_price is used. First: {_first(off)}: {row['quantity']:g} x "
            f"{row['unit_price']:.2f} is not {row['line_total']:.2f}"
        )


def _first(rows: pl.DataFrame) -> str:
    file, number = rows.sort(FILE, ROW).select(FILE, ROW).row(0)
    return f"{file}, row {number}"


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
