"""What `make map` proposes for files that no preset knows, and what it loads without an edit."""

from __future__ import annotations

import tomllib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.load.propose_mapping import propose_mapping
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData

RATES = {"USD": 1.0, "EUR": 1.25}
UTC = ZoneInfo("UTC")


def write(folder: Path, **drawings: str) -> Path:
    """Write drawings, with spaces around `|`, as CSV files."""
    folder.mkdir(exist_ok=True)
    for name, drawing in drawings.items():
        rows = [line.strip().split(" | ") for line in drawing.strip().split("\n")]
        text = "\n".join(",".join(cell.strip() for cell in row) for row in rows)
        (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def load(folder: Path) -> StoreData:
    return enforce_contract(read_mapped(SourceContext(folder, RATES)))


def mapped(folder: Path, zone: str | None = "UTC") -> dict[str, dict]:
    """The facts of the proposed mapping by table."""
    mapping = tomllib.loads(propose_mapping(folder, zone=zone).read_text())
    return {fact["table"]: fact for fact in mapping["fact"]}


TOY_SHOP = {
    "orders": """
        order_id | created_at | website_session_id | user_id | primary_product_id | items_purchased | price_usd | cogs_usd
        1 | 2014-03-19 10:42:46 | 20 | 20 | 1 | 1 | 49.99 | 19.49
        2 | 2014-03-19 19:27:37 | 104 | 104 | 1 | 2 | 109.98 | 38.98
        3 | 2014-03-20 06:44:45 | 147 | 147 | 2 | 1 | 59.99 | 22.49
        4 | 2014-03-20 09:41:45 | 160 | 160 | 1 | 2 | 109.98 | 38.98
    """,  # noqa: E501
    "order_items": """
        order_item_id | created_at | order_id | product_id | is_primary_item | price_usd | cogs_usd
        1 | 2014-03-19 10:42:46 | 1 | 1 | 1 | 49.99 | 19.49
        2 | 2014-03-19 19:27:37 | 2 | 1 | 1 | 49.99 | 19.49
        3 | 2014-03-19 19:27:37 | 2 | 2 | 0 | 59.99 | 19.49
        4 | 2014-03-20 06:44:45 | 3 | 2 | 1 | 59.99 | 22.49
        5 | 2014-03-20 09:41:45 | 4 | 1 | 1 | 49.99 | 19.49
        6 | 2014-03-20 09:41:45 | 4 | 2 | 0 | 59.99 | 19.49
    """,
    "order_item_refunds": """
        order_item_refund_id | created_at | order_item_id | order_id | refund_amount_usd
        1 | 2014-04-06 11:32:43 | 3 | 2 | 59.99
    """,
    "products": """
        product_id | created_at | product_name
        1 | 2012-03-19 08:00:00 | The Original Mr. Fuzzy
        2 | 2013-01-06 13:00:00 | The Forever Love Bear
    """,
    "website_sessions": """
        website_session_id | created_at | user_id | utm_source
        1 | 2012-03-19 08:04:16 | 1 | gsearch
        2 | 2012-03-19 08:16:49 | 2 | gsearch
    """,
}


def test_orders_and_their_lines_in_two_files(tmp_path: Path) -> None:
    """The files of the Maven toy shop: `order_items` looks like orders too."""
    facts = mapped(write(tmp_path, **TOY_SHOP))
    assert {name: fact["file"] for name, fact in facts.items()} == {
        "orders": "orders*.csv",
        "order_lines": "order_items*.csv",
        "disputes": "order_item_refunds*.csv",
        "products": "products*.csv",
    }
    data = load(tmp_path)
    assert all(file.quarantine().is_empty() for file in data.files)
    orders = data.frames["orders"].sort("order_id").select("order_id", "buyer_id", "total_usd")
    assert orders.rows() == [
        ("1", "20", 49.99),
        ("2", "104", 109.98),
        ("3", "147", 59.99),
        ("4", "160", 109.98),
    ]
    lines = data.frames["order_lines"].sort("line_id")
    assert lines.select("order_id", "product_id", "unit_price_usd").rows()[1:3] == [
        ("2", "1", 49.99),
        ("2", "2", 59.99),
    ]
    disputes = data.frames["disputes"].select("order_id", "line_id", "step", "amount_usd")
    assert disputes.rows() == [("2", "3", "opened", 59.99)]
    assert data.frames["products"].sort("product_id")["title"][0] == "The Original Mr. Fuzzy"


def test_one_wide_file_of_lines_with_days_of_delivery(tmp_path: Path) -> None:
    """The columns of the DataCo file, with the promise as a number of days."""
    write(
        tmp_path,
        DataCo="""
        Type | Days for shipping (real) | Days for shipment (scheduled) | Category Name | Customer Country | Customer Id | Order Country | order date (DateOrders) | Order Id | Order Item Cardprod Id | Order Item Id | Order Item Quantity | Product Card Id | Product Name | Product Price | shipping date (DateOrders) | Shipping Mode
        DEBIT | 3 | 4 | Sporting Goods | Puerto Rico | 20755 | Indonesia | 1/31/2018 22:56 | 77202 | 1360 | 180517 | 1 | 1360 | Smart watch | 327.75 | 2/3/2018 22:56 | Standard Class
        CASH | 5 | 4 | Sporting Goods | Puerto Rico | 19492 | India | 1/13/2018 12:27 | 75939 | 1360 | 179254 | 2 | 1360 | Smart watch | 327.75 | 1/18/2018 12:27 | Standard Class
        CASH | 5 | 2 | Cleats | Puerto Rico | 19492 | India | 1/13/2018 12:27 | 75939 | 365 | 179255 | 1 | 365 | Perfect Fitness | 59.99 | 1/18/2018 12:27 | Standard Class
        """,  # noqa: E501
    )
    mapped(tmp_path)
    data = load(tmp_path)
    assert all(file.quarantine().is_empty() for file in data.files)
    order = data.frames["orders"].filter(order_id="75939")
    assert order.select("country", "lane", "total_usd").rows() == [
        ("India", "Standard Class>India", 2 * 327.75 + 59.99)
    ]
    promised = data.frames["promises"].filter(order_id="77202").select("kind", "promised_at")
    assert promised.rows() == [("delivery", datetime(2018, 2, 4, 22, 56, tzinfo=UTC))]
    sent = data.frames["shipments"].filter(order_id="77202")["occurred_at"]
    assert sent.to_list() == [datetime(2018, 2, 3, 22, 56, tzinfo=UTC)]
    categories = dict(data.frames["products"].select("product_id", "category").iter_rows())
    assert categories == {"1360": "Sporting Goods", "365": "Cleats"}


ORDERS = """
    Order Number | Order Date | Order Time | Customer No | Total | Payment Reference
    A-1001 | 2026-05-13 | 10:00 | c1 | 10.00 | txn_000001
    A-1002 | 2026-05-14 | 11:30 | c2 | 20.00 | txn_000002
    A-1003 | 2026-05-15 | 12:00 | c2 | 30.00 | txn_000003
"""


def test_refunds_and_chargebacks_in_a_file_of_payments_are_disputes(tmp_path: Path) -> None:
    write(
        tmp_path,
        sales=ORDERS,
        transactions="""
        Transaction | Kind | Created | Amount
        txn_000001 | sale | 2026-05-13 10:01 | 10.00
        txn_000002 | sale | 2026-05-14 11:31 | 20.00
        txn_000001 | refund | 2026-05-20 10:00 | -10.00
        txn_000003 | chargeback | 2026-05-21 09:00 | -30.00
        txn_000003 | chargeback fee | 2026-05-21 09:00 | -15.00
        """,
    )
    facts = mapped(tmp_path)
    assert facts["disputes"]["where"] == {"Kind": ["chargeback", "refund"]}
    disputes = load(tmp_path).frames["disputes"].sort("order_id")
    assert disputes.select("order_id", "step", "amount_usd").rows() == [
        ("A-1001", "opened", 10.0),
        ("A-1003", "opened", 30.0),
    ]


def test_a_date_and_its_time_in_two_columns_and_a_country_in_another_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        sales=ORDERS,
        customers="""
        Customer No | Country | Since
        c1 | DE | 2020
        c2 | FR | 2021
        """,
    )
    mapped(tmp_path, "Europe/Berlin")
    orders = load(tmp_path).frames["orders"].sort("order_id")
    assert orders["country"].to_list() == ["DE", "FR", "FR"]
    assert orders["occurred_at"][1] == datetime(2026, 5, 14, 9, 30, tzinfo=UTC)


