"""Shops that were pulled and loaded once for all tests, which change copies of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.forget.planted_services import ServedShop, served_shop


@pytest.fixture(scope="session")
def stripe_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedShop]:
    """Shopify and Stripe."""
    with served_shop("stripe", tmp_path_factory.mktemp("stripe") / "shop") as shop:
        yield shop


@pytest.fixture(scope="session")
def paypal_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedShop]:
    """WooCommerce and PayPal."""
    with served_shop("paypal", tmp_path_factory.mktemp("paypal") / "shop") as shop:
        yield shop
