"""The settings of `[sources]` in a workspace's config.toml."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SourceSettings(BaseModel):
    """What a source's files do not say of themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_zone: str = Field(
        default="Asia/Shanghai", description="a day of the contact list is a day in this zone"
    )
    platform_zone: str = Field(
        default="America/Los_Angeles",
        description="of times without offset in what AliExpress' interface answers",
    )
    export_zone: str = Field(
        default="America/Los_Angeles",
        description="of times in the order sheets that sellers download",
    )
    tracking_zone: str = Field(
        default="Asia/Shanghai",
        description="of carrier events without offset; an assumption: nobody documents it",
    )
    tracking_delay_hours: float = Field(
        default=12.0,
        ge=0,
        description="of scans in a provider's files whose facts are taken as known when they happened: news come late",
    )
    history: Literal["first_dump", "as_it_happened"] = Field(
        default="first_dump",
        description="when the store knew what the very first dumps show of earlier days: when they were taken, or, "
        "if you vouch that you could have seen it then, as it happened",
    )

    @field_validator("store_zone", "platform_zone", "export_zone", "tracking_zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is not a time zone; write it like Asia/Shanghai") from None
