"""How the rows of a file refer to orders: by a column with order ids, or through another file, such
as the payment that a chargeback names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Sheet
from pipeline.sources.proposing.proposal import JoinGuess, Key

# a column refers to orders if at least this share of its values are order ids
JOINS = 0.5
# through another file: every such step must fit nearly always
JOINS_BY_FILE = 0.8
# short numbers occur in many columns, so the name must say that they are orders
_ORDER_NAME = re.compile(
    r"\b(order|reference|ref|invoice|sale|purchase|bestell\w*|auftrag\w*|pedido|commande)\b|订单"
)
_PART_NAME = re.compile(r"\b(item|line|product|customer|buyer|user|refund|return|zip\w*)\b")
_ANY_NAME = ("id", "number", "no", "nr")
_BEFORE_DIGITS = re.compile(r"^(\D{1,40})\d")


def order_keys(sheets: Sequence[Sheet], main: Sheet, key: Key) -> dict[str, Key]:
    """By file: how its rows name the orders in `main`. Files that do not are left out."""
    order_ids = main.all_values(key.column).str.strip_prefix(key.strip).unique()
    name = main.columns[key.column].words
    keys = {main.file: key}
    for sheet in sheets:
        if sheet is not main and (own_key := _order_key(sheet, order_ids, name)) is not None:
            keys[sheet.file] = own_key
    direct = dict(keys)
    for sheet in sheets:
        if sheet.file not in keys and (by_file := _joined_key(sheet, sheets, direct)) is not None:
            keys[sheet.file] = by_file
    return keys


def _order_key(sheet: Sheet, order_ids: pl.Series, main_name: str) -> Key | None:
    """The column in which most values are order ids, or None. `main_name`: the words of the name
    that the column has in the table of orders."""
    candidates: list[tuple[float, float, Key]] = []
    for profile in sheet.columns.values():
        values = sheet.all_values(profile.name)
        is_named = _is_named(profile.words, main_name)
        if values.is_empty() or profile.is_time or not (is_named or _is_telling(values)):
            continue
        for strip in _prefixes(values):
            is_order = values.str.strip_prefix(strip).is_in(order_ids.implode())
            share = int(is_order.sum()) / values.len() * min(1.0, profile.filled + 0.5)
            if share >= JOINS:
                key = Key(profile.name, strip, share)
                candidates.append((share + 0.3 * is_named, -len(strip), key))
    return max(candidates, key=lambda each: each[:2])[2] if candidates else None


def _is_named(words: str, main_name: str) -> bool:
    """Whether the name says that the values are order ids."""
    if _PART_NAME.search(words):
        return False
    return bool(_ORDER_NAME.search(words)) or (words == main_name and words not in _ANY_NAME)


def _is_telling(values: pl.Series) -> bool:
    """Whether the values cannot be equal to order ids by chance, unlike short numbers."""
    return bool((values.str.len_chars() >= 6).all()) or not bool(
        values.str.contains(r"^\d+$").any()
    )


def _prefixes(values: pl.Series) -> Iterator[str]:
    """What may have to be removed before an order id: nothing, `#`, or `Order #`."""
    yield ""
    yield "#"
    first = _BEFORE_DIGITS.match(str(values[0]))
    if first and first[1] != "#" and values.head(50).str.starts_with(first[1]).all():
        yield first[1]


def _joined_key(sheet: Sheet, sheets: Sequence[Sheet], keys: dict[str, Key]) -> Key | None:
    """The key through the file in which most values of a column are found once."""
    best: tuple[float, Key] | None = None
    for profile in sheet.columns.values():
        values = sheet.all_values(profile.name)
        if profile.is_time or profile.is_number or values.is_empty() or not _is_id(values):
            continue
        for other in sheets:
            if other is sheet or other.file not in keys:
                continue
            for share, column in _matches(values, other, keys[other.file]):
                if share >= JOINS_BY_FILE and (best is None or share > best[0]):
                    best = (share, _through(other, keys[other.file], profile.name, column, share))
    return best[1] if best else None


def _is_id(values: pl.Series) -> bool:
    """Whether the values look like ids of payments: long, and nearly all different."""
    long = values.str.len_chars() >= 6
    return bool(long.all()) and values.n_unique() >= 0.5 * values.len()


def _matches(values: pl.Series, other: Sheet, key: Key) -> Iterator[tuple[float, str]]:
    """The share of the values in each column of the other file that names one order only."""
    distinct = values.unique()
    for profile in other.columns.values():
        if profile.name == key.column or profile.is_time or profile.is_number:
            continue
        pairs = other.whole.select(
            value=pl.col(profile.name).str.strip_chars(), order=pl.col(key.column)
        ).drop_nulls()
        pairs = pairs.filter(pl.col("value").is_in(distinct.implode()))
        count_orders = pairs.group_by("value").agg(pl.col("order").n_unique())
        if count_orders.filter(pl.col("order") == 1).height == count_orders.height:
            yield count_orders.height / distinct.len(), profile.name


def _through(other: Sheet, key: Key, column: str, other_column: str, share: float) -> Key:
    name = f"order by {column}"
    join = JoinGuess(other.patterns, {column: other_column}, {name: key.column})
    return Key(name, key.strip, min(share, key.sure), join)
