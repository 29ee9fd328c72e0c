"""The shop systems, payment providers and tracking services that `connect` knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.connect.platform_entry import ConnectPlatform, ConnectQuestion, named_check
from pipeline.settings.delivery.shop_settings import (
    PaypalAccount,
    ShopifyShop,
    StripeAccount,
    WooShop,
)
from pipeline.settings.delivery.tracking_settings import AfterShip, SeventeenTrack
from pipeline.settings.errors import BadInput

SHOPS = "pipeline.sources.shops.services"
PARCELS = "pipeline.sources.parcelservices.service_checks:check_connection"


CURRENCY = "usd_per"


def exchange_rate(text: str) -> str:
    """`EUR 1.08` from what a person writes. Raises `BadInput`."""
    parts = re.fullmatch(r"\s*([A-Za-z]{3})\s*[:=]?\s*(\d{1,6}(?:[.,]\d{1,9})?)\s*", text)
    rate = float(parts[2].replace(",", ".")) if parts else 0.0
    if not parts or rate <= 0 or (parts[1].upper() == "USD" and rate != 1):
        raise BadInput(f"{CURRENCY}: write a currency and its rate, such as EUR 1.08, or USD 1.")
    return f"{parts[1].upper()} {rate}"


def _rates(answers: Mapping[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    """The exchange rate of a shop that does not sell in USD."""
    currency, rate = str(answers.get(CURRENCY, "USD 1")).split()
    return {} if currency == "USD" else {(CURRENCY,): {"USD": 1.0, currency: float(rate)}}


CURRENCY_OF_SHOP = ConnectQuestion(
    CURRENCY,
    "Currency of the shop, and how many USD one unit is worth, such as EUR 1.08",
    default="USD 1",
    is_setting=False,
    cleaned=exchange_rate,
)


def _has_no_client(answers: Mapping[str, Any]) -> bool:
    return "client_id" not in answers


SERVICES = (
    ConnectPlatform(
        name="shopify",
        title="Shopify",
        needs="You need a custom app of your shop with the scopes read_orders, read_all_orders and "
        "read_shopify_payments_disputes, and its Admin API access token.",
        section=ShopifyShop,
        questions=(
            ConnectQuestion("url", "The shop's own address, https://NAME.myshopify.com"),
            ConnectQuestion(
                "access_token",
                "Admin API access token (shpat_...)",
                is_secret=True,
                is_asked=_has_no_client,
            ),
            CURRENCY_OF_SHOP,
        ),
        checker=named_check(f"{SHOPS}:check_shopify"),
        required=frozenset({"orders"}),
        others=_rates,
    ),
    ConnectPlatform(
        name="woocommerce",
        title="WooCommerce",
        needs="You need a key of the REST API that may read: in WordPress under WooCommerce, "
        "Settings, Advanced, REST API.",
        section=WooShop,
        questions=(
            ConnectQuestion("url", "The shop's address, without /wp-json"),
            ConnectQuestion("consumer_key", "Consumer key (ck_...)", is_secret=True),
            ConnectQuestion("consumer_secret", "Consumer secret (cs_...)", is_secret=True),
            CURRENCY_OF_SHOP,
        ),
        checker=named_check(f"{SHOPS}:check_woocommerce"),
        required=frozenset({"orders"}),
        others=_rates,
    ),
    ConnectPlatform(
        name="stripe",
        title="Stripe",
        needs="You need a restricted key that may read disputes, charges and payment intents.",
        section=StripeAccount,
        questions=(ConnectQuestion("api_key", "Restricted key (rk_...)", is_secret=True),),
        checker=named_check(f"{SHOPS}:check_stripe"),
    ),
    ConnectPlatform(
        name="paypal",
        title="PayPal",
        needs="You need a REST app of your business account that may read disputes.",
        section=PaypalAccount,
        questions=(
            ConnectQuestion("client_id", "Client id"),
            ConnectQuestion("client_secret", "Secret", is_secret=True),
        ),
        checker=named_check(f"{SHOPS}:check_paypal"),
    ),
    ConnectPlatform(
        name="seventeentrack",
        title="17TRACK",
        needs="You need the access key of your account on api.17track.net: Settings, Security.",
        section=SeventeenTrack,
        questions=(ConnectQuestion("key", "Access key", is_secret=True),),
        checker=named_check(PARCELS),
        required=frozenset({"gettrackinfo"}),
    ),
    ConnectPlatform(
        name="aftership",
        title="AfterShip",
        needs="You need an API key of your account that may read and write trackings.",
        section=AfterShip,
        questions=(ConnectQuestion("key", "API key", is_secret=True),),
        checker=named_check(PARCELS),
        required=frozenset({"GET /trackings"}),
    ),
)
