"""The parcels of a workspace that are on their way: those of orders that are open in the night
after the newest fact."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.spine import DisputeWindow, build_spine
from features.tables import Tables
from pipeline.sources.erased_ids import PREFIX

# what both services accept; a shop's own ids of parcels, such as `7-1`, are no tracking numbers
NUMBER = r"^[A-Z0-9][A-Z0-9-]{3,48}[A-Z0-9]$"


@dataclass(frozen=True)
class Parcel:
    """A tracking number in upper case, and the carrier as the store's data writes it."""

    number: str
    carrier: str = ""


def open_parcels(tables: Tables, window: DisputeWindow) -> list[Parcel]:
    """The parcels of open orders that no scan shows as delivered, the newest first: if the quota is
    short, they can be followed for the longest time."""
    days = [frame["known_day"].max() for frame in tables.frames.values()]
    newest = max((day for day in days if isinstance(day, int)), default=0)
    spine = build_spine(tables, [newest + 1], window)
    delivered = tables["tracking"].filter(pl.col("status") == "Delivered")
    number = pl.col("shipment_id").str.strip_chars().str.to_uppercase()
    # sources that know no number name a parcel after its order
    is_own = pl.col("shipment_id").str.starts_with(pl.col("order_id"))
    # the numbers of forgotten buyers are gone
    is_own |= pl.col("shipment_id").str.starts_with(PREFIX)
    rows = (
        tables["shipments"]
        .join(spine, on="order_id", how="semi")
        .join(delivered, on="shipment_id", how="anti")
        .filter(~is_own)
        .sort("occurred_at", "shipment_id", descending=[True, False])
        .select(number=number, carrier=pl.col("carrier").fill_null(""))
        .filter(pl.col("number").str.contains(NUMBER))
        .unique("number", keep="first", maintain_order=True)
    )
    return [Parcel(*row) for row in rows.iter_rows()]
