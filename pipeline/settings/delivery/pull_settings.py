"""`[pull]` of config.toml: the platforms from which a store's data is fetched every night."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.settings.delivery.delivery_section import (
    DeliverySection,
    OpenUrl,
    SecretSource,
    TargetName,
)
from pipeline.settings.delivery.pull_section import PullSection
from pipeline.settings.delivery.shop_settings import (
    PaypalAccount,
    ShopifyShop,
    StripeAccount,
    WooShop,
)
from pipeline.settings.delivery.tracking_settings import AfterShip, SeventeenTrack

MOST_STORES = 20


class AliexpressStore(PullSection):
    """One store on the AliExpress Open Platform. Secrets are never here:
    docs/guide/operator/pull-from-aliexpress.md."""

    api: Literal["gateway", "router"] = Field(
        default="gateway",
        description="gateway: the newer one, with /sync and /rest; router: the older /router/rest",
    )
    url: OpenUrl = Field(
        default="https://api-sg.aliexpress.com",
        description="the host; for the router, the whole address. Redirects are not followed",
    )
    sign_method: Literal["md5", "hmac", "hmac-sha256"] = Field(
        default="hmac", description="signature of the router; the gateway uses HMAC-SHA256"
    )
    app_key: str = Field(pattern=r"^[A-Za-z0-9]{1,40}$", description="the App Key")
    app_secret: SecretSource = Field(description="where the App Secret is")
    code: SecretSource | None = Field(
        default=None, description="where the code of a new authorisation is; it is used once"
    )
    refresh_token: SecretSource | None = Field(
        default=None, description="where a refresh token is, if you have one and no code"
    )
    access_token: SecretSource | None = Field(
        default=None, description="where an access token is that you renew yourself"
    )
    history_days: int = Field(
        default=730, ge=1, le=3_650, description="how far the first pull goes back"
    )
    daily_requests: int = Field(
        default=5_000,
        ge=10,
        le=10_000_000,
        description="most requests in a day of the platform; your app's page shows its allowance",
    )
    most_rows: int = Field(
        default=2_000,
        ge=50,
        le=100_000,
        description="orders in one search; a search with more is split by time",
    )
    tracking: Literal["by_order", "by_parcel", "none"] = Field(
        default="by_order",
        description="by_order: aliexpress.ds.order.tracking.get; by_parcel: "
        "aliexpress.logistics.redefining.querytrackingresult",
    )
    messages: bool = Field(default=True, description="also the messages with buyers")
    evaluations: bool = Field(default=True, description="also the buyers' ratings")
    keep_answers_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="days for which answers are kept as they came; of older ones, make pull keeps "
        "the rows that the loader reads, each once. 36500: keep all answers",
    )

    @model_validator(mode="after")
    def _has_access(self) -> Self:
        if self.code is None and self.refresh_token is None and self.access_token is None:
            raise ValueError("write code, refresh_token or access_token")
        if self.api == "router" and self.access_token is None:
            raise ValueError("api = router needs access_token: the router renews none")
        return self


class Pull(DeliverySection):
    """Where data is fetched. A store has a name: `[pull.aliexpress.main]`."""

    nightly: bool = Field(
        default=True, description="whether a night fetches what is new before it loads the files"
    )
    aliexpress: dict[TargetName, AliexpressStore] = Field(default={}, max_length=MOST_STORES)
    shopify: dict[TargetName, ShopifyShop] = Field(default={}, max_length=1)
    woocommerce: dict[TargetName, WooShop] = Field(default={}, max_length=1)
    stripe: dict[TargetName, StripeAccount] = Field(default={}, max_length=MOST_STORES)
    paypal: dict[TargetName, PaypalAccount] = Field(default={}, max_length=MOST_STORES)
    seventeentrack: dict[TargetName, SeventeenTrack] = Field(default={}, max_length=MOST_STORES)
    aftership: dict[TargetName, AfterShip] = Field(default={}, max_length=MOST_STORES)

    def stores(self) -> list[tuple[str, str]]:
        """(platform, name) of every section."""
        return [
            (platform, name)
            for platform in type(self).model_fields
            if isinstance(sections := getattr(self, platform), dict)
            for name in sections
        ]

    @model_validator(mode="after")
    def _is_one_shop(self) -> Self:
        if self.shopify and self.woocommerce:
            raise ValueError(
                "has a shop of shopify and one of woocommerce, whose orders may have the same "
                "numbers: make a workspace for each"
            )
        return self
