"""A mapping that makes times of several columns, or of a number of days."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.spec.sources.drawn_files import ORDERS, load
from tests.unit.sources.corner_shop import refused

WHEN = ORDERS.replace(
    'occurred_at = "Placed"',
    'occurred_at = {column = "Day", time = "Clock", zone_column = "Zone", '
    'format = ["%d/%m/%Y %H:%M:%S"], zone = "Asia/Tokyo"}',
)
CLOCKS = """
    Day        | Clock    | Zone                | UTC
    01/02/2026 | 10:00:00 | Europe/Berlin       | 2026-02-01 09:00
    01/07/2026 | 10:00:00 | Europe/Berlin       | 2026-07-01 08:00
    01/11/2026 | 01:30:00 | PDT                 | 2026-11-01 08:30
    01/11/2026 | 01:30:00 | PST                 | 2026-11-01 09:30
    01/07/2026 | 10:00:00 | GMT+02:00           | 2026-07-01 08:00
    01/07/2026 | 10:00:00 |                     | 2026-07-01 01:00
"""


def test_date_time_and_zone_in_three_columns(tmp_path: Path) -> None:
    rows = [[cell.strip() for cell in line.split("|")] for line in CLOCKS.strip().split("\n")]
    numbered = "\n".join(
        " | ".join([str(position or "Order"), *row, "5" if position else "Total"])
        for position, row in enumerate(rows)
    )
    data = load(tmp_path, WHEN, orders=numbered)
    times = data.frames["orders"].sort("order_id")["occurred_at"].dt.strftime("%Y-%m-%d %H:%M")
    assert times.to_list() == [row[3] for row in rows[1:]]


@pytest.mark.parametrize("zone", ["CST", "Mars/Base", "local"])
def test_a_zone_with_several_meanings_is_refused(tmp_path: Path, zone: str) -> None:
    drawing = (
        f"Order | Day | Clock | Zone | Total\n1 | 01/02/2026 | 10:00:00 | {zone} | 5\n"
        "2 | 01/02/2026 | 10:00:00 | UTC | 5"
    )
    data = load(tmp_path, WHEN, orders=drawing)
    assert data.frames["orders"]["order_id"].to_list() == ["2"]
    ((row, column, reason),) = refused(data)
    assert (row, column) == (2, "Day")
    assert "The zone in Zone must be like Europe/Berlin or PST" in reason


DAYS = """
    Order | Placed           | Total | Delivery days     | promised
    1     | 2026-05-01 10:00 | 5     | 14                | 2026-05-15 10:00
    2     | 2026-05-01 10:00 | 5     | 10-20 days        | 2026-05-21 10:00
    3     | 2026-05-01 10:00 | 5     | 7 days            | 2026-05-08 10:00
    4     | 2026-05-01 10:00 | 5     |                   | no promise
    5     | 2026-05-01 10:00 | 5     | 5 business days   | refused
    6     | 2026-05-01 10:00 | 5     | -3                | refused
"""
PROMISE = """
[[fact]]
table = "promises"
file = "orders.csv"
[fact.columns]
order_id = "Order"
kind = {value = "delivery"}
promised_at = {column = "Placed", days = "Delivery days"}
"""


def test_a_promise_of_the_days_in_a_column(tmp_path: Path) -> None:
    data = load(tmp_path, ORDERS + PROMISE, orders=DAYS)
    promised = data.frames["promises"].sort("order_id").select("order_id", "promised_at")
    shown = promised.with_columns(pl.col("promised_at").dt.strftime("%Y-%m-%d %H:%M")).rows()
    assert shown == [
        ("1", "2026-05-15 10:00"),
        ("2", "2026-05-21 10:00"),
        ("3", "2026-05-08 10:00"),
    ]
    faults = {row: reason for row, _, reason in refused(data)}
    assert sorted(faults) == [6, 7]
    assert "Delivery days must be a number of days, like 14 or 10-14" in faults[6]
