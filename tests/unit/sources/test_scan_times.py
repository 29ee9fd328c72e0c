"""The time of a scan without an offset is in the carrier's zone, the country's or the setting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from babel.core import get_global

from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.canonical import read_canonical
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.scan_times import MAIN_ZONES, country_zone
from pipeline.sources.tracking.tracking_source import with_tracking

ORDERS = """order_id,buyer_id,store_id,country,currency,total_usd,total_source,occurred_at
o-1,b-1,s-1,BR,USD,10.00,10.00,2026-06-20 10:00:00
"""
LINES = """order_id,line_id,product_id,supplier_id,quantity,unit_price_usd,shipping_usd,occurred_at
o-1,1,p-1,sup,1,10.00,0,2026-06-20 10:00:00
"""
PROMISES = """promise_id,order_id,kind,promised_at,occurred_at
p-1,o-1,delivery,2026-07-05 10:00:00,2026-06-20 10:00:00
"""
SHIPMENTS = "shipment_id,order_id,carrier,occurred_at\nAA1BR,o-1,Correios,2026-06-24 10:00:00\n"


def scanned(folder: Path, *bodies: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[str]]:
    """(status, time in UTC) of each scan, and the reasons of the quarantine. The setting
    `tracking_zone` is Tokyo."""
    (folder / "tracking").mkdir(exist_ok=True)
    for name, text in (
        ("orders", ORDERS),
        ("order_lines", LINES),
        ("promises", PROMISES),
        ("shipments", SHIPMENTS),
    ):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "store.toml").write_text('zone = "America/Sao_Paulo"\n', encoding="utf-8")
    for number, body in enumerate(bodies):
        path = folder / "tracking" / f"{number}-2026-07-01T0000.json"
        path.write_text(json.dumps(body), encoding="utf-8")
    context = SourceContext(folder, settings=SourceSettings(tracking_zone="Asia/Tokyo"))
    data = with_tracking(enforce_contract(read_canonical(context)), context)
    scans = data.frames["tracking"].sort("occurred_at")
    at = pl.col("occurred_at").dt.strftime("%d %H:%M")
    reasons = [reason for file in data.files for reason in file.quarantine()["reason"]]
    return scans.select("status", at).rows(), reasons


def event(country: str | None, **times: Any) -> dict[str, Any]:
    empty = {"time_iso": None, "time_utc": None, "time_raw": None}
    return {
        **empty,
        **times,
        "description": "Objeto entregue ao destinatário",
        "stage": "Delivered",
        "sub_status": "Delivered_Other",
        "address": {"country": country, "state": "PE", "city": None},
    }


def seventeen(*events: dict[str, Any]) -> dict[str, Any]:
    track = {
        "latest_status": {"status": "Delivered"},
        "latest_event": events[0],
        "tracking": {"providers": [{"provider": {"name": "Correios"}, "events": list(events)}]},
    }
    accepted = [{"number": "AA1BR", "carrier": 2151, "tag": "order-1042", "track_info": track}]
    return {"code": 0, "data": {"accepted": accepted}}


def raw(timezone: str | None, day: str = "2026-06-30", clock: str | None = "14:23:00") -> Any:
    return {"time_raw": {"date": day, "time": clock, "timezone": timezone}}


TIMES = {
    "no zone: that of the event's country": (event("BR", **raw(None)), "30 17:23"),
    "three letters": (event("BRA", **raw(None)), "30 17:23"),
    "no zone and no country: the setting": (event(None, **raw(None)), "30 05:23"),
    "an unknown country: the setting": (event("XX", **raw(None)), "30 05:23"),
    "an offset": (event("BR", **raw("+08:00")), "30 06:23"),
    "an offset of hours": (event("BR", **raw("GMT-5")), "30 19:23"),
    "a zone": (event("BR", **raw("Asia/Shanghai")), "30 06:23"),
    "UTC": (event("BR", **raw("UTC")), "30 14:23"),
    "no zone known": (event("BR", **raw("local")), "30 17:23"),
    "a day alone": (event("BR", **raw(None, clock=None)), "30 03:00"),
    "an exact time wins": (event("BR", time_utc="2026-06-30T01:02:00Z", **raw(None)), "30 01:02"),
    "an exact time without an offset": (event("BR", time_iso="2026-06-30T01:02:00"), "30 04:02"),
    "the raw time as one text": (event("BR", time_raw="2026-06-30 14:23"), "30 17:23"),
}


@pytest.mark.parametrize(("one", "at"), TIMES.values(), ids=TIMES)
def test_the_time_of_a_17track_event(tmp_path: Path, one: dict[str, Any], at: str) -> None:
    assert scanned(tmp_path, seventeen(one)) == ([("Delivered", at)], [])


def test_events_of_several_countries_in_one_file(tmp_path: Path) -> None:
    events = [
        event("BR", **raw(None)),
        event("CN", **raw(None, day="2026-06-26")),
        event("US", **raw(None, day="2026-06-28")),
        event("BR", time_utc="2026-06-29T11:40:00Z", **raw("-03:00", day="2026-06-29")),
    ]
    rows, reasons = scanned(tmp_path, seventeen(*events))
    assert [at for _, at in rows] == ["26 06:23", "28 18:23", "29 11:40", "30 17:23"]
    assert reasons == []


def test_a_raw_time_without_a_day_is_a_fault(tmp_path: Path) -> None:
    one = event("BR", time_raw={"date": None, "time": "14:23:00", "timezone": "+08:00"})
    assert scanned(tmp_path, seventeen(one)) == ([], ["no date and time of the scan"])


def test_a_checkpoint_of_aftership_without_an_offset(tmp_path: Path) -> None:
    points = [
        {"checkpoint_time": "2026-06-30T14:23:00", "country_iso3": "BRA", "tag": "Delivered"},
        {"checkpoint_time": "2026-06-29T14:23:00", "country_region": "CHN", "tag": "InTransit"},
        {"checkpoint_time": "2026-06-28T14:23:00+08:00", "country_iso3": "BRA", "tag": "InTransit"},
        {"checkpoint_time": "2026-06-27T14:23:00", "country_iso3": None, "tag": "InTransit"},
    ]
    body = {"tracking_number": "AA1BR", "slug": "correios", "checkpoints": points}
    rows, reasons = scanned(tmp_path, {"msg": body, "event": "tracking_update"})
    assert [at for _, at in rows] == ["27 05:23", "28 06:23", "29 06:23", "30 17:23"]
    assert reasons == []


def test_every_country_has_a_zone_or_is_listed() -> None:
    """Countries with several zones and few people have none; the setting counts for them."""
    zones = get_global("territory_zones")
    without = {code for code in zones if code.isalpha() and country_zone(code) is None}
    assert without == {"AQ", "FM", "KI", "MH", "UM", "ZZ"}
    assert all(MAIN_ZONES[code] in zones[code] for code in MAIN_ZONES)
