"""Signatures, and what the store of pushes does when the disk fails or is slow."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.connections.answer_dumps import AnswerDumps
from pipeline.connections.secret_values import SecretValues
from pipeline.receiver.push_accounts import push_accounts
from pipeline.receiver.push_store import NotKept, PushStore
from pipeline.settings.delivery.pull_settings import Pull

AT = datetime(2025, 6, 10, 12, 0, 1, tzinfo=UTC)
KEY = {"key": {"env": "TRACK_KEY"}}


def test_signatures_are_those_of_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACK_KEY", "abc123")
    pull = Pull(
        seventeentrack={"main": KEY},
        aftership={"main": KEY | {"webhook_secret": KEY["key"]}, "silent": KEY},
    )
    accounts = push_accounts(pull, SecretValues())
    assert list(accounts) == ["/push/seventeentrack/main", "/push/aftership/main"]
    seventeen, aftership = accounts.values()
    sign = "0fc80f00f5cf5805205e8d9e60e9f9155a32ec4d0b25f4063c84e16c403340b8"
    assert seventeen.is_signed(b'{"event":"TRACKING_UPDATED"}', sign)
    assert seventeen.is_signed(b'{"event":"TRACKING_UPDATED"}', sign.upper())
    assert not seventeen.is_signed(b'{"event":"TRACKING_UPDATED"} ', sign)
    sign = "tJU6h2DV2AByslii9/gdbawwnecHX24wVRFqiGD0YOY="
    assert aftership.is_signed(b'{"event":"tracking_update"}', sign)
    assert not aftership.is_signed(b'{"event":"tracking_update"}', sign.lower())


def line(number: int) -> tuple[str, str]:
    digest = f"{number:032x}"
    return digest, f'{{"fetched_at": "x", "request": {{"digest": "{digest}"}}}}'


def kept(folder: Path) -> list[str]:
    return [text for path in sorted(folder.iterdir()) for text in path.read_text().splitlines()]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., PushStore]]:
    stores = []

    def do(file_seconds: float = 300.0) -> PushStore:
        store = PushStore(tmp_path, lambda: AT, file_seconds)
        stores.append(store)
        return store

    yield do
    for store in stores:
        store.close()


def test_a_full_disk_is_reported_and_the_push_can_come_again(
    open_store: Callable[..., PushStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a line that was written in part remains."""
    store = open_store()
    store.keep(*line(1))
    with monkeypatch.context() as patch:

        def fail(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(os, "fsync", fail)
        with pytest.raises(NotKept, match="No space left"):
            store.keep(*line(2))
        assert store.fault
    assert kept(tmp_path) == [line(1)[1]]
    assert store.keep(*line(2))
    assert not store.fault
    store.close()
    assert kept(tmp_path) == [line(1)[1], line(2)[1]]
    assert store.count_kept == 2


def test_a_first_line_that_cannot_be_written_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    dumps = AnswerDumps(tmp_path, AT)
    dumps.append(["a"])
    dumps.close()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input"):
            dumps.append(["b"])
    dumps.append(["c"])
    dumps.close()
    assert kept(tmp_path) == ["a", "c"]
    assert dumps.count == 2


def test_the_same_push_twice_at_once_is_written_once(
    open_store: Callable[..., PushStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is acknowledged when the first is on the disk, and not before."""
    may_write, writes, answers = threading.Event(), threading.Event(), []
    real = os.fsync

    def slow(handle: int) -> None:
        writes.set()
        may_write.wait(30)
        real(handle)

    store = open_store()
    monkeypatch.setattr(os, "fsync", slow)
    threads = [
        threading.Thread(target=lambda: answers.append(store.keep(*line(5)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    assert writes.wait(30)
    assert answers == []
    may_write.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert kept(tmp_path) == [line(5)[1]]


def test_a_push_of_an_earlier_run_is_known(
    open_store: Callable[..., PushStore], tmp_path: Path
) -> None:
    (tmp_path / "pushes-20250610T110000-0001.jsonl.part").write_text(line(7)[1] + '\n{"cut')
    assert not open_store().keep(*line(7))
    assert kept(tmp_path) == [line(7)[1]]


def test_a_file_is_complete_after_a_while(
    open_store: Callable[..., PushStore], tmp_path: Path
) -> None:
    store = open_store(file_seconds=0.0)
    for number in range(3):
        store.keep(*line(number))
    store.close()
    assert {path.suffix for path in tmp_path.iterdir()} == {".jsonl"}
    assert len(list(tmp_path.iterdir())) == 3
