"""Columns of the orders that another file has, and times of day in a column of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Profile, Sheet, profile_column
from pipeline.sources.proposing.column_guesses import NAMES
from pipeline.sources.proposing.date_order import LOOK, in_order_of
from pipeline.sources.proposing.proposal import (
    FactGuess,
    Guess,
    JoinGuess,
    Key,
    Proposal,
    best_column,
)

# columns of an order that shops keep in a file of buyers or of addresses
ELSEWHERE = (("country", "text"), ("buyer_id", "text"), ("service", "text"))
NEARLY_ALL = 0.9
_CLOCK = r"^\d{1,2}:\d{2}(:\d{2})?( ?[AaPp][Mm])?$"
_CLOCK_NAME = re.compile(r"\b(time|clock|hour)\b|uhrzeit|时间")


def add_joined_columns(
    proposal: Proposal, main: Sheet, sheets: Sequence[Sheet], keys: Mapping[str, Key]
) -> None:
    """Add to the orders the columns that they lack and that one row of another file has for each
    order or buyer."""
    orders = next(fact for fact in proposal.facts if fact.table == "orders")
    for name, kind in ELSEWHERE:
        if any(guess.name == name for guess in orders.columns):
            continue
        for sheet in sheets:
            match = _match(main, sheet, keys) if sheet is not main else None
            if match is None:
                continue
            profile, fit = best_column(sheet, NAMES["orders"][name][:3], kind, [match[1]])
            if profile is None or profile.filled < NEARLY_ALL:
                continue
            new = f"{profile.name} by {match[0]}"
            join = JoinGuess(sheet.patterns, {match[0]: match[1]}, {new: profile.name})
            orders.joins = (*orders.joins, join)
            note = f"from {sheet.file}"
            orders.columns.append(Guess(name, {"column": new}, 0.5 * fit + 0.5, note))
            break


def _match(main: Sheet, sheet: Sheet, keys: Mapping[str, Key]) -> tuple[str, str] | None:
    """The columns of `main` and of `sheet` with the same ids, each once in `sheet`."""
    pairs = []
    if sheet.file in keys and keys[sheet.file].join is None:
        if keys[sheet.file].strip == keys[main.file].strip:
            pairs.append((keys[main.file].column, keys[sheet.file].column))
    for profile in main.columns.values():
        if re.search(r"\b(id|no|number|code)$", profile.words):
            same = (
                each.name
                for each in sheet.columns.values()
                if each.words in (profile.words, "id", "number")
            )
            pairs += [(profile.name, other) for other in same]
    return next((pair for pair in pairs if _is_key_of(main, sheet, *pair)), None)


def _is_key_of(main: Sheet, sheet: Sheet, column: str, other: str) -> bool:
    values, ids = main.all_values(column).unique(), sheet.all_values(other)
    if values.is_empty() or ids.n_unique() != ids.len():
        return False
    return bool(values.is_in(ids.implode()).mean() >= NEARLY_ALL)  # type: ignore[operator]


def add_times_of_day(facts: Sequence[FactGuess], sheet: Sheet) -> None:
    """Where a date has no time of day and a column next to it has one, use both."""
    for fact in facts:
        for position, guess in enumerate(fact.columns):
            column = guess.cell.get("column")
            if not guess.name.endswith("_at") or "time" in guess.cell:
                continue
            profile = sheet.columns.get(str(column)) if isinstance(column, str) else None
            clock = _clock(sheet, profile) if profile and profile.is_day_only else None
            if profile is None or clock is None:
                continue
            both = _together(sheet, profile, clock)
            if both.is_time:
                cell = {**guess.cell, "time": clock}
                cell.pop("format", None)
                cell.pop("plus_days", None)
                forms = [form for form in in_order_of(both) if _same_order(form, profile)]
                if forms:
                    cell["format"] = forms if len(forms) > 1 else forms[0]
                note = LOOK.format(forms[1]) if len(forms) > 1 else ""
                fact.columns[position] = Guess(guess.name, cell, guess.sure, note)


def _same_order(form: str, date: Profile) -> bool:
    own = in_order_of(date)
    return any(form.startswith(each) for each in own) if own else True


def _clock(sheet: Sheet, date: Profile) -> str | None:
    """The column with the time of day of a date: `Order Time` for `Order Date`."""
    stem = re.sub(r"\b(date|day)\b", "", date.words).split()
    for profile in sheet.columns.values():
        own = _CLOCK_NAME.sub("", profile.words).split()
        values = sheet.values(profile.name)
        values = values.filter(values != "")
        if own == stem and _CLOCK_NAME.search(profile.words) and values.len():
            if values.str.contains(_CLOCK).all():
                return profile.name
    return None


def _together(sheet: Sheet, date: Profile, clock: str) -> Profile:
    texts = [pl.col(name).str.strip_chars() for name in (date.name, clock)]
    both = sheet.rows.select(pl.concat_str(texts, separator=" ").alias("x"))["x"].drop_nulls()
    return profile_column(date.name, both, sheet.rows.height)
