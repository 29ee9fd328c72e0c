"""Propose a mapping for a folder of unknown tables, from the presets of well-known exports and from
the names and values of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.sources.mapped.cells import moment
from pipeline.sources.mapped.column_profile import Sheet
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.proposing.amounts import currency_of, decimal_sign, sign_of_fact
from pipeline.sources.proposing.date_order import settle_by_orders, settle_by_rows
from pipeline.sources.proposing.main_sheet import lines_of, main_of
from pipeline.sources.proposing.order_links import order_keys
from pipeline.sources.proposing.preset_facts import preset_facts
from pipeline.sources.proposing.presets import Preset, recognised
from pipeline.sources.proposing.proposal import FactGuess, Key, Proposal, as_list
from pipeline.sources.proposing.propose_events import add_events, drop_duplicates
from pipeline.sources.proposing.propose_joins import add_joined_columns, add_times_of_day
from pipeline.sources.proposing.propose_orders import (
    add_lines,
    add_orders,
    add_products,
    add_products_of_lines,
)


def propose(sheets: Sequence[Sheet]) -> Proposal | None:
    """The proposed mapping, or None if no table looks like orders."""
    kinds = {each.file: kind for each in sheets if (kind := recognised(each.columns)) is not None}
    choice = main_of(sheets, kinds)
    if choice is None:
        return None
    main, key = choice
    proposal = _empty_proposal(sheets, kinds)
    for sheet in sheets:
        settle_by_rows(sheet)
    keys = order_keys(sheets, main, key)
    _settle_dates(sheets, main, key, keys)
    strong = [fact for each in sheets for fact in _of_preset(each, kinds, keys, is_weak=False)]
    proposal.facts = sorted(strong, key=lambda fact: fact.table != "orders")
    weak = [fact for each in sheets for fact in _of_preset(each, kinds, keys, is_weak=True)]
    _add_weak(proposal, [fact for fact in weak if fact.table != "disputes"])
    others = [sheet for sheet in sheets if not _has_facts(proposal, sheet, kinds)]
    if all(fact.table != "orders" for fact in proposal.facts):
        of_lines = lines_of(sheets, main, keys)
        is_apart = of_lines is not None and of_lines is not main
        apart = (of_lines, keys[of_lines.file]) if of_lines is not None and is_apart else None
        add_orders(proposal, main, key, apart)
        add_joined_columns(proposal, main, others, keys)
    lines = _add_lines(proposal, sheets, main, keys)
    _add_events(proposal, others, main, keys, lines)
    _add_weak(proposal, [fact for fact in weak if fact.table == "disputes"])
    drop_duplicates(proposal)
    _finish(proposal, sheets)
    return proposal


def _empty_proposal(sheets: Sequence[Sheet], kinds: Mapping[str, Preset]) -> Proposal:
    proposal = Proposal(decimal=decimal_sign(sheets))
    for sheet in sheets:
        proposal.rows[sheet.file] = sheet.whole.height
        proposal.patterns[sheet.file] = sheet.patterns
        proposal.names[sheet.file] = sheet.names
    proposal.kinds = {file: kind.name for file, kind in kinds.items()}
    return proposal


def _of_preset(
    sheet: Sheet, kinds: Mapping[str, Preset], keys: Mapping[str, Key], *, is_weak: bool
) -> list[FactGuess]:
    kind = kinds.get(sheet.file)
    key = keys.get(sheet.file)
    return list(preset_facts(sheet, kind, key, is_weak=is_weak)) if kind else []


def _add_weak(proposal: Proposal, facts: Sequence[FactGuess]) -> None:
    """Add the facts for whose table the proposal has no better file."""
    tables = {fact.table for fact in proposal.facts}
    for fact in facts:
        if fact.table not in tables:
            proposal.facts.append(fact)
        elif fact.table == "disputes":
            proposal.hints.append(
                f"{fact.file}: its refunds and chargebacks are not used, because another file has "
                "the disputes"
            )
    proposal.facts.sort(key=lambda fact: fact.table != "orders")


def _has_facts(proposal: Proposal, sheet: Sheet, kinds: Mapping[str, Preset]) -> bool:
    return sheet.file in kinds or any(fact.file == sheet.file for fact in proposal.facts)


def _add_lines(
    proposal: Proposal, sheets: Sequence[Sheet], main: Sheet, keys: Mapping[str, Key]
) -> Sheet | None:
    """Add the order lines if no preset gave them. Returns the sheet that has them."""
    fact = next((fact for fact in proposal.facts if fact.table == "order_lines"), None)
    if fact is not None:
        return next(sheet for sheet in sheets if sheet.file == fact.file)
    lines = lines_of(sheets, main, keys)
    if lines is not None:
        add_lines(proposal, lines, keys[lines.file])
    return lines


def _add_events(
    proposal: Proposal,
    sheets: Sequence[Sheet],
    main: Sheet,
    keys: Mapping[str, Key],
    lines: Sheet | None,
) -> None:
    for sheet in sheets:
        if sheet.file in keys:
            is_new = sheet is main or sheet is not lines
            if is_new or keys[sheet.file].join is not None:
                add_events(proposal, sheet, keys[sheet.file], is_main=sheet is main)
        else:
            add_products(proposal, sheet, lines)
    if lines is not None and all(fact.table != "products" for fact in proposal.facts):
        add_products_of_lines(proposal, lines)


def _settle_dates(sheets: Sequence[Sheet], main: Sheet, key: Key, keys: Mapping[str, Key]) -> None:
    """Settle the order of day and month by the times of the orders, if these are certain."""
    times = [
        profile
        for profile in main.columns.values()
        if profile.is_time and not profile.rivals and profile.filled > 0
    ]
    if not times:
        return
    placed = times[0]
    cell = Cell(column=(placed.name,), format=(placed.format,) if placed.format else ())
    ids = pl.col(key.column).str.strip_chars().str.strip_prefix(key.strip)
    orders = main.rows.select(order_id=ids, placed_at=moment(cell, "UTC")).drop_nulls()
    orders = orders.unique("order_id", keep="first", maintain_order=True)
    for sheet in sheets:
        if sheet is not main and sheet.file in keys:
            settle_by_orders(sheet, keys[sheet.file], orders)


def _finish(proposal: Proposal, sheets: Sequence[Sheet]) -> None:
    """Complete what concerns all files: decimal signs, times of day and unused columns."""
    for sheet in sheets:
        facts = [fact for fact in proposal.facts if fact.file == sheet.file]
        for fact in facts:
            sign = sign_of_fact(fact, sheet)
            if sign and sign != proposal.decimal:
                fact.settings = {**fact.settings, "decimal": sign}
        add_times_of_day(facts, sheet)
        used = _used_columns(proposal, sheet.file)
        proposal.unused[sheet.file] = [name for name in sheet.columns if name not in used]
        proposal.has_offsets |= any(profile.has_offset for profile in sheet.columns.values())
    if not proposal.currency:
        proposal.currency = currency_of(proposal, sheets)


def _used_columns(proposal: Proposal, file: str) -> set[str]:
    """The columns of a file that the proposal uses."""
    facts = [fact for fact in proposal.facts if fact.file == file]
    cells = [guess.cell for fact in facts for guess in fact.columns]
    parts = ("column", "plus", "minus", "time", "zone_column", "days")
    own = {str(name) for cell in cells for part in parts for name in as_list(cell.get(part))}
    joined = {name for fact in facts for join in fact.joins for name in join.match}
    of_others = {
        name
        for fact in proposal.facts
        for join in fact.joins
        if join.file == proposal.patterns.get(file)
        for name in (*join.match.values(), *join.columns.values())
    }
    settings = [fact.settings.get(name, {}) for fact in facts for name in ("where", "where_not")]
    return own | joined | of_others | {str(name) for each in settings for name in as_dict(each)}


def as_dict(value: object) -> Mapping[str, object]:
    """The value, if it is a table of a TOML file, else an empty one."""
    return value if isinstance(value, Mapping) else {}
