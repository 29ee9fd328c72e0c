"""An independent oracle: plain loops over facts give the same totals in many small stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import running_sums
from features.asof import trailing_totals
from features.build.registry import build_features
from features.spine import build_spine
from features.tables import INTENTS, SENTIMENTS, TABLES, URGENCIES, Tables, create_tables
from features.totals.entity_measures import ENTITIES
from features.totals.family_inputs import FamilyInputs, build_family_inputs
from tests.conftest import day
from tests.property.naive import Order, read_worlds, seconds
from tests.property.random_worlds import draw_worlds

DAYS = st.integers(-5, 60)
FACTS = st.lists(st.tuples(st.sampled_from("abc"), DAYS, st.integers(-3, 9)), max_size=40)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "d", None]), DAYS), min_size=1, max_size=15)
WORLDS, BATCHES = 300, 8
RANKS = {"intent": INTENTS, "urgency": URGENCIES, "sentiment": SENTIMENTS}
NIGHTS = [
    day("2024-01-09"),
    day("2024-01-20"),
    day("2024-02-05"),
    day("2024-02-25"),
    day("2024-04-25"),
]


@pytest.mark.parametrize(
    "few", [0, 2, running_sums.FEW], ids=["one slot per cut", "some of both", "default"]
)
@settings(max_examples=200, deadline=None)
@given(facts=FACTS, rows=ROWS, lookback=st.integers(1, 40))
def test_trailing_totals_equal_a_loop(few: int, facts: list, rows: list, lookback: int) -> None:
    with patch.multiple(
        running_sums, FEW=few, FEW_OF_CUTS=running_sums.FEW_OF_CUTS if few else 1000
    ):
        compare_with_a_loop(facts, rows, lookback)


def test_more_facts_and_rows_than_one_block() -> None:
    facts = [("ab"[n % 3 % 2], n * 7 % 50, n % 11 - 4) for n in range(5 * running_sums.FEW)]
    rows = [("ab"[n % 2], n * 13 % 60) for n in range(2 * running_sums.BLOCK + 3)]
    compare_with_a_loop(facts, rows, 20)


@settings(max_examples=100, deadline=None)
@given(facts=FACTS, rows=ROWS, lookback=st.integers(1, 40))
def test_numbers_too_large_to_sort_as_one_are_sorted_another_way(
    facts: list, rows: list, lookback: int
) -> None:
    with patch.object(running_sums, "SORT_BITS", 0):
        compare_with_a_loop(facts, rows, lookback)


def test_sums_that_an_int32_cannot_count_are_refused_before_memory_is_taken() -> None:
    # one slot per cut for each of 2,200 entities with 101 facts, where a million cuts are needed
    entities, last_cut = 2_200, 10**6
    with (
        patch.multiple(running_sums, FEW=100, FEW_OF_CUTS=10**9),
        pytest.raises(OverflowError, match="2,200,000,000 sums are too many"),
    ):
        running_sums.running_sums(
            np.repeat(np.arange(entities, dtype=np.int32), 101),
            np.zeros(entities * 101, dtype=np.int32),
            np.ones(1, dtype=np.int32),
            last_cut,
            np.ones(entities, dtype=bool),
            [],
        )


def test_totals_above_what_floats_can_hold_are_exact() -> None:
    # 2**53 + 1 is the first whole number that a float64 cannot represent
    facts = [("a", 1, 2**53), ("a", 1, 1), ("a", 2, -(2**40))] * 9
    compare_with_a_loop(facts, [("a", 2), ("a", 9)], 30)


def compare_with_a_loop(facts: list, rows: list, lookback: int) -> None:
    table = pl.DataFrame(
        facts, schema={"key": pl.String, "known_day": pl.Int32, "n": pl.Int64}, orient="row"
    )
    keys = pl.DataFrame(rows, schema={"key": pl.String, "as_of_day": pl.Int32}, orient="row")
    totals = trailing_totals(keys, table, ["key"], {"n": [lookback, 7]})
    for size in (lookback, 7):
        expected = [
            None
            if key is None
            else sum(n for k, known, n in facts if k == key and as_of - size <= known < as_of)
            for key, as_of in rows
        ]
        assert totals[f"n_{size}d"].to_list() == expected


def read_tables(seed: int) -> tuple[Tables, dict[str, list[dict]]]:
    tables = create_tables(draw_worlds(WORLDS, seed), zone="UTC")
    rows = {name: list(tables[name].iter_rows(named=True)) for name in TABLES}
    for promise in rows["promises"]:
        promise["promised_day"] = day(f"{promise['promised_at'].astimezone(UTC):%Y-%m-%d}")
    return tables, rows


def check_totals(inputs: FamilyInputs, worlds: dict[str, list[Order]]) -> set[str]:
    """Check every total of every row; return the measures that have at least one fact."""
    seen: set[str] = set()
    totals = {entity: inputs.totals[entity].rows(named=True) for entity in ENTITIES}
    for number, row in enumerate(inputs.rows.iter_rows(named=True)):
        others = [o for o in worlds[row["store_id"]] if o.row["order_id"] != row["order_id"]]
        for entity, measures in ENTITIES.items():
            value, actual = row[entity], totals[entity][number]
            members = [o for o in others if value in o.member.get(entity, {})]
            for measure, lookbacks in measures.items():
                facts = [fact for o in members for fact in o.facts(measure, entity, value)]
                seen |= {measure for _ in facts}
                for lookback in lookbacks:
                    expected = sum(
                        n
                        for known, n in facts
                        if row["as_of_day"] - lookback <= known < row["as_of_day"]
                    )
                    expected = None if value is None else expected
                    assert actual[f"{measure}_{lookback}d"] == expected, (
                        row["order_id"],
                        entity,
                        measure,
                        lookback,
                    )
    return seen


@pytest.mark.parametrize("batch", range(BATCHES))
def test_totals_of_every_entity_equal_a_loop_over_other_orders(batch: int) -> None:
    tables, rows = read_tables(batch)
    # a single late night leaves older scans out
    spine = build_spine(tables, NIGHTS[-1:] if batch % 2 else NIGHTS)
    seen = check_totals(build_family_inputs(tables, spine), read_worlds(rows))
    assert spine["order_id"].n_unique() > WORLDS / 3
    if batch == 0:
        assert seen == {m for measures in ENTITIES.values() for m in measures}


@pytest.mark.parametrize("batch", range(2))
def test_features_of_an_order_itself_equal_a_loop_over_its_own_facts(batch: int) -> None:
    tables, rows = read_tables(100 + batch)
    features = build_features(tables, build_spine(tables, NIGHTS))
    orders = {o.row["order_id"]: o for each in read_worlds(rows).values() for o in each}
    for row in features.iter_rows(named=True):
        expected = naive_features(orders[row["order_id"]], row["as_of_day"])
        assert {name: row[name] for name in expected} == expected, (
            row["order_id"],
            row["as_of_day"],
        )


def naive_features(order: Order, as_of: int) -> dict[str, float | None]:
    def seen(table: str, **match: str) -> list[dict]:
        return [
            r
            for r in order.own[table]
            if r["known_day"] < as_of and all(r[k] == v for k, v in match.items())
        ]

    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=as_of)

    def days_since(row: dict, column: str = "occurred_at") -> float:
        return (start - row[column]).total_seconds() / 86_400.0

    by_scan = {(r["status"], r["sub_status"], r["occurred_at"]): r for r in seen("tracking")}
    scans = by_scan.values()
    promises = sorted(
        seen("promises", kind="delivery"),
        key=lambda r: (r["known_at"], r["occurred_at"], r["promised_at"]),
    )
    questions, replies = seen("messages", sender="buyer"), seen("messages", sender="seller")
    last_reply = max((r["occurred_at"] for r in replies), default=None)
    said = {
        name: sorted(
            (q["occurred_at"], ranks.index(q[name])) for q in questions if q[name] is not None
        )
        for name, ranks in RANKS.items()
    }
    milestones = [
        r
        for r in [*seen("shipments"), *scans]
        if r.get("status") not in ("NotFound", "InfoReceived")
    ]
    paid = sorted(
        seen("order_events", event="paid"), key=lambda r: (r["known_at"], r["occurred_at"])
    )
    lines = seen("order_lines")
    return {
        "logistics_count_scans": float(len(scans)),
        "logistics_count_exceptions": float(
            sum(r["status"] in ("Exception", "DeliveryFailure") for r in scans)
        ),
        "logistics_days_to_promise": -days_since(promises[-1], "promised_at") if promises else None,
        "logistics_handling_days": min(
            (seconds(order.row, r) / 86_400.0 for r in milestones), default=None
        ),
        "conversation_count_questions": float(len(questions)),
        "conversation_count_replies": float(len(replies)),
        "conversation_count_since_reply": float(
            sum(last_reply is None or r["occurred_at"] > last_reply for r in questions)
        ),
        "conversation_count_complaints": float(
            sum(q["intent"] in ("wrong_item", "broken") for q in questions)
        ),
        "conversation_count_demands": float(
            sum(q["intent"] in ("wants_refund", "threatens_dispute") for q in questions)
        ),
        "conversation_count_urgent": float(sum(q["urgency"] == "urgent" for q in questions)),
        "conversation_last_intent": float(said["intent"][-1][1]) if said["intent"] else None,
        "conversation_worst_intent": max((float(n) for _, n in said["intent"]), default=None),
        "conversation_last_urgency": float(said["urgency"][-1][1]) if said["urgency"] else None,
        # the ranks go from bad to good, so the first of the last instant is the worst
        "conversation_last_sentiment": next(
            (n - 1.0 for at, n in said["sentiment"] if at == said["sentiment"][-1][0]), None
        ),
        "conversation_mean_sentiment": (
            sum(n - 1.0 for _, n in said["sentiment"]) / len(said["sentiment"])
            if said["sentiment"]
            else None
        ),
        "order_age_days": days_since(order.row),
        "order_days_since_paid": days_since(paid[-1]) if paid else None,
        "order_count_lines": float(len(lines)) if lines else None,
    }
