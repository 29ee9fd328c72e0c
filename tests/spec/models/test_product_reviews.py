"""Product reviews of planted cases: which product is flagged, and what few or late orders mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.indicators.product_exposure import (
    LONGEST_DAYS,
    elapsed_risk_share,
    order_exposure,
    product_orders,
)
from features.tables import TABLES, Tables, create_tables
from models.product.beta_rates import prior_of, update
from models.product.hierarchical_prior import fit_families
from models.product.product_rates import chance_better, orders_to_settle
from models.product.product_scenarios import what_if
from models.product.product_table import (
    Reviewed,
    group_frame,
    notes,
    product_frame,
    review_products,
)
from models.product.product_verdict import VerdictRules, add_verdict
from tests.conftest import day

NOW = "2024-10-01"
START = datetime(2024, 1, 1, tzinfo=UTC)
LIMIT = 0.10
# product: (orders on the good lane, disputed ones, orders on the collapsed lane, disputed ones)
PLANTED = {f"plain-{n}": (100, 3, 20, 5) for n in range(12)} | {
    "good-on-bad-lane": (0, 0, 120, 30),
    "bad-on-good-lane": (120, 24, 0, 0),
    "one-in-three": (3, 1, 0, 0),
    "forty-in-a-thousand": (1000, 40, 0, 0),
}


def frame(name: str, rows: list[dict]) -> pl.DataFrame:
    schema = TABLES[name].schema
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def order_row(order: str, lane: str) -> dict:
    return {
        "order_id": order,
        "buyer_id": order,
        "store_id": "s",
        "country": "US",
        "lane": lane,
        "currency": "USD",
        "total_usd": 20.0,
        "total_source": 20.0,
    }


def line_row(order: str, product: str) -> dict:
    return {
        "order_id": order,
        "line_id": "1",
        "product_id": product,
        "supplier_id": f"u-{product}",
        "quantity": 1.0,
        "unit_price_usd": 18.0,
        "shipping_usd": 2.0,
    }


def dispute_row(order: str) -> dict:
    return {
        "step_id": order,
        "dispute_id": order,
        "order_id": order,
        "step": "opened",
        "cause": "not_as_described",
    }


def plant(planted: dict[str, tuple[int, int, int, int]], **category: str) -> Tables:
    """Orders spread over five months, all long over; disputes are opened after twenty days."""
    tables: dict[str, list[dict]] = {
        name: [] for name in ("orders", "order_lines", "products", "disputes")
    }
    for product, (good, good_disputed, bad, bad_disputed) in planted.items():
        start = {"occurred_at": START, "known_at": START}
        tables["products"].append(
            {"product_id": product, "category": category.get(product, "shoes"), **start}
        )
        for lane, count, disputed in (
            ("Fine>US", good, good_disputed),
            ("Slow>US", bad, bad_disputed),
        ):
            for number in range(count):
                order, placed = (
                    f"{product} {lane} {number}",
                    START + timedelta(days=150 * number / count, hours=12),
                )
                times = {"occurred_at": placed, "known_at": placed}
                tables["orders"].append(order_row(order, lane) | times)
                tables["order_lines"].append(line_row(order, product) | times)
                if (number + 1) * disputed // count > number * disputed // count:
                    filed = placed + timedelta(days=20)
                    tables["disputes"].append(
                        dispute_row(order) | {"occurred_at": filed, "known_at": filed}
                    )
    return create_tables({name: frame(name, rows) for name, rows in tables.items()}, zone="UTC")


def review(tables: Tables, as_of: str = NOW) -> Reviewed:
    orders = order_exposure(tables, day(as_of), 365)
    return review_products(product_orders(tables, orders, day(as_of)), day(as_of))


def verdicts(reviewed: Reviewed) -> dict[str, dict]:
    products = product_frame(reviewed, limit=LIMIT, fixed_cost_usd=15.0, seed=1).with_columns(
        notes(reviewed.products), margin_per_100_units_usd=pl.lit(None, pl.Float64)
    )
    return {
        row["product_id"]: row
        for row in add_verdict(products, VerdictRules(LIMIT, 0.8, 4.0)).iter_rows(named=True)
    }


@pytest.fixture(scope="module")
def rows_by_product() -> dict[str, dict]:
    return verdicts(review(plant(PLANTED)))


def test_a_good_product_on_a_collapsed_lane_is_not_flagged(
    rows_by_product: dict[str, dict],
) -> None:
    row = rows_by_product["good-on-bad-lane"]
    assert row["raw_rate"] == pytest.approx(0.25)
    assert row["verdict"] == "change the carrier"
    assert row["own_rate"] < LIMIT
    assert row["lane_x"] > 3
    assert "its lanes multiply its disputes by" in row["why"]


def test_a_bad_product_on_a_good_lane_is_flagged(rows_by_product: dict[str, dict]) -> None:
    row = rows_by_product["bad-on-good-lane"]
    assert row["verdict"] in ("fix the listing", "change the supplier", "stop")
    assert row["lane_x"] < 1.1
    assert row["own_chance_over_limit"] > 0.95


def test_ordinary_products_are_kept(rows_by_product: dict[str, dict]) -> None:
    assert {
        row["verdict"] for name, row in rows_by_product.items() if name.startswith("plain")
    } == {"keep"}


def test_one_dispute_in_three_orders_is_not_worse_than_forty_in_a_thousand(
    rows_by_product: dict[str, dict],
) -> None:
    few, many = rows_by_product["one-in-three"], rows_by_product["forty-in-a-thousand"]
    assert few["raw_rate"] > 8 * many["raw_rate"]
    assert few["verdict"] == "keep"
    assert few["rate"] < 0.15
    assert few["rate_high"] - few["rate_low"] > 2 * (many["rate_high"] - many["rate_low"])


def test_an_unrecorded_cause_is_unknown_and_not_zero() -> None:
    tables = plant(PLANTED)
    without_cause = tables["disputes"].with_columns(cause=pl.lit("unknown"))
    row = verdicts(review(Tables(tables.frames | {"disputes": without_cause}, tables.zone)))[
        "bad-on-good-lane"
    ]
    assert row["count_not_as_described"] is None
    assert row["count_not_received"] is None
    assert row["count_disputes"] > 0


def test_later_facts_do_not_change_a_review() -> None:
    tables = plant(PLANTED)
    early = tables.frames | {
        name: tables[name].filter(pl.col("known_day") < day("2024-04-01"))
        for name in ("orders", "order_lines", "disputes")
    }
    now, then = (review(t, "2024-04-01") for t in (tables, Tables(early, tables.zone)))
    assert now.products.equals(then.products)
    assert np.array_equal(now.posterior.above, then.posterior.above)


def test_a_young_order_counts_for_the_part_of_its_risk_that_has_passed() -> None:
    """Ten old orders, disputed on days 9 and 19 of their age: half of all disputes by day 10."""
    age = np.full(10, LONGEST_DAYS)
    delay = np.array([9, 19, *[0] * 8])
    share = elapsed_risk_share(age, delay, np.array([True, True, *[False] * 8]))
    assert share[[0, 9]].tolist() == [0.0, 0.0]
    assert share[[10, 19, 20, LONGEST_DAYS]] == pytest.approx([0.5, 0.5, 1.0, 1.0])


def test_the_posterior_of_a_beta_prior_by_hand() -> None:
    prior = prior_of(
        np.array([0.04]), np.array([0.24 / 0.25])
    )  # Beta(1, 24): variance / mean^2 = 24 / 26
    assert update(
        prior_of(np.array([0.04]), np.array([24 / 26])), np.array([1.0]), np.array([3.0])
    ).mean[0] == (pytest.approx(2 / 28))
    assert prior.mean[0] == pytest.approx(0.04)


@pytest.mark.parametrize("rate", [0.03, 0.2])
def test_the_spread_of_products_is_recovered_at_any_rate(rate: float) -> None:
    """20,000 products of 1 to 9 orders; their own factors have variance 1 / 4.

    An order is disputed at most once. At high rates the counts therefore vary less than Poisson
    counts, and products would seem alike if this were ignored.
    """
    rng = np.random.default_rng(5)
    own = prior_of(np.array([rate]), np.array([0.25]))
    orders = rng.integers(1, 10, 20_000)
    disputes = rng.binomial(orders, rng.beta(own.above, own.below, len(orders)))
    one_family = np.zeros(len(orders), dtype=int)
    families = fit_families(disputes.astype(float), orders.astype(float), one_family, one_family)
    assert 1 / families.shape == pytest.approx(0.25, rel=0.25)


def test_two_products_are_compared() -> None:
    rng = np.random.default_rng(1)
    assert chance_better((1.0, 99.0), (20.0, 80.0), rng) > 0.99
    assert chance_better((4.0, 96.0), (4.0, 96.0), rng) == pytest.approx(0.5, abs=0.02)
    assert orders_to_settle((1.0, 99.0), (20.0, 80.0), 0.8) == 0.0
    assert orders_to_settle((4.0, 96.0), (4.0, 96.0), 0.8) is None
    some = orders_to_settle((4.0, 96.0), (5.0, 95.0), 0.95)
    assert some is not None
    assert 1000 < some < 10_000


def test_without_its_worst_product_or_lane_a_store_does_better() -> None:
    reviewed = review(plant(PLANTED))
    filed = what_if(reviewed, dropped=["bad-on-good-lane"], seed=1).row(0, named=True)
    assert filed["change_high"] < 0
    moved = what_if(reviewed, moved=("Slow>US", "Fine>US"), seed=1).row(0, named=True)
    assert moved["change_high"] < 0
    assert moved["change_low"] < moved["change"] < moved["change_high"]


def test_unknown_facts_are_noted_in_the_row(make_tables: Callable[..., Tables]) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 01-05\nb | 01-06\nc | 01-07\nd | 04-30",
        order_lines="""order_id | product_id | occurred_at
                       a | known | 01-05
                       b | ghost | 01-06
                       c | known | 01-07
                       d | young | 04-30""",
        products="product_id | category | occurred_at\nknown | c | 01-01\nyoung | alone | 01-01",
        disputes="order_id | occurred_at\na | 01-25\nb | 01-26",
    )
    rows = verdicts(review(tables, "2024-05-01"))
    assert "not in the catalogue" in rows["ghost"]["note"]
    assert rows["ghost"]["category"] == "unknown"
    assert "only product in its category" in rows["young"]["note"]
    assert "no matured orders" in rows["young"]["note"]
    assert rows["young"]["raw_rate"] is None
    assert rows["young"]["rate"] > 0


def test_groups_add_up_their_products() -> None:
    reviewed = review(plant(PLANTED, **{"bad-on-good-lane": "boots"}))
    groups = group_frame(reviewed, "category", LIMIT)
    assert groups["category"].to_list() == ["boots", "shoes"]
    assert groups["count_disputes"].sum() == reviewed.products["count_disputes"].sum()
    assert groups.filter(pl.col("category") == "boots")["rate"][0] > groups["rate"][1]


def test_orders_without_a_recorded_outcome_have_no_exposure(
    make_tables: Callable[..., Tables],
) -> None:
    tables = make_tables(
        has_partial_outcomes=True,
        orders="order_id | occurred_at\na | 01-05\nb | 01-06\nc | 01-07",
        order_events="order_id | event | occurred_at\nb | outcome_observed | 02-01",
        disputes="order_id | occurred_at\na | 01-25",
    )
    exposures = order_exposure(tables, day("2024-05-01"), 365).sort("order_id")
    assert exposures["exposure"].to_list() == [1.0, 1.0, 0.0]


def blame_of(make_tables: Callable[..., Tables], disputes: str) -> dict[str, float]:
    """The part of the order's disputes by product: a toy (line 1), a lamp (2) and a toy (3)."""
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01\nb | 05-01",
        order_lines="""
        order_id | line_id | product_id | occurred_at
        a        | 1       | toy        | 05-01
        a        | 2       | lamp       | 05-01
        a        | 3       | toy        | 05-01
        b        | 1       | lamp       | 05-01
        """,
        disputes=disputes,
    )
    reviewed = review_products(
        product_orders(tables, order_exposure(tables, day("09-01"), 365), day("09-01")),
        day("09-01"),
    )
    return dict(reviewed.products.select("product_id", "count_disputes").iter_rows())


