"""Too little memory ends with a message; a damaged log or lock and a clock that jumps change
nothing."""

from __future__ import annotations

import errno
import json
import resource
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.__main__ import main
from pipeline.cli.options import open_workspace
from pipeline.settings.errors import TooLittleMemory, WorkspaceBusy
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.locks import run_lock
from pipeline.workspace.run_log import LOG, RunLog
from pipeline.workspace.workspace import Workspace


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_too_little_memory_has_a_message_and_an_exit_code(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("later") from error

    with pytest.raises(SystemExit) as left:
        main(fail)
    assert left.value.code == TooLittleMemory.exit_code == 21
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert "there is not enough memory for this step" in " ".join(shown.split())


def test_a_small_limit_on_memory_is_reported_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polars aborts the process when it gets no memory: no message could be given later."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2 << 30, 2 << 30))
    with pytest.raises(TooLittleMemory, match=r"may take 2\.0 GB of memory .* needs 3 GB"):
        open_workspace(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        '{"at": "2026-01-01"}',
        '{"at": 5, "pid": "x"}',
        '{"at": "0001-01-01T00:00:00+00:00"}',
        '{"at": "9999-12-31T23:59:59+00:00", "pid": -1, "run_id": {}}',
        '{"at": ' + "9" * 5_000 + "}",
        "[" * 100_000,
        "\x00\udcff",
    ],
)
def test_a_damaged_log_does_not_stop_a_run(tmp_path: Path, line: str) -> None:
    text = line + "\n"
    (tmp_path / LOG).write_bytes(text.encode(errors="surrogateescape"))
    run_log = RunLog(tmp_path, "nightly")
    run_log.begin()
    run_log.piece(name="ingest")
    assert run_log.end(0) == []


@pytest.mark.parametrize("since", ["1e30", "1e300", "NaN", "-1e18", "[]", "9" * 5_000])
def test_a_damaged_note_of_who_holds_the_lock_is_left_out(tmp_path: Path, since: str) -> None:
    (tmp_path / ".lock.json").write_text(f'{{"step": "train", "since": {since}}}')
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(WorkspaceBusy, match="another run is using this workspace"),
        run_lock(tmp_path, "score", 0, print),
    ):
        pass


def test_a_night_while_the_clock_goes_back_is_the_latest(tmp_path: Path) -> None:
    """Ids of runs sort by time; which run counts is what the link says."""
    workspace, clock = Workspace(tmp_path), [datetime(2026, 5, 3, 4, tzinfo=UTC)]
    for days in (0, -400, 9_000, -9_000, 1):
        stamp = clock[0] + timedelta(days=days)
        run_id = f"{stamp:%Y%m%dT%H%M%S}-{days % 997:06x}"
        with workspace.new_run(date(2026, 5, 3), run_id) as run:
            (run / "manifest.json").write_text(json.dumps({"days": days}))
        current = workspace.latest(date(2026, 5, 3))
        assert current is not None
        assert read_manifest(current)["days"] == days
