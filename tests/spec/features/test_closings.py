"""When an order leaves the list that nothing in the data ends."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from features.closing_times import LIFE_DAYS, usual_life_days
from features.spine import DisputeWindow, build_spine, closings
from features.tables import Tables
from pipeline.workspace.workspace import Workspace
from tests.conftest import day

MakeTables = Callable[..., Tables]


def closed(tables: Tables, window: DisputeWindow | None = None) -> dict[str, int | None]:
    """Order -> the day on which it closes, counted from 2024-01-01."""
    rows = closings(tables, window or DisputeWindow()).with_columns(
        pl.col("closed_day") - day("01-01")
    )
    return dict(rows.sort("order_id").iter_rows())


def test_an_order_without_a_promise_closes_after_the_store_s_usual_time(
    make_tables: MakeTables,
) -> None:
    tables = make_tables(orders="order_id | occurred_at\na | 01-01")
    assert closed(tables) == {"a": LIFE_DAYS}
    own = Tables(tables.frames, tables.zone, usual_life_days=((day("01-01"), 45),))
    assert closed(own) == {"a": 45}
    # a setting wins
    assert closed(own, DisputeWindow(days_without_promise=200)) == {"a": 200}


def test_an_order_that_becomes_known_years_later_is_never_open(make_tables: MakeTables) -> None:
    tables = make_tables(
        orders="order_id | occurred_at | known_at\na | 2022-01-01 | 2024-01-01\nb | 12-30 | 12-30"
    )
    spine = build_spine(tables, [day("01-01") + extra for extra in range(5)])
    assert spine["order_id"].to_list() == []


def test_a_promise_that_becomes_known_too_late_does_not_open_it_again(
    make_tables: MakeTables,
) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 01-01\nb | 01-01",
        promises="""
        order_id | occurred_at | known_at | promised_at
        a        | 01-01       | 05-01    | 06-01
        b        | 01-01       | 04-01    | 06-01
        """,
    )
    assert closed(tables) == {"a": LIFE_DAYS, "b": day("06-01") + 60 - day("01-01")}


def test_a_delivered_order_closes_fifteen_days_later_but_not_after_its_life(
    make_tables: MakeTables,
) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 01-01\nb | 01-01",
        tracking="""
        order_id | status    | occurred_at
        a        | Delivered | 02-01
        b        | Delivered | 06-01
        """,
    )
    assert closed(tables) == {"a": 31 + 15, "b": LIFE_DAYS}


@pytest.mark.parametrize(
    ("amount", "sent", "is_over"),
    [
        ("20", "-", True),
        ("19.9", "-", True),
        ("-", "-", True),
        ("5", "-", False),
        ("20", "01-09", True),
        ("20", "01-05", False),
        ("20", "01-03", False),
    ],
    ids=[
        "in full",
        "in full, but for cents",
        "amount not known",
        "a part of it",
        "sent later",
        "sent on the same day",
        "sent before",
    ],
)
def test_an_order_refunded_before_it_was_sent_is_over(
    make_tables: MakeTables, amount: str, sent: str, is_over: bool
) -> None:
    more = {} if sent == "-" else {"shipments": f"order_id | occurred_at\na | {sent}"}
    tables = make_tables(
        orders="order_id | occurred_at | total_usd\na | 01-01 | 20",
        disputes=f"order_id | step | occurred_at | amount_usd\na | refunded | 01-05 | {amount}",
        **more,
    )
    assert closed(tables) == {"a": 4 if is_over else LIFE_DAYS}
    open_nights = build_spine(tables, [day("01-05"), day("01-06")])["order_id"].len()
    assert open_nights == (1 if is_over else 2)


def test_a_cancelled_order_is_never_listed_again(make_tables: MakeTables) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 01-01",
        order_events="order_id | event | occurred_at\na | closed | 01-02",
    )
    assert build_spine(tables, [day("01-02"), day("01-03")])["as_of_day"].to_list() == [
        day("01-02")
    ]


def many_orders(ends: list[int], event: str) -> dict[str, str]:
    orders = "\n".join(f"o{n} | 01-01" for n in range(len(ends)))
    ended = "\n".join(
        f"o{n} | {event} | 2024-{1 + e // 28:02}-{1 + e % 28:02}" for n, e in enumerate(ends)
    )
    table, column = ("order_events", "event") if event == "closed" else ("disputes", "step")
    return {
        "orders": f"order_id | occurred_at\n{orders}",
        table: f"order_id | {column} | occurred_at\n{ended}",
    }


def test_the_usual_time_comes_from_closings_and_disputes(make_tables: MakeTables) -> None:
    few = make_tables(**many_orders([40] * 99, "closed"))
    assert usual_life_days(few) == ()
    enough = make_tables(**many_orders([12] * 100, "closed"))
    assert usual_life_days(enough) == ((day("02-01"), 30),)
    ends = [20] * 98 + [59, 90]
    expected = day("03-04") - day("01-01")  # 59 is 2024-03-04 in the drawing
    for event in ("closed", "opened"):
        # the hundredth end is known in April
        steps = usual_life_days(make_tables(**many_orders(ends, event)))
        assert steps == ((day("05-01"), expected),)


def test_the_usual_time_of_a_month_rests_on_earlier_ends_only(make_tables: MakeTables) -> None:
    drawings = many_orders([31] * 100 + [59] * 100, "closed")
    tables = make_tables(**drawings)
    # 100 orders end on 4 February and 100 on 4 March of the drawing
    slow = day("03-04") - day("01-01")
    assert usual_life_days(tables) == ((day("03-01"), 34), (day("04-01"), slow))
    new = make_tables(orders="order_id | occurred_at\na | 02-29\nb | 03-01\nc | 04-01")
    own = Tables(new.frames, new.zone, usual_life_days=usual_life_days(tables))
    first = day("01-01")
    assert closed(own) == {
        "a": day("02-29") - first + LIFE_DAYS,
        "b": day("03-01") - first + 34,
        "c": day("04-01") - first + slow,
    }


def test_what_becomes_known_later_changes_no_earlier_usual_time(make_tables: MakeTables) -> None:
    early, late = [31] * 150, [90] * 50
    known = usual_life_days(make_tables(**many_orders(early, "closed")))
    both = usual_life_days(make_tables(**many_orders(early + late, "closed")))
    assert both[: len(known)] == known
    assert all(first_day > day("04-01") for first_day, _ in both[len(known) :])
    assert len(both) > len(known)


def test_the_usual_time_is_kept_with_the_tables(make_tables: MakeTables, tmp_path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_tables(make_tables(**many_orders([40] * 100, "closed")), {})
    expected = usual_life_days(workspace.read_tables())
    assert expected
    assert workspace.read_tables().usual_life_days == expected
    assert workspace.table_files().read_part(0, 10).usual_life_days == expected
