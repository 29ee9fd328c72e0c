"""AliExpress order sheets: orders, lines, parcels and promises, with or without dumps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.aliexpress.order_sheet import parcels_of, products_of
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources import aliexpress_dumps as made
from tests.unit.sources import order_sheet as sheet

NAME = "orders-2024-10-21T0200.csv"


def frames(raw: Path) -> dict[str, pl.DataFrame]:
    return dict(enforce_contract(read_aliexpress(SourceContext(raw))).frames)


@pytest.mark.parametrize("header", [sheet.HEADER, sheet.ENGLISH], ids=["chinese", "english"])
def test_all_columns_of_a_sheet_are_read(header: list[str], tmp_path: Path) -> None:
    data = frames(sheet.write_csv(tmp_path / "raw" / NAME, sheet.FULL, header=header))
    order = data["orders"].row(0, named=True)
    assert (order["country"], order["lane"], order["total_usd"]) == (
        "BR",
        "AliExpress Standard Shipping>BR",
        58.01,
    )
    # export_zone: California
    assert order["occurred_at"] == datetime(2024, 10, 1, 15, tzinfo=UTC)
    assert order["known_at"] == datetime(2024, 10, 21, 2, tzinfo=UTC)
    lines = (
        data["order_lines"]
        .select("product_id", "quantity", "unit_price_usd", "shipping_usd")
        .rows()
    )
    assert lines == [("DR-7", 2.0, 20.0, 1.01), ("Hat, straw", 1.0, 20.0, 0.0)]
    assert data["promises"].select("kind", "promised_at").rows() == [
        ("dispatch", datetime(2024, 10, 8, 15, 5, tzinfo=UTC))
    ]
    # both parcels were handed over together
    sent = datetime(2024, 10, 4, 3, tzinfo=UTC)
    assert data["shipments"].select("shipment_id", "carrier", "occurred_at").rows() == [
        ("LP00612345678901", "EMS", sent),
        ("LP00612345678902", "China Post", sent),
    ]
    assert data["order_events"]["event"].to_list() == ["paid"]


def test_a_finished_order_and_an_unknown_status(tmp_path: Path) -> None:
    data = frames(sheet.write_xlsx(tmp_path / "raw" / "o.xlsx", sheet.DONE))
    assert data["orders"]["country"].to_list() == ["RU"]
    assert sorted(data["order_events"]["event"]) == ["closed", "paid"]
    unknown = sheet.write_csv(tmp_path / "other" / NAME, {**sheet.FULL, "订单状态": "等待火星人"})
    assert "'等待火星人' 1" in " ".join(read_aliexpress(SourceContext(unknown)).notes)


def test_a_sheet_adds_no_lines_to_orders_in_dumps(tmp_path: Path) -> None:
    raw = made.write(tmp_path / "raw", "2024-10-21T0100", orders=answers.order_list())
    sheet.write_csv(raw / NAME, sheet.FULL)
    data = frames(raw)
    assert data["order_lines"]["line_id"].to_list() == [str(answers.LINE)]
    # the list of orders has no country
    assert data["orders"]["country"].to_list() == ["BR"]


@pytest.mark.parametrize(
    ("cell", "products"),
    [
        (sheet.PRODUCTS, [("Summer dress", "DR-7", 2), ("Hat, straw", None, 1)]),
        ("A title (with brackets)", [("A title (with brackets)", None, None)]),
        ("【1】Cup（商家编码：C1）（产品数量：3 piece）", [("Cup", "C1", 3)]),
        ("", []),
    ],
)
def test_the_products_cell(cell: str, products: list[tuple[str, str | None, int | None]]) -> None:
    assert products_of(cell) == products


def test_the_parcels_cell() -> None:
    assert parcels_of("EMS:LP1\nChina Post：LP2; LP3") == [
        ("EMS", "LP1"),
        ("China Post", "LP2"),
        (None, "LP3"),
    ]
    assert parcels_of(None) == []


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rng=st.randoms(use_true_random=True))
def test_each_row_of_a_damaged_sheet_is_good_or_in_quarantine(rng: Random, tmp_path: Path) -> None:
    raw = sheet.write_csv(tmp_path / "raw" / NAME, sheet.FULL)
    for number in range(20):
        (raw / f"spoiled-2024-11-06-{number}.csv").write_bytes(sheet.spoiled(rng))
    made.account(read_aliexpress(SourceContext(raw)))


@pytest.mark.parametrize(
    "text", ["2024-10-01 08:00", "2024/10/1 8:00", "2024.10.01 08:00:00", "45566.3333333333"]
)
def test_a_time_is_in_the_zone_of_the_sheet_however_it_is_written(
    tmp_path: Path, text: str
) -> None:
    """Not in that of the platform's answers."""
    row = {**sheet.FULL, "下单时间": text, "付款时间": ""}
    raw = sheet.write_csv(tmp_path / "raw" / NAME, row)
    settings_ = SourceSettings(export_zone="Asia/Shanghai", platform_zone="America/Los_Angeles")
    data = enforce_contract(read_aliexpress(SourceContext(raw, settings=settings_)))
    assert data.frames["orders"]["occurred_at"].to_list() == [datetime(2024, 10, 1, tzinfo=UTC)]
