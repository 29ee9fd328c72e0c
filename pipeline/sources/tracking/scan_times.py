"""The time of a scan, and the zone for times that a carrier reports without an offset.

17TRACK's `time_raw` is what the carrier wrote, in parts: date, time of day and the zone if known.
Its `time_iso` and `time_utc` are null where the zone is not known. AfterShip's `checkpoint_time`
has an offset only where the carrier gives one; its country has three letters [S38].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from babel.core import get_global

from pipeline.sources.aliexpress.answer_fields import field_text
from pipeline.sources.instants import instant

# the zone where most people of a country with several zones live (zones of the tz database); an
# assumption for each scan there
MAIN_ZONES: Mapping[str, str] = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KZ": "Asia/Almaty",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}
_HAS_OFFSET = re.compile(r"(?:Z|\d:\d\d.*[+-]\d\d(?::?\d\d)?)$|^\d{9,13}$")
_OFFSET = re.compile(r"^(?:GMT|UTC)? ?([+-])(\d{1,2})(?::?(\d\d))?$", re.IGNORECASE)


def event_time(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(text, zone) of the time of a 17TRACK event; the zone is None if the text has an offset or
    nothing tells the zone."""
    text = field_text(event, "time_utc", "time_iso")
    raw = event.get("time_raw")
    zone = None
    if text is None and isinstance(raw, dict):
        text, zone = _raw_time(raw)
    elif text is None:
        text = field_text(event, "time_raw")
    address = event.get("address")
    country = field_text(address, "country") if isinstance(address, dict) else None
    return text, zone or zone_if_needed(text, country)


def _raw_time(raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    day, clock = field_text(raw, "date"), field_text(raw, "time")
    if day is None:
        return None, None
    text = f"{day} {clock or '00:00:00'}"
    zone = (field_text(raw, "timezone") or "").strip()
    if offset := _OFFSET.match(zone):
        return f"{text}{offset[1]}{offset[2].zfill(2)}:{offset[3] or '00'}", None
    if zone.upper() in ("UTC", "GMT", "Z"):
        return f"{text}Z", None
    return text, zone if _is_zone(zone) else None


def zone_if_needed(text: str | None, country: str | None) -> str | None:
    """The zone of the country if the time has no offset; None if that is not known."""
    if text is None or country is None or _HAS_OFFSET.search(text.strip()):
        return None
    return country_zone(country.strip().upper())


@cache
def country_zone(country: str) -> str | None:
    """The zone of a country, by its code of two or three letters; None for an unknown one."""
    alias = get_global("territory_aliases").get(country, [country])
    code = alias[0] if len(country) == 3 else country
    zones = get_global("territory_zones").get(code, [])
    name = MAIN_ZONES.get(code) or (zones[0] if len(zones) == 1 else None)
    return name if name and _is_zone(name) else None


@cache
def _is_zone(name: str) -> bool:
    try:
        # polars supports fewer names than zoneinfo
        key = pl.lit(0).cast(pl.Datetime("us")).dt.replace_time_zone(ZoneInfo(name).key)
        pl.select(key)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError):
        return False
    return True


def with_times(rows: pl.DataFrame, default: str) -> pl.DataFrame:
    """Add `occurred_at`: the time `scanned_at` in the zone of the row, `zone`, or `default`."""
    position = "__position__"
    parts = [
        part.with_columns(
            occurred_at=instant(
                pl.col("scanned_at"), str(zone or default), has_offsets=True, has_epochs=True
            )
        )
        for (zone,), part in rows.with_row_index(position)
        .partition_by("zone", as_dict=True)
        .items()
    ]
    if not parts:
        return rows.with_columns(occurred_at=instant(pl.col("scanned_at"), default))
    return pl.concat(parts).sort(position).drop(position)
