"""Write the tables of all shops and accounts of a workspace into `pulled/shops`, from the kept
answers alone: the same answers give the same tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pipeline.connections.store_folders import StoreFolders
from pipeline.settings.delivery.pull_settings import Pull
from pipeline.sources.shops.dispute_tables import paypal_cases, stripe_disputes
from pipeline.sources.shops.kept_answers import KeptAnswer, kept_answers, texts_of, value_of
from pipeline.sources.shops.order_numbers import OrderNumbers
from pipeline.sources.shops.shop_mapping import PulledTable, write_mapping
from pipeline.sources.shops.shopify_tables import (
    DISPUTES_FILE,
    FULFILLMENTS_FILE,
    ORDERS_FILE,
    TRANSACTIONS_FILE,
    shopify_tables,
)
from pipeline.sources.shops.woo_tables import ORDERS_FILE as WOO_ORDERS
from pipeline.sources.shops.woo_tables import REFUNDS_FILE, woo_tables, zone_of
from pipeline.workspace.workspace import write_whole

SHOPS = "shops"
SHOPIFY = (
    PulledTable(ORDERS_FILE, "Shopify orders", "Name"),
    PulledTable(
        FULFILLMENTS_FILE, "Shopify fulfillments, as make pull writes them", "Name", ("shipments",)
    ),
    PulledTable(TRANSACTIONS_FILE, "Shopify transaction histories", "Name"),
    PulledTable(DISPUTES_FILE, "Shopify Payments disputes", "Order Name"),
)
WOOCOMMERCE = (
    PulledTable(WOO_ORDERS, "WooCommerce, Advanced Order Export", "Order Number"),
    PulledTable(REFUNDS_FILE, "WooCommerce refunds, as make pull writes them", "Order Number"),
)
Rows = Sequence[Mapping[str, str]]


def raw_folder(workspace: Path) -> Path:
    """The folder of the tables: RAW for SOURCE=mapped."""
    return workspace / "pulled" / SHOPS


def write_tables(workspace: Path, pull: Pull) -> Iterator[str]:
    """Write the tables and their mapping. Yields what a person should know.

    Nothing is written before a shop has orders.
    """
    writer = ShopTables(workspace, pull)
    if not writer.has_orders:
        yield "no orders yet: no tables are written"
        return
    folder = raw_folder(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in writer.tables:
        write_whole(folder / table.file, csv_text(rows))
        yield f"{folder / table.file}: {len(rows):,} rows"
    if not writer.zone:
        yield "the time zone of the shop is not known: set zone in the mapping"
    named = [table for table, _ in writer.tables]
    has_disputes = writer.has_disputes
    if note := write_mapping(
        folder, named, writer.zone, writer.currency, has_disputes=has_disputes
    ):
        yield note


def rewrite_tables(workspace: Path, pull: Pull) -> None:
    """Write the tables that are there anew; the mapping stays as it is."""
    for table, rows in ShopTables(workspace, pull).tables:
        path = raw_folder(workspace) / table.file
        if path.exists():
            write_whole(path, csv_text(rows))


class ShopTables:
    """The tables that have rows, and what the shop says about itself."""

    def __init__(self, workspace: Path, pull: Pull) -> None:
        self._workspace, self._pull = workspace, pull
        self.tables: list[tuple[PulledTable, Rows]] = []
        self.zone = self.currency = ""
        self.has_disputes = bool(pull.stripe or pull.paypal)
        self._orders = OrderNumbers([], "", "", "")
        self._read_shop()
        self._read_payments()

    @property
    def has_orders(self) -> bool:
        """Whether a shop has orders; its table is the first."""
        return bool(self.tables) and self.tables[0][0] in (SHOPIFY[0], WOOCOMMERCE[0])

    def _read_shop(self) -> None:
        """The tables of the one shop."""
        for name in self._pull.shopify:
            rows = shopify_tables(self._shop_answers("shopify", name))
            self._add(SHOPIFY, rows)
            first = [row for row in rows[ORDERS_FILE] if row["Id"]]
            self._orders = OrderNumbers(first, "Name", "Id", "Payment Reference")
        for name in self._pull.woocommerce:
            rows = woo_tables(partial(self._shop_answers, "woocommerce", name))
            self._add(WOOCOMMERCE, rows)
            orders = rows[WOO_ORDERS]
            self._orders = OrderNumbers(orders, "Order Number", "Order ID", "Transaction ID")
            self.currency = next((row["Currency"] for row in orders if row["Currency"]), "")

    def _shop_answers(self, kind: str, name: str) -> Iterator[KeptAnswer]:
        """Yield the answers of a shop, and note what it says about itself."""
        for answer in self._answers(kind, name):
            if value_of(answer.content, "data", "shopifyPaymentsAccount"):
                self.has_disputes = True
            if answer.kind == "shop":
                shop = value_of(answer.content, "data", "shop")
                self.zone = texts_of(shop, "ianaTimezone") or zone_of(answer)
                self.currency = texts_of(shop, "currencyCode") or self.currency
            yield answer

    def _read_payments(self) -> None:
        """The tables of the payment providers, whose disputes find their orders."""
        for name, stripe in self._pull.stripe.items():
            table = PulledTable(f"stripe-{name}-disputes.csv", "Stripe disputes", "Order")
            rows = stripe_disputes(self._answers("stripe", name), self._orders, stripe.order_keys)
            self._add((table,), {table.file: rows})

        for name in self._pull.paypal:
            table = PulledTable(f"paypal-{name}-cases.csv", "PayPal cases", "Order")
            rows = paypal_cases(self._answers("paypal", name), self._orders)
            self._add((table,), {table.file: rows})

    def _answers(self, kind: str, name: str) -> Iterator[KeptAnswer]:
        dumps = StoreFolders.of(self._workspace, name, kind).dumps
        yield from kept_answers(dumps)

    def _add(self, tables: Sequence[PulledTable], rows: Mapping[str, Rows]) -> None:
        self.tables += [(table, rows[table.file]) for table in tables if rows[table.file]]


def csv_text(rows: Rows) -> str:
    """The rows as a CSV file with the columns of the first one."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
