"""A store whose data has no shipments: where an order is, is unknown, never "before shipment"."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from features.build.registry import FEATURES, build_features
from features.spine import DEFAULT_WINDOW, build_spine
from features.stage import UNKNOWN, build_stages
from features.tables import Tables
from models.contact.contact_deadline import add_contact_by
from models.reasons.risk_rules import SignModel
from pipeline.engines.polars_parts import night_features
from pipeline.workspace.workspace import Workspace
from tests.conftest import day

STORE = {
    "orders": "order_id | occurred_at\na | 05-01\nb | 05-01",
    "promises": """
    order_id | kind     | occurred_at | promised_at
    a        | delivery | 05-01       | 05-20
    a        | dispatch | 05-01       | 05-03
    """,
}
# what would say that the order waits in the store
WAITS = (
    "logistics_stage",
    "logistics_days_to_ship_by",
    "logistics_days_in_stage",
    "logistics_handling_days",
    "logistics_handling_to_usual",
    "logistics_expected_days_left",
)


def without_shipments(tables: Tables) -> Tables:
    return Tables(tables.frames, tables.zone, has_shipments=False)


def test_the_stage_of_an_undelivered_order_is_unknown(make_tables: Callable[..., Tables]) -> None:
    tables = make_tables(**STORE, tracking="order_id | status | occurred_at\nb | Delivered | 05-10")
    spine = build_spine(tables, [day("05-12")])
    assert build_stages(tables, spine)["stage"].to_list() == ["before_shipment", "delivered"]
    stages = build_stages(without_shipments(tables), spine)["stage"]
    assert stages.to_list() == [UNKNOWN, "delivered"]


def test_nothing_is_said_about_its_way(make_tables: Callable[..., Tables]) -> None:
    tables = without_shipments(make_tables(**STORE))
    features = build_features(tables, build_spine(tables, [day("05-22")]))
    for name in WAITS:
        assert features[name].to_list() == [None, None], name
    assert features["logistics_days_to_promise"].to_list() == [-2.0, None]
    reasons = SignModel(0.03).reasons(features, FEATURES)["reason_1"].to_list()
    assert reasons == ["2 days past the promised day", ""]
    by = add_contact_by(features, day("05-22"))["contact_by"].cast(pl.String).to_list()
    assert by == ["2024-05-22", "2024-05-23"]


@pytest.mark.parametrize(
    ("more", "stages"),
    [
        ({}, [UNKNOWN, UNKNOWN]),
        (
            {"tracking": "order_id | status | occurred_at\nb | Delivered | 05-04"},
            [UNKNOWN, "delivered"],
        ),
        ({"shipments": "order_id | occurred_at\nb | 05-04"}, ["before_shipment", "dispatch"]),
        (
            {"tracking": "order_id | status | occurred_at\nb | InTransit | 05-04"},
            ["before_shipment", "in_transit"],
        ),
    ],
    ids=["nothing", "deliveries only", "a shipment", "a parcel on its way"],
)
@pytest.mark.parametrize("orders_per_part", [1, 100])
def test_what_the_files_record_decides(
    make_tables: Callable[..., Tables],
    tmp_path,
    more: dict[str, str],
    stages: list[str],
    orders_per_part: int,
) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_tables(make_tables(**STORE, **more), {})
    files = workspace.table_files()
    features = night_features(files, day("05-06"), DEFAULT_WINDOW, orders_per_part)
    assert features["stage"].to_list() == stages
    whole = files.read_all()
    assert build_features(whole, build_spine(whole, [day("05-06")]))["stage"].to_list() == stages
    assert workspace.read_tables().has_shipments == (UNKNOWN not in stages)
