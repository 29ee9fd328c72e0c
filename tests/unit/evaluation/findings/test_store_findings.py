"""What notebook 01 reports of a store."""

from __future__ import annotations

import polars as pl
import pytest

from features.build.registry import FEATURE_NAMES
from features.labels import LEAST_DISPUTED
from features.spine import DEFAULT_WINDOW
from pipeline.evaluation.findings.store_findings import (
    dispute_days,
    disputed_share,
    open_by_stage,
    rate_by_quarter,
    rate_by_sign,
)
from tests.conftest import day

UP_TO_A_WEEK = "up to a week past the promised day"


def test_days_are_counted_from_the_first_promise_the_delivery_and_the_first_message(
    make_tables,
) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01\nb | 05-01\nc | 05-01",
        promises="order_id | occurred_at | promised_at\na | 05-01 | 05-20\na | 05-19 | 06-20",
        tracking="order_id | occurred_at | status\na | 05-26 | Delivered\nb | 05-22 | Delivered",
        messages="order_id | occurred_at\na | 05-14\na | 05-23",
        disputes="order_id | occurred_at | cause\n"
        "a | 05-24 | not_received\nb | 05-25 | not_as_described\na | 05-29 | other",
    )
    found = dispute_days(tables, day("06-01"))
    assert found.rows() == [
        ("a", "not_received", 4.0, -2.0, 10.0),
        ("b", "not_as_described", None, 3.0, None),
    ]


def test_a_dispute_of_the_night_itself_is_not_known_yet(make_tables) -> None:
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01", disputes="order_id | occurred_at\na | 05-24"
    )
    assert dispute_days(tables, day("05-24")).is_empty()
    assert dispute_days(tables, day("05-25")).height == 1


def closed_quarter(disputed: int, extra: str = "") -> dict[str, str]:
    """Drawings of 100 orders of 2024 Q1, the first `disputed` of them disputed."""
    orders = "\n".join(f"o{number} | 02-01" for number in range(100))
    disputes = "\n".join(f"o{number} | 02-20" for number in range(disputed))
    closed = "\n".join(f"o{number} | 03-01 | closed" for number in range(disputed, 100))
    return {
        "orders": f"order_id | occurred_at\n{orders}{extra}",
        "disputes": f"order_id | occurred_at\n{disputes}",
        "order_events": f"order_id | occurred_at | event\n{closed}",
    }


def test_a_quarter_has_its_rate_once_all_its_orders_are_final(make_tables) -> None:
    night = day("04-10")
    (quarter,) = rate_by_quarter(
        make_tables(**closed_quarter(LEAST_DISPUTED)), night, DEFAULT_WINDOW
    ).to_dicts()
    assert (quarter["quarter"], quarter["orders"], quarter["disputed"]) == ("2024 Q1", 100, 20)
    assert quarter["value"] == 0.2
    assert quarter["low"] < 0.2 < quarter["high"]
    still_open = make_tables(**closed_quarter(LEAST_DISPUTED, extra="\nlate | 03-30"))
    assert rate_by_quarter(still_open, night, DEFAULT_WINDOW).is_empty()


def test_a_quarter_with_fewer_than_20_disputed_orders_has_no_rate(make_tables) -> None:
    tables = make_tables(**closed_quarter(LEAST_DISPUTED - 1))
    assert rate_by_quarter(tables, day("04-10"), DEFAULT_WINDOW).is_empty()


def test_the_stage_with_most_expected_disputes_comes_first() -> None:
    scores = pl.DataFrame(
        {"stage": ["delivered"] * 3 + ["in_transit"], "probability": [0.01, 0.01, 0.02, 0.16]}
    )
    first, second = open_by_stage(scores).to_dicts()
    assert (first["stage"], first["orders"], first["share_orders"]) == ("in_transit", 1, 0.25)
    assert first["expected"] == pytest.approx(0.16)
    assert first["share_expected"] == pytest.approx(0.8)
    assert second["share_expected"] == pytest.approx(0.2)


def order_nights(overdue: int, disputed: int) -> pl.DataFrame:
    """100 order-nights in transit without a sign, and `overdue` three days past the promised day,
    the first `disputed` of which were disputed."""
    known = {"order_id": [f"o{n}" for n in range(100 + overdue)], "stage": "in_transit"}
    blank = {name: pl.lit(None, pl.Float64) for name in FEATURE_NAMES}
    number = pl.int_range(pl.len())
    return (
        pl.DataFrame(known)
        .with_columns(**blank)
        .with_columns(
            logistics_days_to_promise=pl.when(number < overdue).then(-3.0).otherwise(9.0),
            label=(number < disputed).cast(pl.Int8),
        )
    )


def test_the_rate_of_a_sign_is_that_of_the_order_nights_with_it() -> None:
    (sign,) = rate_by_sign(order_nights(overdue=80, disputed=LEAST_DISPUTED), 1).to_dicts()
    assert (sign["sign"], sign["orders"], sign["disputed"]) == (UP_TO_A_WEEK, 80, 20)
    assert sign["value"] == 0.25
    assert 0.15 < sign["low"] < 0.25 < sign["high"] < 0.35


def test_a_sign_with_fewer_than_20_disputed_orders_has_no_rate() -> None:
    assert rate_by_sign(order_nights(overdue=80, disputed=LEAST_DISPUTED - 1), 1).is_empty()


def test_the_nights_of_one_order_are_drawn_together() -> None:
    """Ten nights of an order say no more than one: the interval stays as wide."""
    once = order_nights(overdue=80, disputed=30)
    ten = pl.concat([once] * 10)
    assert disputed_share(ten, 1) == pytest.approx(disputed_share(once, 1))
