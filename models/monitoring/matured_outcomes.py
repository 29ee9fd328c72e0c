"""What came of past nights, judged: matured nights by their final labels, young ones by an
estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.asof import visible
from features.clock import in_days, last_matured_day
from features.labels import LabelWindow, build_labels
from features.tables import Tables
from models.monitoring.sequential_monitoring import (
    Finding,
    calibration_table,
    expected_on_first_day,
    first_nights,
    judge_stream,
    off_by_chance,
    streams_of,
)


@dataclass(frozen=True)
class AlarmLimits:
    """How many times what was said may come, and how many times less, before it is evidence: of
    matured nights, and of young ones."""

    rise: float
    fall: float
    early_rise: float
    early_fall: float


def label_outcomes(
    rows: pl.DataFrame, tables: Tables, window: LabelWindow, as_of_day: int
) -> pl.DataFrame:
    """`rows` (`order_id, as_of_day, ...`) with `label` (disputed within the horizon) and
    `opened_at_once` (on the day of the night itself), standing at `as_of_day`; null: not known
    yet."""
    spine = rows.select("order_id", "as_of_day")
    at_once = LabelWindow(1, window.reporting_delay_days)
    return rows.with_columns(
        build_labels(tables, spine, window, as_of_day)["label"],
        opened_at_once=build_labels(tables, spine, at_once, as_of_day)["label"],
    )


def traits(tables: Tables | Mapping[str, pl.DataFrame], as_of_day: int) -> pl.DataFrame:
    """`order_id, lane, category` (of the first line's product), as far as known."""
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
    """What matured nights and, as an estimate, young ones say; and the table of the matured.

    `rows`: what `label_outcomes` gives, with `stage, lane, category, probability, is_listed`.
    """
    if rows.is_empty():
        return [], pl.DataFrame()
    found = []
    matured = rows.drop_nulls("label")
    counted = first_nights(matured).with_columns(observed="label", expected="probability")
    for stream in streams_of(counted):
        found.append(judge_stream(stream, "matured", limits.rise, limits.fall))
    last = last_matured_day(as_of_day, window.horizon_days, window.reporting_delay_days)
    young = rows.drop_nulls("opened_at_once").filter(
        in_days(pl.col("as_of_day"), last + 1, as_of_day)
    )
    reference = matured.drop_nulls("opened_at_once")
    estimated, known = expected_on_first_day(reference, young)
    for stream in streams_of(estimated.with_columns(observed="opened_at_once")):
        off = off_by_chance(known, stream)
        found.append(
            judge_stream(stream, "early", limits.early_rise * off, limits.early_fall * off)
        )
    table = calibration_table(counted) if counted.height else pl.DataFrame()
    return [finding for finding in found if finding is not None], table
