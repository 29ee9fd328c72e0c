"""Stack the training rows of several stores, so that a large store does not outweigh the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.labels import disputed_orders

WEIGHT = "weight"


@dataclass(frozen=True)
class PooledStore:
    """What one store gave to a pooled model.

    `store` is an id that does not tell the store's name, `rows` its number of order-nights,
    `disputed_orders` how many of its orders were disputed, and `weight` the weight of each row. The
    mean weight of all rows is 1.
    """

    store: str
    rows: int
    disputed_orders: int
    weight: float


def pooled_stores(rows_by_store: Mapping[str, pl.DataFrame]) -> list[PooledStore]:
    """One entry per store that has rows, sorted by id.

    The rows of a store with n of them count as the square root of n: a store with a hundred times
    the rows counts ten times as much. With one store every weight is exactly 1.
    """
    used = {store: rows for store, rows in sorted(rows_by_store.items()) if rows.height}
    counts = np.array([rows.height for rows in used.values()], dtype=float)
    # divided by the largest store first, so that the weight of a single store is exactly 1
    relative = np.sqrt(counts.max(initial=1.0) / counts)
    weights = relative * counts.sum() / (relative @ counts)
    return [
        PooledStore(store, rows.height, disputed_orders(rows), float(weight))
        for (store, rows), weight in zip(used.items(), weights, strict=True)
    ]


def stack_rows(
    rows_by_store: Mapping[str, pl.DataFrame], stores: Sequence[PooledStore]
) -> pl.DataFrame:
    """All rows of `stores` in one frame, with `weight`.

    `order_id` becomes `<store>:<order id>`, because two stores may use the same ids. All frames
    have the same columns.
    """
    return pl.concat(
        [
            rows_by_store[each.store].with_columns(
                pl.format("{}:{}", pl.lit(each.store), "order_id").alias("order_id"),
                pl.lit(each.weight).alias(WEIGHT),
            )
            for each in stores
        ]
    )
