"""The time zone that the name of a column states: `Dispute Created (UTC)`, `date_created_gmt`."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_BRACKETS = re.compile(r"[(\[（]\s*([^()\[\]（）]+?)\s*[)\]）]\s*$")
# only at the end: Alibaba's `gmt_create` starts like this and is not in GMT
_LAST_WORD = re.compile(
    r"(?:[\s_.-]+|(?<=[a-z])(?=[A-Z]))((?:UTC|GMT)(?:\s?[+-]\d{1,2}(?::?\d\d)?)?"
    r"|PST|PDT|EST|EDT|MDT|CDT|CEST|CET|MESZ|MEZ|EEST|EET|BRT|MSK|WIB|HKT|SGT|KST|JST"
    r"|AEST|AEDT|NZST|NZDT)\s*$",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"^(UTC)[\s_.-]+(?=\S)", re.IGNORECASE)
_OFFSET = re.compile(r"^(?:UTC|GMT)?\s?([+-])(\d{1,2})(?::?(\d\d))?$")
# names of zones
_NAMES = {
    **dict.fromkeys(("UTC", "GMT", "Z", "UTC TIME", "GMT TIME"), "UTC"),
    **dict.fromkeys(("PST", "PDT", "PT", "PACIFIC TIME"), "America/Los_Angeles"),
    **dict.fromkeys(("MDT", "MT", "MOUNTAIN TIME"), "America/Denver"),
    **dict.fromkeys(("CDT", "CT", "CENTRAL TIME"), "America/Chicago"),
    **dict.fromkeys(("EST", "EDT", "ET", "EASTERN TIME"), "America/New_York"),
    **dict.fromkeys(("BRT", "BRASILIA TIME", "HORÁRIO DE BRASÍLIA"), "America/Sao_Paulo"),
    **dict.fromkeys(("CET", "CEST", "MEZ", "MESZ"), "Europe/Berlin"),
    **dict.fromkeys(("EET", "EEST"), "Europe/Athens"),
    **dict.fromkeys(("MSK", "MOSCOW TIME", "МСК"), "Europe/Moscow"),
    **dict.fromkeys(("BEIJING TIME", "CHINA TIME", "北京时间", "北京"), "Asia/Shanghai"),
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
    **dict.fromkeys(("NZST", "NZDT"), "Pacific/Auckland"),
    "WIB": "Asia/Jakarta",
    "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore",
    "KST": "Asia/Seoul",
    "JST": "Asia/Tokyo",
}
# in a row, the name also says whether it is summer time
_OF_ROWS = {
    "PST": "Etc/GMT+8",
    "PDT": "Etc/GMT+7",
    "EST": "Etc/GMT+5",
    "EDT": "Etc/GMT+4",
    "CET": "Etc/GMT-1",
    "CEST": "Etc/GMT-2",
}
# the times of several countries
_SEVERAL = {"CST", "IST", "BST", "AST", "GST", "MST", "LOCAL TIME"}
# zones with an offset that is no whole hour, and without summer time
_PARTS_OF_HOURS = {
    "+05:30": "Asia/Kolkata",
    "+05:45": "Asia/Kathmandu",
    "+06:30": "Asia/Yangon",
    "+04:30": "Asia/Kabul",
    "+09:30": "Australia/Darwin",
}


def zone_of_name(name: str) -> str | None:
    """The zone in the name of a column, at its end or in brackets there; None if it states none."""
    return _parts(name)[1]


def zone_of_cell(text: str) -> str | None:
    """The zone in a cell of a row, such as `America/Los_Angeles` or `PDT`; None if it is none."""
    word = " ".join(text.upper().split())
    return _OF_ROWS.get(word) or _zone(text.strip())


def without_zone(name: str) -> str:
    """The name of the column without the zone in it."""
    return _parts(name)[0]


def has_unclear_zone(name: str) -> bool:
    """Whether the name of a column states a zone of several countries, such as CST or IST."""
    match = _BRACKETS.search(name)
    return match is not None and " ".join(match[1].upper().split()) in _SEVERAL


@cache
def _parts(name: str) -> tuple[str, str | None]:
    for pattern in (_BRACKETS, _LAST_WORD):
        if (match := pattern.search(name)) and (zone := _zone(match[1])):
            return name[: match.start()].strip(), zone
    if match := _FIRST_WORD.search(name):
        return name[match.end() :].strip(), "UTC"
    return name, None


def _zone(text: str) -> str | None:
    word = " ".join(text.upper().split())
    word = re.sub(r" (STANDARD|DAYLIGHT|SUMMER) TIME$", " TIME", word)
    if word in _NAMES:
        return _NAMES[word]
    if offset := _OFFSET.match(word):
        sign, hours, minutes = offset[1], int(offset[2]), offset[3] or "00"
        if minutes != "00":
            return _PARTS_OF_HOURS.get(f"{sign}{hours:02}:{minutes}")
        # the names of these zones have the opposite sign
        name = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
        return name if hours <= 14 and _is_zone(name) else None
    return text if "/" in text and _is_zone(text) else None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
