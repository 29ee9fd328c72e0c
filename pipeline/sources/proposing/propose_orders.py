"""Propose the `[[fact]]` sections for orders, order lines and products."""

from __future__ import annotations

from pipeline.sources.mapped.column_profile import Profile, Sheet
from pipeline.sources.proposing.column_guesses import NAMES, currency_of_name
from pipeline.sources.proposing.proposal import (
    FactGuess,
    Guess,
    Key,
    Proposal,
    as_list,
    best_column,
    cell_of,
    time_guess,
)
from pipeline.sources.proposing.total_without_tax import is_taxed_by_lines, without_tax

# a column refers to products if at least this share of the sold products are in it
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


def _columns(sheet: Sheet, table: str, taken: list[str]) -> list[Guess]:
    """A guess for each column of the table for which a column name fits."""
    guesses = []
    for name, patterns in NAMES[table].items():
        if name == "order_id":
            continue
        kind = "time" if name.endswith("_at") else "number" if name in NUMBERS else "text"
        profile, score = best_column(sheet, patterns, kind, taken)
        if profile is None:
            continue
        if name not in ("product_id", "title"):
            taken.append(profile.name)
        value_fit = 0.5 if kind != "text" else 0.5 * profile.filled
        guesses.append(
            time_guess(name, profile, score)
            if kind == "time"
            else Guess(name, cell_of(profile), 0.5 * score + value_fit)
        )
    return guesses


def add_orders(
    proposal: Proposal, sheet: Sheet, key: Key, lines: tuple[Sheet, Key] | None = None
) -> None:
    """Add the orders of a table, and the most common currency of its rows. `lines`: the table of
    the order lines, if it is another one."""
    columns = [Guess("order_id", key.cell(), key.sure), *_columns(sheet, "orders", [key.column])]
    repeats = sheet.values(key.column).is_duplicated().any()
    notes = ["an order may have several rows; the first filled cell of each column counts"]
    notes = notes if repeats else []
    for total in [guess for guess in columns if guess.name == "total"]:
        if is_taxed_by_lines(sheet, key, total, proposal.decimal, lines):
            columns.remove(total)
            column = total.cell["column"]
            notes.append(f"{column} has the tax of the lines on top, so the lines give the total")
        else:
            new = without_tax(sheet, key, total, proposal.decimal, lines)
            columns[columns.index(total)] = new
    proposal.facts.append(
        FactGuess(
            "orders", sheet.file, columns, per=key.column if repeats else "", note="; ".join(notes)
        )
    )
    currency_column = next(
        (guess.cell["column"] for guess in columns if guess.name == "currency"), None
    )
    if currency_column:
        currencies = sheet.values(str(currency_column))
        proposal.currency = str(currencies.mode().sort()[0]) if currencies.len() else ""
    else:
        proposal.currency = next(
            (name for profile in sheet.columns.values() if (name := _currency_of(profile))), ""
        )


def _currency_of(profile: Profile) -> str:
    return currency_of_name(profile.words) if profile.is_number else ""


def has_lines(sheet: Sheet, key: Key) -> bool:
    """Whether the table has a product and a price in each row."""
    names = NAMES["order_lines"]
    product = best_column(sheet, names["product_id"], "text", [key.column])[0]
    amount = best_column(sheet, (*names["unit_price"], *names["line_total"]), "number")[0]
    return product is not None and amount is not None


def add_lines(proposal: Proposal, sheet: Sheet, key: Key) -> None:
    """Add the order lines of a table."""
    columns = [
        Guess("order_id", key.cell(), key.sure),
        *_columns(sheet, "order_lines", [key.column]),
    ]
    proposal.facts.append(FactGuess("order_lines", sheet.file, _with_titles(sheet, columns)))


def _with_titles(sheet: Sheet, columns: list[Guess]) -> list[Guess]:
    """Where some lines have no SKU, the title identifies the product."""
    title = next((guess for guess in columns if guess.name == "title"), None)
    guesses = []
    for guess in columns:
        name = str(guess.cell.get("column"))
        if (
            guess.name == "product_id"
            and title
            and sheet.columns[name].filled < 1.0
            and name != title.cell["column"]
        ):
            names = [name, title.cell["column"]]
            guess = Guess("product_id", {"column": names}, guess.sure, "if it is empty, the title")
        guesses.append(guess)
    return guesses


def add_products_of_lines(proposal: Proposal, lines: Sheet) -> None:
    """Add the products with the categories that the lines have, if no file lists the products."""
    fact = next((fact for fact in proposal.facts if fact.table == "order_lines"), None)
    if fact is None or fact.settings.get("packed") or fact.joins:
        return
    product = next((guess for guess in fact.columns if guess.name == "product_id"), None)
    category, fit = best_column(lines, (r"^(product )?categor(y|ies)( name)?$", "categor"), "text")
    column = product.cell.get("column") if product else None
    if product is None or category is None or not isinstance(column, str):
        return
    columns = [product, Guess("category", cell_of(category), 0.5 * fit + 0.5 * category.filled)]
    note = "the first category of each product counts"
    proposal.facts.append(FactGuess("products", lines.file, columns, column, note))


def add_products(proposal: Proposal, sheet: Sheet, lines: Sheet | None) -> None:
    """Add the products if the table, which has no order ids, has a column with the products of the
    lines."""
    line_product = next(
        (
            guess
            for fact in proposal.facts
            if fact.table == "order_lines"
            for guess in fact.columns
            if guess.name == "product_id"
        ),
        None,
    )
    if lines is None or line_product is None:
        return
    product_ids = lines.values(str(as_list(line_product.cell["column"])[0])).unique()
    shares = [
        (
            int(product_ids.is_in(sheet.values(name).implode()).sum()) / max(product_ids.len(), 1),
            name,
        )
        for name in sheet.columns
    ]
    share, name = max(shares, default=(0.0, ""))
    if share < JOINS or not name:
        return
    columns = [Guess("product_id", {"column": name}, share), *_columns(sheet, "products", [name])]
    proposal.facts.append(FactGuess("products", sheet.file, columns))
