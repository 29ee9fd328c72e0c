"""The facts that a preset gives for a file, with the columns and the formats that the file has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from pipeline.sources.mapped.cells import moment
from pipeline.sources.mapped.column_profile import FITS, Profile, Sheet, profile_column
from pipeline.sources.mapped.mapping import REQUIRED
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.mapped.source_rows import packed_columns
from pipeline.sources.proposing.date_order import LOOK, in_order_of
from pipeline.sources.proposing.presets import Preset, PresetFact, header
from pipeline.sources.proposing.proposal import FactGuess, Guess, Key, as_list

SURE = 0.95


def preset_facts(
    sheet: Sheet, preset: Preset, key: Key | None, *, is_weak: bool
) -> Iterator[FactGuess]:
    """Yield the facts of the preset for which the file has the columns. `key`: how its rows name
    orders. `is_weak`: those that are for want of a better file, else the others."""
    for fact in preset.facts:
        if fact.is_weak == is_weak and (guess := _fact(sheet, fact, key)) is not None:
            yield guess


def preset_key(sheet: Sheet, preset: Preset) -> Key | None:
    """The order ids of the orders in a file that lists orders."""
    for fact in preset.facts:
        if fact.table == "orders":
            cell = fact.columns["order_id"]
            column = next(iter(_existing(sheet, cell["column"])), None)
            if column is not None:
                starts = sheet.all_values(column).str.starts_with("#")
                strip = "#" if starts.len() and starts.all() else ""
                return Key(column, strip, 1.0)
    return None


def _fact(sheet: Sheet, fact: PresetFact, key: Key | None) -> FactGuess | None:
    settings = _settings(sheet, fact.settings)
    if settings is None:
        return None
    prefix = str(settings.get("packed", {}).get("prefix", ""))
    guesses = [
        guess
        for name, cell in fact.columns.items()
        if name != "order_id" and (guess := _guess(sheet, name, cell, prefix)) is not None
    ]
    if fact.table != "products":
        if key is None:
            return None
        guesses.insert(0, Guess("order_id", key.cell(), key.sure))
    names = {guess.name for guess in guesses}
    if any(name not in names for name in REQUIRED[fact.table]):
        return None
    per = header(sheet.columns, fact.per) if fact.per else ""
    if fact.per and not per:
        return None
    joins = key.joins if key and fact.table != "products" else ()
    return FactGuess(fact.table, sheet.file, guesses, per or "", "", settings, joins)


def _settings(sheet: Sheet, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The other entries of a fact, with the columns of the file; None if it lacks one."""
    own: dict[str, Any] = dict(settings)
    for entry in ("where", "where_not"):
        if entry not in settings:
            continue
        columns = {header(sheet.columns, name): values for name, values in settings[entry].items()}
        if None in columns and entry == "where":
            return None
        own[entry] = {name: values for name, values in columns.items() if name is not None}
    if "packed" in settings:
        shapes = as_list(settings["packed"]["column"])
        has = [str(shape) for shape in shapes if packed_columns([str(shape)], list(sheet.columns))]
        if not has:
            return None
        own["packed"] = {**settings["packed"], "column": has[0]}
    return {name: value for name, value in own.items() if value != {}}


def _existing(sheet: Sheet, columns: object, prefix: str = "") -> list[str]:
    """Those of the columns that the file has, or that are fields of packed items."""
    names = [str(name) for name in as_list(columns)]
    own = (
        name if prefix and name.startswith(prefix) else header(sheet.columns, name)
        for name in names
    )
    return list(dict.fromkeys(name for name in own if name is not None))


def _guess(sheet: Sheet, name: str, cell: Mapping[str, Any], prefix: str) -> Guess | None:
    if "value" in cell:
        return Guess(name, cell, 1.0)
    columns = _existing(sheet, cell["column"], prefix)
    if not columns:
        return None
    made: dict[str, Any] = {**cell, "column": columns if len(columns) > 1 else columns[0]}
    for part in ("plus", "minus", "time"):
        own = _existing(sheet, cell.get(part), prefix)
        made.pop(part, None)
        if own:
            made[part] = own
    for part in ("zone_column", "days"):
        own = _existing(sheet, cell.get(part))
        made.pop(part, None)
        if own:
            made[part] = own[0]
        elif part == "days" and part in cell:
            return None
    if name.endswith("_at"):
        return _time(sheet, name, made, columns)
    if name == "amount" and not _has_decimals(sheet, columns):
        # amounts in cents look like amounts a hundred times as large
        return None
    return Guess(name, made, SURE)


def _has_decimals(sheet: Sheet, columns: Sequence[str]) -> bool:
    values = [sheet.all_values(name) for name in columns if name in sheet.columns]
    filled = pl.concat(values) if values else pl.Series([""], dtype=pl.String)
    return filled.is_empty() or not values or bool(filled.str.contains(r"[.,]\d{1,2}\b").any())


def _time(sheet: Sheet, name: str, cell: dict[str, Any], columns: Sequence[str]) -> Guess | None:
    pinned = [str(form) for form in as_list(cell.pop("format", None))]
    profiles = [_profile(sheet, column, cell) for column in columns if column in sheet.columns]
    filled = [profile for profile in profiles if profile.filled]
    if pinned and all(_fits(sheet, column, pinned) for column in columns):
        return Guess(name, {**cell, "format": pinned}, SURE)
    if any(not profile.is_time for profile in filled):
        return Guess(name, cell, 0.3, "LOOK: not all values are times") if filled else None
    formats = list(dict.fromkeys(form for each in filled for form in in_order_of(each)))
    if not filled:
        common = Counter(each.format for each in sheet.columns.values() if each.format)
        formats = [form for form, _ in common.most_common(1)]
    if formats:
        cell["format"] = formats if len(formats) > 1 else formats[0]
    rivals = next((each for each in filled if each.rivals), None)
    if rivals is not None:
        return Guess(name, cell, 0.5, LOOK.format(rivals.rivals[0]))
    return Guess(name, cell, SURE)


def _profile(sheet: Sheet, column: str, cell: Mapping[str, Any]) -> Profile:
    """The profile of a time column, together with the column of its time of day."""
    clocks = [name for name in as_list(cell.get("time")) if name in sheet.columns]
    own = sheet.columns[column]
    if not clocks or not own.filled:
        return own
    both = sheet.rows.select(
        pl.concat_str(
            pl.col(column).str.strip_chars(),
            pl.col(str(clocks[0])).str.strip_chars(),
            separator=" ",
            ignore_nulls=True,
        ).alias(column)
    )
    profile = profile_column(column, both[column].drop_nulls(), sheet.rows.height)
    # the order of day and month may have been found for the date alone
    return _in_order_of_date(profile, own)


def _in_order_of_date(both: Profile, date: Profile) -> Profile:
    """The profile of date and time, in the order of day and month that the date has."""
    if date.rivals or not both.rivals or date.format is None:
        return both
    forms = [both.format or "", *both.rivals]
    same = next((form for form in forms if form[:5] == date.format[:5]), None)
    return replace(both, format=same, rivals=()) if same else both


def _fits(sheet: Sheet, column: str, formats: Sequence[str]) -> bool:
    values = sheet.values(column)
    values = values.filter(values != "")
    if values.is_empty():
        return True
    cell = Cell(column=("x",), format=tuple(formats))
    times = values.alias("x").to_frame().select(moment(cell, "UTC")).to_series()
    return times.drop_nulls().len() >= FITS * values.len()
