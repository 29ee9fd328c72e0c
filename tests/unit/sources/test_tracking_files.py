"""Files of 17TRACK and AfterShip add scans to a source, joined by tracking number."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.load.ingest import ingest
from pipeline.load.quarantine import read_quarantine
from pipeline.settings.config import Config
from pipeline.sources.tracking.tracking_statuses import STATUSES, SUB_STATUSES, state_of
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources import aliexpress_dumps as made
from tests.unit.sources.tracking_bodies import AFTERSHIP, SEVENTEEN, SHEET, account, spoiled


@pytest.fixture
def load(tmp_path: Path, make_source: Callable) -> Callable[..., tuple[pl.DataFrame, pl.DataFrame]]:
    """Loads a canonical store with these tracking files; returns the scans and the quarantine."""

    def do(**files: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
        source = make_source("canonical")
        del source.files["tracking.csv"]
        raw = source.write(tmp_path / "raw")
        (raw / "tracking").mkdir()
        for name, body in files.items():
            kind = "csv" if isinstance(body, str | bytes) else "json"
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            data = text if isinstance(text, bytes) else text.encode()
            (raw / "tracking" / f"{name}-2018-01-25T0200.{kind}").write_bytes(data)
        store = Workspace(tmp_path / "w")
        with store.locked():
            ingest(store, Config(max_fault_share=1.0), Progress(), source="canonical", raw=raw)
            scans = store.read_tables()["tracking"].sort("shipment_id", "occurred_at")
            return scans, read_quarantine(store)

    return do


def shown(scans: pl.DataFrame) -> list[tuple[Any, ...]]:
    rows = scans.select(
        "order_id", "status", "sub_status", pl.col("occurred_at").dt.strftime("%d %H:%M")
    )
    return rows.rows()


def test_webhooks_of_both_providers(load: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    scans, quarantine = load(seventeen=SEVENTEEN, aftership=AFTERSHIP)
    assert shown(scans) == [
        ("o-1", "InTransit", "InTransit_Teleported", "18 00:00"),
        ("o-1", "InTransit", "InTransit_Departure", "19 00:00"),
        ("o-1", "InTransit", "InTransit_CustomsReleased", "20 00:00"),
        ("o-2", "InTransit", "InTransit_Departure", "18 04:57"),
        ("o-2", "Exception", "Exception_Rejected", "20 04:57"),
    ]
    assert quarantine.is_empty()
    assert "'InTransit_Teleported' 1" in capsys.readouterr().out


def test_where_a_parcel_was_scanned(load: Callable) -> None:
    """In the carrier's own words if there are any; else city and country."""
    seventeen, aftership = copy.deepcopy(SEVENTEEN), copy.deepcopy(AFTERSHIP)
    first, second, third = seventeen["data"]["track_info"]["tracking"]["providers"][0]["events"]
    first["location"] = "Depot 7, Berlin"
    first["address"] = {"city": "Berlin", "country": "DE"}
    second["address"] = {"city": "Yiwu", "country": "CN", "street": None}
    third["address"] = "not as documented"
    aftership["msg"]["checkpoints"][0]["city"] = "Riga"
    header = "Tracking Number,Package Status,Latest Event Time,Location"
    sheet = f"{header}\nh-3,Delivered,2018-01-21 10:00:00,Paris\n"
    scans, quarantine = load(seventeen=seventeen, aftership=aftership, sheet=sheet)
    assert quarantine.is_empty()
    assert scans.select("order_id", "location").rows() == [
        ("o-1", None),
        ("o-1", "Yiwu, CN"),
        ("o-1", "Depot 7, Berlin"),
        ("o-2", "Riga"),
        ("o-2", None),
        ("o-3", "Paris"),
    ]


