"""The same features of one night where all orders do not fit into memory: they come part by part.

    each part   -> its open orders with their facts, and what all its orders add to everyone's
    totals   (`read_part`)
    all parts   -> everyone's totals
    (`add_up`)
    a part anew -> the features of its open orders
    (`features_of_part`)

Only facts of open orders are kept. An order never counts in its own history, so what is told of a
buyer with a single order is needed for that order alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from features.build.registry import features_of
from features.spine import DEFAULT_WINDOW, DisputeWindow, build_spine, closings
from features.tables import Tables
from features.totals.entity_totals import ENTITIES, SCANS_LOOKBACK, Totals, subtract_own, total_part
from features.totals.family_inputs import FamilyInputs, build_rows, gather_entity_facts, scans_since


@dataclass(frozen=True)
class Part:
    """Some orders at one night.

    `spine`: those that are open; `tables` and `returning`: what is known of these and of their
    products.
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
    """The part, and what all its orders add to everyone's totals (see
    `features.totals.entity_totals.total_part`).

    `tables`: all facts of some orders; `returning` and `repeated` are of these: what
    `features.totals.order_facts.split_buyers` finds among all there are.
    """
    closed = closings(tables)
    spine = build_spine(tables, [as_of_day], window, closed if window == DEFAULT_WINDOW else None)
    # of the night, not of the spine: a part without open orders has news of its lanes too
    totals = total_part(
        gather_entity_facts(tables, returning, as_of_day - SCANS_LOOKBACK, closed), as_of_day
    )
    own = spine.select("order_id")

    def of_open(frame: pl.DataFrame) -> pl.DataFrame:
        # most parts of a long history have no open order at all
        return frame.clear() if own.is_empty() else frame.join(own, on="order_id", how="semi")

    open_tables = {
        name: of_open(f) if "order_id" in f.columns else f for name, f in tables.frames.items()
    }
    kept = pl.concat([repeated.select("buyer_id"), open_tables["orders"].select("buyer_id")])
    totals["buyer_id"] = totals["buyer_id"].join(kept, on="buyer_id", how="semi")
    open_orders = Tables(open_tables, tables.zone, tables.has_partial_outcomes)
    return Part(spine, open_orders, of_open(returning)), totals


def add_up(totals: Iterable[Totals]) -> Totals:
    """The totals of all parts together: per entity one row per value."""
    found: dict[str, list[pl.DataFrame]] = {entity: [] for entity in ENTITIES}
    for one in totals:
        for entity, frame in one.items():
            found[entity].append(frame)
    return {entity: pl.concat(frames).group_by(entity).sum() for entity, frames in found.items()}


def features_of_part(part: Part, everyone: Totals) -> pl.DataFrame:
    """One row per row of the part's spine, in its order; see
    `features.build.registry.build_features`."""
    rows = build_rows(part.tables, part.spine)
    totals = {
        entity: rows.select(entity)
        .join(everyone[entity], on=entity, how="left", maintain_order="left")
        .drop(entity)
        for entity in ENTITIES
    }
    told = gather_entity_facts(part.tables, part.returning, scans_since(part.spine))
    return features_of(FamilyInputs(part.tables, rows, subtract_own(told, rows, totals)))
