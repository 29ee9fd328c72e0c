"""Build the features of any order-nights from the workspace's files, part by part.

The memory grows with the order-nights, not with the orders of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

from features.build.many_nights import REQUEST_TABLES, add_up_requests, merge_requests, requests_of
from features.build.out_of_core import features_from
from features.spine import SPELL_COLUMNS, DisputeWindow, open_spells
from features.tables import TABLES, Tables
from features.totals.entity_totals import Totals, total_requests
from features.totals.family_inputs import gather_entity_facts, scans_since
from features.totals.order_facts import returning_facts
from pipeline.workspace.progress import counted
from pipeline.workspace.stored_tables import NUMBER
from pipeline.workspace.table_files import TableFiles

# parts processed at the same time: while one runs a step that uses one core, the other continues
AT_ONCE = 2
# features are built for this many order-nights at a time: each has hundreds of totals
ROWS_AT_ONCE = 50_000
# an order-night's row in the spine
ROW = "row"
Item = TypeVar("Item")
Result = TypeVar("Result")


def read_spells(files: TableFiles, window: DisputeWindow, orders_per_part: int) -> pl.DataFrame:
    """`features.spine.open_spells` of all orders."""

    def read(first: int) -> pl.DataFrame:
        spells = open_spells(files.read_part(first, orders_per_part, SPELL_COLUMNS), window)
        names = files.read_part_names(first, orders_per_part)
        return _named(spells, names).select("order_id", "first_day", "last_day")

    return pl.concat(_in_turn(read, _firsts(files, orders_per_part)))


def feature_parts(
    files: TableFiles, spine: pl.DataFrame, orders_per_part: int
) -> Iterator[pl.DataFrame]:
    """The output of `features.build.registry.build_features` for the rows of `spine`, in pieces.

    `spine` must be sorted by order, as `features.spine` makes it.
    """
    numbered = _number_spine(files, spine, orders_per_part)
    returning = returning_facts(files.read_buyers())

    def returning_of(first: int) -> pl.DataFrame:
        is_in = pl.col("order_id").is_between(first, first + orders_per_part - 1)
        return returning.filter(is_in)

    def total(first: int) -> Totals:
        tables = files.read_part(first, orders_per_part)
        facts = gather_entity_facts(tables, returning_of(first), scans_since(spine))
        return total_requests(facts, requests)

    def ask(first: int) -> Totals:
        used = {name: TABLES[name].schema for name in REQUEST_TABLES}
        return requests_of(
            _only(files.read_part(first, orders_per_part, used), numbered[first]), numbered[first]
        )

    requests = merge_requests(_in_turn(ask, list(numbered)))
    everyone = add_up_requests(requests, _in_turn(total, _firsts(files, orders_per_part)))
    with counted("part", len(numbered)) as part_done:
        for first, own in numbered.items():
            tables = _only(files.read_part(first, orders_per_part), own)
            names = files.read_part_names(first, orders_per_part)
            for rows in own.iter_slices(ROWS_AT_ONCE) if own.height else [own]:
                built = features_from(_only(tables, rows), returning_of(first), rows, everyone)
                yield _named(built, names)
            part_done()


def _number_spine(
    files: TableFiles, spine: pl.DataFrame, orders_per_part: int
) -> dict[int, pl.DataFrame]:
    """First order number of a part -> its rows of the spine, with order numbers as `order_id`.

    Parts without rows are left out, unless there is no row at all.
    """
    parts: dict[int, pl.DataFrame] = {}
    count = 0
    firsts = _firsts(files, orders_per_part)
    for first in firsts:
        names = files.read_part_names(first, orders_per_part)
        own = spine.join(names, on="order_id", maintain_order="left")
        count += own.height
        if own.height or first == firsts[-1] and not parts:
            parts[first] = own.select(pl.col(NUMBER).alias("order_id"), "as_of_day", "as_of")
    if count != spine.height:
        raise ValueError(f"{spine.height - count:,} rows of the spine are of unknown orders")
    return parts


def _only(tables: Tables, spine: pl.DataFrame) -> Tables:
    """The facts of the spine's orders, and all products."""
    own = spine.select("order_id").unique()
    return tables.with_frames(
        {
            name: frame.join(own, on="order_id", how="semi") if "order_id" in frame else frame
            for name, frame in tables.frames.items()
        }
    )


def _named(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the ids of their orders instead of the numbers."""
    named = rows.rename({"order_id": NUMBER}).join(
        names, on=NUMBER, how="left", maintain_order="left"
    )
    return named.select("order_id", *rows.columns[1:])


def _firsts(files: TableFiles, orders_per_part: int) -> Sequence[int]:
    """The number of the first order of each part; one part if there are no orders."""
    return range(0, max(files.count_orders(), 1), orders_per_part)


def _in_turn(do: Callable[[Item], Result], items: Sequence[Item]) -> Iterable[Result]:
    """The results in the order of the items. At most `AT_ONCE` of them are in memory."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(items), AT_ONCE):
            yield from pool.map(do, items[start : start + AT_ONCE])
