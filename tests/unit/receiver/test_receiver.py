"""The receiver as a process: it keeps what is signed, once, whatever happens to it."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.settings.errors import WorkspaceBusy
from pipeline.sources.source_context import SideFiles, SourceContext
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.unit.receiver.pushers import (
    AFTERSHIP,
    ENVIRONMENT,
    KEY,
    SECRET,
    SEVENTEEN,
    ReceiverProcess,
    Senders,
    kept_numbers,
    push,
    push_of,
    signed,
)
from tests.unit.sources.tracking_bodies import store


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    """A receiver for all tests that do not kill it."""
    receiver = ReceiverProcess(tmp_path_factory.mktemp("receiver") / "shop")
    receiver.start()
    yield receiver
    receiver.kill()


@pytest.fixture
def connection(running: ReceiverProcess) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    yield connection
    connection.close()


@pytest.mark.parametrize("path", [SEVENTEEN, AFTERSHIP])
def test_a_signed_push_is_kept_as_it_came(
    path: str, running: ReceiverProcess, connection: http.client.HTTPConnection
) -> None:
    body = b'{\n "event": "tracking_update",\r\n "say": "\xc3\xa4 1.10", "n": 1.10}'
    assert push(connection, body, path) == (200, {"kept": True})
    (line,) = [line for line in running.lines() if path.split("/")[2] in line and "say" in line]
    content = json.loads(line)
    assert content["request"]["pushed_by"] == f"{path.split('/')[2]}.main"
    assert content["fetched_at"] == content["request"]["fetched_at"]
    assert '"say": "ä 1.10", "n": 1.10}' in line


def test_a_push_that_comes_again_is_acknowledged_and_kept_once(
    running: ReceiverProcess, connection: http.client.HTTPConnection
) -> None:
    body = push_of(1_000_001)
    assert push(connection, body) == (200, {"kept": True})
    assert push(connection, body) == (200, {"kept": False})
    assert kept_numbers([line for line in running.lines() if "h-1000001" in line]).total() == 1


def test_what_is_not_signed_is_refused(
    running: ReceiverProcess, connection: http.client.HTTPConnection
) -> None:
    body = push_of(1_000_002)
    foreign = signed(body, AFTERSHIP)
    for headers in ({}, {"sign": ""}, {"sign": "0" * 64}, foreign, {"sign": "\xe4"}):
        assert push(connection, body, headers=headers)[0] == 401
    assert push(connection, body + b" ", headers=signed(body))[0] == 401
    assert "h-1000002" not in str(running.lines())


def test_what_is_no_push_is_refused(connection: http.client.HTTPConnection) -> None:
    for body in (b"", b"null", b"[]", b"{}", b"{", b"\xff", b"[" * 100_000, b'"x"'):
        assert push(connection, body)[0] == 400, body[:10]
    assert push(connection, push_of(3), "/push/seventeentrack/other")[0] == 404
    assert push(connection, push_of(3), "/")[0] == 404
    connection.request("GET", SEVENTEEN)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (405, {"error": "POST only"})


def test_a_push_that_is_too_large_is_refused(running: ReceiverProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    # the receiver may close the connection before all of it is sent
    connection.putrequest("POST", SEVENTEEN)
    connection.putheader("Content-Length", str(2_000_001))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_health_says_what_came(
    running: ReceiverProcess, connection: http.client.HTTPConnection
) -> None:
    push(connection, push_of(1_000_004))
    connection.request("GET", "/health")
    answer = connection.getresponse()
    health = json.loads(answer.read())
    assert answer.status == 200
    assert health["status"] == "ok"
    assert health["kept"] == len(running.lines())


def test_a_second_receiver_of_the_workspace_is_refused(
    running: ReceiverProcess,
    run_step: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    second = run_step("receive", "--workspace", running.workspace)
    assert second.returncode == WorkspaceBusy.exit_code
    assert "is running already" in second.stderr
    assert "Traceback" not in second.stderr


def test_no_secret_is_in_a_file_or_in_the_output(
    running: ReceiverProcess, connection: http.client.HTTPConnection
) -> None:
    """Also not if the service repeats it."""
    body = json.dumps({"event": "TEST", "note": f"{KEY} {SECRET}"}).encode()
    assert push(connection, body) == (200, {"kept": True})
    assert push(connection, body, headers={"sign": KEY})[0] == 401
    assert any("[secret] [secret]" in line for line in running.lines())
    for path in running.workspace.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content, path
            assert SECRET.encode() not in content, path
    assert KEY not in running.output


def test_every_acknowledged_push_is_kept_once_after_kills(tmp_path: Path) -> None:
    """tests/bench/receive.py does the same with 100,000 pushes and 20 kills."""
    receiver = ReceiverProcess(tmp_path / "shop")
    receiver.start()
    senders, count = Senders(receiver.port), 600
    sending = threading.Thread(target=senders.send, args=(count, 8))
    sending.start()
    kills = 0
    while sending.is_alive() and kills < 2:
        if len(senders.acknowledged) > (kills + 1) * count / 4:
            receiver.kill()
            kills += 1
            receiver.start()
        sending.join(0.001)
    sending.join()
    assert kills == 2
    assert receiver.stop() == 0
    assert senders.acknowledged == each_once(count)
    assert kept_numbers(receiver.lines()) == each_once(count)
    # stopped in order: every file has its final name
    received = tmp_path / "shop" / "pulled" / "tracking" / "received"
    assert {path.suffix for path in received.iterdir()} == {".jsonl"}
    # and a night reads all of them
    folder = received.parent
    context = SourceContext(folder, side_files=SideFiles(tracking=folder))
    scans = with_tracking(store(count), context)
    assert set(scans.frames["tracking"]["order_id"]) == {f"o-{number}" for number in range(count)}
    assert scans.files[-1].quarantine().is_empty()


def each_once(count: int) -> dict[int, int]:
    return dict.fromkeys(range(count), 1)
