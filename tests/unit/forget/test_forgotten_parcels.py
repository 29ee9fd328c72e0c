"""A buyer's parcel is erased from the answers of tracking services and from pushes. Its scans stay,
and nobody asks about it again."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.spine import DisputeWindow
from pipeline.connections.answer_dumps import AnswerDumps, dump_line
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.load.pulling.new_answers import erase_new_answers
from pipeline.settings.errors import WorkspaceBusy
from pipeline.sources.parcelservices.open_parcels import Parcel, open_parcels
from pipeline.sources.parcelservices.parcel_pull import pull_parcels
from pipeline.workspace.workspace import Workspace
from tests.unit.forget.every_byte import hits
from tests.unit.forget.planted_services import (
    ServedShop,
    config_of,
    load,
    mark_of,
    of_others,
    planted,
)
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.parcelservices import fake_services as fakes
from tests.unit.sources.parcelservices.conftest import StillClock, settings_for

SERVICES = ("seventeentrack", "aftership")


def number_of(order: Order) -> str:
    return f"LX{order.number:09}DE"


def scans_of(order: Order) -> list[tuple[str, ...]]:
    """Scans in the buyer's town; the last one says what it is in words alone."""
    scans = []
    said = [("InTransit", "InTransit_Arrival", "Arrived in town"), ("", "", "Package delivered to")]
    for step, (status, sub_status, words) in enumerate(said):
        at = (order.shipped + timedelta(days=step + 1)).strftime("%Y-%m-%dT%H:%M:%S")
        text = f"{words} {mark_of(order.number)}"
        scans.append((f"{at}+00:00", f"{at}Z", status, sub_status, text))
    return scans


