"""An independent, naive oracle: plain loops over facts give the engine's totals."""

from __future__ import annotations

from collections import defaultdict
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import trailing_totals
from features.facts import GAP_EDGES, TRANSIT_EDGES
from features.history import ENTITIES
from features.spine import build_spine
from features.tables import TABLES
from features.view import build_view
from tests.conftest import day
from tests.property.worlds import ZONE, as_tables, small_store

# the countries of the simulated store
LANGUAGES = {
    "US": "en", "GB": "en", "CA": "en", "AU": "en", "BR": "pt", "ES": "es", "MX": "es", "CL": "es", "FR": "fr",
    "RU": "ru", "PL": "pl", "DE": "de", "IT": "it", "KR": "ko", "NL": "nl", "SA": "ar",
}  # fmt: skip
DAYS = st.integers(-5, 60)
FACTS = st.lists(st.tuples(st.sampled_from("abc"), DAYS, st.integers(-3, 9)), max_size=40)
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "d", None]), DAYS), min_size=1, max_size=15)


@settings(max_examples=300, deadline=None)
@given(facts=FACTS, rows=ROWS, lookback=st.integers(1, 40))
def test_trailing_totals_equal_a_loop(facts: list, rows: list, lookback: int) -> None:
    table = pl.DataFrame(facts, schema={"key": pl.String, "known_day": pl.Int32, "n": pl.Int64}, orient="row")
    asked = pl.DataFrame(rows, schema={"key": pl.String, "as_of_day": pl.Int32}, orient="row")
    found = trailing_totals(asked, table, ["key"], {"n": [lookback, 7]})
    for size in (lookback, 7):
        expected = [
            None if key is None else sum(n for k, known, n in facts if k == key and as_of - size <= known < as_of)
            for key, as_of in rows
        ]
        assert found[f"n_{size}d"].to_list() == expected


def naive_world(tables) -> list[dict]:
    """One dict per order: its entities, and of each measure the (day known, number) pairs; plain loops throughout."""
    rows = {name: list(tables[name].iter_rows(named=True)) for name in TABLES}
    products = {row["product_id"]: row for row in rows["products"]}
    first_day_of_buyer: dict[str, int] = {}
    for order in rows["orders"]:
        days = [first_day_of_buyer.get(order["buyer_id"], 10**6), order["known_day"]]
        first_day_of_buyer[order["buyer_id"]] = min(days)
    world = []
    for order in rows["orders"]:
        own = {name: [r for r in rows[name] if r.get("order_id") == order["order_id"]] for name in rows}
        lines = own["order_lines"]
        entity = {e: {order[e]} for e in ("lane", "buyer_id", "country", "store_id")}
        entity |= {e: {line[e] for line in lines} for e in ("product_id", "supplier_id")}
        entity["category"] = {products[product]["category"] for product in entity["product_id"]}
        entity["service"], entity["language"] = {order["lane"].split(">")[0]}, {LANGUAGES[order["country"]]}
        learnt = naive_facts(order, own)
        if order["known_day"] != first_day_of_buyer[order["buyer_id"]]:
            learnt["count_returning"] = [(order["known_day"], 1)]
        world.append({"order_id": order["order_id"], **entity, "learnt": learnt, "lines": lines, "products": products})
    return world


def first_known_of(rows: list[dict], **match: str) -> dict | None:
    found = [r for r in rows if all(r[k] == v for k, v in match.items())]
    return min(found, key=lambda r: (r["known_at"], r["occurred_at"]), default=None)


