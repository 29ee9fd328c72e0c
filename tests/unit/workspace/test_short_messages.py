"""A message is one line, cut if a cell in it is long; the whole of it is in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.__main__ import WHOLE_MESSAGE, main
from pipeline.settings.errors import BadInput
from pipeline.workspace.run_log import LOG, close_run_log, name_step, open_run_log
from pipeline.workspace.short_text import LONGEST, shortened

LONG = f"orders.csv, row 2: {'x' * 17_000}\nis not a date. Fix it."


def test_a_long_error_is_one_line_and_the_file_has_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        name_step("ingest")
        open_run_log(tmp_path)
        raise BadInput(LONG)

    with pytest.raises(SystemExit) as left:
        main(fail)
    assert left.value.code == 10
    [line] = capsys.readouterr().err.splitlines()
    assert len(line) < LONGEST + 200
    assert line.startswith("pipeline: orders.csv, row 2: xxx")
    assert "is not a date. Fix it." in line
    assert WHOLE_MESSAGE in line
    assert (tmp_path / WHOLE_MESSAGE).read_text() == LONG + "\n"
    entries = [json.loads(text) for text in (tmp_path / LOG).read_text().splitlines()]
    assert max(len(str(entry.get("error", ""))) for entry in entries) < LONGEST + 200
    assert close_run_log(0) == []


def test_a_short_text_stays_as_it_is_on_one_line() -> None:
    assert shortened("a 'b' ü") == "a 'b' ü"
    assert shortened("a\nb\x1b[31m\u2028c") == "a b [31m c"
