"""Shops, payment providers and tracking services whose every record about an order has texts of its
own, also where their documentation has fields that the pull does not ask for."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from features.tables import TABLES
from pipeline.forget.forget_buyer import forget_buyer
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.sources.mapped.mapped_tables import mail_id
from pipeline.sources.shops.export_tables import write_tables
from pipeline.sources.source_context import SideFiles
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.exports.export_truth import Order, made_orders
from tests.unit.sources.shops.conftest import BERLIN, RATES, SECRETS, PulledShop, end_of
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import FakeService, serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

COUNT = 14


def mark_of(number: int) -> str:
    """What all planted texts about an order contain."""
    return f"Encantada{number}"


def planted(node: Any, number: int, path: str = "") -> Any:
    """The record with a text of the buyer in each of its objects."""
    if isinstance(node, list):
        return [planted(item, number, f"{path}.{place}") for place, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    inner = {name: planted(value, number, f"{path}.{name}") for name, value in node.items()}
    return {**inner, "buyer_note": f"{mark_of(number)} at {path}"}


class PlantedShopify(FakeShopify):
    def order_node(self, order: Order) -> dict[str, Any]:
        node = super().order_node(order)
        node["phone"] = f"+49 30 {mark_of(order.number)}"
        refund = {"id": "gid://shopify/Refund/1", "note": f"for {mark_of(order.number)}"}
        node["refunds"] = [refund]
        node["shippingAddress"] |= {"address1": f"Street of {mark_of(order.number)}"}
        return planted(node, order.number)


class PlantedWoo(FakeWoo):
    def order(self, order: Order) -> dict[str, Any]:
        row = super().order(order)
        row["billing"] |= {"first_name": mark_of(order.number), "phone": mark_of(order.number)}
        row["customer_note"] = f"ring at {mark_of(order.number)}"
        row["customer_id"] = 7_000_000 + order.number if order.number % 2 else 0
        return planted(row, order.number)

    def refund(self, number: int) -> dict[str, Any]:
        row = {**super().refund(number), "reason": f"{mark_of(number)}: Item not received"}
        return planted(row, number)


class PlantedStripe(FakeStripe):
    def dispute(self, order: Order) -> dict[str, Any]:
        row = super().dispute(order)
        row["evidence"] = {"customer_email_address": order.email}
        row["charge"]["description"] = f"Order #{order.number} for {mark_of(order.number)}"
        row["metadata"] = {"order_name": f"{mark_of(order.number)} {order.number}"}
        return planted(row, order.number)


class PlantedPaypal(FakePaypal):
    def detail(self, order: Order) -> dict[str, Any]:
        row = super().detail(order)
        row["messages"] = [{"posted_by": "BUYER", "content": f"I am {mark_of(order.number)}"}]
        paid = row["disputed_transactions"][0]
        paid["buyer"] = {"name": mark_of(order.number), "email": order.email}
        paid["custom"] = f"{mark_of(order.number)} {order.number}"
        return planted(row, order.number)

    def summary(self, order: Order) -> dict[str, Any]:
        return planted(super().summary(order), order.number)


SERVICES = {
    "stripe": (("shopify", PlantedShopify), ("stripe", PlantedStripe)),
    "paypal": (("woocommerce", PlantedWoo), ("paypal", PlantedPaypal)),
}


def orders_of(kind: str) -> list[Order]:
    return made_orders(Random(f"forgotten {kind}"), COUNT, BERLIN, kind)


def config_of(shop: PulledShop, **sections: Any) -> Config:
    content: Mapping[str, Any] = {"usd_per": RATES, "pull": {**shop.sections, **sections}}
    return Config.model_validate(content)


def load(
    shop: PulledShop, tracking: Path | None = None, raw: Path | None = None
) -> dict[str, list[tuple[Any, ...]]]:
    """Load what was pulled; returns the rows of the tables."""
    store = Workspace(shop.folder)
    with store.locked():
        ingest(
            store,
            config_of(shop),
            Progress(),
            source="mapped",
            raw=raw or shop.raw,
            side_files=SideFiles(tracking=tracking),
        )
    return rows_of(store)


def rows_of(store: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    tables = store.read_tables()
    return {name: tables[name].rows() for name in TABLES}


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

    def copied(self, folder: Path) -> ServedShop:
        """The same shop in a workspace of its own."""
        shop = copy.copy(self)
        shop.pulled = PulledShop(shutil.copytree(self.pulled.folder, folder, symlinks=True))
        shop.pulled.sections = dict(self.pulled.sections)
        return shop

    def forget(self, folder: Path | None = None, *, is_dry: bool = False) -> None:
        store = Workspace(folder or self.pulled.folder)
        forget_buyer(store, config_of(self.pulled), Progress(), self.buyer, is_dry=is_dry)


@contextmanager
def served_shop(kind: str, folder: Path) -> Iterator[ServedShop]:
    """A shop that was pulled in two nights, and loaded."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, secret in {**SECRETS, "NO_PROXY": "127.0.0.1,localhost"}.items():
            patch.setenv(name, secret)
        shop = ServedShop(kind, folder, stack)
        shop.pull(shop.order.disputed - timedelta(days=1))
        shop.pull(shop.end)
        list(write_tables(folder, shop.pulled.settings))
        shop.before = load(shop.pulled)
        yield shop


def of_others(rows: dict[str, list[tuple[Any, ...]]], order: Order) -> dict[str, list[Any]]:
    """The rows without those of an order."""
    number = str(order.number)
    return {name: [row for row in every if number not in row] for name, every in rows.items()}
