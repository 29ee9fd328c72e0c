"""What drives the risk of tonight's open orders: expected disputes by stage, lane, country and
product."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.asof import visible
from features.clock import day_number
from pipeline.output.safe_text import neutral_frame
from pipeline.workspace.table_files import TableFiles

MOST = 8
# of more open orders than this, only every second, third, ... is read
MOST_ORDERS = 200_000
BY = ("stage", "lane", "country", "product_id")


def drivers_of(files: TableFiles, scores: pl.DataFrame, as_of: date) -> dict[str, pl.DataFrame]:
    """The values with the most expected disputes, by dimension.

    Columns: `value`, `count_orders`, `expected` (the sum of the orders' probabilities), `mean` (the
    mean probability) and `times` (`mean` divided by the mean of all open orders). An order with two
    products adds half of its probability to each. For a store with more than `MOST_ORDERS` open
    orders the counts and sums are estimated from a sample.
    """
    if scores.is_empty():
        return {}
    step = -(-scores.height // MOST_ORDERS)
    scores = scores.sort("order_id").gather_every(step)
    ids, day = scores["order_id"], day_number(as_of)
    orders = visible(files.read_facts("orders", ids), day).select("order_id", "lane", "country")
    lines = (
        visible(files.read_facts("order_lines", ids), day).select("order_id", "product_id").unique()
    )
    rows = scores.select("order_id", "stage", "probability").join(orders, on="order_id", how="left")
    products = rows.select("order_id", "probability").join(lines, on="order_id", how="inner")
    products = products.with_columns(weight=1.0 / pl.len().over("order_id"))
    rows = rows.with_columns(weight=pl.lit(1.0))
    mean = float(scores["probability"].mean())  # type: ignore[arg-type]
    drivers = {by: _by(products if by == "product_id" else rows, by, mean) for by in BY}
    if step == 1:
        return drivers
    scaled = [(pl.col(name) * step) for name in ("count_orders", "expected")]
    return {by: frame.with_columns(scaled) for by, frame in drivers.items()}


def _by(rows: pl.DataFrame, by: str, mean: float) -> pl.DataFrame:
    # in a fixed order, because the last bit of a sum of fractions depends on it
    totals = (
        rows.drop_nulls(by)
        .sort("order_id")
        .group_by(value=pl.col(by), maintain_order=True)
        .agg(
            count_orders=pl.len(),
            expected=(pl.col("probability") * pl.col("weight")).sum(),
            mean=pl.col("probability").mean(),
        )
        .with_columns(times=pl.col("mean") / mean)
        .sort("expected", "value", descending=[True, False])
        .head(MOST)
    )
    return neutral_frame(totals)
