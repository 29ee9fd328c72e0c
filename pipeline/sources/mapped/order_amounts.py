"""The total and the shipping of an order whose rows give several amounts.

A column may have the amount of the order, repeated in each of its rows, or one amount per line, and
tax may be on top of some orders and included in others. So each amount is made in several ways;
quantity x price + shipping of the order's lines shows which way is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Names

import polars as pl

from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.cells import number
from pipeline.sources.mapped.column_profile import plain
from pipeline.sources.mapped.mapping import Fact
from pipeline.sources.mapped.mapping_cells import Cell

# the row that represents a fact made from several rows
FIRST = "__first__"
CENT = 0.01
# `total` and `shipping` are made in the likely way. These are the other ways: from the first filled
# row, from the sum of the rows, and whole: without subtracting the tax columns of `minus`.
OTHER_TOTALS = (
    "__total_first__",
    "__total_sum__",
    "__total_likely_whole__",
    "__total_first_whole__",
    "__total_sum_whole__",
)
WHOLE_TOTALS = OTHER_TOTALS[2:]
OTHER_SHIPPINGS = ("__shipping_first__", "__shipping_sum__")
# whether the mapping or the rows say how rows count; whether nothing says it; whether tax was kept
IS_SURE, IS_UNCLEAR, IS_WHOLE = "__is_sure__", "__is_unclear__", "__is_whole__"
WAYS: Names[str, pl.DataType] = {
    **dict.fromkeys((*OTHER_TOTALS, *OTHER_SHIPPINGS), pl.Float64()),
    IS_SURE: pl.Boolean(),
}
_TAX = re.compile(r"\b(tax|taxes|vat|gst|hst|mwst|ust|steuer|iva|tva)\b|税")
_GOODS, _OWN, _SLACK = "__goods__", "__own_shipping__", "__slack__"


def with_ways(facts: pl.DataFrame, rows: pl.DataFrame, fact: Fact, decimal: str) -> pl.DataFrame:
    """The orders with `total`, `shipping` and `WAYS`. `rows` are the rows of the file from which
    they are made, with `FIRST`."""
    is_sure = True
    for name in ("total", "shipping"):
        if name not in fact.columns:
            continue
        ways, is_sure_of_it = _ways(name, fact.columns[name], rows, decimal)
        facts = facts.drop(name).join(
            ways, left_on=ROW, right_on=FIRST, how="left", maintain_order="left"
        )
        is_sure = is_sure and is_sure_of_it
    return facts.with_columns(pl.lit(is_sure).alias(IS_SURE))


def _ways(name: str, cell: Cell, rows: pl.DataFrame, decimal: str) -> tuple[pl.DataFrame, bool]:
    """An amount of each order in all ways, and whether its rows say how they count."""
    signs = [1.0, *[1.0] * len(cell.plus), *[-1.0] * len(cell.minus)]
    own = cell.model_copy(update={"plus": (), "minus": ()})
    parts = [own, *[Cell(column=(column,)) for column in (*cell.plus, *cell.minus)]]
    is_tax = [
        sign < 0 and bool(_TAX.search(plain(part.names[0])))
        for sign, part in zip(signs, parts, strict=True)
    ]
    amounts = [number(part, decimal).fill_nan(None) for part in parts]
    filled = rows.select(FIRST, *[one.alias(f"{n}") for n, one in enumerate(amounts)])
    each = filled.group_by(FIRST, maintain_order=True).agg(
        *[pl.col(f"{n}").drop_nulls().first().alias(f"first{n}") for n in range(len(parts))],
        *[pl.col(f"{n}").drop_nulls().sum().alias(f"sum{n}") for n in range(len(parts))],
        *[pl.col(f"{n}").drop_nulls().n_unique().alias(f"kinds{n}") for n in range(len(parts))],
        *[pl.col(f"{n}").count().alias(f"count{n}") for n in range(len(parts))],
    )
    likely = [_of_rows(each, n, part, cell.rows) for n, part in enumerate(parts)]

    def made(ways: list[str], *, is_whole: bool = False) -> pl.Expr:
        terms = [
            sign * pl.col(f"{way}{n}").fill_null(0.0)
            for n, (way, sign) in enumerate(zip(ways, signs, strict=True))
            if not (is_whole and is_tax[n])
        ]
        return pl.when(pl.col("count0") > 0).then(pl.sum_horizontal(terms))

    all_ways = {"": likely, "first": ["first"] * len(parts), "sum": ["sum"] * len(parts)}
    if cell.rows or not cell.column:
        all_ways = dict.fromkeys(all_ways, likely)
    columns = {f"__{name}_{way}__" if way else name: made(ways) for way, ways in all_ways.items()}
    if name == "total":
        columns |= {
            f"__total_{way or 'likely'}_whole__": made(ways, is_whole=True)
            for way, ways in all_ways.items()
        }
    is_several = each.filter(pl.col("count0") > 1)
    is_sure = cell.rows is not None or likely[0] == "sum" or is_several.is_empty()
    return each.select(FIRST, **columns), is_sure


def _of_rows(each: pl.DataFrame, n: int, part: Cell, rows: str | None) -> str:
    """Whether a column has one amount per row (`sum`) or repeats the order's (`first`): its rows
    differ in most orders, or they do not."""
    if rows or not part.column:
        return rows or "first"
    several = each.filter(pl.col(f"count{n}") > 1)
    share = float((several[f"kinds{n}"] > 1).mean() or 0.0)  # type: ignore[arg-type]
    return "sum" if share >= 0.5 else "first"


def settled(orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The orders with the `total` and `shipping` that agree with their lines, `IS_UNCLEAR` and
    `IS_WHOLE`. Where no way agrees, those of most orders of the file."""
    frame = orders.join(_goods(lines), on="order_id", how="left", maintain_order="left")
    totals = ["total", *OTHER_TOTALS]
    pairs = [(total, shipping) for total in totals for shipping in ("shipping", *OTHER_SHIPPINGS)]
    fits = {
        pair: (pl.col(pair[0]) - _lines_amount(pair[1])).abs() <= pl.col(_SLACK) for pair in pairs
    }
    fitting = [pl.when(fit).then(pl.lit(pair[0])) for pair, fit in fits.items()]
    frame = frame.with_columns(
        fits_with=pl.coalesce(fitting),
        fit_shipping=pl.coalesce(pl.when(fit).then(pl.col(s)) for (_, s), fit in fits.items()),
        is_several=(pl.col(OTHER_TOTALS[0]) != pl.col(OTHER_TOTALS[1]))
        | (pl.col(OTHER_SHIPPINGS[0]) != pl.col(OTHER_SHIPPINGS[1])),
    )
    frame = _with_file_way(frame)
    chosen = pl.coalesce("fits_with", "file_way", pl.lit("total"))
    total = pl.coalesce(pl.when(chosen == name).then(pl.col(name)) for name in totals)
    is_open = pl.col("fits_with").is_null() & pl.col("is_several").fill_null(False)
    return frame.with_columns(
        total=total,
        shipping=pl.when(pl.col("fits_with").is_null()).then("shipping").otherwise("fit_shipping"),
        **{
            IS_UNCLEAR: is_open & pl.col("file_way").is_null() & ~pl.col(IS_SURE),
            IS_WHOLE: chosen.is_in(WHOLE_TOTALS) & (total > pl.col("total")),
        },
    ).select(*orders.columns, IS_UNCLEAR, IS_WHOLE)


