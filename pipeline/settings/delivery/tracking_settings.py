"""`[pull.seventeentrack.NAME]` and `[pull.aftership.NAME]` of config.toml: the services that ask
carriers where parcels are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.delivery.delivery_section import OpenUrl, SecretSource
from pipeline.settings.delivery.pull_section import PullSection

# a carrier as the store's data writes it
CarrierName = Annotated[str, Field(min_length=1, max_length=200)]


class TrackingService(PullSection):
    """What both services have. Secrets are never here:
    docs/guide/operator/pull-tracking.md."""

    key: SecretSource = Field(description="where the API key is")
    follow_days: int = Field(
        default=120,
        ge=1,
        le=365,
        description="how long a registered parcel is asked for that was not delivered",
    )
    most_new: int = Field(
        default=10_000,
        ge=0,
        le=1_000_000,
        description="most parcels registered in one run; each one costs quota",
    )
    # a longer line would be read in pieces, without the time when it arrived
    largest_answer_mb: float = Field(
        default=20.0, gt=0, le=30, description="largest answer, in millions of bytes"
    )


class SeventeenTrack(TrackingService):
    """An account of the 17TRACK API."""

    url: OpenUrl = Field(
        default="https://api.17track.net", description="the host. Redirects are not followed"
    )
    version: Literal["v2.2", "v2.4"] = Field(default="v2.4", description="version of the API")
    requests_per_second: float = Field(
        default=3.0, gt=0, le=1_000, description="most requests in a second; 17TRACK allows 3"
    )
    keep_quota: int = Field(
        default=0, ge=0, le=100_000_000, description="quota that a pull leaves unused"
    )
    carriers: dict[CarrierName, Annotated[int, Field(ge=1, le=99_999_999)]] = Field(
        default={},
        max_length=1_000,
        description="17TRACK's code of a carrier by its name in the store's data; 17TRACK detects "
        "the others",
    )


class AfterShip(TrackingService):
    """An account of the AfterShip Tracking API."""

    url: OpenUrl = Field(
        default="https://api.aftership.com", description="the host. Redirects are not followed"
    )
    version: str = Field(
        default="2026-07", pattern=r"^20\d\d-\d\d$", description="version of the API"
    )
    requests_per_second: float = Field(
        default=5.0, gt=0, le=1_000, description="most requests in a second; AfterShip allows 6"
    )
    webhook_secret: SecretSource | None = Field(
        default=None, description="where the secret is that signs pushes, for `make receive`"
    )
    carriers: dict[CarrierName, Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]] = Field(
        default={},
        max_length=1_000,
        description="AfterShip's slug of a carrier by its name in the store's data; AfterShip "
        "detects the others",
    )
