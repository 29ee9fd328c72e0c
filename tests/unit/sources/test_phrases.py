"""Reasons of disputes and carriers' lines map to causes and statuses."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.sources.phrases import cause_of, status_of


@pytest.mark.parametrize(
    ("reason", "received", "cause"),
    [
        ("运单号无法查询到物流信息", None, "not_received"),
        ("海关扣关", None, "not_received"),
        ("物流方式不一致", None, "not_received"),
        ("我找到更便宜的", None, "other"),
        ("Product not as described", "true", "not_as_described"),
        ("Quality problem", "true", "not_as_described"),
        ("I no longer want it", None, "other"),
        ("The parcel was returned", None, "not_received"),
        ("something else altogether", "false", "not_received"),
        ("something else altogether", "true", "unknown"),
        (None, None, "unknown"),
    ],
)
def test_cause_of_a_reason(reason: str | None, received: str | None, cause: str) -> None:
    frame = pl.DataFrame({"r": [reason], "g": [received]}, schema={"r": pl.String, "g": pl.String})
    assert frame.select(cause_of(pl.col("r"), pl.col("g"))).item() == cause


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Package delivered", "Delivered"),
        ("Unsuccessful delivery attempt", "DeliveryFailure"),
        ("【8】Arrive at destination country", "InTransit"),
        ("Customs clearance completed", "InTransit"),
        ("Held by customs: security check", "Exception"),
        ("Out for delivery", "OutForDelivery"),
        ("Available at pick-up point", "AvailableForPickup"),
        ("Package in preparation", "InfoReceived"),
        ("Returned to sender", "Exception"),
        ("Покинуть склад", "InTransit"),
        ("no pattern matches this", "InTransit"),
    ],
)
def test_status_of_a_carriers_line(words: str, status: str) -> None:
    assert pl.DataFrame({"w": [words]}).select(status_of(pl.col("w"))[0]).item() == status


@pytest.mark.parametrize(
    ("words", "sub_status"),
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
def test_sub_status_of_a_carriers_line(words: str, sub_status: str) -> None:
    assert pl.DataFrame({"w": [words]}).select(status_of(pl.col("w"))[1]).item() == sub_status
