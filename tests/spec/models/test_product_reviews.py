"""Product reviews of planted cases: which product is flagged, and what a row says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from features.tables import Tables
from models.product.product_scenarios import what_if
from models.product.product_table import group_frame
from tests.conftest import day
from tests.spec.models.planted_products import LIMIT, PLANTED, plant, review, verdicts


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
