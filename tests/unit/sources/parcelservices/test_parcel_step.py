"""`make pull WORKSPACE=` with accounts of tracking services, and no secret anywhere."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.load.pulling.pull import pull_platforms
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.parcelservices.fake_services import KEY, fake_services

SECTION = """
[pull.{service}.main]
url = "{url}"
key = {{ env = "TRACK_KEY" }}
first_wait_seconds = 0.0
requests_per_second = 1000.0
"""


def write_config(folder: Path, url: str) -> None:
    config = folder / "config.toml"
    before = config.read_text() if config.exists() else ""
    sections = (SECTION.format(service=name, url=url) for name in ("seventeentrack", "aftership"))
    config.write_text("\n".join([before, *sections]))


def test_make_pull_leaves_no_secret(
    workspace: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Also not if a service repeats the key in its answers and errors."""
    kinds = ("status_500", "cut_off", "error_inside")
    with fake_services(share=0.2, kinds=kinds, is_echoing=True) as fake:
        fake.scans = EveryParcel()
        write_config(workspace, fake.url)
        run = run_step("pull", "--workspace", workspace)
        assert run.returncode == 0, run.stderr
        assert fake.used > 20
        # both services follow the same parcels
        fake.forbidden = {"gettrackinfo", "GET trackings"}
        failed = run_step("pull", "--workspace", workspace)
        assert failed.returncode == 24
    output = run.stdout + run.stderr + failed.stdout + failed.stderr
    assert "seventeentrack main:" in output
    assert f"TRACKING={workspace / 'pulled' / 'tracking'}" in output
    assert "[secret]" in output
    assert KEY not in output
    assert "Traceback" not in output
    dumps = list((workspace / "pulled" / "tracking").rglob("*.jsonl"))
    assert {path.parent.parent.name for path in dumps} == {"seventeentrack", "aftership"}
    assert all('"[secret]"' in path.read_text() for path in dumps)
    for path in workspace.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert stat.S_IMODE((workspace / "pull" / "aftership" / "main").stat().st_mode) == 0o700


class EveryParcel(dict):
    """One scan of whatever parcel is asked about."""

    def get(self, number: str, default: object = None) -> object:
        return self[number]

    def __missing__(self, number: str) -> list[tuple[str, ...]]:
        at = "2025-04-20T00:00:00"
        return [(f"{at}+00:00", f"{at}Z", "InTransit", "InTransit_Arrival", "Arrived")]


def test_before_the_first_load_there_is_nothing_to_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACK_KEY", KEY)
    with fake_services() as fake:
        write_config(tmp_path, fake.url)
        pull_platforms(Workspace(tmp_path), load_config(tmp_path), Progress(), store="main")
        assert not fake.requests
    assert "no orders are loaded yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (f'key = "{KEY}"', "key"),
        ('url = "http://api.17track.net"', "https"),
        ('version = "v1"', "version"),
        ("largest_answer_mb = 100.0", "largest_answer_mb"),
    ],
)
def test_a_wrong_setting_is_refused_and_not_shown(tmp_path: Path, change: str, match: str) -> None:
    lines = ['[pull.seventeentrack.main]\nkey = { env = "TRACK_KEY" }'] * (not change[:3] == "key")
    lines = lines or ["[pull.seventeentrack.main]"]
    (tmp_path / "config.toml").write_text("\n".join([*lines, change]))
    with pytest.raises(BadInput, match=match) as error:
        load_config(tmp_path)
    assert KEY not in str(error.value)
