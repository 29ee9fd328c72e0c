"""A message leaves only while it is a good time in all zones of the buyer's country."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.deliver.bulk.quiet_hours import buyer_country, is_quiet, zones_of
from pipeline.settings.delivery.deliver_settings import ChannelSettings


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "country", "is_quiet_there"),
    [
        ("03-20 07:59", "DE", True),  # 08:59 in Berlin
        ("03-20 08:00", "DE", False),  # 09:00
        ("03-20 18:59", "DE", False),  # 19:59
        ("03-20 19:00", "DE", True),  # 20:00
        ("07-20 07:00", "DE", False),  # 09:00 in summer time
        ("07-20 18:00", "DE", True),
        # Moscow has 12:00, Kamchatka 21:00
        ("03-20 09:00", "RU", True),
        # 09:00 in Kaliningrad, 19:00 in Kamchatka
        ("03-20 07:00", "RU", False),
        # New York has 09:00, but Hawaii 03:00
        ("03-20 13:00", "US", True),
        # 15:00 in New York, 09:00 in Hawaii and on Adak
        ("03-20 19:00", "US", False),
        # unknown: the store's zone, where it is 16:00 and 21:00
        ("03-20 08:00", "XX", False),
        ("03-20 13:00", "XX", True),
        ("03-20 13:00", None, True),
    ],
)
def test_quiet_hours_where_the_buyer_lives(
    moment: str, country: str | None, is_quiet_there: bool
) -> None:
    assert is_quiet(utc(moment), country, ChannelSettings(), "Asia/Shanghai") is is_quiet_there


def test_quiet_hours_within_one_day_and_none_at_all() -> None:
    noon = ChannelSettings(quiet_from="12:00", quiet_until="13:00")
    assert is_quiet(utc("03-20 11:30"), "DE", noon, "UTC")
    assert not is_quiet(utc("03-20 12:00"), "DE", noon, "UTC")
    never = ChannelSettings(quiet_from="00:00", quiet_until="00:00")
    assert not is_quiet(utc("03-20 02:00"), "DE", never, "UTC")


def test_a_national_currency_counts_more_than_a_code_of_a_region() -> None:
    # the state of Alagoas, not Albania
    assert buyer_country("AL", "BRL") == "BR"
    assert buyer_country("de", "EUR") == "DE"
    assert buyer_country(None, "USD") is None
    assert len(zones_of("US")) > 5
    assert zones_of("XX") == ()
