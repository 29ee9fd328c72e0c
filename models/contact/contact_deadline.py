"""The last day on which an action for an order still helps."""

from __future__ import annotations

import polars as pl

from features.clock import calendar_day
from models.contact.assumed_deadline import assumed_days
from models.contact.waiting import add_waiting


def add_contact_by(
    listed: pl.DataFrame, as_of_day: int, waiting: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Add `contact_by`, the last date on which a message still arrives before the buyer complains.

    With `waiting`, the table of `waiting_losses`: the last date by which at most a tenth of the
    disputes to come have been opened. Without it: the date after `assumed_days`. Never a past day,
    and never more than 30 days ahead.
    """
    if waiting is None:
        days = listed.select(days=assumed_days())
    else:
        days = add_waiting(listed, waiting).select(days="contact_by_days")
    date = pl.lit(calendar_day(as_of_day)) + pl.duration(days="days")
    return listed.with_columns(days.select(contact_by=date)["contact_by"])
