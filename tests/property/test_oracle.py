"""An independent, naive oracle: plain loops over facts give the engine's totals."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import trailing_totals
from features.history import ENTITIES, LOOKBACKS, build_view
from features.spine import build_spine
from tests.conftest import day
from tests.property.worlds import ZONE, as_tables, small_store

DAYS = st.integers(-5, 60)
FACTS = st.lists(st.tuples(st.sampled_from("abc"), DAYS, st.integers(-3, 9)), max_size=40)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "d", None]), DAYS), min_size=1, max_size=15)


@settings(max_examples=300, deadline=None)
@given(facts=FACTS, rows=ROWS, lookback=st.integers(1, 40))
def test_trailing_totals_equal_a_loop(facts: list, rows: list, lookback: int) -> None:
    table = pl.DataFrame(facts, schema={"key": pl.String, "known_day": pl.Int32, "n": pl.Int64}, orient="row")
    asked = pl.DataFrame(rows, schema={"key": pl.String, "as_of_day": pl.Int32}, orient="row")
    found = trailing_totals(asked, table, ["key"], ["n"], [lookback, 7])
    for size in (lookback, 7):
        expected = [
            None if key is None else sum(n for k, known, n in facts if k == key and as_of - size <= known < as_of)
            for key, as_of in rows
        ]
        assert found[f"n_{size}d"].to_list() == expected


def naive_world(frames: dict, tables) -> list[dict]:
    """One dict per order: its entities and the day on which each thing about it was known, first of each kind."""

    def known(name: str, **match: str) -> dict[str, tuple]:
        first: dict[str, tuple] = {}
        rows = [r for r in tables[name].iter_rows(named=True) if all(r[k] == v for k, v in match.items())]
        for row in sorted(rows, key=lambda r: (r["known_at"], r["occurred_at"])):
            first.setdefault(row["order_id"], (row["known_day"], row["occurred_at"], row))
        return first

    disputed, closed, shipped = (
        known("disputes", step="opened"),
        known("order_events", event="closed"),
        known("shipments"),
    )
    delivered, promised = known("tracking", status="Delivered"), known("promises", kind="delivery")
    categories = {r["product_id"]: r["category"] for r in tables["products"].iter_rows(named=True)}
    world = []
    for order in tables["orders"].iter_rows(named=True):
        name = order["order_id"]
        own = [line for line in tables["order_lines"].iter_rows(named=True) if line["order_id"] == name]
        entity = {e: {order[e]} for e in ("lane", "buyer_id", "country", "store_id")}
        entity |= {e: {line[e] for line in own} for e in ("product_id", "supplier_id")}
        entity["category"] = {categories[product] for product in entity["product_id"]}
        promise = promised[name][2]["promised_at"]
        ends = [promised_day(promise) + 60]
        if name in delivered and delivered[name][0] <= ends[0]:
            ends = [delivered[name][0] + 15]
        ends += [facts[name][0] for facts in (closed, disputed) if name in facts]
        learnt = {"count_orders": (order["known_day"], 1), "count_outcomes": (min(ends), 1)}
        if name in disputed:
            learnt["count_disputes"] = (disputed[name][0], 1)
        if name in shipped:
            learnt["count_shipped"] = (shipped[name][0], 1)
            seconds = int((shipped[name][1] - order["occurred_at"]).total_seconds())
            learnt["sum_handling_seconds"] = (shipped[name][0], seconds)
        if name in delivered:
            learnt["count_delivered"] = (delivered[name][0], 1)
            learnt["count_late"] = (delivered[name][0], int(delivered[name][1] > promise))
            seconds = int((delivered[name][1] - shipped[name][1]).total_seconds())
            learnt["sum_transit_seconds"] = (delivered[name][0], seconds)
        world.append({"order_id": name, **entity, "learnt": learnt})
    return world


def promised_day(instant) -> int:
    return day(f"{instant.astimezone(ZoneInfo(ZONE)):%Y-%m-%d}")


@pytest.mark.parametrize("night", ["2025-02-20", "2025-04-01", "2025-05-25"])
def test_totals_of_every_entity_equal_a_loop_over_other_orders(night: str) -> None:
    tables = as_tables(small_store())
    as_of = day(night)
    view = build_view(tables, build_spine(tables, [as_of]))
    world = naive_world(dict(small_store()), tables)
    for entity, measures in ENTITIES.items():
        for place, row in enumerate(view.rows.iter_rows(named=True)):
            others = [o for o in world if row[entity] in o[entity] and o["order_id"] != row["order_id"]]
            for measure in measures:
                facts = [o["learnt"][measure] for o in others if measure in o["learnt"]]
                for lookback in LOOKBACKS:
                    expected = sum(n for known, n in facts if as_of - lookback <= known < as_of)
                    assert view.totals[entity][f"{measure}_{lookback}d"][place] == expected, (entity, measure, lookback)
