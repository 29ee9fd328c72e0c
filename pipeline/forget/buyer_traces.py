"""What shows a buyer in a file: the id, the tracking numbers, and the orders that are theirs."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress.dumps import read_dumps
from pipeline.sources.aliexpress.seen_rows import joined, recall, with_compacted
from pipeline.sources.erased_ids import BUYER, NUMBER, PREFIX, ErasedIds
from pipeline.sources.erasure.erased_rows import buyer_orders, numbers_of
from pipeline.sources.forgotten.erase_answers import find_orders
from pipeline.workspace.workspace import Workspace

PULLED = "pulled/aliexpress"
NO_ORDERS = pl.DataFrame(schema={"order_id": pl.String, "buyer_id": pl.String})
PARCELS = ("shipments", "tracking")
SEEN_ROWS = "sources/aliexpress"
# a shorter id may be part of other words and numbers with a hyphen; a shorter number may be any
# figure, so it is an id only between quotes or in a column of ids
LONG_ID = 8
ID_COLUMNS = frozenset(("buyer_id", "shipment_id", "tracking_number", "number"))


@dataclass(frozen=True)
class BuyerTraces:
    """`ids`: what replaces the buyer's id and each tracking number; `orders`: the buyer's orders,
    whose ids stay; `pseudonym`: the buyer's new id; `names`: e-mail addresses and telephones, which
    are replaced by it."""

    ids: Mapping[str, str]
    orders: frozenset[str]
    pseudonym: str
    names: frozenset[str] = frozenset()

    def hide(self, text: str) -> str:
        """The text with every id replaced."""
        return self._pattern.sub(lambda match: self._replacements[match[0]], text)

    def hide_cell(self, column: str, text: str) -> str:
        """The text of one cell with every id replaced."""
        return self.ids[text] if column in ID_COLUMNS and text in self.ids else self.hide(text)

    def are_in(self, text: str) -> bool:
        """Whether an id is in the text."""
        return self._pattern.search(text) is not None

    def concern(self, text: str) -> bool:
        """Whether an id or an order of the buyer is in the text."""
        return self.are_in(text) or self._order_pattern.search(text) is not None

    @cached_property
    def _replacements(self) -> dict[str, str]:
        ids = {**dict.fromkeys(self.names, self.pseudonym), **self.ids}
        return {form: other for text, other in ids.items() for form in written_forms(text)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _any_of(self._replacements)

    @cached_property
    def _order_pattern(self) -> re.Pattern[str]:
        return _any_of(dict.fromkeys(form for o in self.orders for form in written_forms(o)))


def written_forms(text: str) -> Iterator[str]:
    """A text as it may be written: as it is, in JSON, in HTML, in JSON inside JSON or HTML."""
    in_json = [json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)]
    forms = [text, *in_json, *(json.dumps(form)[1:-1] for form in in_json)]
    yield from dict.fromkeys([*forms, *(html.escape(form) for form in forms)])


def _any_of(texts: Mapping[str, object]) -> re.Pattern[str]:
    """Matches each text where it is not a part of a longer id."""
    patterns = map(_pattern_of, sorted(texts, key=len, reverse=True))
    return re.compile("|".join(patterns) or r"(?!)")


def _pattern_of(text: str) -> str:
    if len(text) >= LONG_ID:
        return rf"(?<!\w){re.escape(text)}(?!\w)"
    if text.isdigit():
        return rf'(?<="){text}(?=\\?")'
    return rf"(?<![\w-]){re.escape(text)}(?![\w-])"


def find_traces(workspace: Workspace, buyer_id: str, erased: ErasedIds) -> BuyerTraces:
    """What the tables, the kept rows and the pulled answers have of the buyer.

    `erased` has the buyer already.
    """
    pseudonym = erased.replacement(BUYER, buyer_id) or ""
    names = {buyer_id, pseudonym}
    orders, parcels = set[str](), set[tuple[str, str]]()
    for rows in _seen_rows(workspace):
        orders |= buyer_orders(rows, names)
        erased = erased.with_numbers(numbers_of(rows, orders))
        parcels.update(numbers_of(rows, orders))
    tables = _loaded(workspace)
    buyers = tables["orders"].select("order_id", "buyer_id") if tables else NO_ORDERS
    is_theirs = pl.col("buyer_id").is_in(list(names))
    orders |= set(buyers.filter(is_theirs)["order_id"])
    shop = find_orders(workspace.folder, erased, dict.fromkeys(orders, pseudonym))
    theirs = {order for order, other in shop.orders.items() if other == pseudonym}
    # a customer's number may look like the buyer's id
    theirs -= set(buyers.filter(~is_theirs)["order_id"])
    orders |= theirs
    parcels |= {(number, order) for number, order in shop.parcels if order in theirs}
    parcels |= set(_parcels_of(tables, orders))
    erased = erased.with_parcels(parcels)
    ids = {buyer_id: pseudonym}
    for number, _ in parcels:
        if not number.startswith(PREFIX):
            other = erased.replacement(NUMBER, number) or ""
            ids |= {number: other, number.upper(): other}
    # a shorter name is like any other word
    contacts = {n for n, other in shop.names.items() if other == pseudonym and len(n) >= LONG_ID}
    return BuyerTraces(ids, frozenset(orders), pseudonym, frozenset(contacts - names))


def _loaded(workspace: Workspace) -> Mapping[str, pl.DataFrame]:
    """The tables; none before the first load."""
    try:
        return workspace.read_tables().frames
    except BadInput:
        return {}


def _parcels_of(frames: Mapping[str, pl.DataFrame], orders: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (tracking number, order) of the parcels in the tables."""
    parts = [frames[name].select("shipment_id", "order_id") for name in PARCELS if name in frames]
    for number, order in pl.concat(parts).unique().iter_rows() if parts else ():
        # some sources number parcels by the order; the order's id stays
        is_of_order = number == order or number.startswith(f"{order}-")
        if order in orders and not is_of_order:
            yield number, order


def _seen_rows(workspace: Workspace) -> Iterator[Mapping[str, pl.DataFrame]]:
    """The rows of SOURCE=aliexpress that are kept, and those of the pulled answers."""
    kept, _ = recall(workspace.folder / SEEN_ROWS)
    yield kept
    pulled: Path = workspace.folder / PULLED
    if any(path.is_file() for path in pulled.rglob("*.json*")):
        new = with_compacted(read_dumps(pulled, {}), pulled, {})
        yield joined(kept, new)
