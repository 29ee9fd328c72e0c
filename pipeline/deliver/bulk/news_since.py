"""What happened to buyers since the night, as far as the tables know it now: such a draft is no
longer sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.clock import calendar_day, day_number, in_days
from pipeline.deliver.bulk.automatic_drafts import AutomaticDraft
from pipeline.workspace.table_files import TableFiles

CONTACTED = "was contacted, or wrote, since the night"
DISPUTED = "has a dispute"
FOREVER = day_number(date(9999, 1, 1))


def news_since(files: TableFiles, drafts: Sequence[AutomaticDraft], as_of: date) -> dict[str, str]:
    """order id -> why its draft is no longer sent. A contact or message about any order of the
    buyer counts."""
    if not drafts:
        return {}
    buyer_of = {draft.buyer_id: draft.order_id for draft in drafts}
    orders = files.read_all_of("orders").select("order_id", "buyer_id")
    orders = orders.filter(pl.col("buyer_id").is_in(list(buyer_of)))
    is_since = in_days(pl.col("known_day"), day_number(as_of), FOREVER)
    contacts = files.read_contacts().filter(is_since)["order_id"]
    messages = files.read_facts("messages", orders["order_id"]).filter(is_since)["order_id"]
    touched = orders.filter(pl.col("order_id").is_in([*contacts, *messages]))["buyer_id"]
    own = pl.Series([draft.order_id for draft in drafts], dtype=pl.String)
    disputed = files.read_facts("disputes", own).filter(is_since)["order_id"]
    return dict.fromkeys((buyer_of[buyer] for buyer in touched), CONTACTED) | dict.fromkeys(
        disputed, DISPUTED
    )


def currencies_of(files: TableFiles, drafts: Sequence[AutomaticDraft]) -> dict[str, str | None]:
    """order id -> currency."""
    ids = pl.Series([draft.order_id for draft in drafts], dtype=pl.String)
    return dict(files.read_facts("orders", ids).select("order_id", "currency").iter_rows())


def last_day_of(as_of: date, days: int) -> date:
    """The last day on which the drafts of a night are sent."""
    return calendar_day(day_number(as_of) + days - 1)
