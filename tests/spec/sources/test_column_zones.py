"""A time zone in the name of a column wins over the zone of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.cells import moment
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.mapped.mapping import Cell
from pipeline.sources.reading.column_zones import without_zone, zone_of_name
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.scan_times import with_times
from pipeline.sources.tracking.tracking_bodies import COLUMNS
from pipeline.sources.tracking.tracking_sheet import scans_of_table
from tests.unit.sources import order_sheet as sheet

NAMES = """
Dispute Created (UTC)         | UTC                 | Dispute Created
date_created_gmt              | UTC                 | date_created
created_at_utc                | UTC                 | created_at
createdAtUtc                  | UTC                 | createdAt
Order Date (PST)              | America/Los_Angeles | Order Date
Paid at [GMT+8]               | Etc/GMT-8           | Paid at
Time (UTC-05:00)              | Etc/GMT+5           | Time
Time (+05:30)                 | Asia/Kolkata        | Time
Shipped (Asia/Shanghai)       | Asia/Shanghai       | Shipped
下单时间（北京时间）            | Asia/Shanghai       | 下单时间
Created (EST)                 | America/New_York    | Created
Date (GMT+8)                  | Etc/GMT-8           | Date
Zeit (MEZ)                    | Europe/Berlin       | Zeit
Created (China Standard Time) | Asia/Shanghai       | Created
Date (Pacific Daylight Time)  | America/Los_Angeles | Date
order_date_hkt                | Asia/Hong_Kong      | order_date
Data (BRT)                    | America/Sao_Paulo   | Data
Создан (МСК)                  | Europe/Moscow       | Создан
UTC Date                      | UTC                 | Date
utc_created_at                | UTC                 | created_at
created_pt                    |                     | created_pt
Created at                    |                     | Created at
gmt_create                    |                     | gmt_create
Total (EUR)                   |                     | Total (EUR)
Time (CST)                    |                     | Time (CST)
Time (UTC+25)                 |                     | Time (UTC+25)
Product (shoes/boots)         |                     | Product (shoes/boots)
"""


@pytest.mark.parametrize("line", NAMES.strip().splitlines())
def test_the_zone_in_a_name(line: str) -> None:
    name, zone, rest = (part.strip() for part in line.split("|"))
    assert (zone_of_name(name), without_zone(name)) == (zone or None, rest)


def test_a_zone_of_several_countries_is_reported(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("Name,Time (CST)\n1,2026-03-01 10:00\n")
    mapping = """
[store]
zone = "Asia/Shanghai"
[[fact]]
table = "orders"
file = "orders.csv"
[fact.columns]
order_id = "Name"
occurred_at = {column = "Time (CST)"ZONE}
"""
    for zone, is_reported in (("", True), (', zone = "America/Chicago"', False)):
        (tmp_path / "mapping.toml").write_text(mapping.replace("ZONE", zone))
        notes = read_mapped(SourceContext(tmp_path)).notes
        named = [note for note in notes if "Time (CST)" in note]
        assert bool(named) == is_reported
        assert all("read in Asia/Shanghai" in note for note in named)


def read_time(cell: Cell, **columns: str) -> str | None:
    frame = pl.DataFrame(columns).select(moment(cell, "Asia/Shanghai"))
    return frame.to_series().dt.strftime("%d %H:%M").to_list()[0]


def test_a_zone_in_the_mapping_wins_over_the_name_and_an_offset_over_both() -> None:
    name = "Created (UTC)"
    assert read_time(Cell(column=(name,)), **{name: "2026-04-01 10:11"}) == "01 10:11"
    named = Cell(column=(name,), zone="America/New_York")
    assert read_time(named, **{name: "2026-04-01 10:11"}) == "01 14:11"
    assert read_time(named, **{name: "2026-04-01 10:11+08:00"}) == "01 02:11"
    formatted = Cell(column=(name,), format=("%d/%m/%Y %H:%M",))
    assert read_time(formatted, **{name: "01/04/2026 10:11"}) == "01 10:11"


def test_each_of_several_columns_has_its_own_zone() -> None:
    cell = Cell(column=("Created (UTC)", "Created"))
    first = {"Created (UTC)": "2026-04-01 10:11", "Created": "2026-04-01 18:11"}
    assert read_time(cell, **first) == "01 10:11"
    assert read_time(cell, **{**first, "Created (UTC)": ""}) == "01 10:11"
    # a filled cell that is no time is a fault, not a reason to read another column
    assert read_time(cell, **{**first, "Created (UTC)": "soon"}) is None


def test_disputes_of_a_payment_provider(tmp_path: Path) -> None:
    """The store is in China: read in its zone, the dispute was known eight hours too early."""
    (tmp_path / "mapping.toml").write_text(
        """
[store]
zone = "Asia/Shanghai"
[[fact]]
table = "orders"
file = "orders*"
[fact.columns]
order_id = "Name"
occurred_at = "Created at"
total = "Total"
[[fact]]
table = "order_lines"
file = "orders*"
[fact.columns]
order_id = "Name"
product_id = "Lineitem sku"
unit_price = "Total"
[[fact]]
table = "disputes"
file = "disputes*"
[fact.columns]
order_id = "Order Number"
dispute_id = "Dispute ID"
step = {value = "opened"}
occurred_at = "Dispute Created (UTC)"
""",
        encoding="utf-8",
    )
    (tmp_path / "orders.csv").write_text(
        "Name,Created at,Total,Lineitem sku\n1003,2026-03-01 10:00,59.90,A\n", encoding="utf-8"
    )
    (tmp_path / "disputes.csv").write_text(
        "Dispute ID,Order Number,Dispute Created (UTC)\ndp_1,1003,2026-04-01 10:11\n",
        encoding="utf-8",
    )
    disputes = enforce_contract(read_mapped(SourceContext(tmp_path))).frames["disputes"]
    at = datetime(2026, 4, 1, 10, 11, tzinfo=UTC)
    assert disputes.select("occurred_at", "known_at").rows() == [(at, at)]


def test_an_order_sheet(tmp_path: Path) -> None:
    header = ["下单时间 (UTC)" if name == "下单时间" else name for name in sheet.HEADER]
    row = {**sheet.FULL, "付款时间": ""}
    raw = sheet.write_csv(tmp_path / "raw" / "orders-2024-10-21.csv", row, header=header)
    context = SourceContext(raw, settings=SourceSettings(export_zone="Asia/Shanghai"))
    orders = enforce_contract(read_aliexpress(context)).frames["orders"]
    assert orders["occurred_at"].to_list() == [datetime(2024, 10, 1, 8, tzinfo=UTC)]


def test_a_sheet_of_a_tracking_provider() -> None:
    table = pl.DataFrame(
        {
            "__row__": [2],
            "Number": ["A1"],
            "Package Status": ["Delivered"],
            "Latest Event Time (UTC)": ["2026-04-01 10:11"],
        }
    )
    [(_, scan)] = scans_of_table(table)
    rows = pl.DataFrame([scan.texts], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    at = with_times(rows, "Asia/Shanghai")["occurred_at"]
    assert at.to_list() == [datetime(2026, 4, 1, 10, 11, tzinfo=UTC)]
