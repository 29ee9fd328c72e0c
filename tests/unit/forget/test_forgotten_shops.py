"""A buyer of pulled shops is erased from the answers of the shop and of the payment provider, and
from the tables that are made from them. The other buyers, and the next pull, notice nothing."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.forget.forget_buyer import forget_buyer
from pipeline.load.pulling.new_answers import erase_new_answers
from pipeline.settings.errors import WorkspaceBusy
from pipeline.sources.mapped.mapped_tables import mail_id
from pipeline.sources.shops.export_tables import rewrite_tables, write_tables
from pipeline.workspace.file_modes import FILE
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.forget.every_byte import hits
from tests.unit.forget.planted_services import SERVICES, config_of, load, mark_of, orders_of
from tests.unit.kill_states import states_if_killed
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.conftest import SECRETS, PulledShop, end_of
from tests.unit.sources.shops.fake_service import FakeService, serving

# columns that an erasure changes
CHANGED = {"orders": ["buyer_id"], "shipments": ["shipment_id"], "disputes": ["reason"]}


class ServedShop:
    """A shop with its payment provider, as the services show it at a moment."""

    def __init__(self, kind: str, folder: Path, stack: ExitStack) -> None:
        self.orders, self.services = orders_of(kind), dict[str, FakeService]()
        self.end = end_of(self.orders)
        disputed = [order for order in self.orders if order.disputed and order.shipped]
        self.order, self.other = disputed[0], disputed[1]
        self.pulled = PulledShop(folder)
        self.before: dict[str, list[Any]] = {}
        for name, service in SERVICES[kind]:
            self.services[name] = stack.enter_context(serving(service(self.orders, self.end)))
        if woo := self.services.get("woocommerce"):
            woo.refunded = {self.order.number: self.end}

    @property
    def buyer(self) -> str:
        return mail_id(self.order.email)

    @property
    def needles(self) -> list[str]:
        """What shows the buyer, but for the buyer's id."""
        number = self.order.number
        own = f"LX{number:09}DE" if "shopify" in self.services else f'": {7_000_000 + number}'
        return [mark_of(number), self.order.email, own]

    def pull(self, moment: datetime) -> None:
        for name, service in self.services.items():
            service.moment = moment
            self.pulled.pull(name, service.url, moment)

    def forget(self, folder: Path | None = None) -> None:
        store = Workspace(folder or self.pulled.folder)
        forget_buyer(store, config_of(self.pulled), Progress(), self.buyer)


