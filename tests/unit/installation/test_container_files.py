"""The scripts of the image work, and its files fit the program. No container is started."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from pipeline.installation.release import VERSION
from pipeline.pages import html
from pipeline.simulation.realism import vega_charts
from tests.unit.our_packages import MAY_IMPORT, ROOT

NIGHTLY = ROOT / "docker" / "nightly.sh"
BOARD_ANSWERS = ROOT / "docker" / "board-answers.py"
STORE = {"WORKSPACE": "/data/shop", "SOURCE": "canonical", "RAW": "/export"}
# only a script that hangs takes longer
HANGS_SECONDS = 60


@pytest.fixture
def program(tmp_path: Path) -> dict[str, str]:
    """An environment in which `dispute-risk` writes its arguments and ends with CODE."""
    stub = tmp_path / "dispute-risk"
    stub.write_text('#!/bin/sh\necho "$@"\nexit "${CODE:-0}"\n')
    stub.chmod(0o755)
    return {**STORE, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TZ": "UTC"}


def script(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(NIGHTLY), *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=HANGS_SECONDS,
        check=False,
    )


def test_one_night_is_that_of_today(program: dict[str, str]) -> None:
    before = date.fromisoformat(datetime.now().astimezone().date().isoformat())
    ended = script("once", env=program)
    assert ended.returncode == 0, ended.stderr
    words = ended.stdout.split()
    expected = ["nightly", "--workspace", "/data/shop", "--source", "canonical"]
    assert words[:-1] == [*expected, "--raw", "/export", "--as-of"]
    assert abs(date.fromisoformat(words[-1]) - before) <= timedelta(days=1)


def test_a_night_that_fails_ends_with_its_exit_code(program: dict[str, str]) -> None:
    assert script("once", env={**program, "CODE": "11"}).returncode == 11


@pytest.mark.parametrize("missing", STORE)
def test_a_missing_setting_is_named(program: dict[str, str], missing: str) -> None:
    ended = script("once", env={k: v for k, v in program.items() if k != missing})
    assert ended.returncode == 2
    assert missing in ended.stderr


@pytest.mark.parametrize("hours", [-2, 3])
def test_the_wait_ends_at_the_time_of_day(program: dict[str, str], hours: int) -> None:
    now = datetime.now().astimezone()
    clock = (now + timedelta(hours=hours)).strftime("%H:%M")
    zone = now.strftime("%z")
    # a zone of the same offset; in TZ, the sign is turned round
    named = f"HERE{'-' if zone[0] == '+' else '+'}{zone[1:3]}:{zone[3:]}"
    ended = script("seconds-left", env={**program, "NIGHTLY_AT": clock, "TZ": named})
    wanted = (hours % 24) * 3600
    assert wanted - 60 - HANGS_SECONDS <= int(ended.stdout) <= wanted, ended.stderr


def test_a_wrong_time_of_day_ends_at_once(program: dict[str, str]) -> None:
    assert script("daily", env={**program, "NIGHTLY_AT": "at dawn"}).returncode != 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_wait_at_once(program: dict[str, str], stop: signal.Signals) -> None:
    later = (datetime.now() + timedelta(hours=12)).strftime("%H:%M")
    waiting = subprocess.Popen([str(NIGHTLY), "daily"], env={**program, "NIGHTLY_AT": later})
    children = Path(f"/proc/{waiting.pid}/task/{waiting.pid}/children")
    while not any("sleep" in command_of(pid) for pid in children.read_text().split()):
        assert waiting.poll() is None
        time.sleep(0.01)
    waiting.send_signal(stop)
    assert waiting.wait(timeout=HANGS_SECONDS) == 0


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


class Answer(BaseHTTPRequestHandler):
    """Answers every request with the status of the server."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Answer) as answering:
        threading.Thread(target=answering.serve_forever, daemon=True).start()
        yield answering
        answering.shutdown()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (403, 0), (500, 1)])
def test_the_health_check_asks_the_board(server: HTTPServer, status: int, code: int) -> None:
    server.status = status  # type: ignore[attr-defined]
    command = [sys.executable, str(BOARD_ANSWERS), str(server.server_address[1])]
    assert subprocess.run(command, timeout=HANGS_SECONDS, check=False).returncode == code


def test_the_health_check_fails_where_nothing_answers() -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as closed:
        port = closed.server_address[1]
    command = [sys.executable, str(BOARD_ANSWERS), str(port)]
    assert subprocess.run(command, timeout=HANGS_SECONDS, check=False).returncode == 1


def stand_in(folder: Path) -> ModuleType:
    """The module that takes the place of vl-convert in the image, with the library it wrote."""
    script = ROOT / "docker" / "vl_convert.py"
    command = [sys.executable, str(script), str(folder / "vl_convert.json")]
    subprocess.run(command, check=True, timeout=HANGS_SECONDS)
    copy = Path(shutil.copy(script, folder))
    spec = importlib.util.spec_from_file_location("vl_convert_of_the_image", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_charts_are_the_same_without_vl_convert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_package = html.chart_library.__wrapped__(), vega_charts.chart_library()
    module = stand_in(tmp_path)
    for page in (html, vega_charts):
        monkeypatch.setattr(page, "vl_convert", module)
    assert (html.chart_library.__wrapped__(), vega_charts.chart_library()) == with_package
    with pytest.raises(ValueError, match=re.escape("Build it again")):
        module.javascript_bundle(module.SNIPPET, "4.17")


def test_the_image_gets_all_that_the_package_is_built_from() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE)).split()
    needed = {"pyproject.toml", "README.md", "LICENSE", "dispute_risk.py"}
    needed |= {"requirements.lock", "requirements-connections.lock", "requirements-mlflow-ui.lock"}
    assert needed | MAY_IMPORT.keys() <= set(copied)
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in needed | MAY_IMPORT.keys()} <= set(let_in)
    for name in copied:
        assert name == "./" or name.startswith("/") or (ROOT / name).exists(), name
    assert "USER 10001:10001" in dockerfile


def test_a_stop_of_the_container_reaches_the_program() -> None:
    """As the first process of a container, Python has no handler of SIGTERM and is killed after
    the patience of the engine; SIGINT ends it, and nightly.sh (see above)."""
    program = (ROOT / "Dockerfile").read_text(encoding="utf-8").split(" AS program")[1]
    assert "\nSTOPSIGNAL SIGINT\n" in program


def test_each_service_is_closed_in_and_the_image_is_of_this_release() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = {"nightly", "board", "models"}
    assert ours <= services.keys()
    for name, service in services.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
        if name in ours:
            own = "dispute-risk-models" if name == "models" else "dispute-risk"
            assert service["image"] == f"{own}:{VERSION}"
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]


def test_the_options_in_the_compose_file_are_options_of_the_step() -> None:
    from typer.testing import CliRunner

    from pipeline.cli.app import app

    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    step, *options = services["board"]["command"]
    shown = CliRunner().invoke(app, [step, "--help"], env={"COLUMNS": "200"}).output
    for option in options:
        assert option.split("=")[0] in shown
