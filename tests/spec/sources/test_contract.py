"""The contract of the tables: which rows break it, and which rows are rejected because of them."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from features.tables import TABLES, Tables
from pipeline.sources.contract import INDEX, find_faults
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.store_data import StoreData

ORDERS = """
    order_id | total_usd | shipping_usd | occurred_at
    o1       | 20        | 2            | 05-03
    o2       | 40        | 0            | 05-04
"""
LINES = """
    order_id | line_id | quantity | unit_price_usd | shipping_usd | occurred_at
    o1       | 1       | 2        | 9              | 2            | 05-03
    o2       | 1       | 1        | 30             | 0            | 05-04
    o2       | 2       | 1        | 10             | 0            | 05-04
"""
Made = Callable[..., Tables]


def faults(make_tables: Made, **drawings: str) -> set[tuple[str, int, str, str]]:
    """(table, row, column, reason up to its colon) of each fault."""
    tables = make_tables(**drawings)
    frames = {name: tables[name].select(*TABLES[name].schema) for name in drawings}
    return {
        (name, row[INDEX], row["column"], row["reason"].split(": ")[0])
        for name, table_faults in find_faults(frames).items()
        for row in table_faults.iter_rows(named=True)
    }


def test_good_tables_have_no_fault(make_tables: Made) -> None:
    assert faults(make_tables, orders=ORDERS, order_lines=LINES) == set()


def test_a_total_is_at_most_the_sum_of_its_lines_within_a_cent_per_line(make_tables: Made) -> None:
    """A smaller total means a discount."""
    for price in ("30.015", "29.985", "45"):
        close = LINES.replace("| 30 ", f"| {price} ")
        assert faults(make_tables, orders=ORDERS, order_lines=close) == set()
    off = LINES.replace("| 30 ", "| 29.97 ")
    reported = faults(make_tables, orders=ORDERS, order_lines=off)
    assert ("orders", 1, "total_usd", "more than its lines add up to") in reported
    assert {(table, row) for table, row, _, reason in reported if "in quarantine" in reason} == {
        ("order_lines", 1),
        ("order_lines", 2),
    }


def test_the_sum_of_an_order_with_a_rejected_line_is_not_checked(make_tables: Made) -> None:
    bad = LINES.replace("o2       | 2       | 1 ", "o2       | 2       | 0 ")
    assert faults(make_tables, orders=ORDERS, order_lines=bad) == {
        ("order_lines", 2, "quantity", "below 1, the smallest value allowed")
    }


def test_a_repeated_line_is_rejected_once_and_its_order_is_kept(make_tables: Made) -> None:
    twice = LINES + "    o2 | 2 | 1 | 10 | 0 | 05-04\n"
    assert faults(make_tables, orders=ORDERS, order_lines=twice) == {
        (
            "order_lines",
            3,
            "line_id",
            "duplicate key (order_id, line_id); the first good row is kept",
        )
    }


def test_rows_of_unknown_and_of_rejected_orders_are_rejected(make_tables: Made) -> None:
    events = """
        order_id | event | occurred_at
        o1       | paid  | 05-03
        o9       | paid  | 05-05
        o2       | paid  | 05-05
    """
    orders = ORDERS.replace("| 40        |", "| -40       |")
    assert faults(make_tables, orders=orders, order_events=events) == {
        ("orders", 1, "total_usd", "below 0, the smallest value allowed"),
        ("order_events", 1, "order_id", "unknown order"),
        ("order_events", 2, "order_id", "its order is in quarantine"),
    }


def test_the_product_of_a_line_must_be_in_the_products_table_if_there_is_one(
    make_tables: Made,
) -> None:
    reported = faults(
        make_tables,
        orders=ORDERS,
        order_lines=LINES,
        products="product_id | occurred_at\nq | 05-01",
    )
    assert ("order_lines", 0, "product_id", "unknown product") in reported


@pytest.mark.parametrize(
    ("table", "drawing", "fault"),
    [
        (
            "order_events",
            "order_id | occurred_at\no1 | 05-02",
            ("occurred_at", "happened before its order was placed"),
        ),
        (
            "order_events",
            "order_id | occurred_at | known_at\no1 | 05-04 | 05-03",
            ("known_at", "known before it happened"),
        ),
        (
            "promises",
            "order_id | promised_at | occurred_at\no1 | 05-01 | 05-03",
            ("promised_at", "promised for a time before its order was placed"),
        ),
        (
            "reviews",
            "order_id | score | occurred_at\no1 | - | 05-04",
            ("score", "empty; a value is required"),
        ),
        (
            "reviews",
            "order_id | score | occurred_at\no1 | inf | 05-04",
            ("score", "not a number; write it like 1234.50"),
        ),
        (
            "disputes",
            "dispute_id | order_id | step | occurred_at\nd | o1 | ruled | 05-09",
            ("dispute_id", "its dispute has no step 'opened'"),
        ),
        (
            "messages",
            "order_id | sender | occurred_at\no1 | robot | 05-09",
            ("sender", "unknown value; allowed"),
        ),
    ],
)
def test_order_in_time_and_values(
    make_tables: Made, table: str, drawing: str, fault: tuple[str, str]
) -> None:
    column, reason = fault
    reported = faults(make_tables, orders=ORDERS, **{table: drawing})
    assert {(name, row, at, why.split(";")[0]) for name, row, at, why in reported} == {
        (table, 0, column, reason.split(";")[0])
    }


def test_a_fault_after_a_row_refused_earlier_is_reported_for_its_own_row(make_tables: Made) -> None:
    reviews = """
        order_id | score | occurred_at
        o1       | 5     | 05-04
        o2       | -     | 05-05
    """
    frame = make_tables(reviews=reviews)["reviews"].select(*TABLES["reviews"].schema)
    refused = find_faults({"reviews": frame}, {"reviews": pl.Series([0])})
    assert refused["reviews"][INDEX].to_list() == [1]


def test_a_step_before_its_dispute_was_opened(make_tables: Made) -> None:
    drawing = """
        dispute_id | order_id | step     | occurred_at
        d          | o1       | opened   | 05-09
        d          | o1       | answered | 05-08
    """
    assert faults(make_tables, orders=ORDERS, disputes=drawing) == {
        ("disputes", 1, "occurred_at", "happened before its dispute was opened")
    }


def test_columns_of_another_type_are_a_defect_of_the_source() -> None:
    with pytest.raises(ValueError, match="not the columns of the table"):
        find_faults({"reviews": TABLES["reviews"].empty().cast({"score": pl.Int64}).head(0)})


def test_a_dispute_of_a_line_that_its_order_lacks_counts_for_the_whole_order(
    make_tables: Made,
) -> None:
    """The dispute itself is never lost: without it the order would look undisputed."""
    drawings = {
        "orders": ORDERS,
        "order_lines": LINES,
        "disputes": """
            dispute_id | order_id | line_id | occurred_at
            d1         | o1       | 1       | 05-20
            d2         | o2       | 2       | 05-20
            d3         | o1       | 2       | 05-20
            d4         | o2       | 9       | 05-20
            d5         | o2       | -       | 05-20
        """,
    }
    tables = make_tables(**drawings)
    frames = {name: tables[name].select(*TABLES[name].schema) for name in drawings}
    loaded = enforce_contract(StoreData(frames, "UTC", False, []))
    assert loaded.files == []
    assert loaded.frames["disputes"].select("dispute_id", "line_id").rows() == [
        ("d1", "1"),
        ("d2", "2"),
        ("d3", None),
        ("d4", None),
        ("d5", None),
    ]
    assert loaded.notes == (
        "2 disputes name a line that their order does not have (line_id); they count for the "
        "whole order",
    )
