"""The health of products and suppliers on one night: whose dispute rate rose."""

from __future__ import annotations

import polars as pl

from features.clock import in_days
from features.indicators.product_exposure import LONGEST_DAYS, USED, order_exposure, product_orders
from models.monitoring.sequential_monitoring import Finding
from models.product.changed_rates import rate_findings
from models.product.product_table import review_products
from pipeline.workspace.table_files import TableFiles

# a store with more orders in the lookback is judged on every n-th of them
MOST_ORDERS = 1_000_000


def judge_products(files: TableFiles, as_of_day: int, lookback_days: int) -> list[Finding]:
    """Findings from the orders of the lookback, known before `as_of_day`.

    Without a dispute on record nothing is judged.
    """
    tables = files.read_columns(USED, judged_orders(files, as_of_day, lookback_days))
    orders = order_exposure(tables, as_of_day, lookback_days)
    if not orders["is_disputed"].any():
        return []
    rows = product_orders(tables, orders, as_of_day)
    return rate_findings(review_products(rows, as_of_day)) if rows.height else []


def judged_orders(files: TableFiles, as_of_day: int, lookback_days: int) -> pl.Series:
    """The numbers of the orders to read: those of the lookback, and no fewer days than it takes to
    learn how late disputes come."""
    first = as_of_day - max(lookback_days, LONGEST_DAYS)
    placed = files.read_buyers().filter(in_days(pl.col("known_day"), first, as_of_day))
    numbers = placed["order_id"].sort()
    return numbers.gather_every(max(1, -(-len(numbers) // MOST_ORDERS)))
