"""The stage of an order: before_shipment, dispatch, in_transit, delivered, or unknown."""

from __future__ import annotations

import polars as pl

from features.asof import ROW_KEY, visible_facts
from features.clock import days_between
from features.tables import Tables

STAGES = ("before_shipment", "dispatch", "in_transit", "delivered")
# an undelivered order of a store whose data has no shipments: it may have left or not
UNKNOWN = "unknown"
STAGES_AND_UNKNOWN = (*STAGES, UNKNOWN)

# After hand-over a parcel stays at "dispatch" until the carrier's first movement scan. If no scans
# reach us, it stays there for three days: sellers are advised to act when there is no first scan
# within 48-72 hours.
DISPATCH_DAYS = 3
NOT_YET_MOVING = ["NotFound", "InfoReceived"]


def build_stages(tables: Tables, spine: pl.DataFrame) -> pl.DataFrame:
    """Add the stage of each order and the visible milestones that determine it.

    Returns `spine`, in its order, with the columns `handed_over_at`, `moving_at`, `delivered_at`
    (UTC; null if not visible yet) and `stage` (one of `STAGES_AND_UNKNOWN`).
    """
    handed_over = _first_occurrence(spine, tables["shipments"], "handed_over_at")
    status = pl.col("status")
    moving = tables["tracking"].filter(~status.is_in([*NOT_YET_MOVING, "Delivered"]))
    delivered = tables["tracking"].filter(status == "Delivered")
    rows = spine
    for milestone in (
        handed_over,
        _first_occurrence(spine, moving, "moving_at"),
        _first_occurrence(spine, delivered, "delivered_at"),
    ):
        rows = rows.join(milestone, on=ROW_KEY, how="left", maintain_order="left")
    days_since_hand_over = days_between(pl.col("handed_over_at"), pl.col("as_of"))
    is_moving = pl.col("moving_at").is_not_null() | (days_since_hand_over > DISPATCH_DAYS)
    stage = (
        pl.when(pl.col("delivered_at").is_not_null())
        .then(pl.lit("delivered"))
        .when(is_moving)
        .then(pl.lit("in_transit"))
        .when(pl.col("handed_over_at").is_not_null())
        .then(pl.lit("dispatch"))
        .otherwise(pl.lit("before_shipment" if tables.has_shipments else UNKNOWN))
    )
    return rows.with_columns(stage=stage)


def _first_occurrence(spine: pl.DataFrame, facts: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row per spine row with a visible fact: the first `occurred_at`, as column `name`."""
    return (
        visible_facts(spine, facts).group_by(ROW_KEY).agg(pl.col("occurred_at").min().alias(name))
    )