def _goods(lines: pl.DataFrame) -> pl.DataFrame:
    """By order: quantity x price of its lines, null if one has no price; their own shipping, null
    if none has it; and the tolerance of their sum."""
    quantity = pl.col("quantity").fill_null(1.0)
    price = pl.coalesce("unit_price", pl.col("line_total") / quantity)
    return lines.group_by("order_id").agg(
        pl.when(price.null_count() == 0).then((quantity * price).sum()).alias(_GOODS),
        pl.when(pl.col("shipping").count() > 0).then(pl.col("shipping").sum()).alias(_OWN),
        (CENT * pl.len() + 1e-6).alias(_SLACK),
    )


def _lines_amount(shipping: str) -> pl.Expr:
    return pl.col(_GOODS) + pl.coalesce(_OWN, shipping, pl.lit(0.0))


def _with_file_way(frame: pl.DataFrame) -> pl.DataFrame:
    """The orders with `file_way`: how the rows of the file's other orders count, if they say it, or
    the only way in which the order's total is not above its lines."""
    first, both = OTHER_TOTALS[:2]
    is_several = pl.col("is_several") & pl.col("fits_with").is_not_null()
    fits = pl.coalesce(
        pl.when(pl.col("fits_with") == name).then(pl.col(name)) for name in ("total", first, both)
    )
    votes = frame.group_by(FILE).agg(
        as_first=(is_several & (fits == pl.col(first)) & (fits != pl.col(both))).sum(),
        as_sum=(is_several & (fits == pl.col(both)) & (fits != pl.col(first))).sum(),
    )
    most = _lines_amount("shipping") + pl.col(_SLACK)
    is_only_first = (pl.col(first) <= most) & (pl.col(both) > most)
    file_way = (
        pl.when(~pl.col("is_several") | pl.col(IS_SURE))
        .then(None)
        .when(is_only_first)
        .then(pl.lit(first))
        .when((pl.col("as_first") > 0) & (pl.col("as_sum") == 0))
        .then(pl.lit(first))
        .when((pl.col("as_sum") > 0) & (pl.col("as_first") == 0))
        .then(pl.lit(both))
    )
    return frame.join(votes, on=FILE, how="left", maintain_order="left").with_columns(
        file_way=file_way
    )
