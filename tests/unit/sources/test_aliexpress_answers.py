"""Answers of the Open Platform as its documents show them, field by field, where reading one
wrongly loses a fact."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.phrases import status_of
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from tests.unit.sources import aliexpress_dumps as made

TAKEN = "2024-11-05T0200"


def load(folder: Path, **answers: Any) -> StoreData:
    """The answers that are given, the documented ones else; nothing may be refused."""
    made_up = {name: make() for name, make in made.ANSWERS.items()} | answers
    told = {name: answer for name, answer in made_up.items() if answer is not None}
    data = enforce_contract(read_aliexpress(SourceContext(made.write(folder, TAKEN, **told))))
    assert [file.quarantine().rows() for file in data.files if file.quarantine().height] == []
    return data


def parcels(detail: dict[str, Any]) -> list[dict[str, Any]]:
    found = detail["aliexpress_trade_new_redefining_findorderbyid_response"]["target"][
        "logistic_info_list"
    ]
    parcels: list[dict[str, Any]] = found["tp_open_logistic_info_dto"]
    return parcels


def process(detail: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = detail["aliexpress_issue_detail_get_response"]["result_object"]
    return found


def test_a_detail_that_lies_in_data_is_read(tmp_path: Path) -> None:
    """`aliexpress.solution.order.info.get` answers `result.data`, with an error's code and message
    beside it."""
    data = load(tmp_path, detail=None)
    (order,) = data.frames["orders"].to_dicts()
    assert (order["country"], order["lane"], order["total_usd"]) == ("BR", "EMS>BR", 58.01)
    assert data.frames["shipments"]["shipment_id"].to_list() == [made.PARCEL]


def test_lines_of_a_detail_are_read_with_amounts_of_either_name(tmp_path: Path) -> None:
    """The platform's own sample of one answer has `amount` in some of its amounts and `amount_str`
    in others."""
    (line,) = load(tmp_path, orders=None, detail=None).frames["order_lines"].to_dicts()
    assert (line["line_id"], line["product_id"], line["quantity"]) == (
        str(made.LINE),
        str(made.PRODUCT),
        2.0,
    )
    assert (line["unit_price_usd"], line["shipping_usd"]) == (30.0, 1.01)


def test_a_parcel_has_the_carriers_number(tmp_path: Path) -> None:
    """It is what buyers are told, and what joins a parcel to its scans."""
    data = load(tmp_path)
    assert data.frames["shipments"]["shipment_id"].to_list() == [made.PARCEL]
    assert set(data.frames["tracking"]["shipment_id"]) == {made.PARCEL}


def test_parcels_sent_at_one_moment_are_two(tmp_path: Path) -> None:
    detail = made.order_detail()
    parcels(detail).append(
        {**parcels(detail)[0], "logistics_no": "LP2", "logistics_service_name": "DHL"}
    )
    sent = load(tmp_path, detail=detail).frames["shipments"].sort("shipment_id")
    assert sent.select("shipment_id", "carrier").rows() == [(made.PARCEL, "EMS"), ("LP2", "DHL")]


def test_a_number_that_is_told_of_two_moments_is_one_parcels(tmp_path: Path) -> None:
    detail = made.order_detail()
    parcels(detail).append({**parcels(detail)[0], "gmt_send": "2024-10-05 20:00:00"})
    sent = load(tmp_path, detail=detail).frames["shipments"].sort("occurred_at")
    assert sent["shipment_id"].to_list() == [made.PARCEL, f"{made.ORDER}-2"]


def test_an_order_ended_when_its_detail_says_so(tmp_path: Path) -> None:
    """Not when it was last changed, which is all that the list says, whichever of the two is read
    first."""
    for name in ("a", "z"):
        detail = made.order_info(order_status="FINISH", gmt_trade_end="2024-11-01 10:00:00")
        orders = made.order_list(order_status="FINISH", gmt_update="2024-11-03 09:00:00")
        data = load(
            tmp_path / name, orders=None, detail=None, info=None, m_orders=orders, **{name: detail}
        )
        closed = data.frames["order_events"].filter(event="closed")
        assert closed["occurred_at"].to_list() == [datetime(2024, 11, 1, 17, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("placed", "paid", "told"),
    [
        ("2024-11-03 01:50:00", "2024-11-03 01:03:00", datetime(2024, 11, 3, 9, 3, tzinfo=UTC)),
        ("2024-11-03 01:02:00", "2024-11-03 01:03:00", datetime(2024, 11, 3, 8, 3, tzinfo=UTC)),
        # a wrong time stays one, for the checks of ingest
        ("2024-10-01 08:00:00", "2024-10-01 07:30:00", datetime(2024, 10, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_what_seems_to_be_before_the_order_was_in_the_second_of_two_hours(
    placed: str, paid: str, told: datetime, tmp_path: Path
) -> None:
    """California counts an hour twice in November; an order paid at 01:03 and placed at 01:50 was
    lost as unpaid."""
    orders = made.order_list(gmt_create=placed, gmt_pay_time=paid)
    events = read_aliexpress(SourceContext(made.write(tmp_path, TAKEN, orders=orders))).frames[
        "order_events"
    ]
    assert events.filter(event="paid")["occurred_at"].to_list() == [told]


def test_a_solution_is_carried_out_when_the_process_says_so(tmp_path: Path) -> None:
    """Not when it was proposed; the platform's is a ruling since the ruling."""
    detail = made.issue_detail()
    asked, ruling = (
        process(detail)[f"{who}_solution_list"]["solution_api_dto"][0]
        for who in ("buyer", "platform")
    )
    asked["status"] = "perform"
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


def test_a_dispute_is_opened_for_what_was_asked_first(tmp_path: Path) -> None:
    """Not for what was agreed on later, which stands above it."""
    detail = made.issue_detail()
    asked = process(detail)["buyer_solution_list"]["solution_api_dto"]
    asked.insert(
        0, {**asked[0], "id": 2, "refund_money_post": "20.00", "gmt_create": "2024-10-28 09:00:00"}
    )
    steps = load(tmp_path, issue=detail).frames["disputes"]
    assert steps.filter(step="opened")["amount_usd"].to_list() == [66.65]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Customs requires further information", "InTransit_CustomsRequiringInformation"),
        ("Held in customs, documents needed", "InTransit_CustomsRequiringInformation"),
        ("海关要求补充资料", "InTransit_CustomsRequiringInformation"),
        ("Customs information received", "InTransit_CustomsProcessing"),
        ("Customs clearance completed", "InTransit_CustomsReleased"),
        ("Customs clearance completed, no further documents required", "InTransit_CustomsReleased"),
        ("Delivery attempted, nobody at home", "DeliveryFailure_NoBody"),
        ("Recipient not available", "DeliveryFailure_NoBody"),
        ("收件人不在", "DeliveryFailure_NoBody"),
        ("Delivery attempt failed: wrong address", "DeliveryFailure_Other"),
        ("Delivery update / Delivered to neighbour, recipient not at home", "Delivered_Other"),
        ("Recipient not at home, left with neighbour", "Delivered_Other"),
        ("Not delivered to addressee: not at home", "DeliveryFailure_NoBody"),
    ],
)
def test_what_carriers_wait_for(words: str, told: str) -> None:
    assert pl.DataFrame({"w": [words]}).select(status_of(pl.col("w"))[1]).item() == told
