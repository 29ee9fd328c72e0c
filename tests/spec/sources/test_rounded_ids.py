"""Ids that a spreadsheet or another program has rounded are refused by every reader."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from features.tables import TABLES
from pipeline.sources.canonical import read_canonical
from pipeline.sources.database.database_source import read_database
from pipeline.sources.database.run_queries import pull
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.reading.rounded_ids import (
    NO_ID,
    ROUNDED,
    are_rounded_numbers,
    is_error,
    is_rounded,
)
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.spec.sources.refused_cells import refused
from tests.unit.source_folders import sound_source

EXACT = "5029500000000017"
ROUNDED_TEXTS = ("5.02951E+15", "5,02951E+15", "5.0295E15", "5E+15", "5e15", "1.23457E+11")


# the texts of a column of ids, and whether each was rounded
COLUMNS = {
    "as a spreadsheet shows long numbers": (list(ROUNDED_TEXTS), [True] * 6),
    "article numbers and hexadecimal numbers": (
        ["1E10", "12E3", "0e12af", "A-1E+12", "7", EXACT],
        [False] * 6,
    ),
    "some exact ids end in 0": (
        ["5029500000000010", "5029500000000017", "5029500000000018", "5029500000000020"],
        [False] * 4,
    ),
    "all ids end in 0: a spreadsheet keeps 15 digits": (
        ["5029500000000010", "5029500000000120", "5029500000003450", "5029500000006780"],
        [True] * 4,
    ),
    "one id many times is one id": (["5029500000000010"] * 50, [False] * 50),
    "all ids end in 00: JavaScript keeps 17 digits": (
        ["8100000000000012300", "8100000000000045600"],
        [True] * 2,
    ),
    "the empty cell and short numbers": ([None, "1000000", "2000000", ""], [False] * 4),
}


@pytest.mark.parametrize(("texts", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_which_ids_of_a_column_were_rounded(texts: list[str | None], expected: list[bool]) -> None:
    assert is_rounded(pl.Series(texts, dtype=pl.String)).to_list() == expected


def test_what_a_spreadsheet_shows_in_place_of_an_id_is_none(tmp_path: Path) -> None:
    """Two products that were not looked up would become one product."""
    errors = ["#N/A", "#REF!", " #name? ", "#VALUE!", "########", "#DIV/0!"]
    assert is_error(pl.Series(errors)).all()
    assert not is_error(pl.Series(["#1001", "N/A-7", "#", "", None], dtype=pl.String)).any()
    text = "No,When,Sum,SKU\n1,2026-05-01,5,#N/A\n2,2026-05-01,5,#N/A\n3,2026-05-01,5,mug\n"
    (tmp_path / "orders.csv").write_text(text)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    data = enforce_contract(read_mapped(SourceContext(tmp_path)))
    assert refused(data) == {("SKU", NO_ID)}
    assert data.frames["products"]["product_id"].to_list() == ["mug"]
    raw = sound_source("canonical")
    raw.files["order_lines.csv"][0]["product_id"] = "#N/A"
    data = enforce_contract(read_canonical(SourceContext(raw.write(tmp_path / "raw"))))
    assert ("product_id", NO_ID) in refused(data)


def test_number_cells_are_exact_up_to_2_to_the_53() -> None:
    assert are_rounded_numbers([5000000001737142, 5000000002572430, 7.0]) == [False] * 3
    assert are_rounded_numbers([2**53 + 2, 8.1e18]) == [True] * 2


@pytest.mark.parametrize("text", ["5.02951E+15", "5,02951E+15"])
@pytest.mark.parametrize("table", ["orders", "order_lines", "shipments", "disputes"])
def test_canonical_files(tmp_path: Path, table: str, text: str) -> None:
    """Each id column of each table, the references too."""
    written = sound_source("canonical").write(tmp_path / "raw")
    path = written / f"{table}.csv"
    rows = pl.read_csv(path, infer_schema=False)
    for column in [name for name in TABLES[table].schema if name.endswith("_id")]:
        # the file may leave out an optional column
        rest = pl.col(column) if column in rows.columns else pl.lit(None, pl.String)
        changed = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(text)).otherwise(rest)
        rows.with_columns(changed.alias(column)).write_csv(path)
        data = enforce_contract(read_canonical(SourceContext(written)))
        assert (column, ROUNDED) in refused(data)
        if column in data.frames[table].columns:
            assert text not in data.frames[table][column].to_list()


MAPPING = """
[store]
zone = "UTC"
[[fact]]
table = "orders"
file = "orders*"
[fact.columns]
order_id = "No"
occurred_at = "When"
total = "Sum"
[[fact]]
table = "order_lines"
file = "orders*"
[fact.columns]
order_id = "No"
product_id = "SKU"
unit_price = "Sum"
"""
HEADER = ["No", "When", "Sum", "SKU"]


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "parquet"])
def test_tables_with_a_mapping(tmp_path: Path, kind: str) -> None:
    rows = [
        (EXACT, "2024-05-03", "5", "A"),
        ("5.02951E+15", "2024-05-03", "5", "A"),
        ("5029500000000018", "2024-05-03", "5", "1.005E+15"),
    ]
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    path = tmp_path / f"orders.{kind}"
    frame = pl.DataFrame(rows, schema=HEADER, orient="row")
    if kind == "xlsx":
        book = Workbook()
        for row in (HEADER, *rows):
            book.active.append(row)
        book.save(path)
    elif kind == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if kind == "tsv" else ",")
    data = enforce_contract(read_mapped(SourceContext(tmp_path)))
    assert data.frames["orders"]["order_id"].to_list() == [EXACT]
    assert refused(data) == {("No", ROUNDED), ("SKU", ROUNDED)}


def test_floating_point_columns_of_databases_and_parquet(tmp_path: Path) -> None:
    """A float holds 16 digits; a longer id in it is not the shop's any more."""
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute('CREATE TABLE o ("No" REAL, "When" TEXT, "Sum" REAL, "SKU" TEXT)')
        shop.executemany(
            "INSERT INTO o VALUES (?, '2024-05-03', 5, 'A')",
            [(5029500000000017,), (8100000000000012345,), (9007199254740995,)],
        )
    (tmp_path / "database.toml").write_text(
        'url = "sqlite:///shop.db"\n[[query]]\nname = "orders"\nsql = "SELECT * FROM o"\n',
        encoding="utf-8",
    )
    pull(tmp_path, lambda _: None)
    data = enforce_contract(read_database(SourceContext(tmp_path)))
    assert data.frames["orders"]["order_id"].to_list() == [EXACT]
    assert refused(data) == {("No", ROUNDED)}


def test_files_of_tracking_providers(tmp_path: Path) -> None:
    raw = sound_source("canonical").write(tmp_path / "raw")
    (raw / "tracking").mkdir()
    (raw / "tracking" / "17track.csv").write_text(
        "Number,Package Status,Latest Event Time\n4.20331E+21,Delivered,2018-01-21 10:00\n",
        encoding="utf-8",
    )
    context = SourceContext(raw)
    data = with_tracking(enforce_contract(read_canonical(context)), context)
    assert ("number", ROUNDED) in refused(data)
