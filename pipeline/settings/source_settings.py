"""The settings of `[sources]` in a workspace's config.toml."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from pipeline.settings.settings_section import SettingsSection


class SourceSettings(SettingsSection):
    """Facts about a source that its files do not contain."""

    store_zone: str = Field(
        default="Asia/Shanghai",
        description="a night, and each day of the list, starts at midnight in this zone",
    )
    platform_zone: str = Field(
        default="America/Los_Angeles",
        description="zone of times without an offset in AliExpress API answers",
    )
    export_zone: str = Field(
        default="America/Los_Angeles", description="zone of the times in downloaded order sheets"
    )
    tracking_zone: str = Field(
        default="Asia/Shanghai",
        description="zone of carrier events without an offset; an assumption, not documented",
    )
    tracking_delay_hours: float = Field(
        default=12.0,
        ge=0,
        le=720,
        description="hours from a scan until it counts as known, for sources whose facts count as "
        "known when they happened: tracking providers report late",
    )
    history: Literal["first_dump", "as_it_happened"] = Field(
        default="first_dump",
        description="when the store knew the facts in the very first dumps: when the dumps were "
        "taken, or, if you are sure that you could have seen them then, when they happened",
    )

    @field_validator("store_zone", "platform_zone", "export_zone", "tracking_zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is not a time zone; write one like Asia/Shanghai") from None
