"""Decode the bytes of a text file. Bytes that cannot be decoded become lone surrogates, which the
readers report as faults."""

from __future__ import annotations

import codecs
from collections import Counter

from pipeline.settings.errors import BadInput

# the least share of common Chinese characters among the non-ASCII ones for a text to be GBK, not a
# Western European encoding
CHINESE = 0.8
_HEAD = 2_000


def decode_utf(name: str, data: bytes) -> str:
    """Decode UTF-8, or UTF-16 as spreadsheets save it, with or without a byte-order mark.

    Raises `BadInput` if the data is not text.
    """
    if encoding := _utf_16(data):
        return data.decode(encoding, errors="replace").removeprefix("\ufeff")
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\x00" in data.lstrip().partition(b"\n")[0]:
        raise BadInput(
            f"{name}: is damaged UTF-16 or not text; UTF-8 is expected. "
            "Save it again as 'CSV UTF-8'."
        )
    return data.decode(errors="surrogateescape")


def decode_any(name: str, data: bytes, encoding: str | None) -> str:
    """Decode by a named encoding, or else as UTF-16 or UTF-8, or as GBK (GB 18030) if that gives
    common Chinese. Raises `BadInput` if there is no encoding of that name."""
    if encoding:
        try:
            return data.decode(encoding, errors="surrogateescape")
        # an unknown name, bytes of another encoding, or a name with a NUL byte
        except (LookupError, ValueError) as error:
            raise BadInput(
                f"{name}: cannot be read as {encoding!r} ({error}). Use a name like cp1252."
            ) from None
    if utf_16 := _utf_16(data):
        return data.decode(utf_16, errors="replace").removeprefix("\ufeff")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError:
        as_utf8 = data.decode(errors="surrogateescape")
    as_gbk = data.decode("gb18030", errors="surrogateescape")
    is_gbk = _is_chinese(as_gbk) and _count_undecoded(as_gbk) < _count_undecoded(as_utf8)
    return as_gbk if is_gbk else as_utf8


def _utf_16(data: bytes) -> str | None:
    """The name of the encoding, if it is UTF-16: by its mark, or because every second byte of the
    first cells is 0."""
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    head = data[:_HEAD]
    even, odd = head[::2], head[1::2]
    for zeros, letters, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if len(odd) > 1 and zeros.count(0) > 0.5 * len(zeros) and not letters.count(0):
            return encoding
    return None


def _count_undecoded(text: str) -> int:
    return sum(count for letter, count in Counter(text).items() if "\ud800" <= letter <= "\udfff")


def _is_chinese(text: str) -> bool:
    letters = Counter(letter for letter in text if not letter.isascii())
    common = sum(
        count for letter, count in letters.items() if letter.encode("gb2312", errors="ignore")
    )
    return common >= CHINESE * letters.total() > 0