@pytest.mark.parametrize(
    ("line", "blame"),
    [
        ("2", {"toy": 0.0, "lamp": 1.0}),
        ("3", {"toy": 1.0, "lamp": 0.0}),
        ("-", {"toy": 0.5, "lamp": 0.5}),
        ("9", {"toy": 0.5, "lamp": 0.5}),
    ],
    ids=["the lamp's line", "a toy's line", "no line", "an unknown line"],
)
def test_a_product_is_not_blamed_for_another_items_dispute(
    make_tables: Callable[..., Tables], line: str, blame: dict[str, float]
) -> None:
    disputes = f"order_id | line_id | occurred_at\na | {line} | 05-20"
    assert blame_of(make_tables, disputes) == blame


def test_two_disputes_of_an_order_each_count_for_their_item(
    make_tables: Callable[..., Tables],
) -> None:
    disputes = """
    order_id | dispute_id | step_id | line_id | occurred_at
    a        | x          | x1      | 1       | 05-20
    a        | y          | y1      | 2       | 05-21
    """
    assert blame_of(make_tables, disputes) == {"toy": 1.0, "lamp": 1.0}


def test_a_split_is_said(make_tables: Callable[..., Tables]) -> None:
    def note(line: str) -> str:
        tables = make_tables(
            orders="order_id | occurred_at\na | 05-01",
            order_lines="order_id | line_id | product_id | occurred_at\n"
            "a | 1 | toy | 05-01\na | 2 | lamp | 05-01",
            disputes=f"order_id | line_id | occurred_at\na | {line} | 05-20",
        )
        orders = order_exposure(tables, day("09-01"), 365)
        products = review_products(product_orders(tables, orders, day("09-01")), day("09-01"))
        return str(products.products.select(notes(products.products))["note"][0])

    assert "count in equal parts for the items of their order" in note("-")
    assert "equal parts" not in note("1")
