"""A mapping for a folder of unknown tables, guessed from the names of files and columns and from
what is in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from pipeline.sources.mapped import column_guesses
from pipeline.sources.mapped.cells import number
from pipeline.sources.mapped.column_guesses import NAMES
from pipeline.sources.mapped.column_profile import Sheet, plain
from pipeline.sources.mapped.mapping import Cell
from pipeline.sources.mapped.proposal import (
    FactGuess,
    Guess,
    Key,
    Proposal,
    best,
    cell_of,
    listed,
    time_guess,
)
from pipeline.sources.mapped.propose_events import drop_weaker, happenings

# a column belongs to orders if so many of its values are ids of orders
JOINS = 0.5
NUMBERS = (
    "total",
    "shipping",
    "quantity",
    "unit_price",
    "line_total",
    "weight_g",
    "count_photos",
    "score",
    "amount",
    "count_installments",
)


def propose(sheets: Sequence[Sheet]) -> Proposal | None:
    """None: no table looks like orders."""
    scored = [(*_orders_score(sheet), sheet) for sheet in sheets]
    ranked = sorted(scored, key=lambda each: (-each[0], each[2].file))
    score, key, main = ranked[0] if ranked else (0.0, None, None)
    if score <= 0 or key is None or main is None:
        return None
    made = Proposal(decimal=_decimal(sheets))
    made.rows = {sheet.file: sheet.rows.height for sheet in sheets}
    ids = _ids(main, key)
    keys = {main.file: key} | {
        sheet.file: found
        for sheet in sheets
        if sheet is not main and (found := _join(sheet, ids)) is not None
    }
    _orders(made, main, key)
    lines = next(
        (sheet for sheet in sheets if sheet.file in keys and _has_lines(sheet, keys[sheet.file])),
        None,
    )
    if lines is not None:
        _plain_fact(made, "order_lines", lines, keys[lines.file])
    for sheet in sheets:
        if sheet.file in keys:
            happenings(made, sheet, keys[sheet.file], is_main=sheet is main)
        else:
            _products(made, sheet, lines)
    drop_weaker(made)
    for sheet in sheets:
        used = {
            str(name)
            for fact in made.facts
            if fact.file == sheet.file
            for guess in fact.columns
            for part in ("column", "plus", "minus")
            for name in listed(guess.cell.get(part))
        }
        made.unused[sheet.file] = [name for name in sheet.columns if name not in used]
        made.has_offsets |= any(each.has_offset for each in sheet.columns.values())
    return made


def _orders_score(sheet: Sheet) -> tuple[float, Key | None]:
    names = NAMES["orders"]
    key, key_fit = best(sheet, names["order_id"], "text")
    placed, placed_fit = best(sheet, names["occurred_at"], "time")
    if key is None or placed is None:
        return 0.0, None
    money, buyer, country = (
        best(sheet, names[name], kind)[1]
        for name, kind in (("total", "number"), ("buyer_id", "text"), ("country", "text"))
    )
    values = sheet.values(key.name)
    strip = "#" if values.str.starts_with("#").mean() == 1.0 else ""
    score = key_fit + placed_fit + 2 * money + buyer + country + ("order" in plain(sheet.file))
    score -= 2.0 * bool(re.search(column_guesses.DISPUTE_FILE, plain(sheet.file)))
    return score, Key(key.name, strip, 0.5 * key_fit + 0.5 * min(1.0, key.distinct * 2))


def _ids(sheet: Sheet, key: Key) -> pl.Series:
    return sheet.values(key.column).str.strip_prefix(key.strip).unique()


def _join(sheet: Sheet, ids: pl.Series) -> Key | None:
    """The column whose values are ids of orders."""
    found: list[tuple[float, str, str]] = []
    for profile in sheet.columns.values():
        values = sheet.values(profile.name)
        if values.is_empty() or profile.is_time:
            continue
        for strip in ("", "#"):
            is_known = values.str.strip_prefix(strip).is_in(ids.implode())
            share = int(is_known.sum()) / values.len()
            found.append((share * min(1.0, profile.filled + 0.5), profile.name, strip))
    share, name, strip = max(
        found, key=lambda each: (each[0], each[2] == ""), default=(0.0, "", "")
    )
    return Key(name, strip, share) if share >= JOINS else None


def _columns(sheet: Sheet, table: str, taken: list[str]) -> list[Guess]:
    """A guess for each column of the table that a name fits."""
    found = []
    for name, patterns in NAMES[table].items():
        if name == "order_id":
            continue
        kind = "time" if name.endswith("_at") else "number" if name in NUMBERS else "text"
        profile, score = best(sheet, patterns, kind, taken)
        if profile is None:
            continue
        if name not in ("product_id", "title"):
            taken.append(profile.name)
        value_fit = 0.5 if kind != "text" else 0.5 * profile.filled
        found.append(
            time_guess(name, profile, score)
            if kind == "time"
            else Guess(name, cell_of(profile), 0.5 * score + value_fit)
        )
    return found


def _orders(made: Proposal, sheet: Sheet, key: Key) -> None:
    columns = [Guess("order_id", key.cell(), key.sure), *_columns(sheet, "orders", [key.column])]
    repeats = sheet.values(key.column).is_duplicated().any()
    note = (
        "several rows say the same order; of each column the first filled cell counts"
        if repeats
        else ""
    )
    columns = [_without_tax(sheet, each) if each.name == "total" else each for each in columns]
    made.facts.append(FactGuess("orders", sheet.file, columns, key.column if repeats else "", note))
    money = next((each.cell["column"] for each in columns if each.name == "currency"), None)
    told = sheet.values(str(money)) if money else pl.Series([], dtype=pl.String)
    made.currency = str(told.mode().sort()[0]) if told.len() else ""


def _without_tax(sheet: Sheet, total: Guess) -> Guess:
    """The total is what the lines and the shipping add up to: tax on top of it is taken off."""
    tax, _ = best(sheet, (r"^(total )?(tax|taxes|vat)( amount| total)?$",), "number")
    sub, _ = best(sheet, (r"^(order )?sub ?total( amount)?$",), "number")
    postage, _ = best(sheet, NAMES["orders"]["shipping"], "number")
    if tax is None or sub is None:
        return total
    whole, part, taxed = (
        number(Cell(column=(str(name),)), ".").fill_nan(None)
        for name in (total.cell["column"], sub.name, tax.name)
    )
    sent = (
        number(Cell(column=(postage.name,)), ".").fill_nan(None).fill_null(0.0)
        if postage
        else pl.lit(0.0)
    )
    told = sheet.rows.select(
        ((whole - part - sent - taxed).abs() < 0.02).alias("on_top"), taxed=taxed
    )
    told = told.filter(pl.col("taxed") > 0).drop_nulls()
    if not told.height or float(told["on_top"].mean() or 0.0) < 0.5:  # type: ignore[arg-type]
        return total
    return Guess(
        "total",
        {**total.cell, "minus": [tax.name]},
        total.sure,
        "tax comes on top of the lines: taken off",
    )


def _has_lines(sheet: Sheet, key: Key) -> bool:
    product = best(sheet, NAMES["order_lines"]["product_id"], "text", [key.column])[0]
    names = NAMES["order_lines"]
    amount = best(sheet, (*names["unit_price"], *names["line_total"]), "number")[0]
    return product is not None and amount is not None


def _plain_fact(made: Proposal, table: str, sheet: Sheet, key: Key) -> None:
    columns = [Guess("order_id", key.cell(), key.sure), *_columns(sheet, table, [key.column])]
    made.facts.append(FactGuess(table, sheet.file, _filled_up(sheet, columns)))


def _filled_up(sheet: Sheet, columns: list[Guess]) -> list[Guess]:
    """Where some lines have no SKU, their title names the product."""
    title = next((each for each in columns if each.name == "title"), None)
    found = []
    for each in columns:
        name = str(each.cell.get("column"))
        if (
            each.name == "product_id"
            and title
            and sheet.columns[name].filled < 1.0
            and name != title.cell["column"]
        ):
            names = [name, title.cell["column"]]
            each = Guess("product_id", {"column": names}, each.sure, "where it is empty, the title")
        found.append(each)
    return found


def _products(made: Proposal, sheet: Sheet, lines: Sheet | None) -> None:
    """A table without orders, one of whose columns holds the products of the lines."""
    told = next(
        (
            each
            for fact in made.facts
            if fact.table == "order_lines"
            for each in fact.columns
            if each.name == "product_id"
        ),
        None,
    )
    if lines is None or told is None:
        return
    ids = lines.values(str(listed(told.cell["column"])[0])).unique()
    found = [
        (int(ids.is_in(sheet.values(name).implode()).sum()) / max(ids.len(), 1), name)
        for name in sheet.columns
    ]
    share, name = max(found, default=(0.0, ""))
    if share < JOINS or not name:
        return
    columns = [Guess("product_id", {"column": name}, share), *_columns(sheet, "products", [name])]
    made.facts.append(FactGuess("products", sheet.file, columns))


def _decimal(sheets: Sequence[Sheet]) -> str:
    """Which sign stands before the cents."""
    counts = {".": 0, ",": 0}
    for sheet in sheets:
        for profile in sheet.columns.values():
            if profile.is_number:
                some = sheet.values(profile.name).head(200)
                for sign in counts:
                    counts[sign] += int(some.str.contains(rf"[{sign}]\d{{1,2}}$").sum())
    return "," if counts[","] > counts["."] else "."
