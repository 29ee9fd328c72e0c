"""Whether the tax of an export is on top of the prices, and the cell of a total without it."""

from __future__ import annotations

import polars as pl

from pipeline.sources.mapped.cells import number
from pipeline.sources.mapped.column_profile import Profile, Sheet
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.proposing.column_guesses import NAMES, TOTAL_PARTS
from pipeline.sources.proposing.proposal import Guess, Key, as_list, best_column

# two amounts are equal if they differ by no more
CENTS = 0.02
# the columns of a total explain it if they add up in this share of the orders
EXPLAINED = 0.95


def without_tax(
    sheet: Sheet, key: Key, total: Guess, decimal: str, lines: tuple[Sheet, Key] | None
) -> Guess:
    """The guess of the total without a tax on top of the lines: it must equal lines plus shipping.
    `lines`: the table of the lines, if it is another one."""
    parts = {
        name: best_column(sheet, patterns, "number")[0] for name, patterns in TOTAL_PARTS.items()
    }
    tax, goods = parts["tax"], _goods(sheet, key, decimal, lines)
    if tax is None or goods is None:
        return total
    amounts = {
        name: _amount(part.name, decimal).fill_null(0.0) if part else pl.lit(0.0)
        for name, part in parts.items()
    }
    after = sheet.rows.select(
        surplus=_amount(str(total.cell["column"]), decimal) - goods - amounts["shipping"],
        tax=amounts["tax"],
        is_first=pl.int_range(pl.len()).over(key.column) == 0,
        discount=amounts["discount"],
    )
    after = after.filter("is_first").drop_nulls()
    # a subtotal is after the discount or before it
    before = after.with_columns(pl.col("surplus") + pl.col("discount").abs())
    sums = max(after, before, key=_explained)
    taxed = sums.filter(pl.col("tax") > 2 * CENTS)
    on_top = taxed.filter((pl.col("surplus") - pl.col("tax")).abs() <= CENTS).height
    included = taxed.filter(pl.col("surplus").abs() <= CENTS).height
    if not on_top or 2 * (on_top + included) < taxed.height:
        return total
    note = "tax is added on top of the lines, so it is subtracted"
    if included:
        note = f"tax is on top in {on_top} orders and included in the prices of {included}"
        if parts["subtotal"] and _explained(sums) >= EXPLAINED:
            discount = parts["discount"] if sums is before else None
            cell = _sum_cell(parts["subtotal"], parts["shipping"], discount, after["discount"])
            return Guess("total", cell, total.sure, f"{note}; these columns are right for both")
        note = f"LOOK: {note}; it is subtracted where the lines show that it is on top"
    return Guess("total", {**total.cell, "minus": [tax.name]}, total.sure, note)


def is_taxed_by_lines(
    sheet: Sheet, key: Key, total: Guess, decimal: str, lines: tuple[Sheet, Key] | None
) -> bool:
    """Whether the total has a tax on top that only the table of the lines lists: lines, shipping
    and this tax add up to it. The total is then better made from the lines."""
    parts = {name: best_column(sheet, TOTAL_PARTS[name], "number")[0] for name in TOTAL_PARTS}
    if lines is None or parts["tax"] is not None:
        return False
    tax = best_column(lines[0], TOTAL_PARTS["tax"], "number")[0]
    goods = _goods(sheet, key, decimal, lines)
    if tax is None or goods is None:
        return False
    shipping = _amount(parts["shipping"].name, decimal) if parts["shipping"] else pl.lit(0.0)
    surplus = _amount(str(total.cell["column"]), decimal) - goods - shipping.fill_null(0.0)
    amounts = _of_orders(sheet, key, lines, _amount(tax.name, decimal).fill_null(0.0))
    taxed = sheet.rows.select(surplus=surplus, tax=amounts).drop_nulls()
    taxed = taxed.filter(pl.col("tax") > 2 * CENTS)
    on_top = taxed.filter((pl.col("surplus") - pl.col("tax")).abs() <= CENTS).height
    return taxed.height > 0 and on_top >= EXPLAINED * taxed.height


def _sum_cell(
    subtotal: Profile, shipping: Profile | None, discount: Profile | None, discounts: pl.Series
) -> dict[str, object]:
    """The cell of subtotal + shipping - discount."""
    sign = "plus" if discounts.min() < 0 else "minus"  # type: ignore[operator]
    cell: dict[str, object] = {"column": subtotal.name}
    for part, entry in ((shipping, "plus"), (discount, sign)):
        if part is not None:
            cell[entry] = [*as_list(cell.get(entry)), part.name]
    return cell


def _amount(name: str, decimal: str) -> pl.Expr:
    return number(Cell(column=(name,)), decimal).fill_nan(None)


def _goods(sheet: Sheet, key: Key, decimal: str, lines: tuple[Sheet, Key] | None) -> pl.Expr | None:
    """The amount of an order's lines before tax: its subtotal, or else what its lines add up to, in
    the same table or in the table `lines`."""
    subtotal = best_column(sheet, TOTAL_PARTS["subtotal"], "number")[0]
    if subtotal:
        return _amount(subtotal.name, decimal)
    amount = _line_amount(sheet, decimal)
    if amount is not None:
        return amount.sum().over(key.column)
    if lines is None:
        return None
    amount = _line_amount(lines[0], decimal)
    if amount is None:
        line_total = best_column(lines[0], NAMES["order_lines"]["line_total"], "number")[0]
        if line_total is None:
            return None
        amount = _amount(line_total.name, decimal)
    return _of_orders(sheet, key, lines, amount)


def _of_orders(sheet: Sheet, key: Key, lines: tuple[Sheet, Key], amount: pl.Expr) -> pl.Expr:
    """The sum of an amount over the lines of each row's order, in the table `lines`; null if a line
    has none."""
    each = lines[0].whole.select(id=_order_id(lines[1]), amount=amount)
    known = pl.when(pl.col("amount").null_count() == 0).then(pl.col("amount").sum())
    sums = each.group_by("id").agg(known)
    of_rows = sheet.rows.select(id=_order_id(key)).join(
        sums, on="id", how="left", maintain_order="left"
    )
    return pl.lit(of_rows["amount"])


def _order_id(key: Key) -> pl.Expr:
    return pl.col(key.column).str.strip_chars().str.strip_prefix(key.strip)


def _line_amount(sheet: Sheet, decimal: str) -> pl.Expr | None:
    """The amount of each line of a table: quantity x price."""
    names = NAMES["order_lines"]
    quantity, price = (
        best_column(sheet, names[name], "number")[0] for name in ("quantity", "unit_price")
    )
    if not quantity or not price:
        return None
    return _amount(quantity.name, decimal) * _amount(price.name, decimal)


def _explained(sums: pl.DataFrame) -> float:
    """The share of orders whose total is the lines, with or without the tax on top."""
    is_explained = pl.min_horizontal(
        pl.col("surplus").abs(), (pl.col("surplus") - pl.col("tax")).abs()
    )
    return float(sums.select((is_explained <= CENTS).mean()).item() or 0.0)
