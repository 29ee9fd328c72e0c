"""What a contact is worth, and the last day on which it helps."""

from __future__ import annotations

import polars as pl
import pytest

from features.tables import CAUSES
from models.contact.contact_deadline import add_contact_by
from models.contact.contact_value import ContactCosts, add_expected_value, choose_contacts
from tests.conftest import day

BY_STAGE = {"dispatch": 0.2, "delivered": 0.1}
SHARES = {(stage, cause): share for stage, share in BY_STAGE.items() for cause in CAUSES}
COSTS = ContactCosts(
    {
        (stage, cause): share
        for stage, share in {"dispatch": 0.2, "delivered": 0.1}.items()
        for cause in CAUSES
    },
    dispute_fixed_cost_usd=10.0,
    contact_cost_usd=1.0,
)


def test_expected_value_by_hand() -> None:
    scored = pl.DataFrame(
        {
            "order_id": ["a", "b"],
            "stage": ["dispatch", "delivered"],
            "probability": [0.5, 0.1],
            "order_value_usd": [40.0, None],
        }
    )
    valued = add_expected_value(scored, COSTS)
    assert valued["expected_value_usd"].to_list() == pytest.approx(
        [0.5 * 0.2 * 50 - 1, 0.1 * 0.1 * 10 - 1]
    )
    listed = choose_contacts(valued, 5)
    assert listed.select("rank", "order_id").rows() == [(1, "a")], "b costs more than it saves"


def test_contact_by_is_never_past() -> None:
    listed = pl.DataFrame(
        {
            "stage": [
                "before_shipment",
                "before_shipment",
                "dispatch",
                "in_transit",
                "in_transit",
                "delivered",
            ],
            "logistics_days_to_ship_by": [2.5, -3.0, None, None, None, None],
            "logistics_days_to_promise": [9.0, 9.0, 9.0, 9.0, -4.0, -1.0],
            "logistics_days_in_stage": [1.0, 1.0, 1.0, 1.0, 1.0, 1.5],
        }
    )
    days = add_contact_by(listed, day("2024-05-01"))["contact_by"]
    assert [f"{d:%m-%d}" for d in days] == ["05-03", "05-01", "05-03", "05-07", "05-01", "05-02"]
