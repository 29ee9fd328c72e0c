"""The queues agree with a loop over the orders, one by one."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from features.stage import STAGES_AND_UNKNOWN
from models.contact.queues import QUEUES, order_queues

DAYS = st.sampled_from([None, 0.0, 0.3, 1.0, 2.5, 13.9, 14.0, 20.0])
AROUND = st.sampled_from([None, -8.2, -1.0, -0.1, 0.0, 0.1, 5.0])
COUNT = st.sampled_from([0.0, 1.0, 3.0])
FACTS = {
    "stage": st.sampled_from(STAGES_AND_UNKNOWN),
    "probability": st.sampled_from([0.01, 0.2, 0.7]),
    "logistics_days_since_news": DAYS,
    "logistics_silence_rank": st.sampled_from([None, 0.0, 0.94, 0.95, 1.0]),
    "logistics_count_exceptions": COUNT,
    "logistics_is_held": st.sampled_from([0.0, 1.0]),
    "logistics_days_to_promise": AROUND,
    "logistics_days_to_ship_by": AROUND,
    "logistics_days_in_stage": DAYS,
    "conversation_count_product_questions": COUNT,
    "conversation_days_since_message": DAYS,
    "waiting_days": DAYS,
    "unhappy_days": DAYS,
}
ORDER = st.fixed_dictionaries(FACTS)
NIGHT = date(2026, 3, 1)


def queue_of(row: dict[str, Any]) -> tuple[str, float | None] | None:
    """The queue of one order, and the days since when; written without looking at `QUEUES`."""
    silence, rank = row["logistics_days_since_news"], row["logistics_silence_rank"]
    late, unsent = row["logistics_days_to_promise"], row["logistics_days_to_ship_by"]
    stage = row["stage"]
    if row["waiting_days"] is not None:
        return "waiting", row["waiting_days"]
    if stage == "delivered":
        said, since = row["conversation_days_since_message"], row["logistics_days_in_stage"]
        asked = row["conversation_count_product_questions"] > 0
        if row["unhappy_days"] is not None:
            return "delivered_unhappy", row["unhappy_days"]
        if asked and said is not None and since is not None and said <= since:
            return "delivered_unhappy", said
        return None
    if row["logistics_count_exceptions"] > 0 or row["logistics_is_held"] > 0:
        return "exception", silence
    is_sent = stage in ("dispatch", "in_transit")
    if is_sent and ((silence or 0) >= 14 or (rank or 0) >= 0.95):
        return "no_movement", silence
    if (is_sent or stage == "unknown") and late is not None and late < 0:
        return "past_promise", -late
    if stage == "before_shipment" and unsent is not None and unsent < 0:
        return "before_shipment_late", -unsent
    return None


@given(orders=st.lists(ORDER, max_size=8))
@settings(max_examples=150, deadline=None)
def test_queues_agree_with_a_loop(orders: list[dict[str, Any]]) -> None:
    rows = [{"order_id": f"o{n}", **order} for n, order in enumerate(orders)]
    schema = {"order_id": pl.String, **dict.fromkeys(FACTS, pl.Float64), "stage": pl.String}
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        as_of=pl.lit(NIGHT), stake_usd=pl.lit(1.0)
    )
    said, unhappy = (
        frame.select("order_id", name).drop_nulls() for name in ("waiting_days", "unhappy_days")
    )
    queued = order_queues(frame.drop("waiting_days", "unhappy_days"), said, unhappy)
    expected = []
    for row in rows:
        if (queue := queue_of(row)) is not None:
            name, days = queue
            since = None if days is None else NIGHT - timedelta(days=ceil(days))
            key = (list(QUEUES).index(name), since or date.max, -row["probability"])
            expected.append((*key, row["order_id"], name, since))
    expected.sort(key=lambda row: row[:4])
    assert list(queued.select("order_id", "queue", "since").iter_rows()) == [
        row[3:] for row in expected
    ]
