"""Exposure and the orders of each product equal plain loops over facts, in many small stores."""

from __future__ import annotations

from collections import defaultdict
from unittest.mock import patch

import pytest

from features.indicators import product_exposure
from features.indicators.product_exposure import LONGEST_DAYS, order_exposure, product_orders
from features.tables import Tables, create_tables
from tests.conftest import day
from tests.property.random_worlds import draw_worlds

WORLDS, LOOKBACK = 150, 60
NIGHTS = [day("2024-01-09"), day("2024-02-05"), day("2024-02-25")]
Rows = list[dict]


@pytest.fixture(scope="module", params=[False, True], ids=["all outcomes", "some outcomes"])
def store(request: pytest.FixtureRequest) -> Tables:
    return create_tables(
        draw_worlds(WORLDS, seed=5), zone="UTC", has_partial_outcomes=request.param
    )


def rows_of(tables: Tables, name: str, night: int) -> Rows:
    return [row for row in tables[name].iter_rows(named=True) if row["known_day"] < night]


def elapsed_share(orders: Rows, night: int) -> list[float]:
    """By age: the share of disputes known by then, from the hazard of each day of age."""
    left, shares = 1.0, [0.0]
    for age in range(LONGEST_DAYS):
        at_risk = [
            o
            for o in orders
            if min(night - o["known_day"], LONGEST_DAYS) > age and not o["delay"] < age
        ]
        disputed = sum(o["delay"] == age for o in at_risk)
        left *= 1 - disputed / len(at_risk) if at_risk else 1.0
        shares.append(1.0 - left)
    return [
        share / shares[-1] if shares[-1] else float(age == LONGEST_DAYS)
        for age, share in enumerate(shares)
    ]


def flagged(tables: Tables, night: int) -> Rows:
    """The known orders with the flags from their disputes."""
    steps = defaultdict(list)
    for step in rows_of(tables, "disputes", night):
        if step["step"] in ("opened", "escalated", "ruled"):
            steps[step["order_id"]].append(step)
    orders = rows_of(tables, "orders", night)
    for order in orders:
        own = steps[order["order_id"]]
        opened = [step["known_day"] for step in own if step["step"] == "opened"]
        order["is_disputed"] = bool(opened)
        order["delay"] = (
            min(max(min(opened) - order["known_day"], 0), LONGEST_DAYS - 1) if opened else 10**9
        )
        for cause in ("not_received", "not_as_described"):
            order[f"is_{cause}"] = any(step["cause"] == cause for step in own)
        order["is_escalated"] = any(step["step"] == "escalated" for step in own)
    return orders


def exposure_by_loops(tables: Tables, night: int, least: int) -> dict[str, dict]:
    orders, events = flagged(tables, night), rows_of(tables, "order_events", night)
    seen = {event["order_id"] for event in events if event["event"] == "outcome_observed"}
    everyone, of_service = elapsed_share(orders, night), defaultdict(list)
    for order in orders:
        of_service[order["lane"].split(">")[0]].append(order)
    for own in of_service.values():
        enough = sum(order["is_disputed"] for order in own) >= least
        share = elapsed_share(own, night) if enough else everyone
        for order in own:
            exposure = share[min(night - order["known_day"], LONGEST_DAYS)]
            if tables.has_partial_outcomes:
                exposure = float(order["order_id"] in seen)
            order["exposure"] = 1.0 if order["is_disputed"] else exposure
    return {order["order_id"]: order for order in orders if order["known_day"] >= night - LOOKBACK}


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("least", [1, 10**9], ids=["by service", "all services"])
def test_exposure_equals_loops(store: Tables, night: int, least: int) -> None:
    with patch.object(product_exposure, "LEAST_DISPUTES", least):
        exposures = order_exposure(store, night, LOOKBACK)
    wanted = exposure_by_loops(store, night, least)
    assert sorted(exposures["order_id"]) == sorted(wanted)
    assert exposures["is_disputed"].any()
    for row in exposures.iter_rows(named=True):
        order = wanted[row["order_id"]]
        assert row["exposure"] == pytest.approx(order["exposure"], abs=1e-12)
        for flag in ("is_disputed", "is_not_received", "is_not_as_described", "is_escalated"):
            assert row[flag] == order[flag], flag


@pytest.mark.parametrize("night", NIGHTS)
def test_the_orders_of_a_product_equal_loops(store: Tables, night: int) -> None:
    orders = order_exposure(store, night, LOOKBACK)
    category = {row["product_id"]: row["category"] for row in rows_of(store, "products", night)}
    wanted: dict[tuple[str, str], list[float]] = {}
    known_ids = set(orders["order_id"])
    for line in rows_of(store, "order_lines", night):
        if line["order_id"] in known_ids:
            sums = wanted.setdefault((line["order_id"], line["product_id"]), [0.0, 0.0])
            sums[0] += line["quantity"]
            sums[1] += line["quantity"] * line["unit_price_usd"]
    rows = product_orders(store, orders, night)
    assert {(row["order_id"], row["product_id"]) for row in rows.iter_rows(named=True)} == set(
        wanted
    )
    assert rows.height == len(wanted)
    for row in rows.iter_rows(named=True):
        quantity, value = wanted[row["order_id"], row["product_id"]]
        assert row["quantity"] == pytest.approx(quantity)
        assert row["value_usd"] == pytest.approx(value)
        assert row["category"] == category.get(row["product_id"], "unknown")
        assert row["is_in_catalogue"] == (row["product_id"] in category)
