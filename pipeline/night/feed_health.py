"""The health of a night's inputs: feeds and carriers that went silent, values never seen before."""

from __future__ import annotations

import polars as pl

from features.asof import visible
from features.tables import TABLES
from models.monitoring import silent_feeds
from models.monitoring.sequential_monitoring import Finding
from pipeline.night.night_checks import NOT_COUNTED
from pipeline.workspace.freshness import newest_fact
from pipeline.workspace.table_files import TableFiles

YEAR_DAYS = 365
# the columns in which a new value is reported
WATCHED_COLUMNS = ("country", "lane", "carrier", "category")


def judge_feeds(files: TableFiles, as_of_day: int) -> list[Finding]:
    """Findings about tables, carriers and new values, from facts known before `as_of_day`."""
    newest = newest_fact(files, as_of_day)
    findings: list[Finding | None] = []
    for name in TABLES:
        if name not in NOT_COUNTED:
            counts = files.count_by_day(name, as_of_day)
            findings.append(silent_feeds.feed_finding(name, counts, newest))
    shipments = files.read_known(
        "shipments", ["shipment_id", "carrier"], as_of_day - YEAR_DAYS, as_of_day
    )
    scans = _recent_scans(files, shipments, as_of_day)
    deliveries = scans.filter(pl.col("status") == "Delivered")
    for kind, rows in (("scans", scans), ("deliveries", deliveries)):
        counts = rows.group_by("carrier", "known_day").agg(count=pl.len())
        findings += silent_feeds.carrier_findings(kind, counts, newest)
    for column in WATCHED_COLUMNS:
        rows = shipments if column == "carrier" else _order_values(files, column, as_of_day)
        values = rows.select(pl.col(column).alias("value"), "known_day")
        findings += silent_feeds.new_value_findings(
            column, values, as_of_day, as_of_day - YEAR_DAYS
        )
    return [finding for finding in findings if finding is not None]


def _recent_scans(files: TableFiles, shipments: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """Scans of the days that the carrier checks look at, each with its carrier."""
    first_day = as_of_day - silent_feeds.TESTED_DAYS - silent_feeds.USUAL_DAYS - silent_feeds.WEEK
    scans = files.read_known("tracking", ["shipment_id", "status"], first_day, as_of_day)
    carriers = shipments.select("shipment_id", "carrier").unique("shipment_id")
    return scans.join(carriers, on="shipment_id", how="left")


def _order_values(files: TableFiles, column: str, as_of_day: int) -> pl.DataFrame:
    """`column` and `known_day` of the last year's orders; a category comes from each order line."""
    first_day = as_of_day - YEAR_DAYS
    if column != "category":
        return files.read_known("orders", [column], first_day, as_of_day)
    lines = files.read_known("order_lines", ["product_id"], first_day, as_of_day)
    products = (
        visible(files.read_all_of("products"), as_of_day)
        .unique("product_id")
        .select("product_id", "category")
    )
    return lines.join(products, on="product_id", how="left")
