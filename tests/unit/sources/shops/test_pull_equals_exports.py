"""The tables of a pulled shop equal those from the exports that a person would save."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.load.propose_mapping import propose_mapping
from tests.unit.sources.exports.export_files import LOCALES, SHOPS, write_table
from tests.unit.sources.exports.export_oracle import wrong_values
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.conftest import BERLIN, PulledShop, end_of, loaded
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

# ids that an export does not have: tracking numbers; ids that are made from them
OWN = {"shipments": ["shipment_id", "carrier"]}


def exported(folder: Path, shop: str, orders: list[Order]) -> dict[str, pl.DataFrame]:
    folder.mkdir()
    for name, writer in SHOPS[shop][0].items():
        write_table(folder / name, writer(orders, BERLIN), LOCALES["as exported"])
    propose_mapping(folder, zone=BERLIN)
    return loaded(folder)


def assert_same(pulled: dict[str, pl.DataFrame], files: dict[str, pl.DataFrame]) -> None:
    assert pulled.keys() == files.keys()
    for name, frame in files.items():
        own = [*OWN.get(name, []), *(column for column in frame.columns if "__" in column)]
        both = [each.drop(own).sort(pl.all()) for each in (pulled[name], frame)]
        different = [
            column for column in both[0].columns if not both[0][column].equals(both[1][column])
        ]
        assert different == [], name


def test_shopify_and_stripe(shop: PulledShop, stripe_orders: list[Order], tmp_path: Path) -> None:
    files = exported(tmp_path / "exports", "Shopify and Stripe", stripe_orders)
    moment = end_of(stripe_orders)
    with (
        serving(FakeShopify(stripe_orders, moment, has_payments=False)) as shopify,
        serving(FakeStripe(stripe_orders, moment)) as stripe,
    ):
        shop.pull("shopify", shopify.url)
        shop.pull("stripe", stripe.url)
    pulled = shop.frames()
    assert wrong_values(pulled, stripe_orders) == []
    assert pulled["disputes"].height > 5
    assert pulled["shipments"]["shipment_id"].str.starts_with("LX").all()
    assert_same(pulled, files)


def test_woocommerce_and_paypal(
    shop: PulledShop, paypal_orders: list[Order], tmp_path: Path
) -> None:
    files = exported(tmp_path / "exports", "WooCommerce, second plugin", paypal_orders)
    moment = end_of(paypal_orders)
    with (
        serving(FakeWoo(paypal_orders, moment)) as woo,
        serving(FakePaypal(paypal_orders, moment)) as paypal,
    ):
        shop.pull("woocommerce", woo.url, moment)
        shop.pull("paypal", paypal.url, moment)
    pulled = shop.frames()
    assert wrong_values(pulled, paypal_orders) == []
    assert pulled["disputes"].height > 5
    assert_same(pulled, files)
