"""What is lost by waiting, from drawn order-nights of the past."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from features.tables import Tables
from models.contact.contact_deadline import add_contact_by
from models.contact.waiting import BUCKETS, MOST_DAYS, NO_DAYS, add_waiting, waiting_losses
from models.effects.dispute_costs import OLDEST_OPEN_DAYS, PRIOR_DISPUTES
from models.effects.past_nights import PAST_NIGHTS, past_nights, past_order_nights
from tests.conftest import day

TONIGHT = day("2025-01-01")
NIGHT = day("2024-06-01")
SCHEMA = {
    "as_of_day": pl.Int32,
    "stage": pl.String,
    "logistics_days_to_promise": pl.Float64,
    "logistics_days_to_ship_by": pl.Float64,
    "logistics_days_in_stage": pl.Float64,
    "opened_day": pl.Int32,
}


def nights(drawing: str) -> pl.DataFrame:
    """`stage | days | opens in | count`: order-nights of 1 June; `days` is the stage's feature, and
    `opens in` the days from the night to the dispute."""
    rows: list[dict[str, object]] = []
    for line in drawing.strip().splitlines()[1:]:
        stage, days, opens, count = (cell.strip() for cell in line.split("|"))
        row = dict.fromkeys(SCHEMA) | {"as_of_day": NIGHT, "stage": stage}
        row[BUCKETS[stage][0]] = None if days == "-" else float(days)
        row["opened_day"] = None if opens == "-" else NIGHT + int(opens)
        rows += [row] * int(count)
    return pl.DataFrame(rows, schema=SCHEMA)


def tonight(stage: str, days: float | None) -> pl.DataFrame:
    row = dict.fromkeys(SCHEMA) | {"stage": stage, BUCKETS[stage][0]: days}
    return pl.DataFrame([row], schema=SCHEMA).drop("opened_day", "as_of_day")


def of(rows: pl.DataFrame, stage: str, days: float | None) -> tuple[float, int]:
    """The share lost by acting tomorrow, and the days in which to act, of one order."""
    answer = add_waiting(tonight(stage, days), waiting_losses(rows, TONIGHT))
    return answer.select("lost_tomorrow_share", "contact_by_days").row(0)


MANY = nights(
    """
    stage      | days | opens in | count
    delivered  | 0.5  | 0        | 50000
    delivered  | 0.5  | 4        | 150000
    delivered  | 5    | 1        | 10000
    delivered  | 5    | 6        | 190000
    in_transit | 20   | 25       | 180000
    in_transit | 20   | 29       | 20000
    in_transit | -1   | 3        | 0
    in_transit | 5    | -        | 30000
    """
)


@pytest.mark.parametrize(
    ("stage", "days", "lost", "contact_by"),
    [
        # a quarter opens on the first day: act today
        ("delivered", 0.5, 0.25, 0),
        # 5 % open on the second day, the others on the seventh: six days may pass
        ("delivered", 5.0, 0.0, 6),
        # nothing opens before the 26th day, nine tenths on it: 25 days may pass
        ("in_transit", 20.0, 0.0, 25),
    ],
)
def test_much_evidence_decides_alone(stage: str, days: float, lost: float, contact_by: int) -> None:
    share, days_left = of(MANY, stage, days)
    assert share == pytest.approx(lost, abs=0.001)
    assert days_left == contact_by


def test_a_bucket_without_disputes_follows_its_stage() -> None:
    """In transit and 5 days before the promise no order had a dispute; the stage waits 25 days."""
    assert of(MANY, "in_transit", 5.0)[1] == 25
    assert of(MANY, "in_transit", None)[1] == 25


def test_few_disputes_are_mixed_with_stage_store_and_assumption() -> None:
    """20 disputes in one bucket, all opened on the first day, where the assumption says 0.1 in one
    day. All stages: (20 + 20 x 0.1) / 40 = 0.55; the stage: (20 + 20 x 0.55) / 40 = 0.775; the
    bucket: (20 + 20 x 0.775) / 40 = 0.8875. Another bucket: 0.775. Another stage: 0.55."""
    assert PRIOR_DISPUTES == 20.0
    rows = nights("stage | days | opens in | count\ndelivered | 2 | 0 | 20")
    # two days after delivery and later one day is assumed; no time is assumed to be left at 3
    assert of(rows, "delivered", 2.0)[0] == pytest.approx(0.8875)
    assert of(rows, "before_shipment", 1.0)[0] == pytest.approx(0.55)
    in_another = (20 + 20 * 0.55) / 40
    first_days = of(rows, "delivered", 0.0)[0]  # three days are assumed: 1 - 0.9 ** (1 / 3) a day
    assumed = 1 - 0.9 ** (1 / 3)
    assert first_days == pytest.approx(in_another - (0.1 - assumed) * 0.5 * 0.5)


@pytest.mark.parametrize(
    ("stage", "days"),
    [
        ("before_shipment", 2.5),
        ("before_shipment", -3.0),
        ("before_shipment", None),
        ("dispatch", 9.0),
        ("in_transit", 9.0),
        ("in_transit", -4.0),
        ("in_transit", 60.0),
        ("unknown", None),
        ("delivered", 1.5),
    ],
)
def test_without_history_the_fixed_days_stay(stage: str, days: float | None) -> None:
    empty = waiting_losses(pl.DataFrame(schema=SCHEMA), TONIGHT)
    order = tonight(stage, days)
    fixed = add_contact_by(order, TONIGHT)["contact_by"]
    assert add_contact_by(order, TONIGHT, empty)["contact_by"].to_list() == fixed.to_list()
    assert empty["assumed_share"].unique().to_list() == [1.0]


def test_a_night_without_open_orders() -> None:
    empty = add_waiting(tonight("delivered", 1.0).clear(), waiting_losses(MANY, TONIGHT))
    assert empty.height == 0
    assert empty.columns[-2:] == ["lost_tomorrow_share", "contact_by_days"]


def test_the_date_follows_the_waiting() -> None:
    table = waiting_losses(MANY, TONIGHT)
    orders = pl.concat([tonight("delivered", 0.5), tonight("in_transit", 20.0)])
    dates = add_contact_by(orders, TONIGHT, table)["contact_by"].cast(pl.String)
    assert dates.to_list() == ["2025-01-01", "2025-01-26"]


def test_young_nights_do_not_count() -> None:
    """Their orders may still have a dispute, so the early disputes would seem to be nearly all."""
    rows = nights("stage | days | opens in | count\ndelivered | 2 | 0 | 20")
    last = TONIGHT - OLDEST_OPEN_DAYS
    for night, count in ((last - 1, 20), (last, 0)):
        moved = rows.with_columns(as_of_day=pl.lit(night, pl.Int32), opened_day=night)
        assert waiting_losses(moved, TONIGHT)["count_disputes"].sum() == count


def test_the_table_has_every_stage_and_bucket() -> None:
    table = waiting_losses(MANY, TONIGHT)
    assert table.height == sum(len(limits) + 2 for _, limits in BUCKETS.values())
    assert table["bucket"].min() == NO_DAYS
    assert table["lost_shares"].dtype == pl.Array(pl.Float64, MOST_DAYS)
    assert table["count_disputes"].sum() == 600_000


STORE = {
    "orders": "order_id | occurred_at\nsent | 05-01\nthere | 05-01\nwaits | 05-01",
    "promises": """
    order_id | kind     | occurred_at | promised_at
    sent     | delivery | 05-01       | 05-20
    waits    | dispatch | 05-01       | 05-12
    """,
    "shipments": "order_id | occurred_at\nsent | 05-02\nthere | 05-02",
    "tracking": """
    order_id | status    | occurred_at
    sent     | InTransit | 05-03
    there    | Delivered | 05-06
    """,
    "disputes": """
    order_id | step   | occurred_at | known_at
    there    | opened | 05-15       | 05-15
    sent     | opened | 05-30       | 2025-02-01
    """,
}


def test_past_order_nights(make_tables: Callable[..., Tables]) -> None:
    """On the night of 10 May one order is in transit, one delivered, one not sent."""
    night = day("05-10")
    today = night + OLDEST_OPEN_DAYS + 10
    assert night in past_nights(today)
    rows = past_order_nights(make_tables(**STORE), today).filter(pl.col("as_of_day") == night)
    assert rows.drop("as_of_day").rows() == [
        # its dispute was not known yet; it is late on 20 May
        ("sent", "in_transit", 10.0, None, None, None),
        ("there", "delivered", None, None, 4.0, day("05-15")),
        ("waits", "before_shipment", None, 2.0, None, None),
    ]


def test_the_past_nights_have_ended() -> None:
    days = past_nights(TONIGHT)
    assert len(days) == PAST_NIGHTS
    assert days == sorted(set(days))
    assert days[-1] + OLDEST_OPEN_DAYS < TONIGHT
