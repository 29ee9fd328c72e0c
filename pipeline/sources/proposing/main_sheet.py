"""Which table lists the orders, and which the order lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Sheet, plain
from pipeline.sources.proposing import column_guesses
from pipeline.sources.proposing.column_guesses import NAMES
from pipeline.sources.proposing.preset_facts import preset_key
from pipeline.sources.proposing.presets import Preset
from pipeline.sources.proposing.proposal import Key, best_column
from pipeline.sources.proposing.propose_orders import has_lines

# a table with one row per order is preferred to one with the same orders and several rows each, if
# it looks like orders nearly as much
NEARLY = 0.6
SAME_ORDERS = 0.8


def main_of(sheets: Sequence[Sheet], kinds: Mapping[str, Preset]) -> tuple[Sheet, Key] | None:
    """The table of the orders and the column of their ids; None if no table looks like orders."""
    by_preset = [
        (_is_weak(kinds[sheet.file]), -sheet.whole.height, sheet.file, sheet, key)
        for sheet in sheets
        if sheet.file in kinds and (key := preset_key(sheet, kinds[sheet.file])) is not None
    ]
    if by_preset:
        *_, sheet, key = min(by_preset, key=lambda each: each[:3])
        return sheet, key
    scored = [(*_orders_score(sheet), sheet) for sheet in sheets if sheet.file not in kinds]
    ranked = sorted(scored, key=lambda each: (-each[0], each[2].file))
    ranked = [each for each in ranked if each[0] > 0 and each[1] is not None]
    if not ranked:
        return None
    score, key, main = ranked[0]
    assert key is not None
    for other_score, other_key, other in ranked[1:]:
        if (
            other_key is not None
            and other_score >= NEARLY * score
            and _is_one_per_order(other, other_key)
            and not _is_one_per_order(main, key)
            and _share(main, key, other, other_key) >= SAME_ORDERS
        ):
            return other, other_key
    return main, key


def _is_weak(kind: Preset) -> bool:
    return all(fact.is_weak for fact in kind.facts if fact.table == "orders")


def _ids(sheet: Sheet, key: Key) -> pl.Series:
    return sheet.all_values(key.column).str.strip_prefix(key.strip)


def _is_one_per_order(sheet: Sheet, key: Key) -> bool:
    ids = _ids(sheet, key)
    return ids.n_unique() == ids.len()


def _share(main: Sheet, key: Key, other: Sheet, other_key: Key) -> float:
    """The share of the orders of `main` that `other` has too."""
    ids = _ids(main, key).unique()
    both = ids.is_in(_ids(other, other_key).implode())
    return int(both.sum()) / max(ids.len(), 1)


def lines_of(sheets: Sequence[Sheet], main: Sheet, keys: Mapping[str, Key]) -> Sheet | None:
    """The table of the order lines: of those with a product and a price in each row, the one with
    the most rows; with as many, the one that has quantities."""
    candidates = [
        sheet
        for sheet in sheets
        if sheet.file in keys
        and keys[sheet.file].join is None
        and has_lines(sheet, keys[sheet.file])
        and (sheet is main or not _is_of_disputes(sheet))
    ]

    def rank(sheet: Sheet) -> tuple[int, bool, bool]:
        quantity = best_column(sheet, NAMES["order_lines"]["quantity"], "number")[0]
        return sheet.whole.height, quantity is not None, sheet is main

    return max(candidates, key=rank, default=None)


def _is_of_disputes(sheet: Sheet) -> bool:
    return re.search(column_guesses.DISPUTE_FILE, plain(sheet.file)) is not None


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
    strip = "#" if values.len() and values.str.starts_with("#").all() else ""
    score = key_fit + placed_fit + 2 * money + buyer + country + ("order" in plain(sheet.file))
    score -= 2.0 * _is_of_disputes(sheet)
    return score, Key(key.name, strip, 0.5 * key_fit + 0.5 * min(1.0, key.distinct * 2))
