"""Facts that occur in several files, such as two exports of the same orders: which facts are the
same, and which file is newer.

The newer file wins column by column; an empty cell in it does not delete what an older file has. A
fact keeps the time at which the oldest file with it says that it was known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Names
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from features.tables import TABLES
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.mapping import Fact

# what a fact is, in words that are equal in all files with it; `RANK`: the newest file is largest
IDENTITY, RANK = "__identity__", "__rank__"
_NTH, _POSITION = "__nth__", "__position__"
# columns that say what kind of fact it is
_KINDS = ("kind", "event", "status", "step", "sender")
_DATE = re.compile(r"(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])")


def identity(fact: Fact, columns: Sequence[str], *, is_of_orders: bool) -> pl.Expr:
    """The text that is equal for the same fact in two files. `columns`: those of the fact;
    `is_of_orders`: the file lists orders, so the fact is a property of its order.

    A fact with an id is the same if its id is. Another is the same if order and kind are, and its
    time too, unless its file lists orders or disputes.
    """
    if fact.table in ("orders", "products"):
        return pl.col(TABLES[fact.table].key[0])
    key = TABLES[fact.table].key[-1]
    names = ["order_id", *(name for name in _KINDS if name in columns)]
    time = pl.col("occurred_at") if "occurred_at" in columns else pl.lit(None)
    time = time.cast(pl.String).fill_null("")
    if fact.table == "order_lines":
        names, time = ["order_id", "product_id"], pl.lit("")
    elif is_of_orders:
        time = pl.lit("")
    elif fact.table == "disputes" and "dispute_id" in columns:
        names.append("dispute_id")
        if fact.columns["step"].value is not None:
            time = pl.when(pl.col("dispute_id").is_null()).then(time).otherwise(pl.lit(""))
    elif "shipment_id" in columns:
        names.append("shipment_id")
    # two sections with the same columns read two exports of the same kind
    section = (
        ""
        if fact.table == "order_lines"
        else repr((fact.per, fact.where, fact.where_not, fact.columns))
    )
    texts = [pl.col(name).fill_null("") for name in names]
    same = pl.concat_str(pl.lit(section), *texts, time, separator="\0")
    if key in columns:
        by_id = pl.concat_str(pl.lit("id"), pl.col("order_id"), pl.col(key), separator="\0")
        same = pl.coalesce(by_id, same)
    return pl.when(pl.col("order_id").is_not_null()).then(same)


def newest_last(newest: Names[str, datetime | None]) -> list[str]:
    """The files from the oldest to the newest, by file the time of its newest event.

    Dates in the names decide if all names have one; then the newest event; then the names, with
    `export_10` after `export_9`, and `export (1)` after `export`.
    """
    dates = {name: _DATE.search(name) for name in newest}
    are_dated = all(dates.values())

    def age(name: str) -> tuple[str, float, list[tuple[int, int, str]]]:
        match, event = dates[name], newest[name]
        date = "".join(match.groups()) if match and are_dated else ""
        return date, event.timestamp() if event else 0.0, _natural(name)

    return sorted(newest, key=age)


def _natural(name: str) -> list[tuple[int, int, str]]:
    stem = name.rsplit(".", 1)[0].lower()
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", stem)
        if part
    ]


def merged(frame: pl.DataFrame, bad: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The facts of a table, each once, and how many were in several files.

    `frame` has `FILE`, `ROW`, `IDENTITY` and `RANK`; `bad` has the `FILE` and `ROW` of rejected
    rows. These count only if no good row has the fact. Facts within one file are never merged.
    """
    if frame[RANK].n_unique() < 2:
        return frame, 0
    frame = frame.with_row_index(_POSITION)
    frame = frame.with_columns(
        pl.int_range(pl.len()).over(IDENTITY, FILE).alias(_NTH), pl.col(IDENTITY).fill_null("")
    )
    same = [IDENTITY, _NTH]
    is_several = (pl.len().over(same) > 1) & (pl.col(IDENTITY) != "")
    several = frame.filter(is_several)
    if several.is_empty():
        return frame.drop(_NTH, _POSITION), 0
    is_bad = several.join(
        bad.with_columns(b=True), on=[FILE, ROW], how="left", maintain_order="left"
    )
    several = several.with_columns(is_bad["b"].fill_null(False).alias("b"))
    several = several.filter(~pl.col("b") | pl.col("b").all().over(same)).drop("b")
    several = several.sort(RANK, maintain_order=True)
    known = pl.coalesce("known_at", "occurred_at").drop_nulls().first()
    own = [name for name in frame.columns if name not in {*same, FILE, ROW, _POSITION, "known_at"}]
    once = several.group_by(same, maintain_order=True).agg(
        pl.col(FILE, ROW, _POSITION).last(),
        *[pl.col(name).drop_nulls().last() for name in own],
        known_at=known,
    )
    once = once.with_columns(
        known_at=pl.max_horizontal("known_at", "occurred_at").cast(frame.schema["known_at"])
    )
    whole = pl.concat([frame.filter(~is_several), once.select(frame.columns)])
    return whole.sort(_POSITION).drop(_NTH, _POSITION), once.height
