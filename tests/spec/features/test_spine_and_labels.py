"""Which orders are on the spine of a night, in which stage they are, and what their label is."""

from __future__ import annotations

import pytest

from features.labels import LabelWindow, build_labels
from features.spine import build_spine, sample_spine
from features.stage import build_stages
from tests.conftest import day

ORDERS = """
order_id | occurred_at
a        | 05-01T12:00
"""
PROMISE = """
order_id | kind     | promised_at | occurred_at
a        | delivery | 05-20       | 05-01T12:00
"""


def nights_open(tables, first: str, last: str) -> list[int]:
    days = list(range(day(first), day(last) + 1))
    return [d - day("05-01") + 1 for d in build_spine(tables, days)["as_of_day"]]


def test_an_order_is_open_from_the_day_after_it_was_placed(make_tables) -> None:
    tables = make_tables(orders=ORDERS, promises=PROMISE)
    assert nights_open(tables, "04-30", "05-04") == [2, 3, 4]


def test_an_order_leaves_when_its_dispute_is_known_not_when_it_was_opened(make_tables) -> None:
    tables = make_tables(
        orders=ORDERS,
        promises=PROMISE,
        disputes="""
        order_id | occurred_at | known_at
        a        | 05-05T09:00 | 05-07T09:00
    """,
    )
    assert nights_open(tables, "05-01", "05-12") == [2, 3, 4, 5, 6, 7]


def test_an_order_leaves_when_it_is_known_to_be_closed(make_tables) -> None:
    events = "order_id | event | occurred_at\na | closed | 05-04T09:00"
    assert nights_open(
        make_tables(orders=ORDERS, promises=PROMISE, order_events=events), "05-01", "05-12"
    ) == [2, 3, 4]


def test_an_order_leaves_fifteen_days_after_delivery(make_tables) -> None:
    tables = make_tables(
        orders=ORDERS,
        promises=PROMISE,
        tracking="""
        order_id | status    | occurred_at
        a        | Delivered | 05-10T09:00
    """,
    )
    assert nights_open(tables, "05-01", "06-30")[-1] == 25  # 10 + 15


def test_an_undelivered_order_leaves_sixty_days_after_the_promise(make_tables) -> None:
    tables = make_tables(orders=ORDERS, promises=PROMISE)
    assert nights_open(tables, "05-01", "09-01")[-1] == 80  # 20 + 60


@pytest.mark.parametrize(
    ("as_of", "stage"),
    [
        ("05-02", "before_shipment"),
        ("05-04", "dispatch"),
        ("05-06", "dispatch"),
        ("05-07", "in_transit"),
        ("05-20", "in_transit"),
        ("05-21", "delivered"),
    ],
)
def test_the_stage_follows_the_visible_milestones(make_tables, as_of: str, stage: str) -> None:
    # handed over on 3 May and never scanned: at dispatch for three days, then in transit
    tables = make_tables(
        orders=ORDERS,
        promises=PROMISE,
        shipments="order_id | occurred_at\na | 05-03T20:00",
        tracking="""
        order_id | status    | occurred_at | known_at
        a        | Delivered | 05-18T09:00 | 05-20T09:00
        """,
    )
    assert build_stages(tables, build_spine(tables, [day(as_of)]))["stage"].to_list() == [stage]


def test_the_first_movement_scan_ends_dispatch(make_tables) -> None:
    tables = make_tables(
        orders=ORDERS,
        promises=PROMISE,
        shipments="order_id | occurred_at\na | 05-03",
        tracking="""
        order_id | status       | occurred_at
        a        | InfoReceived | 05-03T01:00
        a        | InTransit    | 05-04T01:00
    """,
    )
    stages = build_stages(tables, build_spine(tables, [day("05-04"), day("05-05")]))["stage"]
    assert stages.to_list() == ["dispatch", "in_transit"]


WINDOW = LabelWindow(horizon_days=10, reporting_delay_days=1)


@pytest.mark.parametrize(
    ("opened", "data_end", "label"),
    [
        ("05-12", "05-14", 1),
        ("05-13", "05-14", 0),
        ("05-03", "05-14", 1),
        ("05-12", "05-13", None),
        ("05-04", "05-13", None),
        ("-", "05-13", None),
        ("-", "05-14", 0),
    ],
    ids=[
        "on the window's last day",
        "one day after the window",
        "on the night's own day",
        "window over, not yet reported",
        "early dispute, window not over: censored",
        "no dispute yet: censored",
        "no dispute",
    ],
)
def test_labels(make_tables, opened: str, data_end: str, label: int | None) -> None:
    disputes = (
        f"order_id | occurred_at\na | {opened}T08:00" if opened != "-" else "order_id | occurred_at"
    )
    tables = make_tables(orders="order_id | occurred_at\na | 05-01T12:00", disputes=disputes)
    spine = build_spine(
        make_tables(orders="order_id | occurred_at\na | 05-01T12:00", promises=PROMISE),
        [day("05-03")],
    )
    assert build_labels(tables, spine, WINDOW, day(data_end))["label"].to_list() == [label]


def test_a_dispute_known_after_the_data_end_is_not_known(make_tables) -> None:
    tables = make_tables(
        orders=ORDERS,
        promises=PROMISE,
        disputes="""
        order_id | occurred_at | known_at
        a        | 05-05       | 05-20
    """,
    )
    spine = build_spine(tables, [day("05-03")])
    labels = [
        build_labels(tables, spine, WINDOW, day(end))["label"].item() for end in ("05-20", "05-21")
    ]
    assert labels == [0, 1]


def test_with_partial_outcomes_an_order_without_one_is_unlabelled(make_tables) -> None:
    tables = make_tables(
        has_partial_outcomes=True,
        orders="order_id | occurred_at\na | 05-01\nb | 05-01\nc | 05-01",
        promises="""
        order_id | promised_at | occurred_at
        a        | 05-20       | 05-01
        b        | 05-20       | 05-01
        c        | 05-20       | 05-01
        """,
        order_events="""
        order_id | event            | occurred_at
        a        | outcome_observed | 05-15
        c        | paid             | 05-01
        """,
        disputes="order_id | occurred_at\nb | 05-06",
    )
    spine = build_spine(tables, [day("05-03")])
    assert build_labels(tables, spine, WINDOW, day("06-01"))["label"].to_list() == [0, 1, None]


def test_the_sample_does_not_depend_on_the_order_of_the_rows(make_tables) -> None:
    rows = [f"o{n} | 05-{1 + n % 28:02}" for n in range(200)]
    tables = make_tables(orders="order_id | occurred_at\n" + "\n".join(rows))
    reversed_tables = make_tables(orders="order_id | occurred_at\n" + "\n".join(reversed(rows)))
    days = {"first_day": day("05-01"), "last_day": day("06-30"), "seed": 3}
    everything = sample_spine(tables, max_rows=10**9, **days)
    sample = sample_spine(tables, max_rows=2000, **days)
    assert sample.equals(sample_spine(reversed_tables, max_rows=2000, **days))
    assert 1800 < sample.height < 2200 < everything.height
    assert not sample.equals(sample_spine(tables, max_rows=2000, **(days | {"seed": 4})))