def naive_facts(order: dict, own: dict) -> dict[str, list[tuple[int, int]]]:
    """What is learnt of one order, measure by measure."""
    learnt: dict[str, list[tuple[int, int]]] = defaultdict(list)
    placed, start = order["occurred_at"], order["known_day"]
    opened, closed = first_known_of(own["disputes"], step="opened"), first_known_of(own["order_events"], event="closed")
    delivered, shipped = first_known_of(own["tracking"], status="Delivered"), first_known_of(own["shipments"])
    promise = first_known_of(own["promises"], kind="delivery")
    ends = [promised_day(promise["promised_at"]) + 60]
    if delivered and delivered["known_day"] <= ends[0]:
        ends = [delivered["known_day"] + 15]
    ends += [fact["known_day"] for fact in (closed, opened) if fact]
    learnt["count_orders"], learnt["count_outcomes"] = [(start, 1)], [(min(ends), 1)]
    learnt["count_open"] = [(start, 1), (min(ends), -1)]
    if opened:
        known, seconds = opened["known_day"], int((opened["occurred_at"] - placed).total_seconds())
        learnt["count_disputes"], learnt["sum_dispute_seconds"] = [(known, 1)], [(known, seconds)]
        learnt[f"count_{opened['cause']}"] = [(known, 1)]
    if refund := first_known_of(own["disputes"], step="refunded"):
        learnt["count_refunded"] = [(refund["known_day"], 1)]
        learnt["sum_refund_cents"] = [(refund["known_day"], round(refund["amount_usd"] * 100))]
    if withdrawn := first_known_of(own["disputes"], step="withdrawn"):
        learnt["count_withdrawn"] = [(withdrawn["known_day"], 1)]
    if shipped:
        known, ship_by = shipped["known_day"], first_known_of(own["promises"], kind="dispatch")
        learnt["count_shipped"] = [(known, 1)]
        learnt["sum_handling_seconds"] = [(known, int((shipped["occurred_at"] - placed).total_seconds()))]
        learnt["count_shipped_late"] = [(known, int(shipped["occurred_at"] > ship_by["promised_at"]))]
    if delivered:
        known, seconds = (
            delivered["known_day"],
            int((delivered["occurred_at"] - shipped["occurred_at"]).total_seconds()),
        )
        learnt["count_delivered"], learnt["sum_transit_seconds"] = [(known, 1)], [(known, seconds)]
        learnt["count_late"] = [(known, int(delivered["occurred_at"] > promise["promised_at"]))]
        learnt[f"count_transit_bin{sum(seconds > edge * 86_400 for edge in TRANSIT_EDGES)}"] = [(known, 1)]
    if exception := first_known_of(own["tracking"], status="Exception"):
        learnt["count_exceptions"] = [(exception["known_day"], 1)]
    if review := first_known_of(own["reviews"]):
        learnt["count_reviews"] = [(review["known_day"], 1)]
        learnt["sum_star_hundredths"] = [(review["known_day"], round(review["score"] * 100))]
    naive_talk(learnt, own["messages"])
    naive_scans(learnt, own["tracking"], shipped)
    return learnt


def naive_talk(learnt: dict, messages: list[dict]) -> None:
    for asked in (m for m in messages if m["sender"] == "buyer"):
        learnt["count_questions"].append((asked["known_day"], 1))
        answers = [m for m in messages if m["sender"] == "seller" and m["occurred_at"] >= asked["occurred_at"]]
        if answers:
            answer = min(answers, key=lambda m: (m["known_at"], m["occurred_at"]))
            known = max(answer["known_day"], asked["known_day"])
            seconds = int((answer["occurred_at"] - asked["occurred_at"]).total_seconds())
            learnt["count_replies"].append((known, 1))
            learnt["sum_reply_seconds"].append((known, seconds))


def naive_scans(learnt: dict, scans: list[dict], shipped: dict | None) -> None:
    """Each scan that tells something new, and how long the buyer had waited for news."""
    if shipped is None:
        return
    told, last = {shipped["occurred_at"]}, shipped["known_at"]
    for scan in sorted(scans, key=lambda r: (r["known_at"], r["occurred_at"])):
        if scan["occurred_at"] not in told:
            days = (scan["known_at"] - last).total_seconds() / 86_400
            learnt["count_scans"].append((scan["known_day"], 1))
            learnt[f"count_gap_bin{sum(days > edge for edge in GAP_EDGES)}"].append((scan["known_day"], 1))
        told.add(scan["occurred_at"])
        last = scan["known_at"]


def promised_day(instant) -> int:
    return day(f"{instant.astimezone(ZoneInfo(ZONE)):%Y-%m-%d}")


@pytest.mark.parametrize("night", ["2025-02-20", "2025-04-01", "2025-05-25"])
def test_totals_of_every_entity_equal_a_loop_over_other_orders(night: str) -> None:
    tables = as_tables(small_store())
    as_of = day(night)
    view = build_view(tables, build_spine(tables, [as_of]).gather_every(3))
    world = naive_world(tables)
    seen: set[str] = set()
    for entity, measures in ENTITIES.items():
        for place, row in enumerate(view.rows.iter_rows(named=True)):
            others = [o for o in world if row[entity] in o[entity] and o["order_id"] != row["order_id"]]
            for measure, lookbacks in measures.items():
                facts = [fact for o in others for fact in facts_of(o, measure, entity, row[entity])]
                seen |= {measure for _ in facts}
                for lookback in lookbacks:
                    expected = sum(n for known, n in facts if as_of - lookback <= known < as_of)
                    assert view.totals[entity][f"{measure}_{lookback}d"][place] == expected, (entity, measure, lookback)
    rare = {f"count_transit_bin{n}" for n in range(16)} | {f"count_gap_bin{n}" for n in range(13)}
    if night == "2025-05-25":
        assert {m for measures in ENTITIES.values() for m in measures} - seen <= rare


def facts_of(order: dict, measure: str, entity: str, value: str) -> list[tuple[int, int]]:
    """An order's facts; prices are those of its lines of that product or category."""
    if measure not in ("count_lines", "sum_price_cents"):
        return order["learnt"][measure]
    found = []
    for line in order["lines"]:
        product = order["products"][line["product_id"]]
        if (product["category"] if entity == "category" else line[entity]) == value:
            cents = round(line["unit_price_usd"] * 100)
            known = max(line["known_day"], product["known_day"]) if entity == "category" else line["known_day"]
            found.append((known, 1 if measure == "count_lines" else cents))
    return found
