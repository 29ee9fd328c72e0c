"""When a buyer must not be disturbed: by the clock where the buyer lives.

A country may have several time zones and the program does not know in which one a buyer is. Then a
message may leave only while it is a good time in all of them.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

from pipeline.settings.delivery.deliver_settings import ChannelSettings
from pipeline.settings.languages import CURRENCY_COUNTRY


def buyer_country(country: str | None, currency: str | None) -> str | None:
    """The buyer's country. As with the language of a message, a national currency counts more than
    a code, which may be a region of another country."""
    return CURRENCY_COUNTRY.get(currency or "") or (country or "").upper() or None


@cache
def zones_of(country: str | None) -> tuple[str, ...]:
    """The time zones of a country (Unicode CLDR); empty for one that is not known."""
    return tuple(
        name for name in get_global("territory_zones").get(country or "", ()) if _exists(name)
    )


def is_quiet(
    moment: datetime, country: str | None, settings: ChannelSettings, store_zone: str
) -> bool:
    """Whether it is a quiet hour in any zone of the country; for an unknown one, in the store's."""
    first, last = _minutes(settings.quiet_from), _minutes(settings.quiet_until)
    local = (moment.astimezone(ZoneInfo(z)) for z in zones_of(country) or (store_zone,))
    return any(_between(t.hour * 60 + t.minute, first, last) for t in local)


def _between(minute: int, first: int, until: int) -> bool:
    """Whether a minute of the day is in [first, until), which may span midnight; equal bounds leave
    no quiet hour."""
    if first <= until:
        return first <= minute < until
    return minute >= first or minute < until


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _exists(zone: str) -> bool:
    try:
        return bool(ZoneInfo(zone).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
