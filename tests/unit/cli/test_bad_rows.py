"""A faulty row goes to quarantine with its reason, and all other rows are loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.workspace.workspace import Workspace
from tests.unit.cli.loading import (
    ITEMS,
    ORDERS,
    PAYMENTS,
    TABLE_OF,
    assert_no_row_is_lost,
    load,
    quarantined,
)
from tests.unit.cli.row_faults import BOUGHT, FAULTS
from tests.unit.source_folders import COUNT

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+1+cmd",
    "-2+3",
    "\t=1+1",
    "../x",
    "o\x00=1",
    "\u202egnp.exe",
    "\x1b[2J",
]


@pytest.mark.parametrize("kind", TABLE_OF)
def test_a_source_without_faults_is_loaded_completely(
    make_source: Callable, tmp_path: Path, kind: str
) -> None:
    source = make_source(kind)
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    assert list((tmp_path / "w/quarantine").iterdir()) == []
    assert_no_row_is_lost(tmp_path / "w", source)


@pytest.mark.parametrize(("kind", "file", "change", "column", "reason"), FAULTS)
def test_faulty_row_goes_to_quarantine_and_the_rest_is_loaded(
    make_source: Callable,
    tmp_path: Path,
    kind: str,
    file: str,
    change: dict,
    column: str,
    reason: str,
) -> None:
    source = make_source(kind)
    source.files[file][4].update(change)
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    rows = quarantined(tmp_path / "w", file)
    assert {(row["file"], row["row"]) for row in rows} == {(file, "6")}
    assert column in {row["column"] for row in rows if reason in row["reason"]}
    for row in rows:
        assert (json.loads(row["record"])[row["column"]] or "").replace("\x00", "") == row[
            "value"
        ].removeprefix("'")
    assert Workspace(tmp_path / "w").read_tables()["orders"].height >= COUNT - 1
    assert_no_row_is_lost(tmp_path / "w", source)


@pytest.mark.parametrize(
    ("kind", "file", "key"),
    [
        ("olist", ORDERS, "order_id"),
        ("olist", ITEMS, "order_id, order_item_id"),
        ("olist", PAYMENTS, "order_id, payment_sequential"),
        ("canonical", "orders.csv", "order_id"),
        ("canonical", "order_lines.csv", "order_id, line_id"),
        ("canonical", "products.csv", "product_id"),
        ("canonical", "disputes.csv", "step_id"),
    ],
)
def test_the_first_row_with_a_duplicate_key_is_kept(
    make_source: Callable, tmp_path: Path, kind: str, file: str, key: str
) -> None:
    source = make_source(kind)
    source.files[file].append(dict(source.files[file][4]))
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    (row,) = quarantined(tmp_path / "w", file)
    assert (row["row"], row["reason"]) == (
        "62",
        f"duplicate key ({key}); the first good row is kept",
    )
    assert_no_row_is_lost(tmp_path / "w", source)


@pytest.mark.parametrize(
    ("kind", "file", "column"),
    [("olist", ORDERS, BOUGHT), ("canonical", "orders.csv", "total_usd")],
)
def test_a_good_duplicate_replaces_a_faulty_first_row(
    make_source: Callable, tmp_path: Path, kind: str, file: str, column: str
) -> None:
    source = make_source(kind)
    source.files[file].append(dict(source.files[file][4]))
    source.files[file][4][column] = "?"
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    assert [row["row"] for row in quarantined(tmp_path / "w", file)] == ["6"]
    assert Workspace(tmp_path / "w").read_tables()["order_lines"].height == COUNT


@pytest.mark.parametrize(("kind", "file"), [("olist", ORDERS), ("canonical", "orders.csv")])
def test_rows_of_a_quarantined_order_follow_it_but_are_not_counted_as_faults(
    make_source: Callable, tmp_path: Path, kind: str, file: str
) -> None:
    source = make_source(kind)
    lines = ITEMS if kind == "olist" else "order_lines.csv"
    # in the canonical format, the lines of an order must add up to its total
    part = {} if kind == "olist" else {"unit_price_usd": "4.00", "shipping_usd": "0.30"}
    source.files[lines] = [
        {**row, list(row)[1]: n, **part} for row in source.files[lines][:7] for n in "12345"
    ]
    source.files[file][4][BOUGHT if kind == "olist" else "occurred_at"] = "?"
    # 5 of the 35 lines (14 %) belong to the order
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    rows = quarantined(tmp_path / "w", lines)
    assert {(row["column"], row["reason"]) for row in rows} == {
        ("order_id", "its order is in quarantine")
    }
    assert [row["row"] for row in rows] == ["22", "23", "24", "25", "26"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("kind", "file", "column"),
    [
        ("olist", ITEMS, "order_id"),
        ("olist", ITEMS, "price"),
        ("canonical", "order_lines.csv", "product_id"),
        ("canonical", "products.csv", "weight_g"),
    ],
)
def test_hostile_text_is_harmless_in_quarantine(
    make_source: Callable, tmp_path: Path, kind: str, file: str, column: str, text: str
) -> None:
    source = make_source(kind)
    source.files[file][4][column] = text
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    rows = quarantined(tmp_path / "w", file)
    assert {row["row"] for row in rows} == {"6"}
    for cell in (cell for row in rows for cell in row.values()):
        assert not re.match(r"[=+\-@\t\r]", cell)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", cell)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "w"]
