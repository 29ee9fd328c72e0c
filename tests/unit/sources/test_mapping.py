"""SOURCE=mapped: which facts a mapping gives, which rows it refuses, and its messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.load.doctor import examine
from pipeline.load.ingest import ingest
from pipeline.load.quarantine import read_quarantine, requarantine
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.corner_shop import MAPPING, ORDERS, refused, write


def test_each_row_is_a_fact_or_refused_with_its_reason(tmp_path: Path) -> None:
    origin = write(
        tmp_path,
        ORDERS
        + (
            '#1,03/05/2024 14:00,"1,030.00",10,A,1,1000,2024-05-03 15:00,2024-05-20\n'
            "#1,,,,B,2,10,,\n"
            "#2,31/02/2024 10:00,5,0,A,1,5,,\n"
            "#3,04/05/2024 10:00,much,0,A,1,5,,\n"
            "#4,04/05/2024 10:00,5,0,A,1,5,,2024-05-01\n"
            "#5,04/05/2024 10:00,9,0,A,1,5,,\n"
            ",04/05/2024 10:00,9,0,A,1,5,,\n"
            "#7,04/05/2024 10:00,5,0,A,1,5,,2024-05-30\n"
        ),
    )
    data = enforce_contract(read_mapped(origin))
    assert data.frames["orders"].select("order_id", "total_usd", "store_id").rows() == [
        ("1", 1030.0, "corner shop"),
        ("7", 5.0, "corner shop"),
    ]
    assert data.frames["order_lines"]["order_id"].to_list() == ["1", "1", "7"]
    assert data.frames["order_lines"]["shipping_usd"].to_list() == [10.0, 0.0, 0.0]
    assert data.frames["order_events"].height == 1
    reasons = {
        row: (column, reason.split(";")[0].split(":")[0]) for row, column, reason in refused(data)
    }
    assert reasons == {
        4: ("When", "not a date and time in the format of the mapping"),
        5: ("Sum", "not a number"),
        6: ("Arrived", "happened before its order was placed"),
        7: ("Sum", "more than its lines add up to"),
        8: ("No", "empty"),
    }


def test_rows_of_one_order_are_refused_together_and_files_may_overlap(tmp_path: Path) -> None:
    rows = "#1,03/05/2024 14:00,30,0,A,1,20,,\n#1,,,,B,1,10,,\n"
    origin = write(tmp_path, ORDERS + rows + "#2,99/05/2024 14:00,30,0,A,1,20,,\n#2,,,,B,1,10,,\n")
    (tmp_path / "orders-again.csv").write_text(ORDERS + rows)
    data = enforce_contract(read_mapped(origin))
    assert data.frames["orders"]["order_id"].to_list() == ["1"]
    assert data.frames["order_lines"]["product_id"].to_list() == ["A", "B"]
    assert {row for row, *_ in refused(data)} == {4, 5}


def test_a_row_without_facts_is_kept_in_quarantine_but_is_not_a_fault(tmp_path: Path) -> None:
    mapping = MAPPING + (
        '[[fact]]\ntable = "reviews"\nfile = "stars.csv"\n'
        '[fact.columns]\norder_id = "o"\nscore = "s"\noccurred_at = "t"\n'
    )
    origin = write(tmp_path, ORDERS + "1,03/05/2024 14:00,5,0,A,1,5,,\n", mapping)
    (tmp_path / "stars.csv").write_text("o,s,t\n1,5,2024-06-01\n1,,\n")
    data = enforce_contract(read_mapped(origin))
    stars = next(file for file in data.files if file.name == "stars.csv")
    assert stars.fault_share == 0
    assert [(row, reason[:16]) for row, _, reason in refused(data)] == [(3, "contains no fact")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[store]", "[shop]"), "store: Field required"),
        (('zone = "Asia/Shanghai"', 'zone = "Mars/Olympus"'), "not a time zone"),
        (('total = "Sum"', 'totall = "Sum"'), r"fact\]\] 1 \(orders\).*has no column totall"),
        (('table = "orders"', 'table = "order"'), "is not a table; allowed: orders"),
        (('product_id = "SKU"\n', ""), "order_lines needs product_id"),
        (('format = "%d/%m/%Y %H:%M"', 'format = "%Q"'), "not a time format"),
        (('total = "Sum"', 'total = "Summe"'), "uses column Summe of orders.csv, which has: No"),
        (('file = "orders*"', 'file = "sales*"'), "no such file in"),
        (("[store]", "[store"), "is not TOML"),
        (('total = "Sum"', "total = 3"), "columns.total"),
    ],
)
def test_errors_in_a_mapping_are_reported(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    origin = write(tmp_path, ORDERS + "1,03/05/2024 14:00,5,0,A,1,5,,\n", MAPPING.replace(*change))
    with pytest.raises(BadInput, match=message):
        read_mapped(origin)


def test_without_a_mapping_the_message_shows_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    with pytest.raises(BadInput, match="make map"):
        examine(Config(), source="mapped", raw=tmp_path)


def test_a_row_corrected_in_the_quarantine_is_loaded(tmp_path: Path) -> None:
    raw = write(
        tmp_path / "raw",
        ORDERS
        + "".join(f"{n},03/05/2024 14:00,5,0,A,1,5,,\n" for n in range(30))
        + "#99,31/02/2024 10:00,5,0,A,1,5,,\n",
    ).folder
    workspace = Workspace(tmp_path / "w")
    with workspace.locked():
        ingest(workspace, Config(), Progress(), source="mapped", raw=raw)
        kept = workspace.quarantine / "orders.csv"
        kept.write_text(kept.read_text().replace("31/02/2024", "28/02/2024"))
        requarantine(workspace, Config(), Progress(), source="mapped", raw=raw)
        assert read_quarantine(workspace).is_empty()
        assert "99" in workspace.read_tables()["orders"]["order_id"].to_list()
