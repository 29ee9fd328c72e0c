"""The same features of one night if the orders do not fit into memory: they are read in parts.

    each part   -> its open orders, and what all its orders add to the totals  (`read_part`)
    all parts   -> the totals over all orders                                  (`add_up`)
    open orders -> their features                                              (`features_of_part`)

Only the facts of open orders are kept. The totals of a buyer with a single order are kept only if
that order is open: an order never counts in its own history, so no other order needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from features.build.registry import features_of
from features.spine import DEFAULT_WINDOW, DisputeWindow, build_spine, closings
from features.tables import Tables
from features.totals.entity_measures import ENTITIES, SCANS_LOOKBACK
from features.totals.entity_totals import Totals, subtract_own, total_part
from features.totals.family_inputs import FamilyInputs, build_rows, gather_entity_facts, scans_since


@dataclass(frozen=True)
class Part:
    """The open orders of a part of the store at one night.

    `spine` has one row per open order; `tables` and `returning` have the facts of these orders and
    of all products.
    """

    spine: pl.DataFrame
    tables: Tables
    returning: pl.DataFrame


def read_part(
    tables: Tables,
    returning: pl.DataFrame,
    repeated: pl.DataFrame,
    as_of_day: int,
    window: DisputeWindow = DEFAULT_WINDOW,
) -> tuple[Part, Totals]:
    """The open orders of a part, and what all its orders add to the totals over all orders.

    `tables` has all facts of the part's orders. `returning` and `repeated` are the two results of
    `features.totals.order_facts.split_buyers` for all orders, limited to those of the part. For the
    totals see `features.totals.entity_totals.total_part`.
    """
    closed = closings(tables)
    spine = build_spine(tables, [as_of_day], window, closed if window == DEFAULT_WINDOW else None)
    # scans since the night, not the spine: a part without open orders also has facts of its lanes
    totals = total_part(
        gather_entity_facts(tables, returning, as_of_day - SCANS_LOOKBACK, closed), as_of_day
    )
    own = spine.select("order_id")

    def of_open(frame: pl.DataFrame) -> pl.DataFrame:
        # shortcut: most parts of a long history have no open order
        return frame.clear() if own.is_empty() else frame.join(own, on="order_id", how="semi")

    open_tables = {
        name: of_open(f) if "order_id" in f.columns else f for name, f in tables.frames.items()
    }
    kept = pl.concat([repeated.select("buyer_id"), open_tables["orders"].select("buyer_id")])
    totals["buyer_id"] = totals["buyer_id"].join(kept, on="buyer_id", how="semi")
    open_orders = tables.with_frames(open_tables)
    return Part(spine, open_orders, of_open(returning)), totals


def add_up(totals: Iterable[Totals]) -> Totals:
    """The sums of the parts' totals: per entity one row per value."""
    parts: dict[str, list[pl.DataFrame]] = {entity: [] for entity in ENTITIES}
    for part in totals:
        for entity, frame in part.items():
            parts[entity].append(frame)
    return {entity: pl.concat(frames).group_by(entity).sum() for entity, frames in parts.items()}


def features_of_part(part: Part, everyone: Totals) -> pl.DataFrame:
    """The output of `features.build.registry.build_features` for the part's spine."""
    return features_from(part.tables, part.returning, part.spine, everyone)


def features_from(
    tables: Tables, returning: pl.DataFrame, spine: pl.DataFrame, everyone: Totals
) -> pl.DataFrame:
    """The features of `spine`. `tables` and `returning` have the facts of its orders.

    `everyone` has per entity one row per value, or per value and `as_of_day`, with the totals over
    all orders.
    """
    rows = build_rows(tables, spine)
    totals = {}
    for entity in ENTITIES:
        key = [name for name in (entity, "as_of_day") if name in everyone[entity].columns]
        joined = rows.select(key).join(everyone[entity], on=key, how="left", maintain_order="left")
        totals[entity] = joined.drop(key)
    facts = gather_entity_facts(tables, returning, scans_since(spine))
    return features_of(FamilyInputs(tables, rows, subtract_own(facts, rows, totals)))
