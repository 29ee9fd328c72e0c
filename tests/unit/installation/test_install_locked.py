"""make installs with uv under the settings of the user's pip, and with pip where uv cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.installation import install_locked
from pipeline.installation.install_locked import main, pip_settings, uv_command, uv_environment

# stand-ins that write down their arguments, and the index that they would use
RECORDS = """#!/bin/sh
echo "uv $* index=$UV_DEFAULT_INDEX" >> "{log}"
exit {code}
"""
PIP = """#!/bin/sh
case "$*" in
*"config list"*) cat "{settings}";;
*) echo "pip $*" >> "{log}";;
esac
"""


class Machine:
    """Programs that write down how they were started."""

    def __init__(self, folder: Path) -> None:
        self.environment, self.log = folder / "environment", folder / "log"
        self.settings, self.uv = folder / "settings", folder / "path" / "uv"
        self.settings.write_text("")
        pip = PIP.format(settings=self.settings, log=self.log)
        _program(self.environment / "bin" / "python", pip)
        self.uv_ends_with(0)

    def uv_ends_with(self, code: int) -> None:
        _program(self.uv, RECORDS.format(log=self.log, code=code))

    def install(self) -> list[str]:
        """The commands that installed a lock file."""
        assert main([str(self.environment), "requirements.lock"]) == 0
        return self.log.read_text().splitlines()


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with an environment, a pip without settings, and a uv that succeeds."""
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    return made


def test_uv_installs_with_hashes_from_the_mirror_that_pip_uses(machine: Machine) -> None:
    machine.settings.write_text("global.index-url='https://user:word@mirror.example/simple'\n")
    (command,) = machine.install()
    assert command.startswith("uv pip install --python ")
    assert "--no-deps --require-hashes --requirement requirements.lock" in command
    assert command.endswith("index=https://user:word@mirror.example/simple")


def test_pip_installs_where_uv_fails(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.uv_ends_with(2)
    tried, used = machine.install()
    assert tried.startswith("uv ")
    assert used.startswith("pip -m pip ")
    assert "--require-hashes --requirement requirements.lock" in used
    assert "trying pip" in capsys.readouterr().err


def test_pip_installs_where_it_has_a_setting_that_uv_lacks(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.settings.write_text("install.keyring-provider='subprocess'\n")
    (used,) = machine.install()
    assert used.startswith("pip ")
    assert "keyring-provider" in capsys.readouterr().err


def test_pip_brings_uv_at_its_locked_version(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_locked.shutil, "which", lambda _: None)
    python = str(machine.environment / "bin" / "python")
    assert uv_command(python, {}) == [python, "-m", "uv"]
    (brought,) = machine.log.read_text().splitlines()
    assert "--require-hashes" in brought
    assert brought.endswith("requirements-uv.lock")


def test_a_setting_of_the_command_goes_before_a_general_one(machine: Machine) -> None:
    machine.settings.write_text(
        ":env:.timeout='60'\nglobal.index-url='https://a'\nglobal.timeout='15'\n"
        "install.index-url='https://b'\ndownload.index-url='https://c'\n:env:.config-file='x'\n"
    )
    python = str(machine.environment / "bin" / "python")
    assert pip_settings(python) == {"index-url": "https://b", "timeout": "60"}


def test_the_settings_of_this_machine_can_be_read() -> None:
    assert all(isinstance(value, str) for value in pip_settings(sys.executable).values())


def test_lists_of_pip_become_lists_of_uv() -> None:
    settings = {
        "find-links": "/wheels\n/more",
        "extra-index-url": "https://a\nhttps://b",
        "cert": "/my certificates/ca.pem",
        "proxy": "http://proxy:3128",
        "retries": "5",
    }
    passed = uv_environment(settings, {"UV_FIND_LINKS": "/mine", "HOME": "/home/a"})
    assert passed["UV_FIND_LINKS"] == "/mine"
    assert uv_environment(settings, {})["UV_FIND_LINKS"] == "/wheels,/more"
    assert passed["UV_INDEX"] == "https://a https://b"
    assert passed["SSL_CERT_FILE"] == "/my certificates/ca.pem"
    assert passed["HTTPS_PROXY"] == passed["HTTP_PROXY"] == "http://proxy:3128"
    assert passed["HOME"] == "/home/a"
