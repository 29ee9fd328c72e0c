"""The dumps of a run: answers as they came, and what a killed run leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.connections.answer_dumps import AnswerDumps, dump_line, recover
from pipeline.connections.secret_values import SecretValues

AT = datetime(2025, 6, 10, 12, 0, 1, tzinfo=UTC)


def test_an_answer_keeps_its_own_text() -> None:
    """Numbers are not written anew, and a line separator inside a text is no line break."""
    text = '{\n  "x_response": {"id": 8194715118461470, "amount": 1.10, "say": "a\u2028b"}\r\n}\n'
    line = dump_line(text, AT, {"method": "x", "order_id": 7}, SecretValues())
    assert "\n" not in line
    assert '"amount": 1.10, "say": "a\u2028b"' in line
    head = {"fetched_at": "2025-06-10T12:00:01Z"}
    request = {"method": "x", "order_id": 7, **head}
    assert json.loads(line) == {**head, "request": request, **json.loads(text)}


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        ('{"a": 1}\n{"b": 2}\n{"c"', '{"a": 1}\n{"b": 2}\n'),
        ('{"a": 1}\n', '{"a": 1}\n'),
        ('{"a"', None),
        ("", None),
        ('{"a": 1}\n' + "x" * 200_000, '{"a": 1}\n'),
    ],
)
def test_whole_lines_of_a_killed_run_are_used(tmp_path: Path, left: str, kept: str | None) -> None:
    (tmp_path / "answers-20250610T120001-0001.jsonl.part").write_text(left)
    assert recover(tmp_path) == 1
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files == ({"answers-20250610T120001-0001.jsonl": kept} if kept else {})


def test_two_runs_of_one_second_write_two_files(tmp_path: Path) -> None:
    for text in ("first", "second"):
        dumps = AnswerDumps(tmp_path, AT)
        dumps.append([text])
        dumps.close()
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["first\n", "second\n"]


def test_a_run_without_answers_leaves_no_file(tmp_path: Path) -> None:
    dumps = AnswerDumps(tmp_path, AT)
    dumps.append([])
    dumps.close()
    assert not list(tmp_path.iterdir())
