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

MOST_STORES = 20


class AliexpressStore(DeliverySection):
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
    requests_per_second: float = Field(
        default=5.0, gt=0, le=1_000, description="most requests in a second"
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
    keep_answers_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="days for which answers are kept as they came; of older ones, make pull keeps "
        "the rows that the loader reads, each once. 36500: keep all answers",
    )
    attempts: int = Field(default=6, ge=1, le=20, description="tries of one request in one run")
    first_wait_seconds: float = Field(
        default=1.0, ge=0, le=600, description="wait after the first failure; then twice that"
    )
    longest_wait_seconds: float = Field(
        default=120.0,
        ge=0,
        le=3_600,
        description="longest wait; a longer ban by the platform ends the run until the next one",
    )
    timeout_seconds: float = Field(
        default=30.0, ge=0.1, le=600, description="how long the platform may be silent"
    )
    longest_answer_seconds: float = Field(
        default=120.0, ge=0.1, le=3_600, description="how long one answer may take in all"
    )
    largest_answer_mb: float = Field(
        default=20.0, gt=0, le=500, description="largest answer, in millions of bytes"
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

    aliexpress: dict[TargetName, AliexpressStore] = Field(default={}, max_length=MOST_STORES)
