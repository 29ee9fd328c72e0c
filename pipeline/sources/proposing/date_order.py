"""Whether the day or the month comes first, where each single value leaves it open: other columns
of the file, the order of its rows and the times of its orders may decide it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from pipeline.sources.mapped.cells import moment
from pipeline.sources.mapped.column_profile import Profile, Sheet
from pipeline.sources.mapped.mapping_cells import Cell
from pipeline.sources.proposing.proposal import Key

LOOK = "may also be {}: LOOK, does the day or the month come first?"
# fewer dates may be in order by chance
FEWEST_DATES = 6
# an event of an order is rarely later than this
LONGEST_DAYS = 400


def in_order_of(profile: Profile) -> list[str]:
    """The formats for a column: of times that may be read in two ways, both, so that a row is
    refused until one is chosen."""
    return [form for form in (profile.format, *profile.rivals) if form]


def settle_by_rows(sheet: Sheet) -> None:
    """Settle the formats by the other columns of the file, or by the order of its rows."""
    known = {
        profile.format[:2]
        for profile in sheet.columns.values()
        if profile.is_time and profile.format and not profile.rivals and profile.format[2:3] in "/-"
    }
    firsts = known & {"%d", "%m"}
    for name, profile in sheet.columns.items():
        if not profile.rivals:
            continue
        if len(firsts) == 1:
            settled = _starting_with(profile, next(iter(firsts)))
        else:
            settled = _in_row_order(sheet, profile)
        if settled is not None:
            sheet.columns[name] = settled


def _starting_with(profile: Profile, first: str) -> Profile | None:
    forms = [form for form in in_order_of(profile) if form.startswith(first)]
    return replace(profile, format=forms[0], rivals=()) if len(forms) == 1 else None


def _times(sheet: Sheet, profile: Profile, form: str) -> pl.Series:
    cell = Cell(column=(profile.name,), format=(form,))
    return sheet.rows.select(moment(cell, "UTC").alias("time")).to_series()


def _in_row_order(sheet: Sheet, profile: Profile) -> Profile | None:
    """The format in which the rows are in order of time, if that holds for one format only."""
    sorted_by = []
    for form in in_order_of(profile):
        times = _times(sheet, profile, form).drop_nulls()
        days = times.dt.date()
        if days.n_unique() < FEWEST_DATES:
            return None
        if days.is_sorted() or days.is_sorted(descending=True):
            sorted_by.append(form)
    return replace(profile, format=sorted_by[0], rivals=()) if len(sorted_by) == 1 else None


def settle_by_orders(sheet: Sheet, key: Key, placed: pl.DataFrame) -> None:
    """Settle the formats by the times of the orders: what happens to an order comes after it.
    `placed`: `order_id, placed_at`."""
    if all(not profile.rivals for profile in sheet.columns.values()) or key.join is not None:
        return
    ids = pl.col(key.column).str.strip_chars().str.strip_prefix(key.strip)
    for name, profile in sheet.columns.items():
        if not profile.rivals:
            continue
        fitting = []
        for form in in_order_of(profile):
            cell = Cell(column=(name,), format=(form,))
            events = sheet.rows.select(order_id=ids, at=moment(cell, "UTC")).drop_nulls()
            both = events.join(placed, on="order_id", how="inner")
            later = (both["at"] - both["placed_at"]).dt.total_days()
            if later.len() >= FEWEST_DATES and later.is_between(-1, LONGEST_DAYS).mean() == 1.0:
                fitting.append(form)
        if len(fitting) == 1:
            sheet.columns[name] = replace(profile, format=fitting[0], rivals=())
