"""The orders of a workspace's store in parts, with the columns that rates and forecasts need."""

from __future__ import annotations

from collections.abc import Iterator

from features.indicators.order_groups import GROUPED
from features.indicators.order_outcomes import USED
from features.tables import Tables
from models.indicators.rate_forecast import StoreParts
from pipeline.workspace.table_files import TableFiles


def store_parts(files: TableFiles, orders_per_part: int) -> StoreParts:
    """The parts; `order_id` is the order number. Each part is read anew when it is its turn, but a
    store of one part is read once."""
    used = {name: (*columns, "known_day") for name, columns in USED.items()}
    used |= {name: (*used.get(name, ()), *columns) for name, columns in GROUPED.items()}
    firsts = range(0, max(files.count_orders(), 1), orders_per_part)
    only = files.read_part_columns(0, orders_per_part, used) if len(firsts) == 1 else None

    def read() -> Iterator[Tables]:
        for first in firsts:
            part = files.read_part_columns(first, orders_per_part, used) if only is None else only
            yield part

    return StoreParts(files.first_order_day(), read)
