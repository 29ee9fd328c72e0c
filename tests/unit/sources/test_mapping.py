"""SOURCE=mapped: any shop's files by a mapping: what is read, what is refused, what is said."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook as Book

from pipeline.load.doctor import examine
from pipeline.load.ingest import ingest
from pipeline.load.quarantine import read_quarantine, requarantine
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import FILE, enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.made_shop import RATE_EUR

RATES = {"USD": 1.0, "EUR": RATE_EUR}
ORDERS = "No,When,Sum,Post,SKU,Qty,Price,Paid,Arrived\n"
MAPPING = """
[store]
name = "corner shop"
zone = "Asia/Shanghai"

[[fact]]
table = "orders"
file = "orders*"
per = "No"
[fact.columns]
order_id = {column = "No", strip = "#"}
occurred_at = {column = "When", format = "%d/%m/%Y %H:%M"}
total = "Sum"
shipping = "Post"

[[fact]]
table = "order_lines"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
product_id = "SKU"
quantity = "Qty"
unit_price = "Price"

[[fact]]
table = "order_events"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
event = {value = "paid"}
occurred_at = "Paid"

[[fact]]
table = "tracking"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
status = {value = "Delivered"}
occurred_at = "Arrived"
"""


def write(
    folder: Path, orders: str | bytes, mapping: str = MAPPING, name: str = "orders.csv"
) -> SourceContext:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(orders.encode() if isinstance(orders, str) else orders)
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    return SourceContext(folder, RATES)


def refused(data: StoreData) -> list[tuple[int, str, str]]:
    found = pl.concat([file.quarantine() for file in data.files])
    return [
        (row, column, reason)
        for row, column, reason in found.select("row", "column", "reason").rows()
    ]


def test_each_row_is_a_fact_or_refused_with_its_reason(tmp_path: Path) -> None:
    context = write(
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
    data = enforce_contract(read_mapped(context))
    assert data.frames["orders"].select("order_id", "total_usd", "store_id").rows() == [
        ("1", 1030.0, "corner shop"),
        ("7", 5.0, "corner shop"),
    ]
    assert data.frames["order_lines"]["order_id"].to_list() == ["1", "1", "7"]
    assert data.frames["order_lines"]["shipping_usd"].to_list() == [10.0, 0.0, 0.0]
    assert data.frames["order_events"].height == 1
    told = {
        row: (column, reason.split(";")[0].split(":")[0]) for row, column, reason in refused(data)
    }
    assert told == {
        4: ("When", "not a date and time as the mapping describes it"),
        5: ("Sum", "not a number"),
        6: ("Arrived", "happened before its order was placed"),
        7: ("Sum", "more than its lines add up to"),
        8: ("No", "empty"),
    }


def test_rows_of_one_order_are_refused_together_and_files_may_overlap(tmp_path: Path) -> None:
    rows = "#1,03/05/2024 14:00,30,0,A,1,20,,\n#1,,,,B,1,10,,\n"
    context = write(tmp_path, ORDERS + rows + "#2,99/05/2024 14:00,30,0,A,1,20,,\n#2,,,,B,1,10,,\n")
    (tmp_path / "orders-again.csv").write_text(ORDERS + rows)
    data = enforce_contract(read_mapped(context))
    assert data.frames["orders"]["order_id"].to_list() == ["1"]
    assert data.frames["order_lines"]["product_id"].to_list() == ["A", "B"]
    assert {row for row, *_ in refused(data)} == {2, 3, 4, 5}


def test_money_in_both_ways_of_writing(tmp_path: Path) -> None:
    rows = ["1.234,50", "1234,5", "-", "€ 12,00", "12,00 EUR", "1,234.50", "1.2.3", ""]
    text = ORDERS + "".join(
        f'"{n}","03/05/2024 14:00","{cell}",0,A,1,2000,,\n' for n, cell in enumerate(rows)
    )
    data = enforce_contract(
        read_mapped(
            write(tmp_path, text, MAPPING.replace("[[fact]]", 'decimal = ","\n\n[[fact]]', 1))
        )
    )
    assert data.frames["orders"]["total_usd"].to_list() == [1234.5, 1234.5, 12.0, 12.0, 2000.0]
    assert [row for row, *_ in refused(data)] == [4, 7, 8]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("gb18030", b""), ("utf-16", b"")],
)
def test_encodings(encoding: str, mark: bytes, tmp_path: Path) -> None:
    text = (
        ORDERS.replace(",", ";")
        + "1;03/05/2024 14:00;5;0;女装连衣裙红色;1;5;;\n2;03/05/2024 14:00;5;0;手机壳;1;5;;\n"
    )
    data = enforce_contract(read_mapped(write(tmp_path, mark + text.encode(encoding))))
    assert data.frames["order_lines"]["product_id"].to_list() == ["女装连衣裙红色", "手机壳"]
    assert refused(data) == []


def test_a_file_of_western_europe_is_not_taken_for_chinese(tmp_path: Path) -> None:
    text = (
        ORDERS
        + "1,03/05/2024 14:00,5,0,Fußmatte größer,1,5,,\n2,03/05/2024 14:00,5,0,plain,1,5,,\n"
    )
    context = write(tmp_path, text.encode("cp1252"))
    assert [row for row, *_ in refused(enforce_contract(read_mapped(context)))] == [2]
    (tmp_path / "mapping.toml").write_text(
        MAPPING + '[[form]]\nfile = "orders*"\nencoding = "cp1252"\n'
    )
    assert enforce_contract(read_mapped(context)).frames["order_lines"]["product_id"].to_list() == [
        "Fußmatte größer",
        "plain",
    ]


def test_a_workbook_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    rows = [
        ["1", "03/05/2024 14:00", 5.5, 0, "A", 1, 5.5, None, None],
        ["2", "04/05/2024 14:00", 6.0, 0, "B", 2, 3.0, None, None],
    ]
    header = ORDERS.strip().split(",")
    book = Book()
    for row in [header, *rows]:
        book.active.append(row)
    found = []
    for kind in ("xlsx", "parquet"):
        folder = tmp_path / kind
        context = write(folder, b"")
        (folder / "orders.csv").unlink()
        if kind == "xlsx":
            book.save(folder / "orders.xlsx")
        else:
            columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
            frame = pl.DataFrame(
                {name: pl.Series(cells, strict=False) for name, cells in columns.items()}
            )
            frame.write_parquet(folder / "orders.parquet")
        found.append(enforce_contract(read_mapped(context)).frames["order_lines"].drop(FILE))
    assert found[0].equals(found[1])
    assert found[0]["unit_price_usd"].to_list() == [5.5, 3.0]


def test_an_id_that_a_spreadsheet_has_rounded_is_refused(tmp_path: Path) -> None:
    context = write(
        tmp_path,
        ORDERS + "1.16005E+15,03/05/2024 14:00,5,0,A,1,5,,\n7,03/05/2024 14:00,5,0,A,1,5,,\n",
    )
    data = enforce_contract(read_mapped(context))
    assert data.frames["orders"]["order_id"].to_list() == ["7"]
    assert "rounded" in refused(data)[0][2]
    book = Book()
    for row in (
        ORDERS.strip().split(","),
        [1160045860056286, "03/05/2024 14:00", 5, 0, "A", 1, 5, None, None],
    ):
        book.active.append(row)
    (tmp_path / "orders.csv").unlink()
    book.save(tmp_path / "orders.xlsx")
    data = read_mapped(context)
    assert enforce_contract(data).frames["orders"].is_empty()


def test_a_row_that_says_nothing_is_kept_too_but_is_no_fault(tmp_path: Path) -> None:
    mapping = MAPPING + (
        '[[fact]]\ntable = "reviews"\nfile = "stars.csv"\n'
        '[fact.columns]\norder_id = "o"\nscore = "s"\noccurred_at = "t"\n'
    )
    context = write(tmp_path, ORDERS + "1,03/05/2024 14:00,5,0,A,1,5,,\n", mapping)
    (tmp_path / "stars.csv").write_text("o,s,t\n1,5,2024-06-01\n1,,\n")
    data = enforce_contract(read_mapped(context))
    stars = next(file for file in data.files if file.name == "stars.csv")
    assert stars.fault_share == 0
    assert [(row, reason[:12]) for row, _, reason in refused(data)] == [(3, "says nothing")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[store]", "[shop]"), "store: Field required"),
        (('zone = "Asia/Shanghai"', 'zone = "Mars/Olympus"'), "not a time zone"),
        (('total = "Sum"', 'totall = "Sum"'), r"fact\]\] 1 \(orders\).*has no totall"),
        (('table = "orders"', 'table = "order"'), "is no table; allowed: orders"),
        (('product_id = "SKU"\n', ""), "order_lines needs product_id"),
        (('format = "%d/%m/%Y %H:%M"', 'format = "%Q"'), "no format of times"),
        (('total = "Sum"', 'total = "Summe"'), "wants column Summe of orders.csv, which has: No"),
        (('file = "orders*"', 'file = "sales*"'), "no such file in"),
        (("[store]", "[store"), "is not TOML"),
        (('total = "Sum"', "total = 3"), "columns.total"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_said(
    change: tuple[str, str], words: str, tmp_path: Path
) -> None:
    context = write(tmp_path, ORDERS + "1,03/05/2024 14:00,5,0,A,1,5,,\n", MAPPING.replace(*change))
    with pytest.raises(BadInput, match=words):
        read_mapped(context)


def test_without_a_mapping_it_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    with pytest.raises(BadInput, match="make map"):
        examine(Config(), source="mapped", raw=tmp_path)


def test_a_row_mended_in_the_quarantine_comes_in(tmp_path: Path) -> None:
    raw = write(
        tmp_path / "raw",
        ORDERS
        + "".join(f"{n},03/05/2024 14:00,5,0,A,1,5,,\n" for n in range(30))
        + "#99,31/02/2024 10:00,5,0,A,1,5,,\n",
    ).folder
    place = Workspace(tmp_path / "w")
    with place.locked():
        ingest(place, Config(), Progress(), source="mapped", raw=raw)
        kept = place.quarantine / "orders.csv"
        kept.write_text(kept.read_text().replace("31/02/2024", "28/02/2024"))
        requarantine(place, Config(), Progress(), source="mapped", raw=raw)
        assert read_quarantine(place).is_empty()
        assert "99" in place.read_tables()["orders"]["order_id"].to_list()
