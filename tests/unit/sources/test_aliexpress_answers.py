"""Fields of the Open Platform's documented answers that are easy to read wrongly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from tests.unit.sources import aliexpress_answers as documented
from tests.unit.sources import aliexpress_dispute_answers as disputes
from tests.unit.sources import aliexpress_dumps as made


def load(folder: Path, **answers: Any) -> StoreData:
    """Load the documented answers, replaced by `answers` (None: left out), without any fault."""
    every = {name: answer() for name, answer in made.ANSWERS.items()} | answers
    dumps = {name: answer for name, answer in every.items() if answer is not None}
    context = SourceContext(made.write(folder, made.TAKEN, **dumps))
    data = enforce_contract(read_aliexpress(context))
    assert [file.quarantine().rows() for file in data.files if file.quarantine().height] == []
    return data


def parcels_of(detail: dict[str, Any]) -> list[dict[str, Any]]:
    target = detail["aliexpress_trade_new_redefining_findorderbyid_response"]["target"]
    parcels: list[dict[str, Any]] = target["logistic_info_list"]["tp_open_logistic_info_dto"]
    return parcels


def dispute_of(detail: dict[str, Any]) -> dict[str, Any]:
    dispute: dict[str, Any] = detail["aliexpress_issue_detail_get_response"]["result_object"]
    return dispute


def test_a_detail_in_data_is_read(tmp_path: Path) -> None:
    """`aliexpress.solution.order.info.get` has it in `result.data`, next to error fields."""
    data = load(tmp_path, detail=None)
    (order,) = data.frames["orders"].to_dicts()
    assert (order["country"], order["lane"], order["total_usd"]) == ("BR", "EMS>BR", 58.01)
    assert data.frames["shipments"]["shipment_id"].to_list() == [documented.PARCEL]


def test_lines_of_a_detail_are_read_with_amounts_of_either_name(tmp_path: Path) -> None:
    """The platform's sample answer has `amount` in some amounts and `amount_str` in others."""
    (line,) = load(tmp_path, orders=None, detail=None).frames["order_lines"].to_dicts()
    assert (line["line_id"], line["product_id"], line["quantity"]) == (
        str(documented.LINE),
        str(documented.PRODUCT),
        2.0,
    )
    assert (line["unit_price_usd"], line["shipping_usd"]) == (30.0, 1.01)


def test_a_parcel_has_the_carriers_number(tmp_path: Path) -> None:
    """Buyers get this number, and it joins a parcel to its scans."""
    data = load(tmp_path)
    assert data.frames["shipments"]["shipment_id"].to_list() == [documented.PARCEL]
    assert set(data.frames["tracking"]["shipment_id"]) == {documented.PARCEL}


def test_two_parcels_sent_at_the_same_time_are_two_shipments(tmp_path: Path) -> None:
    detail = documented.order_detail()
    parcels_of(detail).append(
        {**parcels_of(detail)[0], "logistics_no": "LP2", "logistics_service_name": "DHL"}
    )
    sent = load(tmp_path, detail=detail).frames["shipments"].sort("shipment_id")
    assert sent.select("shipment_id", "carrier").rows() == [
        (documented.PARCEL, "EMS"),
        ("LP2", "DHL"),
    ]


def test_a_number_with_two_sending_times_belongs_to_one_shipment(tmp_path: Path) -> None:
    detail = documented.order_detail()
    parcels_of(detail).append({**parcels_of(detail)[0], "gmt_send": "2024-10-05 20:00:00"})
    sent = load(tmp_path, detail=detail).frames["shipments"].sort("occurred_at")
    assert sent["shipment_id"].to_list() == [documented.PARCEL, f"{documented.ORDER}-2"]


def test_the_detail_has_the_time_an_order_ended(tmp_path: Path) -> None:
    """The list has only the time of the last change; the order of reading does not matter."""
    for name in ("a", "z"):
        detail = documented.order_info(order_status="FINISH", gmt_trade_end="2024-11-01 10:00:00")
        orders = documented.order_list(order_status="FINISH", gmt_update="2024-11-03 09:00:00")
        data = load(
            tmp_path / name, orders=None, detail=None, info=None, m_orders=orders, **{name: detail}
        )
        closed = data.frames["order_events"].filter(event="closed")
        assert closed["occurred_at"].to_list() == [datetime(2024, 11, 1, 17, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("placed", "paid", "expected"),
    [
        ("2024-11-03 01:50:00", "2024-11-03 01:03:00", datetime(2024, 11, 3, 9, 3, tzinfo=UTC)),
        ("2024-11-03 01:02:00", "2024-11-03 01:03:00", datetime(2024, 11, 3, 8, 3, tzinfo=UTC)),
        # a wrong time is kept, so that the checks reject it
        ("2024-10-01 08:00:00", "2024-10-01 07:30:00", datetime(2024, 10, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_a_payment_before_the_order_was_in_the_repeated_hour(
    placed: str, paid: str, expected: datetime, tmp_path: Path
) -> None:
    """In California an hour repeats in November: an order may be placed at 01:50, paid at 01:03."""
    orders = documented.order_list(gmt_create=placed, gmt_pay_time=paid)
    data = read_aliexpress(SourceContext(made.write(tmp_path, made.TAKEN, orders=orders)))
    paid_at = data.frames["order_events"].filter(event="paid")["occurred_at"]
    assert paid_at.to_list() == [expected]


def test_the_process_has_the_time_a_solution_was_carried_out(tmp_path: Path) -> None:
    """A solution has only the time it was proposed; the platform's counts from the ruling."""
    detail = disputes.issue_detail()
    request, ruling = (
        dispute_of(detail)[f"{who}_solution_list"]["solution_api_dto"][0]
        for who in ("buyer", "platform")
    )
    request["status"] = "perform"
    ruling["reached_type"] = "platform_arbitrate"
    steps = (
        load(tmp_path, issue=detail)
        .frames["disputes"]
        .filter(pl.col("step").is_in(["ruled", "refunded"]))
    )
    assert steps.sort("occurred_at").select("step", "occurred_at").rows() == [
        ("ruled", datetime(2024, 10, 29, 2, 23, 11, tzinfo=UTC)),
        ("refunded", datetime(2024, 10, 29, 2, 23, 14, tzinfo=UTC)),
    ]


def test_the_opening_amount_is_the_first_one_requested(tmp_path: Path) -> None:
    """The amount agreed later is listed before it."""
    detail = disputes.issue_detail()
    requests = dispute_of(detail)["buyer_solution_list"]["solution_api_dto"]
    later = {"id": 2, "refund_money_post": "20.00", "gmt_create": "2024-10-28 09:00:00"}
    requests.insert(0, {**requests[0], **later})
    steps = load(tmp_path, issue=detail).frames["disputes"]
    assert steps.filter(step="opened")["amount_usd"].to_list() == [66.65]
