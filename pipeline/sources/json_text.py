"""Read JSON files of any common form and encoding: one document, several, one per line, or cut off.

Numbers are returned as text, so that an id of sixteen digits never passes through a float. A
damaged document yields the parts that can still be read, and the rest as a fault.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.settings.regular_files import require_regular
from pipeline.sources.reading.input_limits import TEXT, InputLimits, Meter, check_bytes
from pipeline.sources.reading.json_values import (
    DECODER,
    LAST_WINS,
    REPEATED,
    RepeatedName,
    decode,
    without_lone_surrogates,
)

# bytes; larger documents are read piece by piece instead of as a whole
BIG = 32_000_000
# characters of text that is not JSON kept in quarantine; the file itself has all of it
FRAGMENT = 200_000
# documents in a row that cannot be read, after which the rest of a file is given up: each of them
# may take as long as the whole file
MOST_BROKEN = 1_000
TOO_BROKEN = f"the {MOST_BROKEN:,} parts before it are not JSON; the rest is not read"
# a dump unpacks to 10 to 50 times its size, a bomb to 1,000 times
MOST_TIMES, SMALL = 300, 50_000_000
_GAP = re.compile(r"[\s,\ufeff\x00]*")
_SPACE = re.compile(r"\s*")
_NEXT = re.compile(r"\n\s*(?=[\[{])")


@dataclass(frozen=True)
class JsonRecord:
    """A value and the names that lead to it, or the text that could not be read and its `fault`."""

    path: tuple[str, ...]
    value: Any
    fault: str = ""


class _BrokenAt(Exception):
    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position, self.why = position, why


def read_pieces(path: Path) -> Iterator[JsonRecord]:
    """Yield the documents of a file in order, large ones in pieces.

    Raises `OSError`, or `EOFError` for a .gz file that is cut off, or `BadInput` above the caps of
    `input_limits`.
    """
    require_regular(path)
    meter = Meter(path.name)
    check_bytes(path.name, path.stat().st_size)
    try:
        for piece in _read_pieces(path):
            meter.add_row()
            if piece.fault:
                meter.check_time()
            yield piece
    except zlib.error as error:
        raise OSError(f"the packed data is damaged: {error}") from None


def _read_pieces(path: Path) -> Iterator[JsonRecord]:
    with closing(_open(path)) as file:
        head = file.read(BIG)
        most = _most_bytes(path)
        if len(head) == BIG and _is_a_line(head):
            yield from _lines(path.name, head, file, most)
            return
        rest = file.read(most.bytes) if len(head) == BIG else b""
    check_bytes(f"{path.name}, unpacked,", len(head) + len(rest), most)
    text, fault = decode(head + rest)
    if fault:
        yield JsonRecord((), text[:FRAGMENT], fault)
        return
    yield from documents(text)


def _most_bytes(path: Path) -> InputLimits:
    """The most bytes of the file when it is unpacked."""
    if path.suffix != ".gz":
        return TEXT
    return InputLimits(bytes=min(TEXT.bytes, max(SMALL, MOST_TIMES * path.stat().st_size)))


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _is_a_line(head: bytes) -> bool:
    """Whether the first line is a complete document."""
    line, end, _ = head.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")
    text, fault = decode(line)
    if not end or fault:
        return False
    try:
        DECODER.raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return False
    return True


def _lines(name: str, head: bytes, file: BinaryIO, most: InputLimits) -> Iterator[JsonRecord]:
    left, count_bytes = b"", 0
    block = head.removeprefix(codecs.BOM_UTF8)
    while block:
        count_bytes += len(block)
        check_bytes(f"{name}, unpacked,", count_bytes, most)
        lines = (left + block).split(b"\n")
        left = lines.pop()
        check_bytes("one line", len(left))
        for line in lines:
            yield from _line(line)
        block = file.read(BIG)
    yield from _line(left)


def _line(line: bytes) -> Iterator[JsonRecord]:
    text, fault = decode(line)
    if fault:
        yield JsonRecord((), text[:FRAGMENT], fault)
    else:
        yield from documents(text)


def documents(text: str) -> Iterator[JsonRecord]:
    """Yield all documents of a text, with or without commas or line ends between them."""
    text = without_lone_surrogates(text)
    position = count_broken = 0
    while True:
        start = _GAP.match(text, position).end()  # type: ignore[union-attr]
        if start >= len(text):
            return
        try:
            position = yield from _document(text, start)
            count_broken = 0
        except _BrokenAt as broken:
            position, count_broken = _next_document(text, start, broken.position), count_broken + 1
            is_last = count_broken == MOST_BROKEN
            why = TOO_BROKEN if is_last else broken.why
            first = broken.position if broken.position < position else start
            end = len(text) if is_last else position
            yield JsonRecord((), text[first : min(end, first + FRAGMENT)], why)
            if is_last:
                return


def _document(text: str, start: int) -> Generator[JsonRecord, None, int]:
    if len(text) - start <= BIG:
        try:
            value, end = DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            pass
        else:
            yield JsonRecord((), value)
            return end
    return (yield from _pieces(text, start, ()))


def _next_document(text: str, start: int, broken_at: int) -> int:
    """Where the next document starts a line after a broken one, or the end of the text."""
    # the text may break at that line itself
    broken_at = start + 1 + len(text[start + 1 : broken_at].rstrip())
    following = _NEXT.search(text, broken_at)
    return following.end() if following else len(text)


def _pieces(text: str, start: int, path: tuple[str, ...]) -> Generator[JsonRecord, None, int]:
    """Yield the parts of the value at `start`, opening wrappers and lists; return its end."""
    if text[start : start + 1] == "[" and len(path) < 8:
        return (yield from _items(text, start, path))
    if text[start : start + 1] == "{" and (not path or _is_wrapper(path[-1])) and len(path) < 8:
        return (yield from _members(text, start, path))
    try:
        value, end = _decoded(text, start)
        yield JsonRecord(path, value)
    except RepeatedName as repeated:
        _, end = LAST_WINS.raw_decode(text, start)
        yield JsonRecord((), text[start : min(end, start + FRAGMENT)], str(repeated))
    return end


def _is_wrapper(name: str) -> bool:
    return name.endswith(
        ("_response", "_list", "list", "result", "results", "data", "target", "response", "pages")
    )


def _decoded(text: str, start: int) -> tuple[Any, int]:
    try:
        return DECODER.raw_decode(text, start)
    except RepeatedName:
        raise
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else f"not JSON ({error})"
        raise _BrokenAt(start, f"{why[:120]}; the part before it is loaded") from None


def _items(text: str, start: int, path: tuple[str, ...]) -> Generator[JsonRecord, None, int]:
    position, is_empty = _after(text, start + 1), True
    while text[position : position + 1] != "]":
        if not is_empty:
            position = _expect(text, position, ",")
        position = yield from _pieces(text, position, (*path, ""))
        position, is_empty = _after(text, position), False
    if is_empty:
        yield JsonRecord(path, [])
    return position + 1


def _members(text: str, start: int, path: tuple[str, ...]) -> Generator[JsonRecord, None, int]:
    position, is_empty = _after(text, start + 1), True
    scalars: dict[str, Any] = {}
    fault = ""
    try:
        while text[position : position + 1] != "}":
            if not is_empty:
                position = _expect(text, position, ",")
            if text[position : position + 1] != '"':
                raise _BrokenAt(position, "not JSON (a name is missing)")
            name, position = _decoded(text, position)
            position = _expect(text, _after(text, position), ":")
            if text[position : position + 1] in ("{", "["):
                position = yield from _pieces(text, position, (*path, name))
            else:
                value, position = _decoded(text, position)
                if scalars.setdefault(name, value) != value:
                    fault = REPEATED.format(name[:80])
            position, is_empty = _after(text, position), False
    finally:
        # keep what was read before the text breaks off
        if fault:
            yield JsonRecord((), text[start : min(position, start + FRAGMENT)], fault)
        else:
            yield JsonRecord(path, scalars)
    return position + 1


def _after(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]


def _expect(text: str, position: int, sign: str) -> int:
    if text[position : position + 1] != sign:
        raise _BrokenAt(position, f"not JSON ({sign!r} is missing, or the file is cut off here)")
    return _after(text, position + 1)
