"""doctor: how many orders would be open, how old they are, and disputes after a closing."""

from __future__ import annotations

from collections.abc import Callable

from features.tables import TABLES, Tables
from pipeline.load.open_tonight import open_lines
from pipeline.settings.config import Config
from pipeline.sources.store_data import StoreData

MakeTables = Callable[..., Tables]


def report(tables: Tables, config: Config | None = None) -> str:
    frames = {name: tables[name].select(list(table.schema)) for name, table in TABLES.items()}
    data = StoreData(frames, tables.zone, has_partial_outcomes=False, files=[])
    return "\n".join(open_lines(data, config or Config()))


def test_it_says_how_many_orders_would_be_open_and_how_old(make_tables: MakeTables) -> None:
    tables = make_tables(
        orders="""
        order_id  | occurred_at
        old       | 01-01
        cancelled | 2022-03-01
        a         | 05-20
        b         | 05-28
        """,
        order_events="order_id | event | occurred_at\ncancelled | closed | 2022-03-02",
    )
    assert report(tables).splitlines() == [
        "in the night of 2024-05-29, after the newest fact, 2 of 4 orders would be open; half of "
        "them are older than 5 days, the oldest is 9 days old",
        "100% of the orders have no promised delivery day; undelivered ones stay open for 120 "
        "days: the default, because fewer than 100 closings and disputes are known",
    ]
    assert "open for 400 days: days_without_promise in config.toml" in report(
        tables, Config(days_without_promise=400)
    )
    assert "3 of 4 orders would be open" in report(tables, Config(days_without_promise=400))


def test_it_says_when_no_order_would_be_open(make_tables: MakeTables) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01",
        order_events="order_id | event | occurred_at\na | closed | 05-02",
    )
    assert "none of 1 orders would be open: the list would be empty" in report(tables)


def test_it_says_when_disputes_come_after_the_closing(make_tables: MakeTables) -> None:
    # "Completed Date" of a shop whose orders are completed when they are sent
    orders = "order_id | occurred_at\n" + "\n".join(f"o{n} | 05-01" for n in range(10))
    rows = "\n".join(f"o{n} | closed | 05-03" for n in range(10))
    closed = f"order_id | event | occurred_at\n{rows}"

    def disputes(*days: str) -> str:
        rows = "\n".join(f"o{n} | opened | {day}" for n, day in enumerate(days))
        return f"order_id | step | occurred_at\n{rows}"

    def lines(*days: str) -> str:
        return report(make_tables(orders=orders, order_events=closed, disputes=disputes(*days)))

    many = lines("05-20", "05-21", "05-02")
    assert "2 of 3 disputes come after the closing of their order" in many
    assert "such a closing is probably another event" in many
    assert "after the closing" not in lines("05-02", "05-03")


def test_it_says_when_disputes_come_after_the_computed_end(make_tables: MakeTables) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 01-01\nb | 05-01",
        disputes="order_id | step | occurred_at\na | opened | 06-20\nb | opened | 06-20",
    )
    assert "1 of 2 disputes come after the end that this program computes" in report(tables)