@pytest.fixture(scope="module", params=["stripe", "paypal"])
def pulled_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedShop]:
    """A shop that was pulled in two nights, and loaded."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, secret in {**SECRETS, "NO_PROXY": "127.0.0.1,localhost"}.items():
            patch.setenv(name, secret)
        folder = tmp_path_factory.mktemp("forgotten") / "shop"
        shop = ServedShop(request.param, folder, stack)
        shop.pull(shop.order.disputed - timedelta(days=1))
        shop.pull(shop.end)
        list(write_tables(folder, shop.pulled.settings))
        shop.before = load(shop.pulled)
        yield shop


@pytest.fixture
def served(pulled_once: ServedShop, tmp_path: Path) -> ServedShop:
    """The same shop in a workspace that a test may change."""
    shop = copy.copy(pulled_once)
    shop.pulled = PulledShop(
        shutil.copytree(pulled_once.pulled.folder, tmp_path / "shop", symlinks=True)
    )
    shop.pulled.sections = dict(pulled_once.pulled.sections)
    return shop


def of_others(rows: dict[str, list[tuple[Any, ...]]], order: Order) -> dict[str, list[Any]]:
    """The rows without those of an order."""
    number = str(order.number)
    return {name: [row for row in every if number not in row] for name, every in rows.items()}


def kept_rows(tables: Any, order: Order) -> dict[str, pl.DataFrame]:
    """The rows of an order, without what an erasure changes."""
    return {
        name: frame.filter(order_id=str(order.number)).drop(CHANGED.get(name, []))
        for name, frame in tables.frames.items()
        if "order_id" in frame.columns
    }


def test_no_answer_shows_a_forgotten_buyer(served: ServedShop) -> None:
    folder, store = served.pulled.folder, Workspace(served.pulled.folder)
    before, tables = served.before, store.read_tables()
    shown = {name.split("/")[1] for name in hits(folder, served.needles) if "/" in name}
    assert {*served.services, "shops"} <= shown
    other = hits(folder, [mark_of(served.other.number)])
    served.forget()
    assert not hits(folder, [*served.needles, served.buyer])
    assert hits(folder, [mark_of(served.other.number)]) == other
    after, erased = store.read_tables(), load(served.pulled)
    assert of_others(before, served.order) == of_others(erased, served.order)
    assert {name: after[name].rows() for name in erased} == erased
    # the dispute is still one of the order, with its cause
    kept = kept_rows(tables, served.order)
    assert kept["disputes"].height > 0
    for name, frame in kept_rows(store.read_tables(), served.order).items():
        assert frame.equals(kept[name]), name
    assert not hits(folder, [*served.needles, served.buyer])
    for path in (folder / "pulled").rglob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert all(list(line)[:2] == ["fetched_at", "request"] for line in lines)
        assert path.stat().st_mode & 0o777 == FILE
    # once more: there is nothing left to do
    content = {path: path.read_bytes() for path in (folder / "pulled").rglob("*.jsonl")}
    served.forget()
    assert all(path.read_bytes() == before for path, before in content.items())


def test_the_tables_from_erased_answers_are_the_same(served: ServedShop) -> None:
    """Each row and each column but the ids, and the reasons, which are texts."""
    before = served.pulled.tables()
    served.forget()
    after = served.pulled.tables()
    own = {"Email", "Phone", "Email (Billing)", "Customer User ID", "Tracking Number"}
    own |= {"Reason", "Case Reason", "Refund Reason", "order_id (metadata)", "Custom"}
    assert before.keys() == after.keys()
    for file, rows in before.items():
        assert [set(row) for row in rows] == [set(row) for row in after[file]]
        changed = {
            column
            for row, other in zip(rows, after[file], strict=True)
            for column in row
            if row[column] != other[column]
        }
        assert changed <= own, file


def test_what_is_pulled_later_is_erased_too(served: ServedShop) -> None:
    served.forget()
    folder, config = served.pulled.folder, config_of(served.pulled)
    for service in served.services.values():
        # the order shows up again
        order = next(o for o in service.orders if o.number == served.order.number)
        order.shipped = served.end + timedelta(days=2)
        if hasattr(service, "statuses"):
            service.statuses = {order.number: "lost"} if "stripe" in served.services else {}
        if hasattr(service, "resolved"):
            service.resolved = {order.number: ("RESOLVED_BUYER_FAVOUR", order.shipped)}
    served.pull(served.end + timedelta(days=3))
    rewrite_tables(folder, config.pull)
    assert hits(folder / "pulled", served.needles)
    load(served.pulled)
    outside = [name for name in hits(folder, served.needles) if not name.startswith("pulled/")]
    assert not outside
    assert erase_new_answers(Workspace(folder), config.pull) > 0
    rewrite_tables(folder, config.pull)
    rows = load(served.pulled)
    assert not hits(folder, [*served.needles, served.buyer])
    assert erase_new_answers(Workspace(folder), config.pull) == 0
    assert any("ruled" in row for row in rows["disputes"])


def test_an_erasure_that_was_killed_is_finished(served: ServedShop, tmp_path: Path) -> None:
    before, folder = served.before, served.pulled.folder
    states = states_if_killed(folder, tmp_path / "states", served.forget)
    needles = [*served.needles, served.buyer]
    half = [state for state in states if (state / "erased.json").exists()]
    half = [state for state in half if hits(state, needles)]
    # the first, the last, and one in the middle of the answers
    assert len(half) > 5
    for state in (half[0], half[len(half) // 2], half[-1]):
        copied = shutil.copytree(state, tmp_path / "w", symlinks=True)
        served.forget(copied)
        assert not hits(copied, needles)
        assert not list(copied.rglob("*.erasing"))
        shop = PulledShop(copied)
        shop.sections = served.pulled.sections
        assert of_others(load(shop), served.order) == of_others(before, served.order)
        shutil.rmtree(copied)


def test_a_store_that_is_being_pulled_is_not_erased(served: ServedShop) -> None:
    (*_, name) = served.services
    folders = StoreFolders.of(served.pulled.folder, "main", name)
    with locked_store(folders, name), pytest.raises(WorkspaceBusy, match=name):
        served.forget()
    assert not (served.pulled.folder / "erased.json").exists()
