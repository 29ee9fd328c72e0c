"""Orders with a line in quarantine: without it, the sum of their lines is too low."""

from __future__ import annotations

from collections.abc import Mapping as Names

import polars as pl

from pipeline.sources.checked_file import INCOMPLETE, CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.mapping import Fact
from pipeline.sources.mapped.order_amounts import FIRST

# of an order: whether its total is the sum of its lines, because its own row has none
IS_OF_LINES = "__is_of_lines__"


def reject_damaged(
    file: CheckedFile, keyed: pl.DataFrame, members: pl.DataFrame, fact: Fact
) -> None:
    """Reject the orders with a damaged row of their file. A damaged row without the key may belong
    to the order above or below. `keyed`: the rows with a key."""
    bad = file.bad_rows().unique()
    keyless = bad.join(keyed, on=ROW, how="anti")[ROW]
    near = pl.concat([bad[ROW], keyless - 1, keyless + 1])
    damaged = members.filter(pl.col(ROW).is_in(near.implode()))
    firsts = damaged.select(pl.col(FIRST).alias(ROW)).unique().sort(ROW)
    words = {"column": pl.lit(fact.per[0]), "reason": pl.lit(INCOMPLETE)}
    file.cascaded.append(firsts.select(ROW, **words))


def reject_incomplete(
    files: Names[str, CheckedFile], frames: Names[str, pl.DataFrame], bad: pl.DataFrame
) -> bool:
    """Reject the orders whose total is the sum of their lines, if a line is in a rejected row.
    Returns whether there were any.

    `files`: by name; `frames`: the tables with `FILE` and `ROW`, the orders with `IS_OF_LINES`;
    `bad`: `FILE, ROW` of the rejected rows. A rejected line without an order may belong to the
    order of the row above or below.
    """
    lines = frames["order_lines"].select(FILE, ROW, "order_id")
    lost = lines.join(bad, on=[FILE, ROW], how="semi").filter(pl.col("order_id").is_null())
    near = pl.concat([lost.select(FILE, pl.col(ROW) + step) for step in (-1, 1)])
    around = lines.join(near, on=[FILE, ROW], how="semi")["order_id"].drop_nulls()
    ids = pl.concat([with_refused_line(lines, bad), around])
    orders = frames["orders"].filter(pl.col(IS_OF_LINES) & pl.col("order_id").is_in(ids.implode()))
    incomplete = orders.select(FILE, ROW).join(bad, on=[FILE, ROW], how="anti").unique()
    words = {"column": pl.lit("order_id"), "reason": pl.lit(INCOMPLETE)}
    for (name,), rows in incomplete.sort(FILE, ROW).group_by(FILE, maintain_order=True):
        files[str(name)].cascaded.append(rows.select(ROW, **words))
    return not incomplete.is_empty()


def with_refused_line(lines: pl.DataFrame, bad: pl.DataFrame) -> pl.Series:
    """The ids of the orders with a line in a rejected row. `lines`: `FILE, ROW, order_id`."""
    return lines.join(bad, on=[FILE, ROW], how="semi")["order_id"].drop_nulls().unique()
