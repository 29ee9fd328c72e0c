"""`[pull]`: the shop systems and payment providers whose orders and disputes are fetched."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.settings.delivery.delivery_section import HOST, OpenUrl, SecretSource
from pipeline.settings.delivery.pull_section import PullSection

Host = Annotated[str, Field(pattern=HOST)]


class ShopifyShop(PullSection):
    """A shop on Shopify. Secrets are never here: docs/guide/operator/pull-from-shops.md."""

    url: OpenUrl = Field(description="the shop's own address: https://NAME.myshopify.com")
    access_token: SecretSource | None = Field(
        default=None, description="where the Admin API access token of a custom app is"
    )
    client_id: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9]{1,64}$", description="the client id of your own app"
    )
    client_secret: SecretSource | None = Field(
        default=None, description="where the client secret is; both give a token for a day"
    )
    api_version: str = Field(
        default="2026-10", pattern=r"^20\d\d-(01|04|07|10)$", description="of the Admin API"
    )
    result_hosts: tuple[Host, ...] = Field(
        default=("storage.googleapis.com",),
        min_length=1,
        max_length=10,
        description="hosts from which results of bulk operations may be fetched, without the token",
    )
    largest_answer_mb: float = Field(
        default=100.0, gt=0, le=500, description="largest answer, in millions of bytes"
    )
    history_days: int = Field(
        default=730,
        ge=1,
        le=3_650,
        description="how far the first pull goes back; more than 60 needs the scope "
        "read_all_orders",
    )
    window_days: int = Field(
        default=90, ge=1, le=3_650, description="days of history in one bulk operation"
    )
    poll_seconds: float = Field(
        default=3.0, ge=0, le=600, description="wait between two questions for a bulk operation"
    )
    longest_operation_minutes: float = Field(
        default=60.0, gt=0, le=14_400, description="a longer bulk operation is left to the next run"
    )

    @model_validator(mode="after")
    def _has_access(self) -> Self:
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("client_id and client_secret go together")
        if self.access_token is None and self.client_id is None:
            raise ValueError("write access_token, or client_id and client_secret")
        return self


class WooShop(PullSection):
    """A shop on WooCommerce. Secrets are never here: docs/guide/operator/pull-from-shops.md."""

    url: OpenUrl = Field(description="the shop's address, without /wp-json")
    consumer_key: SecretSource = Field(description="where the consumer key (ck_...) is")
    consumer_secret: SecretSource = Field(description="where the consumer secret (cs_...) is")
    history_days: int = Field(
        default=730, ge=1, le=3_650, description="how far the first pull goes back"
    )
    window_days: int = Field(
        default=30, ge=1, le=3_650, description="days of history in one search"
    )
    page_size: int = Field(default=100, ge=1, le=100, description="orders on one page")


class StripeAccount(PullSection):
    """An account of Stripe. Secrets are never here: docs/guide/operator/pull-from-shops.md."""

    url: OpenUrl = Field(default="https://api.stripe.com", description="the host of the API")
    api_key: SecretSource = Field(
        description="where a restricted key is that may read disputes, charges and payment intents"
    )
    order_keys: tuple[str, ...] = Field(
        default=("order_number", "order_name", "order_id", "orderId", "shopify_order_id"),
        max_length=20,
        description="metadata of a payment that may hold the order, the first one that is filled",
    )
    history_days: int = Field(
        default=730, ge=1, le=3_650, description="how far the first pull goes back"
    )


class PaypalAccount(PullSection):
    """An account of PayPal. Secrets are never here: docs/guide/operator/pull-from-shops.md."""

    url: OpenUrl = Field(default="https://api-m.paypal.com", description="the host of the API")
    client_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,200}$", description="the app's client id")
    client_secret: SecretSource = Field(description="where the app's secret is")
    history_days: int = Field(
        default=179,
        ge=1,
        le=179,
        description="how far the first pull goes back; PayPal lists 180 days",
    )
