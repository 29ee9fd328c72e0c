"""A buyer of pulled shops is erased from the answers of the shop and of the payment provider, and
from the tables that are made from them. The other buyers, and the next pull, notice nothing."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.load.pulling.new_answers import erase_new_answers
from pipeline.settings.errors import WorkspaceBusy
from pipeline.sources.shops.export_tables import rewrite_tables
from pipeline.workspace.file_modes import FILE
from pipeline.workspace.workspace import Workspace
from tests.unit.forget.every_byte import hits
from tests.unit.forget.planted_services import ServedShop, config_of, load, mark_of, of_others
from tests.unit.kill_states import states_if_killed
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.conftest import SECRETS, PulledShop

# columns that an erasure changes
CHANGED = {"orders": ["buyer_id"], "shipments": ["shipment_id"], "disputes": ["reason"]}


@pytest.fixture(params=["stripe_shop", "paypal_shop"])
def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ServedShop:
    """A shop in a workspace that a test may change."""
    for name, secret in {**SECRETS, "NO_PROXY": "127.0.0.1,localhost"}.items():
        monkeypatch.setenv(name, secret)
    shop: ServedShop = request.getfixturevalue(request.param)
    return shop.copied(tmp_path / "shop")


def kept_rows(tables: Any, order: Order) -> dict[str, pl.DataFrame]:
    """The rows of an order, without what an erasure changes."""
    return {
        name: frame.filter(order_id=str(order.number)).drop(CHANGED.get(name, []))
        for name, frame in tables.frames.items()
        if "order_id" in frame.columns
    }


def test_no_answer_shows_a_forgotten_buyer(
    served: ServedShop, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, store = served.pulled.folder, Workspace(served.pulled.folder)
    before, tables = served.before, store.read_tables()
    shown = {name.split("/")[1] for name in hits(folder, served.needles) if "/" in name}
    assert {*served.services, "shops"} <= shown
    other = hits(folder, [mark_of(served.other.number)])
    files = {path: path.read_bytes() for path in folder.rglob("answers-*")}
    served.forget(is_dry=True)
    assert {path: path.read_bytes() for path in folder.rglob("answers-*")} == files
    planned = {line.split()[-1] for line in capsys.readouterr().out.splitlines() if "would" in line}
    served.forget()
    said = capsys.readouterr().out.splitlines()
    assert {line.split()[-1] for line in said if line.startswith("changed")} == planned
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