def test_a_sheet_and_its_faults(load: Callable) -> None:
    scans, quarantine = load(sheet=SHEET)
    # times without an offset are local to China, the carriers' zone
    assert shown(scans) == [
        ("o-3", "Delivered", None, "21 02:00"),
        ("o-4", "InTransit", None, "21 02:00"),
    ]
    assert quarantine.select("row", "column", "reason").rows() == [
        ("4", "scanned_at", "no date and time of the scan"),
        ("5", "order_id", "no order has this tracking number"),
        ("6", "number", "no tracking number"),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_a_chinese_sheet(encoding: str, load: Callable) -> None:
    sheet = "运单号,包裹状态,最新事件时间,最新事件\nh-3,成功签收,2018-01-21 10:00:00,已签收\n"
    scans, _ = load(sheet=sheet.encode(encoding))
    assert shown(scans) == [("o-3", "Delivered", None, "21 02:00")]


def test_when_a_scan_is_known(load: Callable) -> None:
    scans, _ = load(seventeen=SEVENTEEN, aftership=AFTERSHIP)
    known = dict(scans.select("sub_status", "known_at").rows())
    # like the store's other facts as it happened, plus the delay of half a day
    assert known["InTransit_CustomsReleased"] == datetime(2018, 1, 20, 12, tzinfo=UTC)
    # a webhook has the time when it was sent
    assert known["Exception_Rejected"] == datetime(2018, 1, 21, 2, tzinfo=UTC)


def test_with_dumps_a_scan_is_known_from_its_first_file(tmp_path: Path) -> None:
    raw = made.write_all(tmp_path / "raw")
    (raw / "tracking").mkdir()
    events = [{"time_utc": "2024-10-09T00:00:00Z", "sub_status": "InTransit_Arrival"}]
    info = {"tracking": {"providers": [{"provider": {}, "events": events}]}}
    body = {"data": {"accepted": [{"number": answers.PARCEL, "track_info": info}]}}
    for night in ("2024-10-12T0200", "2024-10-11T0200"):
        (raw / "tracking" / f"17track-{night}.json").write_text(json.dumps(body))
    store = Workspace(tmp_path / "w")
    with store.locked():
        ingest(store, Config(), Progress(), source="aliexpress", raw=raw)
        scans = store.read_tables()["tracking"].filter(sub_status="InTransit_Arrival")
    assert scans.select("order_id", "known_at").rows() == [
        (str(answers.ORDER), datetime(2024, 10, 11, 2, tzinfo=UTC))
    ]


def test_a_providers_body_among_the_dumps_goes_to_quarantine(tmp_path: Path) -> None:
    """The reason names the subfolder where the file belongs."""
    raw = made.write(
        tmp_path / "raw",
        "2024-11-05",
        orders=answers.order_list(),
        stray=AFTERSHIP,
        other=SEVENTEEN,
    )
    store = Workspace(tmp_path / "w")
    with store.locked():
        ingest(store, Config(), Progress(), source="aliexpress", raw=raw)
        assert "'tracking'" in " ".join(read_quarantine(store)["reason"])


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        3,
        "x",
        {"data": None},
        {"data": [{"number": None, "track_info": []}]},
        {"checkpoints": "x"},
        {
            "number": {"a": 1},
            "track_info": {
                "tracking": {"providers": [3, {"events": [None, [], {"time_utc": []}]}]}
            },
        },
        {
            "tracking_number": "h-1",
            "checkpoints": [[], 3, {"checkpoint_time": 1e308, "tag": ["x"]}],
        },
        {"msg": {"tracking_number": ["h"]}},
        {"a": {"b": {"c": 1}}},
        [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],
    ],
)
def test_a_malformed_body_leaves_the_others_readable(body: Any, load: Callable) -> None:
    scans, _ = load(malformed=body, good=AFTERSHIP)
    assert {"o-2"} <= set(scans["order_id"])


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rng=st.randoms(use_true_random=True))
def test_each_row_of_a_damaged_body_is_a_scan_or_in_quarantine(rng: Random, tmp_path: Path) -> None:
    (tmp_path / "tracking").mkdir(exist_ok=True)
    for number in range(30):
        (tmp_path / "tracking" / f"spoiled-2018-02-01-{number}.json").write_bytes(spoiled(rng))
    account(tmp_path)


def test_statuses_map_to_one_vocabulary() -> None:
    assert state_of("Exception_004") == ("Exception", "Exception_Security")
    assert state_of(None, "In Transit") == ("InTransit", None)
    assert state_of("", "AttemptFail") == ("DeliveryFailure", None)
    assert state_of("InTransit_099", None) is None
    for sub in SUB_STATUSES:
        assert state_of(sub) == (sub.partition("_")[0], sub)
        assert sub.partition("_")[0] in STATUSES
