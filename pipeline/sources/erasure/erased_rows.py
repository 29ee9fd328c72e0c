"""What stays of a forgotten buyer in the rows that SOURCE=aliexpress keeps of its dumps: the rows
that make the same facts, without ids, numbers and texts. Erasing twice changes nothing, and a new
row is erased like the row of the same content before it, so it is the same row again."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.sources.erased_ids import BUYER, NUMBER, PREFIX, ErasedIds
from pipeline.sources.phrases import status_of

# kinds of rows: those of `pipeline.sources.aliexpress.record_columns`
ORDERS, PARCELS, SCANS, MESSAGES, UNREAD = "orders", "parcels", "tracking", "messages", "unread"
Rows = Mapping[str, pl.DataFrame]
ERASED_RECORD = "a record of a buyer who was forgotten"


def buyer_orders(rows: Rows, buyers: set[str]) -> set[str]:
    """The ids of the orders of these buyers."""
    orders = rows[ORDERS]
    return set(orders.filter(pl.col("buyer_id").is_in(list(buyers)))["order_id"].drop_nulls())


def numbers_of(rows: Rows, orders: set[str]) -> list[tuple[str, str]]:
    """`(number, order_id)` of the parcels of these orders, without those erased already."""
    is_theirs = pl.col("order_id").is_in(list(orders)) & pl.col("number").is_not_null()
    parts = [rows[kind].filter(is_theirs).select("number", "order_id") for kind in (PARCELS, SCANS)]
    both = pl.concat(parts).filter(~pl.col("number").str.starts_with(PREFIX))
    return list(both.unique(maintain_order=True).iter_rows())


def has_erased(rows: Rows, known: set[str], erased: ErasedIds) -> bool:
    """Whether rows are about a forgotten buyer. `known`: the ids of the buyer's orders so far."""
    names = pl.concat([rows[ORDERS]["buyer_id"], rows[MESSAGES]["buyer_id"]])
    numbers = pl.concat([rows[PARCELS]["number"], rows[SCANS]["number"]])
    with_orders = [frame["order_id"] for frame in rows.values() if "order_id" in frame.columns]
    return (
        bool(erased.mapping(BUYER, names) or erased.mapping(NUMBER, numbers))
        or any(orders.is_in(list(known)).any() for orders in with_orders)
        or any(erased.mentions(text, known) for text in rows[UNREAD]["what"])
    )


def erase_rows(rows: Rows, erased: ErasedIds) -> dict[str, pl.DataFrame]:
    """The rows without what is to be forgotten, each distinct row once."""
    if not erased:
        return dict(rows)
    names = pl.concat([rows[ORDERS]["buyer_id"], rows[MESSAGES]["buyer_id"]])
    pseudonyms = erased.mapping(BUYER, names)
    buyers = set(pseudonyms) | set(erased.replacements.values())
    orders = buyer_orders(rows, buyers)
    # numbers of orders that became known after the erasure
    numbers = {number: f"{PREFIX}{order_id}" for number, order_id in numbers_of(rows, orders)}
    both = pl.concat([rows[PARCELS]["number"], rows[SCANS]["number"]])
    numbers = {**erased.mapping(NUMBER, both), **numbers}
    is_erased = pl.col("number").is_in(list(numbers)) | pl.col("number").str.starts_with(PREFIX)
    is_erased = (is_erased | pl.col("order_id").is_in(list(orders))).fill_null(False)
    changed = dict(rows)
    changed[ORDERS] = rows[ORDERS].with_columns(pl.col("buyer_id").replace(pseudonyms))
    changed[PARCELS] = rows[PARCELS].with_columns(pl.col("number").replace(numbers))
    changed[SCANS] = _scans_without_words(rows[SCANS], is_erased).with_columns(
        pl.col("number").replace(numbers)
    )
    of_buyer = pl.col("buyer_id").is_in(list(buyers)) | pl.col("order_id").is_in(list(orders))
    changed[MESSAGES] = _anonymous_messages(rows[MESSAGES], of_buyer.fill_null(False), pseudonyms)
    changed[UNREAD] = _without_records(rows[UNREAD], erased, orders)
    return {kind: _distinct(frame) for kind, frame in changed.items()}


def _scans_without_words(scans: pl.DataFrame, is_erased: pl.Expr) -> pl.DataFrame:
    """What the carrier wrote names towns and people; its status stays."""
    status, sub_status = status_of(pl.col("words"))
    with_words = is_erased & pl.col("words").is_not_null()
    return scans.with_columns(
        status=pl.when(with_words).then(pl.coalesce("status", status)).otherwise("status"),
        sub_status=pl.when(with_words)
        .then(pl.coalesce("sub_status", sub_status))
        .otherwise("sub_status"),
        words=pl.when(~is_erased).then("words"),
    )


def _anonymous_messages(
    messages: pl.DataFrame, is_theirs: pl.Expr, pseudonyms: Mapping[str, str]
) -> pl.DataFrame:
    """That a message was sent, by whom and when. Its channel is a number of the buyer."""
    channel = pl.when(is_theirs).then(pl.lit(None, pl.String)).otherwise("channel_id")
    return messages.with_columns(
        text=pl.when(~is_theirs).then("text"),
        channel_id=channel,
        buyer_id=pl.col("buyer_id").replace(pseudonyms),
    )


def _without_records(unread: pl.DataFrame, erased: ErasedIds, orders: set[str]) -> pl.DataFrame:
    """Records that could not be read keep only that they were there."""
    is_theirs = pl.Series(
        [erased.mentions(text, orders) for text in unread["what"]], dtype=pl.Boolean
    )
    return unread.with_columns(
        what=pl.when(is_theirs).then(pl.lit(ERASED_RECORD)).otherwise("what")
    )


def _distinct(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in their order; of those with the same content, the first."""
    content = [name for name in frame.columns if not name.startswith("__")]
    return frame.unique(content, keep="first", maintain_order=True)
