"""Read JSON files of any common form and encoding: one document, several, one per line, or cut off.

Numbers are returned as text, so that an id of sixteen digits never passes through a float. A
damaged document yields the parts that can still be read, and the rest as a fault.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.settings.regular_files import require_regular
from pipeline.sources.reading.input_limits import TEXT, Meter, check_bytes

# bytes; larger documents are read piece by piece instead of as a whole
BIG = 32_000_000
# characters of text that is not JSON kept in quarantine; the file itself has all of it
FRAGMENT = 200_000
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
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
    for piece in _read_pieces(path):
        meter.add_row()
        if piece.fault:
            meter.check_time()
        yield piece


def _read_pieces(path: Path) -> Iterator[JsonRecord]:
    with closing(_open(path)) as file:
        head = file.read(BIG)
        if len(head) == BIG and _is_a_line(head):
            yield from _lines(head, file)
            return
        rest = file.read(TEXT.bytes) if len(head) == BIG else b""
    check_bytes(f"{path.name}, unpacked,", len(head) + len(rest))
    text, fault = decode(head + rest)
    if fault:
        yield JsonRecord((), text[:FRAGMENT], fault)
        return
    yield from documents(text)


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


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


def _is_a_line(head: bytes) -> bool:
    """Whether the first line is a complete document."""
    line, end, _ = head.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")
    text, fault = decode(line)
    if not end or fault:
        return False
    try:
        _DECODER.raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return False
    return True


def _lines(head: bytes, file: BinaryIO) -> Iterator[JsonRecord]:
    left = b""
    block = head.removeprefix(codecs.BOM_UTF8)
    while block:
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
    position = 0
    while True:
        position = _GAP.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text):
            return
        if len(text) - position <= BIG:
            try:
                value, position = _DECODER.raw_decode(text, position)
                yield JsonRecord((), value)
                continue
            except (ValueError, RecursionError):
                pass
        try:
            position = yield from _pieces(text, position, ())
        except _BrokenAt as broken:
            # continue at the next document that starts a line, if there is one
            next_document = _NEXT.search(text, broken.position)
            end = next_document.end() if next_document else len(text)
            yield JsonRecord(
                (), text[broken.position : min(end, broken.position + FRAGMENT)], broken.why
            )
            position = end


def _pieces(text: str, start: int, path: tuple[str, ...]) -> Generator[JsonRecord, None, int]:
    """Yield the parts of the value at `start`, opening wrappers and lists; return its end."""
    if text[start : start + 1] == "[" and len(path) < 8:
        return (yield from _items(text, start, path))
    if text[start : start + 1] == "{" and (not path or _is_wrapper(path[-1])) and len(path) < 8:
        return (yield from _members(text, start, path))
    value, end = _decoded(text, start)
    yield JsonRecord(path, value)
    return end


def _is_wrapper(name: str) -> bool:
    return name.endswith(
        ("_response", "_list", "list", "result", "results", "data", "target", "response", "pages")
    )


def _decoded(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
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
    try:
        while text[position : position + 1] != "}":
            if not is_empty:
                position = _expect(text, position, ",")
            name, position = _decoded(text, position)
            if not isinstance(name, str):
                raise _BrokenAt(position, "not JSON (a name is missing)")
            position = _expect(text, _after(text, position), ":")
            if text[position : position + 1] in ("{", "["):
                position = yield from _pieces(text, position, (*path, name))
            else:
                scalars[name], position = _decoded(text, position)
            position, is_empty = _after(text, position), False
    finally:
        # keep what was read before the text breaks off
        yield JsonRecord(path, scalars)
    return position + 1


def _after(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()  # type: ignore[union-attr]


def _expect(text: str, position: int, sign: str) -> int:
    if text[position : position + 1] != sign:
        raise _BrokenAt(position, f"not JSON ({sign!r} is missing, or the file is cut off here)")
    return _after(text, position + 1)
