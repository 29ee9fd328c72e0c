"""Names from outside, made fit for a message: the titles of products and the locations of scans."""

from __future__ import annotations

import re
import unicodedata

LONGEST_TITLE = 60
# what a title may not bring into a message: links, mark-up and quotation marks
_LINK = re.compile(r"(?:https?://|www\.)\S*", re.IGNORECASE)
_MARKS = re.compile(r"[<>{}\[\]|`\"“”„«»\\]+")
_LOCATION = re.compile(r"[\w .,'’()/-]{2,60}")
# a facility or an office is not a city
_FACILITY = re.compile(
    r"customs|facilit|cent(?:er|re)|hub|depot|airport|office|warehouse|sort|station|exchange|"
    r"service|таможн|сортиров|海关|中心|营业|分拣|网点|转运",
    re.IGNORECASE,
)


def plain_title(title: str | None) -> str | None:
    """The title of a product in one line of at most `LONGEST_TITLE` characters, without links,
    mark-up and invisible characters; None if no word is left."""
    text = _MARKS.sub(" ", _LINK.sub(" ", _visible(title or "")))
    words = " ".join(text.split())
    if not any(sign.isalnum() for sign in words):
        return None
    if len(words) <= LONGEST_TITLE:
        return words
    cut = words[:LONGEST_TITLE]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:-/") + "…"


def plain_city(location: str | None) -> str | None:
    """The city of a scan, as `Moscow, RU`; None if the location does not look like one."""
    text = " ".join(_visible(location or "").split())
    first = text.split(",")[0].strip()
    letters = [sign for sign in first if sign.isalpha()]
    is_code = first.isascii() and len(first) < 3
    if len(letters) < 2 or is_code or _FACILITY.search(text) or not _LOCATION.fullmatch(text):
        return None
    return text


def _visible(text: str) -> str:
    """The text with spaces in place of control and format characters."""
    return "".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
