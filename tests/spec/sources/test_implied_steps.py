"""Steps that the status of an AliExpress order implies, where the answer has no time for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.aliexpress.order_records import UNKNOWN
from pipeline.sources.aliexpress.seen_rows import CURRENT, recall
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from pipeline.workspace.checksums import CHECKSUM, FILES
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources import aliexpress_dumps as made

# the last change of the order, 2024-10-02 04:57 in California, and the times of two dumps
CHANGED = datetime(2024, 10, 2, 11, 57, tzinfo=UTC)
FIRST, SECOND = datetime(2024, 10, 5, 2, tzinfo=UTC), datetime(2024, 10, 9, 2, tzinfo=UTC)


def answer(**changed: Any) -> dict[str, Any]:
    """The list of orders with one paid order, without times of payment and sending."""
    bare = {
        "gmt_pay_time": None,
        "gmt_send_goods_time": None,
        "logistics_status": None,
        "gmt_update": "2024-10-02 04:57:43",
    }
    return answers.order_list(**{**bare, **changed})


def steps(raw: Path) -> dict[str, pl.DataFrame]:
    return dict(enforce_contract(read_aliexpress(SourceContext(raw))).frames)


def names_of_steps(frames: dict[str, pl.DataFrame]) -> str:
    names = [*frames["order_events"].sort("event", descending=True)["event"]]
    names += ["sent"] * frames["shipments"].height
    names += ["received"] * frames["tracking"].filter(status="Delivered").height
    return " ".join(names)


# the fields of the order, and the steps that they imply
FIELDS = """
order_status            | logistics_status       | end_reason          | steps
PLACE_ORDER_SUCCESS     |                        |                     |
PAYMENT_PROCESSING      |                        |                     |
IN_CANCEL               |                        |                     |
IN_FROZEN               |                        |                     |
RISK_CONTROL            |                        |                     | paid
WAIT_SELLER_SEND_GOODS  | WAIT_SELLER_SEND_GOODS |                     | paid
WAIT_SELLER_SEND_GOODS  | SELLER_SEND_GOODS      |                     | paid
FUND_PROCESSING         | NO_LOGISTICS           |                     | paid
IN_ISSUE                |                        |                     | paid
IN_ISSUE                | SELLER_SEND_GOODS      |                     | paid sent
IN_FROZEN               | SELLER_SEND_PART_GOODS |                     | paid sent
SELLER_PART_SEND_GOODS  |                        |                     | paid sent
WAIT_BUYER_ACCEPT_GOODS |                        |                     | paid sent
FUND_PROCESSING         | BUYER_ACCEPT_GOODS     |                     | paid sent received
FINISH                  |                        | buyer_confirm_goods | paid closed sent received
FINISH                  |                        | seller_cancel       | closed
"""


@pytest.mark.parametrize("line", FIELDS.strip().splitlines()[1:])
def test_the_steps_that_a_status_implies(tmp_path: Path, line: str) -> None:
    status, logistics, reason, expected = (part.strip() for part in line.split("|"))
    order = answer(
        order_status=status, logistics_status=logistics or None, end_reason=reason or None
    )
    frames = steps(made.write(tmp_path, "2024-10-05T0200", orders=order))
    assert names_of_steps(frames) == expected


def test_it_is_known_since_the_first_dump_that_says_so(tmp_path: Path) -> None:
    made.write(tmp_path, "2024-10-05T0200", orders=answer(order_status="WAIT_SELLER_SEND_GOODS"))
    made.write(tmp_path, "2024-10-09T0200", orders=answer())
    frames = steps(tmp_path)
    assert frames["order_events"].select("occurred_at", "known_at").rows() == [
        (CHANGED.replace(second=43), FIRST)
    ]
    sent = frames["shipments"].row(0, named=True)
    assert (sent["occurred_at"], sent["known_at"]) == (CHANGED.replace(second=43), SECOND)
    assert sent["carrier"] not in (None, UNKNOWN)


def test_a_time_that_a_later_dump_has_replaces_the_approximate_one(tmp_path: Path) -> None:
    made.write(tmp_path, "2024-10-05T0200", orders=answer())
    exact = answer(gmt_send_goods_time="2024-10-01 20:00:00", gmt_pay_time="2024-10-01 08:05:00")
    made.write(tmp_path, "2024-10-09T0200", orders=exact)
    frames = steps(tmp_path)
    assert frames["shipments"].select("occurred_at", "known_at").rows() == [
        (datetime(2024, 10, 2, 3, tzinfo=UTC), FIRST)
    ]
    assert frames["order_events"].select("event", "occurred_at", "known_at").rows() == [
        ("paid", datetime(2024, 10, 1, 15, 5, tzinfo=UTC), FIRST)
    ]


def test_a_change_that_is_not_known_happened_by_the_dump(tmp_path: Path) -> None:
    made.write(tmp_path, "2024-10-05T0200", orders=answer(gmt_update=None))
    sent = steps(tmp_path)["shipments"].row(0, named=True)
    assert (sent["occurred_at"], sent["known_at"]) == (FIRST, FIRST)


def test_rows_that_an_earlier_version_kept_lack_the_new_column(tmp_path: Path) -> None:
    raw, state = tmp_path / "raw", tmp_path / "state"
    raw.mkdir()
    made.write(raw, "2024-10-05T0200", orders=answer())
    data = read_aliexpress(SourceContext(raw, state=state))
    assert data.keep is not None
    data.keep()
    kept = next((state / "aliexpress").glob("*/orders.parquet"))
    pl.read_parquet(kept).drop("logistics_status").write_parquet(kept)
    # that version wrote no checksums either
    current = state / "aliexpress" / CURRENT
    facts = json.loads(current.read_text())
    current.write_text(json.dumps({k: v for k, v in facts.items() if k not in (FILES, CHECKSUM)}))
    frames, _ = recall(state / "aliexpress")
    assert frames["orders"]["logistics_status"].to_list() == [None]
    again = enforce_contract(read_aliexpress(SourceContext(raw, state=state)))
    assert names_of_steps(dict(again.frames)) == "paid sent"
