"""A full disk, a read-only folder and missing permissions have different messages, and no
half-written file remains. Also the run log, with a clock that jumps."""

from __future__ import annotations

import errno
import json
import resource
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from pipeline.__main__ import main
from pipeline.settings.errors import DiskTrouble
from pipeline.workspace.disk_errors import disk_trouble
from pipeline.workspace.run_log import LOG, MOST_BYTES, RunLog
from pipeline.workspace.workspace import Workspace, write_whole
from tests.unit.nights import AS_OF, ROOT, latest, leftovers, nightly_command


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "x", "/w/a"), "/w/a: the disk is full"),
        (OSError(errno.EDQUOT, "x"), "full"),
        (OSError(errno.EFBIG, "x"), "full"),
        (
            pl.exceptions.ComputeError(
                "parquet: underlying IO error: No space left on device (os error 28)"
            ),
            "full",
        ),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), "full"),
        (OSError(errno.EROFS, "x"), "read-only"),
        (RuntimeError("attempt to write a readonly database"), "read-only"),
        (PermissionError(errno.EACCES, "x"), "no permission"),
        (OSError(errno.EIO, "x"), "the disk reports an input/output error"),
    ],
)
def test_each_disk_error_has_its_own_message(error: Exception, message: str) -> None:
    assert message in str(disk_trouble(error))
    wrapped = ValueError("later")
    wrapped.__cause__ = error
    assert message in str(disk_trouble(wrapped))


def test_other_errors_are_not_disk_errors(tmp_path: Path) -> None:
    for error in (
        ValueError("x"),
        FileNotFoundError(errno.ENOENT, "x"),
        KeyError("os"),
        RuntimeError("transport error"),
    ):
        assert disk_trouble(error, tmp_path) is None


def test_a_file_that_cannot_be_finished_means_a_full_disk_only_if_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = pl.exceptions.ComputeError(
        "parquet: File out of specification: Invalid thrift: transport error"
    )
    assert disk_trouble(error, tmp_path) is None
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    assert "the disk is full" in str(disk_trouble(error, tmp_path))


def test_the_exit_code_is_seventeen(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/w/x")

    with pytest.raises(SystemExit) as left:
        main(fail)
    assert left.value.code == DiskTrouble.exit_code == 17
    assert "Traceback" not in capsys.readouterr().err


def test_a_read_only_workspace_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / ".lock"))

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(DiskTrouble, match="read-only"), Workspace(tmp_path).locked():
        pass


def test_a_failed_write_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "a.txt", "previous")

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "a.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"previous"


@pytest.mark.parametrize("kilobytes", [4, 100])
def test_a_run_with_a_limit_on_file_sizes_leaves_the_last_list(
    workspace: Path, simulated_raw: Path, kilobytes: int
) -> None:
    """A limit on the size of files replaces a full disk, which only root can create; see
    tests/bench/sudden_ends.py."""
    previous = latest(workspace)
    limit = kilobytes * 1024
    done = subprocess.run(
        nightly_command(workspace, simulated_raw),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, "Traceback" in done.stderr) == (17, False), done.stderr
    assert "full" in done.stderr
    assert latest(workspace) == previous
    assert leftovers(workspace) == []


def test_a_disk_error_of_the_model_store_has_a_message_and_no_traceback(
    workspace: Path, simulated_raw: Path
) -> None:
    """Its files are as they were loaded, so the store of the models is what the night writes first:
    the workspace was copied, which it notes there."""
    command = nightly_command(workspace, simulated_raw)
    command[command.index(AS_OF)] = str(date.fromisoformat(AS_OF) + timedelta(days=1))
    command.remove("--force")
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert (done.returncode, "Traceback" in done.stderr) == (17, False), done.stderr
    assert "Check the disk" in done.stderr
    assert leftovers(workspace) == []


# The run log


def log_lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]


def test_a_run_writes_its_log_with_one_id(
    workspace: Path, simulated_raw: Path, run_step: Callable
) -> None:
    (workspace / LOG).unlink(missing_ok=True)
    subprocess.run(
        nightly_command(workspace, simulated_raw), cwd=ROOT, capture_output=True, check=True
    )
    entries = log_lines(workspace)
    assert {line["run_id"] for line in entries} == {latest(workspace).name}
    assert {line["step"] for line in entries} == {"nightly"}
    assert [line["event"] for line in (entries[0], entries[-1])] == ["begin", "end"]
    assert entries[-1]["exit_code"] == 0
    assert {"ingest", "features", "score", "clock"} <= {
        line["name"] for line in entries if line["event"] == "piece"
    }
    assert all(datetime.fromisoformat(line["at"]) for line in entries)
    assert run_step("score", "--workspace", workspace, "--as-of", "2020-01-01").returncode == 11
    assert (
        log_lines(workspace)[-1]["exit_code"],
        "nothing is known" in log_lines(workspace)[-1]["error"],
    ) == (11, True)


def test_without_a_workspace_there_is_no_log(tmp_path: Path) -> None:
    RunLog(tmp_path / "nowhere", "score").begin()
    assert not (tmp_path / "nowhere").exists()


def test_the_next_run_reports_a_killed_run_and_skips_half_a_line(tmp_path: Path) -> None:
    killed = RunLog(tmp_path, "nightly")
    killed.begin()
    with (tmp_path / LOG).open("a") as log:
        log.write('{"at": "2026-')
    later = RunLog(tmp_path, "nightly")
    later.begin()
    assert "former_run_without_end" not in (tmp_path / LOG).read_text()
    later.piece(name="ingest")
    entry = json.loads((tmp_path / LOG).read_text().splitlines()[-2])
    assert (entry["event"], entry["former_run_id"]) == ("former_run_without_end", killed.run_id)


def test_a_clock_that_goes_back_or_jumps_is_reported(tmp_path: Path) -> None:
    start, ticks = datetime(2026, 5, 3, tzinfo=UTC), [0.0]
    moments = [start]
    run_log = RunLog(tmp_path, "nightly", now=lambda: moments[0], ticks=lambda: ticks[0])
    assert run_log.begin() == []
    moments[0], ticks[0] = start + timedelta(seconds=60), 60.0
    assert run_log.end(0) == []
    ahead = RunLog(tmp_path, "nightly", now=lambda: start - timedelta(days=1), ticks=lambda: 0.0)
    assert "behind the previous run" in ahead.begin()[0]
    moments[0] = start + timedelta(days=1)
    assert "changed during the run" in run_log.end(0)[0]
    assert [line["event"] for line in log_lines(tmp_path)].count("clock") == 2


def test_a_long_log_is_moved_away(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("x" * (MOST_BYTES + 1))
    RunLog(tmp_path, "nightly").begin()
    assert len(log_lines(tmp_path)) == 1
    assert (tmp_path / "log.1.jsonl").stat().st_size > MOST_BYTES