def test_small_numbers_of_other_things_are_no_orders(tmp_path: Path) -> None:
    write(
        tmp_path,
        orders="""
        order_id | created_at | total
        1 | 2026-05-13 10:00 | 5
        2 | 2026-05-14 10:00 | 6
        3 | 2026-05-15 10:00 | 7
        """,
        ratings="""
        id | product | stars | created
        1 | 2 | 5 | 2026-05-16
        2 | 3 | 4 | 2026-05-17
        """,
    )
    assert set(mapped(tmp_path)) == {"orders"}


def test_the_files_left_out_are_named_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, sales=ORDERS, stock="sku | stock\nA | 3")
    text = propose_mapping(tmp_path).read_text()
    assert text.index("# stock.csv: the whole file") < text.index("[store]")
    assert "left out: stock.csv" in capsys.readouterr().out.split("\n")[0]


def test_nothing_recognised_gives_a_mapping_to_fill_in(tmp_path: Path) -> None:
    write(tmp_path, stock="sku | stock | changed\nA | 3 | 2026-05-01\nB | 4 | 2026-05-02")
    with pytest.raises(BadInput, match="is a mapping to fill in, with what was looked for"):
        propose_mapping(tmp_path, zone="Asia/Tokyo")
    path = tmp_path / "mapping.toml"
    text = path.read_text()
    assert "stock.csv: sku, stock (N), changed (T)" in text
    assert "Order Number" in text
    assert "Shopify orders" in text
    # it does not load as it is, and the message names the line to fill in
    with pytest.raises(BadInput, match=r"orders uses column \? of stock.csv, which has: sku"):
        read_mapped(SourceContext(tmp_path, RATES))
    path.write_text(text.replace('order_id = "?"', 'order_id = "sku"', 1))
    with pytest.raises(BadInput, match="exists already and is not replaced"):
        propose_mapping(tmp_path)


