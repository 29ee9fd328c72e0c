"""Build one night's features from the workspace's files, part by part.

Only the facts of open orders stay in memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl

from features.build.out_of_core import Part, add_up, features_of_part, read_part
from features.spine import DisputeWindow
from features.totals.entity_totals import Totals
from features.totals.order_facts import split_buyers
from pipeline.workspace.stored_tables import NUMBER
from pipeline.workspace.table_files import TableFiles

# parts processed at the same time: while one runs a step that uses one core, the others continue
AT_ONCE = 3


def night_features(
    files: TableFiles, as_of_day: int, window: DisputeWindow, orders_per_part: int
) -> pl.DataFrame:
    """The features of all orders open and undisputed on `as_of_day`, sorted by order_id.

    The result is that of `features.build.registry.build_features` for these orders.
    """
    returning, repeated = split_buyers(files.read_buyers())

    def read(first: int) -> tuple[Part, Totals]:
        is_in = pl.col("order_id").is_between(first, first + orders_per_part - 1)
        tables = files.read_part(first, orders_per_part)
        return read_part(tables, returning.filter(is_in), repeated.filter(is_in), as_of_day, window)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        read_parts = list(pool.map(read, range(0, max(files.count_orders(), 1), orders_per_part)))
        totals = add_up(part_totals for _, part_totals in read_parts)
        parts = [part for part, _ in read_parts if not part.spine.is_empty()] or [read_parts[0][0]]
        del read_parts
        features = pl.concat(pool.map(lambda part: features_of_part(part, totals), parts))
    names = files.read_names(features["order_id"])
    named = features.rename({"order_id": NUMBER}).join(
        names, on=NUMBER, how="left", maintain_order="left"
    )
    return named.select("order_id", *features.columns[1:])
