"""What stays of a forgotten buyer in the canonical tables: orders with amounts and times under a
pseudonym, and that something was written, scanned or disputed, and when. Texts, towns and tracking
numbers are removed. Erasing twice changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import polars as pl

from pipeline.sources.erased_ids import BUYER, NUMBER, PREFIX, ErasedIds, parcel_id
from pipeline.sources.store_data import StoreData

# texts that are removed, by table
REMOVED = {
    "messages": ("text", "topic", "intent", "urgency", "sentiment"),
    "tracking": ("location",),
    "disputes": ("reason",),
}
# ids that are numbered anew within their order, by table: they contain a tracking number, or the
# platform's number of a message
RENUMBERED = {"tracking": ("scan_id", "scan"), "messages": ("message_id", "message")}
Frames = Mapping[str, pl.DataFrame]


def erase_loaded(data: StoreData, erased: ErasedIds) -> StoreData:
    """The data of a source without what is to be forgotten."""
    return replace(data, frames=erase_tables(data.frames, erased)) if erased else data


def without_erased(
    faults: pl.DataFrame, orders: Collection[str], erased: ErasedIds
) -> pl.DataFrame:
    """The rows of a quarantine without those of forgotten buyers and of their `orders`."""
    if not erased:
        return faults
    is_theirs = [
        any(erased.mentions(row[name], orders) for name in ("record", "value"))
        for row in faults.iter_rows(named=True)
    ]
    return faults.filter(~pl.Series(is_theirs, dtype=pl.Boolean))


def erased_orders(frames: Frames, erased: ErasedIds) -> set[str]:
    """The orders of the tables that have a pseudonym of a forgotten buyer."""
    known = list(erased.replacements.values())
    return set(frames["orders"].filter(pl.col("buyer_id").is_in(known))["order_id"])


def erase_tables(frames: Frames, erased: ErasedIds) -> dict[str, pl.DataFrame]:
    """The tables without what is to be forgotten. Tables and columns may be missing."""
    changed = dict(frames)
    buyers = frames["orders"]["buyer_id"]
    pseudonyms = erased.mapping(BUYER, buyers)
    known = set(erased.replacements.values())
    is_theirs = buyers.is_in(list(pseudonyms)) | buyers.is_in(list(known))
    if not is_theirs.any():
        return changed
    orders = frames["orders"].filter(is_theirs)["order_id"]
    changed["orders"] = frames["orders"].with_columns(pl.col("buyer_id").replace(pseudonyms))
    parcels = _parcel_ids(frames, orders, erased)
    for name, frame in frames.items():
        if name != "orders" and "order_id" in frame.columns:
            changed[name] = _erased(name, frame, orders, parcels)
    return changed


def _erased(
    name: str, frame: pl.DataFrame, orders: pl.Series, parcels: pl.DataFrame
) -> pl.DataFrame:
    is_theirs = pl.col("order_id").is_in(orders.implode())
    nulls = [column for column in REMOVED.get(name, ()) if column in frame.columns]
    frame = frame.with_columns(
        pl.when(~is_theirs).then(pl.col(column)).alias(column) for column in nulls
    )
    if "shipment_id" in frame.columns:
        renamed = frame.join(
            parcels, on=["order_id", "shipment_id"], how="left", maintain_order="left"
        )
        frame = frame.with_columns(
            shipment_id=pl.coalesce(renamed["new_id"], pl.col("shipment_id"))
        )
    if name in RENUMBERED:
        column, noun = RENUMBERED[name]
        is_new = is_theirs & ~pl.col(column).str.starts_with(PREFIX)
        nth = pl.col(column).rank("ordinal").over("order_id").cast(pl.String)
        new_id = pl.concat_str(pl.lit(PREFIX), "order_id", pl.lit(f"-{noun}-"), nth)
        frame = frame.with_columns(pl.when(is_new).then(new_id).otherwise(column).alias(column))
    return frame


def _parcel_ids(frames: Frames, orders: pl.Series, erased: ErasedIds) -> pl.DataFrame:
    """`order_id, shipment_id, new_id` of the parcels of these orders that have another id yet: as
    the list of forgotten numbers has it, or the next one of the order."""
    schema = {"order_id": pl.String, "shipment_id": pl.String}
    parts = [pl.DataFrame(schema=schema)]
    parts += [frames[n].select(*schema) for n in ("shipments", "tracking") if n in frames]
    every = pl.concat(parts).filter(pl.col("order_id").is_in(orders.implode())).drop_nulls()
    every = every.unique().sort("order_id", "shipment_id")
    listed = erased.mapping(NUMBER, every["shipment_id"])
    is_old = every["shipment_id"].str.starts_with(PREFIX)
    taken: dict[str, set[str]] = {}
    for order_id, shipment_id in every.filter(is_old).iter_rows():
        taken.setdefault(order_id, set()).add(shipment_id)
    new: dict[tuple[str, str], str] = {}
    theirs = list(every.filter(~is_old).iter_rows())
    for order_id, shipment_id in sorted(theirs, key=lambda row: row[1] not in listed):
        of_order = taken.setdefault(order_id, set())
        other = listed.get(shipment_id)
        if other is None or other in of_order:
            other = parcel_id(order_id, of_order)
        of_order.add(other)
        new[order_id, shipment_id] = other
    rows = [(*key, other) for key, other in new.items()]
    return pl.DataFrame(rows, schema={**schema, "new_id": pl.String}, orient="row")
