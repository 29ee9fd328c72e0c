"""Which rows of a file `where` and `where_not` of a `[[fact]]` select."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.cells import translated
from pipeline.sources.mapped.mapping import Fact

PASSED = "__passed__"


def left_out_orders(orders: Sequence[tuple[Fact, pl.DataFrame]]) -> pl.Series:
    """The ids of the orders that `where` leaves out. `orders`: facts of orders and their rows."""
    ids: dict[bool, list[pl.Series]] = {True: [], False: []}
    for fact, rows in orders:
        order_ids = rows.select(translated(fact.columns["order_id"])).to_series()
        is_chosen = rows.select(_is_chosen(rows, fact, fact)).to_series()
        for is_kept in ids:
            ids[is_kept].append(order_ids.filter(is_chosen == is_kept))
    kept, left_out = (pl.concat(ids[is_kept]) for is_kept in (True, False))
    return left_out.filter(~left_out.is_in(kept.implode())).drop_nulls().unique()


def chosen_rows(
    rows: pl.DataFrame, fact: Fact, of_orders: Fact | None, left_out: pl.Series
) -> tuple[pl.DataFrame, pl.Series]:
    """The rows that `where` selects, of orders that are not left out, and the numbers of the other
    rows."""
    is_chosen = _is_chosen(rows, fact, of_orders)
    if fact.table != "orders" and "order_id" in fact.columns and left_out.len():
        is_left_out = translated(fact.columns["order_id"]).is_in(left_out.implode())
        is_chosen = is_chosen & ~is_left_out.fill_null(False)
    marked = rows.with_columns(is_chosen.alias(PASSED))
    return marked.filter(PASSED).drop(PASSED), marked.filter(~pl.col(PASSED))[ROW]


def _is_chosen(rows: pl.DataFrame, fact: Fact, of_orders: Fact | None) -> pl.Expr:
    """Whether `where` selects a row. In a file whose orders continue in rows without the cells of
    the order, such a row has the words of the order's first row."""
    is_chosen = pl.lit(True)
    for column, values in fact.where.items():
        word = _word(column)
        if of_orders is not None:
            word = _continued(word, rows, of_orders)
        is_filled = pl.lit("*" in values) & (word != "")
        is_chosen = is_chosen & (is_filled | word.is_in(_words(values)))
    for column, values in fact.where_not.items():
        word = _word(column)
        if of_orders is not None:
            word = _continued(word, rows, of_orders)
        is_chosen = is_chosen & ~word.is_in(_words(values))
    return is_chosen


def _continued(word: pl.Expr, rows: pl.DataFrame, of_orders: Fact) -> pl.Expr:
    """The words of a column; a row that continues an order has the word of its first row."""
    order_id = translated(of_orders.columns["order_id"])
    placed = [_word(name) for name in of_orders.columns["occurred_at"].column]
    is_empty = pl.all_horizontal(cell == "" for cell in placed)
    continues = is_empty & (pl.int_range(pl.len()).over(order_id) > 0)
    if not rows.filter(continues).select((word == "").all()).item():
        return word
    return pl.when(continues).then(word.first().over(order_id)).otherwise(word)


def _word(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_lowercase().fill_null("")


def _words(values: Sequence[str]) -> list[str]:
    return [value.strip().lower() for value in values]
