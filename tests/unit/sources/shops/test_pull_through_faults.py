"""Whatever fails, and wherever a run is stopped: in the end the tables are as without faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.connections.answer_dumps import AnswerDumps
from pipeline.settings.errors import PullFailed
from pipeline.sources.openplatform.pull_queue import PullQueue
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.conftest import PulledShop, assert_same_rows, end_of
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import FakeService, serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

PAIRS: dict[str, tuple[tuple[str, type[FakeService]], ...]] = {
    "stripe_orders": (("shopify", FakeShopify), ("stripe", FakeStripe)),
    "paypal_orders": (("woocommerce", FakeWoo), ("paypal", FakePaypal)),
}
MOST_RUNS = 60
Tables = dict[str, list[dict[str, str]]]


class Stopped(BaseException):
    """The run ends here."""


@pytest.fixture(scope="module")
def clean(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Tables]:
    """By the name of the orders, the tables of a pull without faults."""
    tables = {}
    for name, pair in PAIRS.items():
        orders = request.getfixturevalue(name)
        shop = PulledShop(tmp_path_factory.mktemp(name))
        for kind, service in pair:
            with serving(service(orders, end_of(orders))) as running:
                shop.pull(kind, running.url, running.moment)
        tables[name] = shop.tables()
    return tables


@pytest.fixture(scope="module", autouse=True)
def secrets_of_this_module() -> Iterator[None]:
    """Also for the fixture `clean`, which is made before those of each test."""
    from tests.unit.sources.shops.conftest import SECRETS

    with pytest.MonkeyPatch.context() as patch:
        for name, secret in SECRETS.items():
            patch.setenv(name, secret)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


def until_done(pull: Callable[[], Any]) -> int:
    """Pull until nothing is left. Returns the number of runs."""
    for count in range(1, MOST_RUNS):
        try:
            report = pull()
        except PullFailed:
            continue
        if not report.left and not report.stop:
            return count
    raise AssertionError("something is always left")


@pytest.mark.parametrize("name", PAIRS)
def test_every_kind_of_fault(
    name: str, shop: PulledShop, clean: dict[str, Tables], request: pytest.FixtureRequest
) -> None:
    orders: list[Order] = request.getfixturevalue(name)
    for kind, service in PAIRS[name]:
        with serving(service(orders, end_of(orders))) as running:
            pull = partial(shop.pull, kind, running.url, running.moment, attempts=2)
            running.share = 0.3
            while not set(running.faults) >= set(running.kinds):
                until_done(pull)
            running.share = 0.05
            for _ in range(3):
                until_done(pull)
    assert_same_rows(shop.tables(), clean[name])


@pytest.mark.parametrize("name", PAIRS)
def test_a_run_may_stop_anywhere(
    name: str,
    shop: PulledShop,
    clean: dict[str, Tables],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before and after each time that something is written."""
    orders: list[Order] = request.getfixturevalue(name)
    left = [0]

    def stopping(once: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            for step in ("before", "after"):
                left[0] -= 1
                if left[0] == 0:
                    raise Stopped(step)
                if step == "before":
                    result = once(*arguments, **named)
            return result

        return wrapped

    monkeypatch.setattr(PullQueue, "apply", stopping(PullQueue.apply))
    monkeypatch.setattr(AnswerDumps, "append", stopping(AnswerDumps.append))
    count = 0
    for kind, service in PAIRS[name]:
        with serving(service(orders, end_of(orders))) as running:
            for after in range(1, 100):
                left[0] = after
                try:
                    report = shop.pull(kind, running.url, running.moment)
                except Stopped:
                    count += 1
                    continue
                assert not report.left
                break
    assert count > 10
    left[0] = 0
    assert_same_rows(shop.tables(), clean[name])


def test_a_cut_off_file_of_a_killed_run_is_used(
    shop: PulledShop, stripe_orders: list[Order], clean: dict[str, Tables]
) -> None:
    """A kill leaves a file under its temporary name, with half a line; the result of a bulk
    operation in it is not whole, and is not used."""
    moment = end_of(stripe_orders)
    with (
        serving(FakeShopify(stripe_orders, moment)) as shopify,
        serving(FakeStripe(stripe_orders, moment)) as stripe,
    ):
        shop.pull("shopify", shopify.url, moment)
        (dump,) = (shop.folder / "pulled" / "shopify" / "main").glob("*.jsonl")
        content = dump.read_bytes()
        dump.rename(dump.with_name(dump.name + ".part"))
        Path(f"{dump}.part").write_bytes(content[: len(content) // 2])
        for path in (shop.folder / "pull" / "shopify" / "main").glob("state*"):
            path.unlink()
        shop.pull("shopify", shopify.url, moment)
        shop.pull("stripe", stripe.url, moment)
    assert_same_rows(shop.tables(), clean["stripe_orders"])


def test_night_after_night(
    shop: PulledShop, stripe_orders: list[Order], clean: dict[str, Tables]
) -> None:
    """In the end the facts are those of one pull at the end, and known since they happened. Only
    statuses, which have no time and are not loaded, are those of the first answer."""
    first, last = stripe_orders[0].placed, end_of(stripe_orders)
    with (
        serving(FakeShopify(stripe_orders, first)) as shopify,
        serving(FakeStripe(stripe_orders, first)) as stripe,
    ):
        for moment in nights(first + timedelta(days=20), last):
            for kind, running in (("shopify", shopify), ("stripe", stripe)):
                running.moment = moment
                report = shop.pull(kind, running.url, moment)
                assert not report.left
    both = [shop.tables(), clean["stripe_orders"]]
    assert_same_rows(*(without_statuses(tables) for tables in both))


def without_statuses(tables: Tables) -> Tables:
    return {
        file: [{name: row[name] for name in row if not name.endswith("Status")} for row in rows]
        for file, rows in tables.items()
    }


def nights(first: datetime, last: datetime) -> Iterator[datetime]:
    moment = first
    while moment < last:
        yield moment
        moment += timedelta(days=20)
    yield last
