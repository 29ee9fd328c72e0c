"""Decode the bytes of a JSON file, and one value in it: numbers are text, names have one value."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

REPEATED = "the name {!r} occurs twice, with different values"
# an escaped backslash, a pair of surrogates that is one letter, and a lone one, which is none
_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


class RepeatedName(ValueError):
    """An object has two different values of one name: neither is known to be right."""


def without_lone_surrogates(text: str) -> str:
    """The JSON text with the replacement character for each lone surrogate, which no file can hold.

    The text keeps its length.
    """
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPES.sub(lambda match: "\\ufffd" if match[1] else match[0], text)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        for name, value in pairs:
            if members[name] != value:
                raise RepeatedName(REPEATED.format(name[:80]))
    return members


# numbers become text, so that an id of sixteen digits never passes through a float
_TEXTS: dict[str, Any] = {"parse_int": str, "parse_float": str, "parse_constant": str}
LAST_WINS = json.JSONDecoder(**_TEXTS)
DECODER = json.JSONDecoder(**_TEXTS, object_pairs_hook=_members_once)


def decode(data: bytes) -> tuple[str, str]:
    """Return the text and its fault, if any.

    Accepts UTF-8 with or without a byte-order mark, UTF-16 with one, and GB 18030, which includes
    GBK.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return data.decode(name), ""
            except UnicodeDecodeError as error:
                fault = f"not valid {name}, although it starts with its mark (byte {error.start})"
                return data.decode(name, errors="replace"), fault
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name), ""
        except UnicodeDecodeError:
            continue
    return data.decode(errors="replace"), "neither UTF-8 nor GBK; save it again as UTF-8"
