"""A made-up shop, the services that show it, and a pull of them into a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from pipeline.settings.delivery.pull_settings import Pull
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.openplatform.pull_store import PullReport
from pipeline.sources.shops.export_tables import ShopTables, raw_folder, write_tables
from pipeline.sources.shops.service_run import run_service
from pipeline.sources.shops.services import service_of
from pipeline.sources.source_context import SourceContext
from tests.unit.sources.exports.export_oracle import EUR
from tests.unit.sources.exports.export_truth import Order, made_orders
from tests.unit.sources.openplatform.conftest import NightClock
from tests.unit.sources.shops import fake_paypal, fake_woocommerce
from tests.unit.sources.shops.fake_shopify import CLIENT_ID, CLIENT_SECRET, TOKEN
from tests.unit.sources.shops.fake_stripe import API_KEY

BERLIN = "Europe/Berlin"
RATES = {"USD": 1.0, "EUR": EUR}
FAST = {
    "first_wait_seconds": 0.0,
    "requests_per_second": 1_000.0,
    "timeout_seconds": 5.0,
    "history_days": 3_000,
}
SECRETS = {
    "SHOPIFY_TOKEN": TOKEN,
    "SHOPIFY_SECRET": CLIENT_SECRET,
    "STRIPE_KEY": API_KEY,
    "WOO_KEY": fake_woocommerce.KEY,
    "WOO_SECRET": fake_woocommerce.SECRET,
    "PAYPAL_SECRET": fake_paypal.SECRET,
}
SECTIONS: Mapping[str, Mapping[str, Any]] = {
    "shopify": {
        "access_token": {"env": "SHOPIFY_TOKEN"},
        "result_hosts": ["localhost"],
        "poll_seconds": 0.0,
        "window_days": 3_650,
    },
    "stripe": {"api_key": {"env": "STRIPE_KEY"}},
    "woocommerce": {
        "consumer_key": {"env": "WOO_KEY"},
        "consumer_secret": {"env": "WOO_SECRET"},
        "page_size": 10,
        "window_days": 3_650,
    },
    "paypal": {
        "client_id": fake_paypal.CLIENT_ID,
        "client_secret": {"env": "PAYPAL_SECRET"},
        "history_days": 179,
    },
}
APP = {"access_token": None, "client_id": CLIENT_ID, "client_secret": {"env": "SHOPIFY_SECRET"}}


@pytest.fixture(autouse=True)
def secrets_of_the_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    # a proxy of this machine would be between the tests and their servers
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def stripe_orders() -> list[Order]:
    """Orders of a shop whose disputes have the reasons of Stripe."""
    return made_orders(Random("Shopify and Stripe"), 40, BERLIN, "stripe")


@pytest.fixture(scope="session")
def paypal_orders() -> list[Order]:
    """Orders of a shop whose disputes have the reasons of PayPal."""
    return made_orders(Random("WooCommerce and PayPal"), 40, BERLIN, "paypal")


def end_of(orders: list[Order]) -> datetime:
    """A moment at which everything has happened."""
    return max(max(o.placed, o.shipped or o.placed, o.disputed or o.placed) for o in orders)


def section(kind: str, url: str, **changes: Any) -> dict[str, Any]:
    """A section of `[pull]` for a service at `url`."""
    return {"url": url, **FAST, **SECTIONS[kind], **changes}


class PulledShop:
    """A workspace into which services are pulled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sections: dict[str, dict[str, dict[str, Any]]] = {}
        self.notes: list[str] = []

    def pull(
        self, kind: str, url: str, moment: datetime | None = None, **changes: Any
    ) -> PullReport:
        """Pull one service at a moment."""
        self.sections[kind] = {"main": section(kind, url, **changes)}
        settings = getattr(self.settings, kind)["main"]
        clock = NightClock(moment or datetime(2027, 1, 1, tzinfo=UTC))
        return run_service(service_of(kind), "main", settings, self.folder, print, clock)

    @property
    def settings(self) -> Pull:
        return Pull.model_validate(self.sections)

    @property
    def raw(self) -> Path:
        return raw_folder(self.folder)

    def frames(self) -> dict[str, pl.DataFrame]:
        """The canonical tables of what was pulled."""
        self.notes = list(write_tables(self.folder, self.settings))
        return loaded(self.raw)

    def frames_or_none(self) -> dict[str, pl.DataFrame] | None:
        """None if no tables were written."""
        self.notes = list(write_tables(self.folder, self.settings))
        return loaded(self.raw) if self.raw.exists() else None

    def tables(self) -> dict[str, list[dict[str, str]]]:
        """The rows of the tables by file."""
        tables = ShopTables(self.folder, self.settings).tables
        return {table.file: [dict(row) for row in rows] for table, rows in tables}

    def rows(self, file: str) -> list[dict[str, str]]:
        """The rows of one table."""
        return self.tables()[file]


def assert_same_rows(
    tables: dict[str, list[dict[str, str]]], expected: dict[str, list[dict[str, str]]]
) -> None:
    """The same rows in any order."""
    assert tables.keys() == expected.keys()
    for file, rows in expected.items():
        both = [sorted(map(str, each)) for each in (tables[file], rows)]
        assert both[0] == both[1], file


def loaded(raw: Path) -> dict[str, pl.DataFrame]:
    data = enforce_contract(read_mapped(SourceContext(raw, RATES)))
    assert all(file.fault_share == 0 for file in data.files)
    return dict(data.frames)


@pytest.fixture
def shop(tmp_path: Path) -> PulledShop:
    return PulledShop(tmp_path / "shop")
