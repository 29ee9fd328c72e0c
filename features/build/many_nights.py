"""The same features of any order-nights if the orders do not fit into memory: read in parts.

    each part  -> the entities of its order-nights, by night: requests    (`requests_of`)
    each part  -> what all its orders add to the totals of the requests   (`total_requests`)
    all parts  -> the totals of the requests over all orders              (`add_up_requests`)
    each part  -> the features of its order-nights                        (`features_from`)

What is kept between the parts grows with the order-nights, not with the orders of the store.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from features.tables import Tables
from features.totals.entity_measures import ENTITIES, total_names
from features.totals.entity_totals import Totals
from features.totals.family_inputs import add_entities

# the tables from which the entities of an order-night come
REQUEST_TABLES = ("orders", "order_lines", "products")


def requests_of(tables: Tables, spine: pl.DataFrame) -> Totals:
    """The totals that the rows of `spine` need: per entity `<entity>, as_of_day`, each pair once.

    `tables` has `REQUEST_TABLES` with the facts of the spine's orders.
    """
    rows = add_entities(tables, spine)
    return {entity: rows.select(entity, "as_of_day").drop_nulls().unique() for entity in ENTITIES}


def merge_requests(parts: Iterable[Totals]) -> Totals:
    """The requests of all parts, each once."""
    merged: dict[str, list[pl.DataFrame]] = {entity: [] for entity in ENTITIES}
    for part in parts:
        for entity, frame in part.items():
            merged[entity].append(frame)
    return {entity: pl.concat(frames).unique() for entity, frames in merged.items()}


def add_up_requests(requests: Totals, parts: Iterable[Totals]) -> Totals:
    """The requests with their totals over all orders.

    `parts`: the outputs of `features.totals.entity_totals.total_requests`, one per part.
    """
    sums = {
        entity: {name: np.zeros(frame.height, dtype=np.int64) for name in total_names(entity)}
        for entity, frame in requests.items()
    }
    for part in parts:
        for entity, totals in part.items():
            request = totals["request"].to_numpy()
            for name, total in sums[entity].items():
                total[request] += totals[name].to_numpy()
    return {entity: frame.hstack(pl.DataFrame(sums[entity])) for entity, frame in requests.items()}