CANONICAL = """
    order_id | buyer_id | store_id | country | currency | total_usd | occurred_at
    1 | b | s | DE | EUR | 5 | 2026-05-01T10:00:00Z
"""
KNOWN_FORMATS = {
    "canonical": {"orders": CANONICAL, "promises": "promise_id | order_id\np | 1"},
    "olist": {"olist_orders_dataset": "order_id | order_status\n1 | delivered"},
}


@pytest.mark.parametrize("source", KNOWN_FORMATS)
def test_files_that_need_no_mapping_name_their_source(tmp_path: Path, source: str) -> None:
    write(tmp_path, **KNOWN_FORMATS[source])
    with pytest.raises(BadInput, match=f"in the {source} format.*SOURCE={source} RAW="):
        propose_mapping(tmp_path)
    assert not (tmp_path / "mapping.toml").exists()


PATTERNS = {
    "a number": (["orders_export_1.csv"], [], ["orders_export_*.csv"]),
    "dates": (["orders 2026-05-01.csv", "orders 2026-05-02.csv"], [], ["orders *.csv"]),
    "a copy": (["Orders (2).csv"], [], ["Orders*.csv"]),
    "no number": (["orders.csv"], ["items.csv"], ["orders*.csv"]),
    "another file would fit": (["orders.csv"], ["orders_items.csv"], ["orders.csv"]),
    "only a number": (["2026.csv"], [], ["2026.csv"]),
    "signs of patterns": (["a[1]list.csv"], [], ["a[[]*]list*.csv"]),
    "a folder": (["may/orders_1.csv"], [], ["may/orders_*.csv"]),
    "two names": (["january.csv", "february.csv"], [], ["january*.csv", "february*.csv"]),
}


@pytest.mark.parametrize(("names", "others", "patterns"), PATTERNS.values(), ids=PATTERNS)
def test_patterns_of_file_names(names: list[str], others: list[str], patterns: list[str]) -> None:
    from pipeline.sources.proposing.file_patterns import patterns_of

    assert list(patterns_of(names, others)) == patterns


def test_files_with_the_same_columns_are_one_kind(tmp_path: Path) -> None:
    head, first, *rest = (line.strip() for line in ORDERS.strip().split("\n"))
    write(tmp_path, january=f"{head}\n{first}", february="\n".join([head, *rest]))
    facts = mapped(tmp_path)
    assert facts["orders"]["file"] == ["february*.csv", "january*.csv"]
    assert load(tmp_path).frames["orders"].height == 3


DAYS = {
    "another column": "Order ID | Created | Paid at | Total\n"
    + "\n".join(f"A{n} | 0{n}/05/2026 10:00 | 2{n}/05/2026 10:00 | 5" for n in range(1, 5)),
    "the order of the rows": "Order ID | Created | Total\n"
    + "\n".join(
        f"A{n} | {day} 10:00 | 5"
        for n, day in enumerate(
            ["10/04/2026", "11/04/2026", "12/04/2026", "01/05/2026", "02/05/2026", "04/05/2026"], 1
        )
    ),
}
RIGHT_DAYS = {"another column": [1, 2, 3, 4], "the order of the rows": [10, 11, 12, 1, 2, 4]}


@pytest.mark.parametrize("case", DAYS)
def test_day_or_month_first(tmp_path: Path, case: str) -> None:
    write(tmp_path, orders=DAYS[case])
    text = propose_mapping(tmp_path, zone="UTC").read_text()
    assert "does the day or the month come first" not in text
    orders = load(tmp_path).frames["orders"].sort("order_id")
    assert orders["occurred_at"].dt.day().to_list() == RIGHT_DAYS[case]


def test_an_open_order_of_day_and_month_loads_nothing_until_it_is_chosen(tmp_path: Path) -> None:
    write(
        tmp_path,
        orders="Order ID | Created | Total\nA1 | 03/05/2026 10:00 | 5\nA2 | 05/05/2026 10:00 | 5",
    )
    path = propose_mapping(tmp_path, zone="UTC")
    assert "LOOK, does the day or the month come first?" in path.read_text()
    data = load(tmp_path)
    # the fifth of May is the same in both
    assert data.frames["orders"]["order_id"].to_list() == ["A2"]
    faults = pl.concat([file.quarantine() for file in data.files])
    assert "may both fit, with different times" in faults["reason"][0]
    path.write_text(
        path.read_text().replace('["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]', '"%m/%d/%Y %H:%M"')
    )
    assert load(tmp_path).frames["orders"]["occurred_at"].dt.month().to_list() == [3, 5]


def test_a_zone_that_is_none_is_refused(tmp_path: Path) -> None:
    write(tmp_path, sales=ORDERS)
    with pytest.raises(BadInput, match="ZONE=Mars: is not a time zone"):
        propose_mapping(tmp_path, zone="Mars")
