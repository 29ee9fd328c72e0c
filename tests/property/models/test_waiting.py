"""The shares lost by waiting equal those of a naive loop over the order-nights."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contact.waiting import add_waiting, waiting_losses

TODAY = 1000
SCHEMA = {
    "as_of_day": pl.Int32,
    "stage": pl.String,
    "logistics_days_to_promise": pl.Float64,
    "logistics_days_to_ship_by": pl.Float64,
    "logistics_days_in_stage": pl.Float64,
    "opened_day": pl.Int32,
}
Row = tuple[int, str, float | None, float | None, float | None, int | None]
# quarters of a day: the limits between buckets are among them
DAYS = st.one_of(st.none(), st.integers(-80, 80).map(lambda n: n / 4))
STAGES = st.sampled_from(["before_shipment", "dispatch", "in_transit", "delivered", "unknown"])
ROWS = st.tuples(
    st.integers(860, 890),
    STAGES,
    DAYS,
    DAYS,
    st.integers(0, 80).map(lambda n: n / 4),
    st.one_of(st.none(), st.integers(855, 930), st.integers(980, 1010)),
)


def naive_bucket(row: Row) -> object:
    _, stage, promise, ship_by, age, _ = row
    value, limits = {
        "before_shipment": (ship_by, [-3, 0, 3]),
        "delivered": (age, [1, 3, 7, 12]),
    }.get(stage, (promise, [-14, -7, -3, 0, 3, 7, 14]))
    if value is None:
        return None
    return max([limit for limit in limits if value >= limit], default="before all")


def naive_fixed_days(row: Row) -> float:
    _, stage, promise, ship_by, age, _ = row
    left = {
        "before_shipment": 1.0 if ship_by is None else ship_by,
        "dispatch": 2.0,
        "in_transit": -3.0 if promise is None else promise - 3,
        "unknown": 1.0 if promise is None else promise - 3,
        "delivered": 3.0 - (age or 0.0),
    }[stage]
    return min(max(left // 1, 0), 30)


def naive_share(past: list[Row], order: Row, wait: int) -> float:
    """Each level is its own disputes and 20 of the level above it."""
    half_life = max(naive_fixed_days(order), 0.5)
    share = 1 - 0.9 ** (wait / half_life)
    levels = [
        lambda row: True,
        lambda row: row[1] == order[1],
        lambda row: row[1] == order[1] and naive_bucket(row) == naive_bucket(order),
    ]
    for is_alike in levels:
        opened = []
        for row in past:
            if row[0] < TODAY - 120 and row[5] is not None and is_alike(row):
                after = row[5] - row[0]
                if 0 <= after < 120:
                    opened.append(after)
        lost = sum(1 for after in opened if after < wait)
        share = (lost + 20 * share) / (len(opened) + 20)
    return share


@given(past=st.lists(ROWS, max_size=80), orders=st.lists(ROWS, min_size=1, max_size=5))
def test_the_shares_are_those_of_a_naive_loop(past: list[Row], orders: list[Row]) -> None:
    frame = pl.DataFrame(past, schema=SCHEMA, orient="row")
    tonight = pl.DataFrame(orders, schema=SCHEMA, orient="row")
    answers = add_waiting(tonight, waiting_losses(frame, TODAY))
    assert answers.drop("lost_tomorrow_share", "contact_by_days").equals(tonight)
    for order, lost, days in zip(
        orders, answers["lost_tomorrow_share"], answers["contact_by_days"], strict=True
    ):
        assert lost == pytest.approx(naive_share(past, order, 1))
        assert 0 <= days <= 30
        assert days == 0 or naive_share(past, order, days) <= 0.1 + 1e-6
        assert days == 30 or naive_share(past, order, days + 1) > 0.1 - 1e-6


@given(past=st.lists(ROWS, max_size=60), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_is_of_no_account(past: list[Row], seed: int) -> None:
    frame = pl.DataFrame(past, schema=SCHEMA, orient="row")
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    assert waiting_losses(frame, TODAY).equals(waiting_losses(shuffled, TODAY))