def push_about(order: Order, days: float, clock: StillClock) -> str:
    """A line of a received push with one more scan."""
    at = (order.shipped + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {"time_utc": at, "sub_status": "InTransit_Departure", "address": {"country": "DE"}}
    info = {"latest_event": event, "tracking": {"providers": [{"events": [event]}]}}
    data = {"number": number_of(order), "tag": mark_of(order.number), "track_info": info}
    body = {"event": "TRACKING_UPDATED", "data": planted(data, order.number)}
    request = {"pushed_by": "seventeentrack.main", "digest": f"{order.number:032x}"}
    return dump_line(json.dumps(body), clock.now(), request, SecretValues())


class TrackedShop:
    """The served shop with answers of both services, and pushes, about two orders."""

    def __init__(self, shop: ServedShop) -> None:
        self.shop, self.folder = shop, shop.pulled.folder
        self.tracking = self.folder / "pulled" / "tracking"
        self.clock = StillClock(shop.end + timedelta(days=20))
        self.needles = [number_of(shop.order), *shop.needles]

    def pull(self, fake: fakes.FakeServices, parcels: list[Parcel]) -> None:
        for service in SERVICES:
            settings = settings_for(service, fake.url)
            pull_parcels("main", settings, self.folder, parcels, lambda _: None, self.clock)

    def receive(self, *orders: Order, days: float = 5.0) -> None:
        received = self.tracking / "received"
        received.mkdir(parents=True, exist_ok=True)
        dumps = AnswerDumps(received, self.clock.now(), "pushes")
        dumps.append(push_about(order, days, self.clock) for order in orders)
        dumps.close()

    def rows(self) -> list[tuple[Any, ...]]:
        """The scans of the order: status and times."""
        tracking = Workspace(self.folder).read_tables()["tracking"]
        theirs = tracking.filter(order_id=str(self.shop.order.number))
        columns = ("status", "sub_status", "occurred_at", "known_at")
        return sorted(theirs.select(columns).rows(), key=str)


@pytest.fixture
def tracked(
    stripe_shop: ServedShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TrackedShop:
    monkeypatch.setenv("TRACK_KEY", fakes.KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    plant(monkeypatch)
    shop = TrackedShop(stripe_shop.copied(tmp_path / "shop"))
    two = [shop.shop.order, shop.shop.other]
    with fakes.fake_services(scans={number_of(order): scans_of(order) for order in two}) as fake:
        shop.pull(fake, [Parcel(number_of(order)) for order in two])
    shop.receive(*two)
    return shop


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both services add texts of the buyer to each object of a parcel."""
    for name in ("seventeen_parcel", "aftership_parcel"):
        plain = getattr(fakes, name)

        def with_texts(fake: Any, number: str, plain: Any = plain) -> Any:
            return planted(plain(fake, number), int(number[2:11]))

        monkeypatch.setattr(fakes, name, with_texts)


@pytest.mark.parametrize("is_own", [False, True])
def test_scans_of_a_forgotten_order_stay(
    tracked: TrackedShop, tmp_path: Path, is_own: bool
) -> None:
    """`is_own`: the orders come from files of the seller, which still have the number."""
    shop, folder = tracked.shop, tracked.folder
    raw = shutil.copytree(shop.pulled.raw, tmp_path / "own") if is_own else None
    before = load(shop.pulled, tracked.tracking, raw)
    scans = tracked.rows()
    # the services report the first scan with another status each; one more was pushed
    assert len(scans) == 4
    assert "Delivered" in {row[0] for row in scans}
    names = " ".join(hits(folder, tracked.needles))
    assert all(part in names for part in (*SERVICES, "received", "state.sqlite", "versions"))
    shop.forget()
    assert not hits(folder, [*tracked.needles, shop.buyer])
    assert tracked.rows() == scans
    after = load(shop.pulled, tracked.tracking, raw)
    assert tracked.rows() == scans
    assert of_others(after, shop.order) == of_others(before, shop.order)
    assert not hits(folder, [*tracked.needles, shop.buyer])
    parcels = Workspace(folder).read_tables()["tracking"].filter(order_id=str(shop.order.number))
    assert parcels["shipment_id"].unique().to_list() == [f"erased-{shop.order.number}"]
    assert mark_of(shop.other.number) in "".join(
        path.read_text() for path in tracked.tracking.rglob("*.jsonl")
    )


def test_nobody_asks_about_a_forgotten_parcel(tracked: TrackedShop) -> None:
    shop = tracked.shop
    load(shop.pulled, tracked.tracking)
    shop.forget()
    tables = Workspace(tracked.folder).read_tables()
    # an order is open for a year, so that all would be asked about
    parcels = open_parcels(tables, DisputeWindow(365, 365))
    assert parcels
    assert not [parcel for parcel in parcels if "ERASED" in parcel.number]
    with fakes.fake_services(quota=100) as fake:
        tracked.pull(fake, parcels)
        asked = set(fake.asked) | set(fake.tried)
    assert asked
    assert not [number for number in asked if number == number_of(shop.order) or "ERAS" in number]
    for service in SERVICES:
        path = tracked.folder / "pull" / service / "main" / "state.sqlite"
        with closing(sqlite3.connect(path)) as database:
            query = "SELECT state FROM parcels WHERE number LIKE 'erased-%'"
            assert database.execute(query).fetchall() == [("ended",)]


def test_later_pushes_about_a_forgotten_parcel_are_erased(tracked: TrackedShop) -> None:
    shop, config = tracked.shop, config_of(tracked.shop.pulled)
    load(shop.pulled, tracked.tracking)
    shop.forget()
    scans = len(tracked.rows())
    tracked.clock.moment += timedelta(days=1)
    tracked.receive(shop.order, shop.other, days=6.0)
    load(shop.pulled, tracked.tracking)
    assert len(tracked.rows()) == scans + 1
    outside = [name for name in hits(tracked.folder, tracked.needles) if "received" not in name]
    assert not outside
    assert erase_new_answers(Workspace(tracked.folder), config.pull) == 1
    assert not hits(tracked.folder, [*tracked.needles, shop.buyer])
    load(shop.pulled, tracked.tracking)
    assert len(tracked.rows()) == scans + 1


def test_a_running_receiver_is_stopped_first(tracked: TrackedShop) -> None:
    folders = StoreFolders(tracked.folder / "pull" / "receive", tracked.tracking / "received")
    with locked_store(folders, "receive"), pytest.raises(WorkspaceBusy, match="Stop make receive"):
        tracked.shop.forget()
    assert not (tracked.folder / "erased.json").exists()
    # what it was writing when it was killed is erased too
    part = tracked.tracking / "received" / "pushes-20270101T000000-0001.jsonl.part"
    part.write_text(push_about(tracked.shop.order, 7.0, tracked.clock) + "\n")
    tracked.shop.forget()
    assert not part.exists()
    assert not hits(tracked.folder, tracked.needles)
