"""Propose a mapping for a folder of unknown tables, from the names of files and columns and from
the values in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Sheet, plain
from pipeline.sources.proposing import column_guesses
from pipeline.sources.proposing.column_guesses import NAMES
from pipeline.sources.proposing.proposal import Key, Proposal, as_list, best_column
from pipeline.sources.proposing.propose_events import add_events, drop_duplicates
from pipeline.sources.proposing.propose_orders import (
    JOINS,
    add_lines,
    add_orders,
    add_products,
    has_lines,
)


def propose(sheets: Sequence[Sheet]) -> Proposal | None:
    """The proposed mapping, or None if no table looks like orders."""
    scored = [(*_orders_score(sheet), sheet) for sheet in sheets]
    ranked = sorted(scored, key=lambda candidate: (-candidate[0], candidate[2].file))
    score, key, main = ranked[0] if ranked else (0.0, None, None)
    if score <= 0 or key is None or main is None:
        return None
    proposal = Proposal(decimal=_decimal(sheets))
    proposal.rows = {sheet.file: sheet.rows.height for sheet in sheets}
    keys = _order_keys(sheets, main, key)
    add_orders(proposal, main, key)
    lines = next(
        (sheet for sheet in sheets if sheet.file in keys and has_lines(sheet, keys[sheet.file])),
        None,
    )
    if lines is not None:
        add_lines(proposal, lines, keys[lines.file])
    for sheet in sheets:
        if sheet.file in keys:
            add_events(proposal, sheet, keys[sheet.file], is_main=sheet is main)
        else:
            add_products(proposal, sheet, lines)
    drop_duplicates(proposal)
    for sheet in sheets:
        used = _used_columns(proposal, sheet.file)
        proposal.unused[sheet.file] = [name for name in sheet.columns if name not in used]
        proposal.has_offsets |= any(profile.has_offset for profile in sheet.columns.values())
    return proposal


def _used_columns(proposal: Proposal, file: str) -> set[str]:
    """The columns of a file that the proposal uses."""
    return {
        str(name)
        for fact in proposal.facts
        if fact.file == file
        for guess in fact.columns
        for part in ("column", "plus", "minus")
        for name in as_list(guess.cell.get(part))
    }


def _orders_score(sheet: Sheet) -> tuple[float, Key | None]:
    """How much the table looks like orders, and the column of their ids."""
    names = NAMES["orders"]
    key, key_fit = best_column(sheet, names["order_id"], "text")
    placed, placed_fit = best_column(sheet, names["occurred_at"], "time")
    if key is None or placed is None:
        return 0.0, None
    money, buyer, country = (
        best_column(sheet, names[name], kind)[1]
        for name, kind in (("total", "number"), ("buyer_id", "text"), ("country", "text"))
    )
    values = sheet.values(key.name)
    strip = "#" if values.str.starts_with("#").mean() == 1.0 else ""
    score = key_fit + placed_fit + 2 * money + buyer + country + ("order" in plain(sheet.file))
    score -= 2.0 * bool(re.search(column_guesses.DISPUTE_FILE, plain(sheet.file)))
    return score, Key(key.name, strip, 0.5 * key_fit + 0.5 * min(1.0, key.distinct * 2))


def _order_keys(sheets: Sequence[Sheet], main: Sheet, key: Key) -> dict[str, Key]:
    """By file: the column with the ids of the orders in `main`. Files without one are left out."""
    order_ids = main.values(key.column).str.strip_prefix(key.strip).unique()
    keys = {main.file: key}
    for sheet in sheets:
        if sheet is not main and (own_key := _order_key(sheet, order_ids)) is not None:
            keys[sheet.file] = own_key
    return keys


def _order_key(sheet: Sheet, order_ids: pl.Series) -> Key | None:
    """The column in which most values are order ids, or None."""
    candidates: list[tuple[float, str, str]] = []
    for profile in sheet.columns.values():
        values = sheet.values(profile.name)
        if values.is_empty() or profile.is_time:
            continue
        for strip in ("", "#"):
            is_order = values.str.strip_prefix(strip).is_in(order_ids.implode())
            share = int(is_order.sum()) / values.len()
            candidates.append((share * min(1.0, profile.filled + 0.5), profile.name, strip))
    share, name, strip = max(
        candidates, key=lambda candidate: (candidate[0], candidate[2] == ""), default=(0.0, "", "")
    )
    return Key(name, strip, share) if share >= JOINS else None


def _decimal(sheets: Sequence[Sheet]) -> str:
    """The decimal sign of the amounts."""
    counts = {".": 0, ",": 0}
    for sheet in sheets:
        for profile in sheet.columns.values():
            if profile.is_number:
                values = sheet.values(profile.name).head(200)
                for sign in counts:
                    counts[sign] += int(values.str.contains(rf"[{sign}]\d{{1,2}}$").sum())
    return "," if counts[","] > counts["."] else "."
