"""SOURCE=mapped: exports that overlap give the tables of one export with the newest rows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import TABLES
from pipeline.sources.enforce_contract import FILE, enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext

MAPPING = """
[store]
zone = "UTC"
currency = "USD"
[[fact]]
table = "orders"
file = "orders_*.csv"
per = "Name"
[fact.columns]
order_id = "Name"
occurred_at = "Created"
total = "Sum"
[[fact]]
table = "order_lines"
file = "orders_*.csv"
[fact.columns]
order_id = "Name"
product_id = "SKU"
quantity = "Count"
unit_price = "Price"
[[fact]]
table = "shipments"
file = "orders_*.csv"
per = "Name"
[fact.columns]
order_id = "Name"
occurred_at = "Sent"
[[fact]]
table = "disputes"
file = "money_*.csv"
where = {Type = "chargeback"}
[fact.columns]
order_id = "Order"
step = {value = "opened"}
occurred_at = "When"
amount = "Amount"
"""
LAST = 28
days = st.integers(1, LAST)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, object]:
    """One order of February: when it was placed, sent, disputed and made cheaper (0: never), and
    its lines."""
    placed = draw(days)
    later = st.one_of(st.just(0), st.integers(placed, LAST))
    skus = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
    names = ("sent", "disputed", "cheaper")
    return {"placed": placed, "skus": skus, **{name: draw(later) for name in names}}


def stamp(day: int, hour: int = 10) -> str:
    return f"2026-02-{day:02d} {hour}:00"


def order_rows(number: int, order: dict, seen: int) -> list[str]:
    """The rows of one order in an export made at the end of the day `seen`."""
    is_sent = 0 < order["sent"] <= seen
    price = 8 if 0 < order["cheaper"] <= seen else 10
    total, sent = price * len(order["skus"]), stamp(order["sent"], 12) if is_sent else ""
    return [
        f"{number},{stamp(order['placed'])},{total},{sku},1,{price},{sent}" for sku in order["skus"]
    ]


def dispute_rows(number: int, order: dict, seen: int) -> list[str]:
    day = order["disputed"]
    return [f"{number},chargeback,{stamp(day, 13)},10"] if 0 < day <= seen else []


def tables_of(exports: list[tuple[int, list[str], list[str]]]) -> dict[str, pl.DataFrame]:
    """What the mapping reads from exports (day, rows of orders, rows of disputes)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mapping.toml").write_text(MAPPING)
        for day, sales, claims in exports:
            head = "Name,Created,Sum,SKU,Count,Price,Sent"
            (folder / f"orders_2026-02-{day:02d}.csv").write_text("\n".join([head, *sales]) + "\n")
            head = "Order,Type,When,Amount"
            (folder / f"money_2026-02-{day:02d}.csv").write_text("\n".join([head, *claims]) + "\n")
        data = enforce_contract(read_mapped(SourceContext(folder)))
    made = {"line_id", "shipment_id", "dispute_id", "step_id"}
    frames = {}
    for table in ("orders", "order_lines", "shipments", "disputes"):
        frame = data.frames[table]
        kept = [c for c in TABLES[table].schema if c in frame.columns and c not in made]
        frames[table] = frame.select(kept).sort(pl.all())
    assert FILE not in frames["orders"].columns
    return frames


@settings(max_examples=40, deadline=None)
@given(
    st.lists(orders(), min_size=1, max_size=6),
    st.lists(st.tuples(days, st.integers(0, 27)), min_size=1, max_size=4, unique_by=lambda e: e[0]),
)
def test_overlapping_exports_give_the_newest_row_of_each_order(
    store: list[dict], windows: list[tuple[int, int]]
) -> None:
    """Each export (day, days back) has the orders placed in its days, as they are on that day."""
    exports, newest = [], dict[int, int]()
    for day, back in sorted(windows):
        inside = [n for n, o in enumerate(store, 1) if day - back <= o["placed"] <= day]
        newest |= dict.fromkeys(inside, day)
        sales = [row for n in inside for row in order_rows(n, store[n - 1], day)]
        claims = [row for n in inside for row in dispute_rows(n, store[n - 1], day)]
        exports.append((day, sales, claims))
    whole = (
        LAST,
        [row for n, day in newest.items() for row in order_rows(n, store[n - 1], day)],
        [row for n, day in newest.items() for row in dispute_rows(n, store[n - 1], day)],
    )
    if not newest:
        return
    merged, expected = tables_of(exports), tables_of([whole])
    for table, frame in expected.items():
        assert merged[table].equals(frame), (table, merged[table], frame)
