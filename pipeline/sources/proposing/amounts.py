"""The decimal signs and the currency of the amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Sheet
from pipeline.sources.mapped.source_rows import packed_columns
from pipeline.sources.proposing.proposal import FactGuess, Proposal, as_list

_ENDING = r"[{}]\d{{1,2}}$"


def decimal_sign(sheets: Sequence[Sheet]) -> str:
    """The decimal sign of most amounts."""
    return "," if _most(_endings(sheets)) == "," else "."


def _endings(sheets: Sequence[Sheet]) -> dict[str, int]:
    counts = {".": 0, ",": 0}
    for sheet in sheets:
        for profile in sheet.columns.values():
            if profile.is_number:
                values = sheet.values(profile.name).head(200)
                for sign in counts:
                    counts[sign] += int(values.str.contains(_ENDING.format(sign)).sum())
    return counts


def _most(counts: Mapping[str, int]) -> str:
    """The sign with more amounts; empty if no amount has decimals."""
    if not any(counts.values()):
        return ""
    return "," if counts[","] > counts["."] else "."


def sign_of_fact(fact: FactGuess, sheet: Sheet) -> str:
    """The decimal sign of the file of a fact, or of its packed items, which no spreadsheet changes;
    empty if no amount has decimals."""
    packed = fact.settings.get("packed")
    if not isinstance(packed, Mapping):
        return _most(_endings([sheet]))
    cells = packed_columns([str(each) for each in as_list(packed["column"])], list(sheet.columns))
    texts = pl.concat([sheet.values(name) for name in cells]).head(500)
    end = rf"(?:\{packed['fields']}|$)"
    return _most({sign: int(texts.str.contains(rf"\d[{sign}]\d\d{end}").sum()) for sign in ".,"})


def currency_of(proposal: Proposal, sheets: Sequence[Sheet]) -> str:
    """The most common currency of the orders. If their file has none: that of the other files that
    the mapping uses, if these have only one. Empty if it is not known."""
    orders = next(fact for fact in proposal.facts if fact.table == "orders")
    cell = next((guess.cell for guess in orders.columns if guess.name == "currency"), {})
    by_file = {sheet.file: sheet for sheet in sheets}
    for column in as_list(cell.get("column")):
        if column in by_file[orders.file].columns:
            values = by_file[orders.file].all_values(str(column))
            if values.len():
                return str(values.mode().sort()[0]).upper()
    used = {fact.file for fact in proposal.facts}
    joined = {join.file for fact in proposal.facts for join in fact.joins}
    names = {
        value.upper()
        for sheet in sheets
        if sheet.file in used or sheet.patterns in joined
        for profile in sheet.columns.values()
        if profile.words.endswith("currency")
        for value in sheet.all_values(profile.name).unique()
    }
    return names.pop() if len(names) == 1 and len(next(iter(names))) == 3 else ""
