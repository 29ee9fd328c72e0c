"""make connect for shops, payment providers and tracking services, and the nights that follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from pipeline.connect.nightly_pull import pulled_scans, pulled_source
from pipeline.connect.service_platforms import exchange_rate
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, PullFailed
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.exports.export_truth import Order, made_orders
from tests.unit.sources.parcelservices.fake_services import KEY, fake_services
from tests.unit.sources.shops import fake_paypal, fake_woocommerce
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import FakeService, serving
from tests.unit.sources.shops.fake_shopify import TOKEN, FakeShopify
from tests.unit.sources.shops.fake_stripe import API_KEY, FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

FAKES: dict[str, type[FakeService]] = {
    "shopify": FakeShopify,
    "woocommerce": FakeWoo,
    "stripe": FakeStripe,
    "paypal": FakePaypal,
}
# what a person types: where to keep secrets, the secrets, and for shops the currency
TYPED = {
    "shopify": ["file", TOKEN, "EUR 1.08"],
    "woocommerce": ["file", fake_woocommerce.KEY, fake_woocommerce.SECRET, "eur 1,08"],
    "stripe": ["file", API_KEY],
    "paypal": [fake_paypal.CLIENT_ID, "file", fake_paypal.SECRET],
    "seventeentrack": ["file", KEY],
    "aftership": ["file", KEY],
}
# the address of a result on this machine, which no shop has
ON_THIS_MACHINE = {"shopify": 'poll_seconds = 0.0\nresult_hosts = ["localhost"]\n'}


def recent_orders(reasons: str, count: int = 40) -> list[Order]:
    """Orders of the 60 days until today."""
    orders = made_orders(Random(reasons), count, "Europe/Berlin", reasons)
    shift = timedelta(days=(datetime.now(UTC) - timedelta(days=61) - orders[0].placed).days)
    for order in orders:
        order.placed, order.paid = order.placed + shift, order.paid + shift
        order.shipped = order.shipped + shift if order.shipped else None
        order.disputed = order.disputed + shift if order.disputed else None
    return orders


@contextmanager
def services(*kinds: str) -> Iterator[dict[str, FakeService]]:
    reasons = "stripe" if "stripe" in kinds else "paypal"
    orders, now = recent_orders(reasons), datetime.now(UTC)
    with (
        serving(FAKES[kinds[0]](orders, now)) as first,
        serving(FAKES[kinds[1]](orders, now)) as second,
    ):
        if isinstance(first, FakeShopify):
            # its payments go through the other service
            first.has_payments = False
        yield dict(zip(kinds, (first, second), strict=True))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine would be between the tests and their servers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def connect(folder: Path, kind: str, url: str, *typed: str) -> Result:
    answers = (f"url={url}", "first_wait_seconds=0", "requests_per_second=1000")
    options = [part for answer in answers for part in ("--answer", answer)]
    arguments = ["connect", "--workspace", str(folder), "--platform", kind, *options]
    return CliRunner().invoke(app, arguments, input="".join(f"{line}\n" for line in typed))


def make_nightly(folder: Path, as_of: date) -> Result:
    arguments = ["nightly", "--workspace", str(folder), "--as-of", str(as_of)]
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("kinds", [("shopify", "stripe"), ("woocommerce", "paypal")])
def test_from_the_answers_to_the_list(tmp_path: Path, kinds: tuple[str, str]) -> None:
    """No line of the settings or of the mapping is written by hand, and the workspace may move."""
    shop = tmp_path / "shop"
    shop.mkdir()
    with services(*kinds) as running:
        for kind, service in running.items():
            done = connect(shop, kind, service.url, *TYPED[kind])
            assert done.exception is None, done.output
            assert "may call" in done.output
        config = shop / "config.toml"
        text = config.read_text()
        secrets = {secret for kind in kinds for secret in TYPED[kind] if len(secret) > 15}
        assert not any(secret in text for secret in secrets - {fake_paypal.CLIENT_ID})
        assert load_config(shop).usd_per == {"USD": 1.0, "EUR": 1.08}
        for kind, lines in ON_THIS_MACHINE.items():
            section = f"[pull.{kind}.main]\n"
            config.write_text(text.replace(section, section + lines))
        shop = shop.rename(tmp_path / "moved")
        workspace = Workspace(shop)
        assert pulled_source(workspace, load_config(shop)) == ("mapped", shop / "pulled" / "shops")
        as_of = datetime.now(UTC).date() + timedelta(days=1)
        night = make_nightly(shop, as_of)
    assert night.exception is None, night.output
    run = workspace.latest(as_of)
    assert run
    assert pl.read_csv(run / "contact_list.csv", infer_schema=False).height
    disputes = workspace.read_tables()["disputes"]
    orders = recent_orders("stripe" if "stripe" in kinds else "paypal")
    assert disputes.height == sum(
        order.disputed is not None and order.disputed < datetime.now(UTC) for order in orders
    )


@pytest.mark.parametrize("kind", ["seventeentrack", "aftership"])
def test_a_tracking_service_is_connected(tmp_path: Path, kind: str) -> None:
    with fake_services() as fake:
        done = connect(tmp_path, kind, fake.url, *TYPED[kind])
        assert done.exception is None, done.output
        assert not fake.used
        wrong = connect(tmp_path, kind, fake.url, "main", "file", "another-key", "n")
    assert isinstance(wrong.exception, PullFailed)
    assert KEY not in (tmp_path / "config.toml").read_text()
    workspace, config = Workspace(tmp_path), load_config(tmp_path)
    # they give no orders, and scans only once something was fetched
    assert pulled_source(workspace, config) is None
    assert pulled_scans(workspace, config) is None
    scans = tmp_path / "pulled" / "tracking"
    (scans / kind / "main").mkdir(parents=True)
    (scans / kind / "main" / "answers.jsonl").write_text("{}\n")
    assert pulled_scans(workspace, config) == scans


@pytest.mark.parametrize(
    ("text", "rate"), [("EUR 1.08", "EUR 1.08"), (" brl=0,18 ", "BRL 0.18"), ("USD 1", "USD 1.0")]
)
def test_a_rate_is_read_as_it_is_written(text: str, rate: str) -> None:
    assert exchange_rate(text) == rate


@pytest.mark.parametrize("text", ["", "EUR", "1.08", "EUR 0", "EUR -1", "EURO 1.08", "USD 2"])
def test_no_rate_is_guessed(text: str) -> None:
    with pytest.raises(BadInput, match="write a currency and its rate"):
        exchange_rate(text)
