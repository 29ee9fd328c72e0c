"""The health of products and suppliers on one night: whose dispute rate rose."""

from __future__ import annotations

from features.indicators.product_exposure import USED, order_exposure, product_orders
from models.monitoring.sequential_monitoring import Finding
from models.product.changed_rates import rate_findings
from models.product.product_table import review_products
from pipeline.workspace.table_files import TableFiles


def judge_products(files: TableFiles, as_of_day: int, lookback_days: int) -> list[Finding]:
    """Findings from the orders of the lookback, known before `as_of_day`.

    Without a dispute on record nothing is judged.
    """
    tables = files.read_columns(USED)
    orders = order_exposure(tables, as_of_day, lookback_days)
    if not orders["is_disputed"].any():
        return []
    rows = product_orders(tables, orders, as_of_day)
    return rate_findings(review_products(rows, as_of_day)) if rows.height else []
