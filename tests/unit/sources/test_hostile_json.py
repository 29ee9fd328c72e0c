"""JSON files of unknown origin: no traceback, no read without end, no value that changed."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.settings.errors import BadInput
from pipeline.sources import json_text
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.json_text import read_pieces
from pipeline.sources.source_context import SourceContext
from tests.unit.sources import aliexpress_dumps as made


def pieces(folder: Path, text: str | bytes, name: str = "a.json") -> list[tuple[Any, str]]:
    """(value, fault) of each part of a file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(piece.value, piece.fault) for piece in read_pieces(path)]


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "[" * 200_000 + "]" * 200_000, '{"a":' * 100_000, "[{" * 50_000],
    ids=["open", "closed", "objects", "mixed"],
)
def test_deep_nesting_is_a_fault(tmp_path: Path, text: str) -> None:
    assert pieces(tmp_path, text)[-1][1] != ""


@pytest.mark.parametrize("line", ["[\n", "{\n", '{"list":\n', '["a"\n'])
def test_thousands_of_lines_that_are_not_json_end_soon(tmp_path: Path, line: str) -> None:
    """Each of them takes as long as the text before it, so 100,000 took half a minute."""
    started = time.process_time()
    rows = pieces(tmp_path, line * 12_000)
    assert rows[-1][1] == "the 1,000 parts before it are not JSON; the rest is not read"
    assert time.process_time() - started < 10


def test_a_good_document_after_broken_ones_is_read(tmp_path: Path) -> None:
    rows = pieces(tmp_path, '{"a" \n' * 999 + '\n{"id": 5}\n' + "[,\n" * 999 + '\n{"id": 6}')
    assert [value["id"] for value, fault in rows if not fault and "id" in value] == ["5", "6"]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('{"order_id": 1, "order_id": 2}', []),
        ('[{"order_id": 1, "order_id": 2}, {"order_id": 3}]', [{"order_id": "3"}]),
        ('{"data": [{"id": {"a": 1, "a": 2}}, {"id": 3}]}', [{"id": "3"}, {}]),
        ('{"id": 1, "id": 1}', [{"id": "1"}]),
        ('{{"a": 1, "a": 2}: 3}', [{}]),
    ],
)
def test_a_name_with_two_values_is_a_fault_and_the_other_objects_are_read(
    tmp_path: Path, text: str, good: list[Any]
) -> None:
    """Most readers take the last value without a word."""
    rows = pieces(tmp_path, text)
    assert [value for value, fault in rows if not fault] == good
    faults = [fault for _, fault in rows if fault]
    assert len(faults) == (text != '{"id": 1, "id": 1}')
    assert all("occurs twice" in fault or "a name is missing" in fault for fault in faults)


@pytest.mark.parametrize(
    ("escape", "letter"),
    [
        (r"\ud800", "\ufffd"),
        (r"\uDC00x", "\ufffdx"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud800", r"\ud800"),
        (r"\\\ud800", "\\\ufffd"),
    ],
)
def test_half_a_letter_becomes_the_replacement_character(
    tmp_path: Path, escape: str, letter: str
) -> None:
    assert pieces(tmp_path, f'{{"a": "{escape}"}}') == [({"a": letter}, "")]


@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity", "9" * 5_000])
def test_a_number_is_its_text(tmp_path: Path, number: str) -> None:
    assert pieces(tmp_path, f'{{"a": {number}}}') == [({"a": number}, "")]


def packed(text: bytes) -> bytes:
    return gzip.compress(text, 9)


def test_a_packed_file_that_unpacks_to_far_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "SMALL", 200_000)
    monkeypatch.setattr(json_text, "BIG", 100_000)
    for text in (b" " * 2_000_000, b'{"a": 1}\n' * 150_000):
        with pytest.raises(BadInput, match=r"a\.json\.gz, unpacked,: is larger than"):
            pieces(tmp_path, packed(text), "a.json.gz")


@pytest.mark.parametrize("damage", ["cut off", "not packed", "changed", "checksum"])
def test_a_damaged_packed_file_is_an_error_that_the_readers_expect(
    tmp_path: Path, damage: str
) -> None:
    whole = packed(b'[{"a": 1}]' * 1_000)
    content = {
        "cut off": whole[: len(whole) // 2],
        "not packed": b"abc",
        "changed": whole[:20] + b"\xff\xff\xff" + whole[23:],
        "checksum": whole[:-8] + bytes(8),
    }
    with pytest.raises((OSError, EOFError)):
        pieces(tmp_path, content[damage], "a.json.gz")


def test_half_a_letter_in_a_title_does_not_stop_the_ingest(tmp_path: Path) -> None:
    raw = made.write(tmp_path, "2024-11-05T0200", orders=made.ANSWERS["orders"]())
    [dump] = raw.glob("*.json")
    text = json.dumps(json.loads(dump.read_text()))
    assert '"product_name": "' in text
    dump.write_text(text.replace('"product_name": "', '"product_name": "\\ud800'))
    assert read_aliexpress(SourceContext(raw)).frames["orders"].height == 1
