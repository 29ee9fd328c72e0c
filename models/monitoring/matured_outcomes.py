"""Judge past nights: matured ones by their final labels, recent ones by an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.asof import visible
from features.clock import in_days, last_matured_day
from features.labels import LabelWindow, build_labels
from features.tables import Tables
from models.monitoring.dispute_streams import (
    calibration_table,
    expected_on_first_day,
    first_nights,
    judge_stream,
    off_by_chance,
    streams_of,
)
from models.monitoring.sequential_monitoring import Finding


@dataclass(frozen=True)
class AlarmLimits:
    """How many times more (`rise`) or fewer (`fall`) disputes than expected are tolerated.

    `rise` and `fall` apply to matured nights, `early_rise` and `early_fall` to recent ones.
    """

    rise: float
    fall: float
    early_rise: float
    early_fall: float


def label_outcomes(
    rows: pl.DataFrame, tables: Tables, window: LabelWindow, as_of_day: int
) -> pl.DataFrame:
    """Add `label` and `opened_at_once` to `rows` (`order_id, as_of_day, ...`).

    Labels are as known at `as_of_day`; null means not known yet. `label` is 1 if the order was
    disputed within the horizon, `opened_at_once` if it was disputed on the night's own day.
    """
    spine = rows.select("order_id", "as_of_day")
    at_once = LabelWindow(1, window.reporting_delay_days)
    return rows.with_columns(
        build_labels(tables, spine, window, as_of_day)["label"],
        opened_at_once=build_labels(tables, spine, at_once, as_of_day)["label"],
    )


def traits(tables: Tables | Mapping[str, pl.DataFrame], as_of_day: int) -> pl.DataFrame:
    """`order_id, lane, category` per order, as known at `as_of_day`.

    The category is that of the first order line's product.
    """
    orders = visible(tables["orders"], as_of_day).select("order_id", "lane")
    lines = (
        visible(tables["order_lines"], as_of_day)
        .sort("order_id", "line_id")
        .unique("order_id", keep="first")
    )
    products = (
        visible(tables["products"], as_of_day).unique("product_id").select("product_id", "category")
    )
    category = lines.select("order_id", "product_id").join(products, on="product_id", how="left")
    return orders.join(category.select("order_id", "category"), on="order_id", how="left")


def judge_outcomes(
    rows: pl.DataFrame, limits: AlarmLimits, window: LabelWindow, as_of_day: int
) -> tuple[list[Finding], pl.DataFrame]:
    """Findings from matured nights and, as an estimate, recent ones; and the matured nights' table.

    `rows` is the output of `label_outcomes` with `stage, lane, category, probability, is_listed`.
    """
    if rows.is_empty():
        return [], pl.DataFrame()
    findings = []
    matured = rows.drop_nulls("label")
    counted = first_nights(matured).with_columns(observed="label", expected="probability")
    for stream in streams_of(counted):
        findings.append(judge_stream(stream, "matured", limits.rise, limits.fall))
    last = last_matured_day(as_of_day, window.horizon_days, window.reporting_delay_days)
    young = rows.drop_nulls("opened_at_once").filter(
        in_days(pl.col("as_of_day"), last + 1, as_of_day)
    )
    reference = matured.drop_nulls("opened_at_once")
    estimated, known = expected_on_first_day(reference, young)
    for stream in streams_of(estimated.with_columns(observed="opened_at_once")):
        margin = off_by_chance(known, stream)
        findings.append(
            judge_stream(stream, "early", limits.early_rise * margin, limits.early_fall * margin)
        )
    table = calibration_table(counted) if counted.height else pl.DataFrame()
    return [finding for finding in findings if finding is not None], table
