"""make nightly fetches what is new before it loads the files of a workspace with [pull]."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from pipeline.connect.nightly_pull import pull_for_night, pulled_source, say_if_too_late
from pipeline.settings.config import Config, load_config
from pipeline.settings.delivery.pull_settings import Pull
from pipeline.settings.errors import BadInput, PullFailed
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.openplatform.fake_platform import FakePlatform, fake_platform
from tests.unit.sources.openplatform.made_store import days_ago, loadable_store, made_store
from tests.unit.sources.openplatform.pull_sections import pull_section

CONFIG = """actions = {{least_worth_usd = 0.0}}
page = {{charts = false, indicator_weeks = 0}}
[pull]
nightly = {nightly}
"""


def write_config(folder: Path, url: str, nightly: str = "true") -> Workspace:
    (folder / "config.toml").write_text(CONFIG.format(nightly=nightly) + pull_section(url))
    return Workspace(folder)


def night_of() -> str:
    """The first night in which what is pulled now counts."""
    return str((datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(days=1)).date())


def make_nightly(folder: Path, *options: str) -> Result:
    arguments = ["nightly", "--workspace", str(folder), "--as-of", night_of(), *options]
    return CliRunner().invoke(app, arguments)


def pull_check(workspace: Workspace) -> dict[str, Any] | None:
    run = workspace.latest(datetime.fromisoformat(night_of()).date())
    assert run
    checks = read_manifest(run)["data_gates"]
    return next((check for check in checks if check["gate"] == "pull"), None)


def table_bytes(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in workspace.tables.glob("*.parquet")}


def fail(platform: FakePlatform) -> None:
    platform.kinds, platform.share = ("status_500",), 1.0


def test_a_night_pulls_first_and_goes_on_without(tmp_path: Path) -> None:
    with fake_platform(loadable_store(5, days_ago(12))) as platform:
        workspace = write_config(tmp_path, platform.url)
        assert make_nightly(tmp_path).exception is None
        first, check = table_bytes(workspace), pull_check(workspace)
        assert workspace.read_ingest_facts()["source"] == "aliexpress"
        assert first
        assert check
        assert not check["is_out"]
        before = platform.requests.total()
        assert before
        # a night that is done is not done again: nothing is asked
        assert make_nightly(tmp_path).exception is None
        assert platform.requests.total() == before
        fail(platform)
        failed = make_nightly(tmp_path, "--force")
        assert isinstance(failed.exception, PullFailed)
        assert failed.exception.exit_code == 24
        assert "the list is published, without what is new. main: " in str(failed.exception)
        # a forced night loads again, and gets the same tables from what was pulled before
        assert table_bytes(workspace) == first
        check = pull_check(workspace)
        assert check
        assert check["is_out"]
        run = workspace.latest(datetime.fromisoformat(night_of()).date())
        assert run
        assert "tonight's pull failed. main: " in "".join(read_manifest(run)["banner"])
        assert read_manifest(run)["health"]["verdict"] == "watch"
        assert "tonight&#39;s pull failed" in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("nightly", "options", "is_pulling"),
    [
        ("true", [], True),
        ("true", ["--no-pull"], False),
        ("false", [], False),
        ("false", ["--pull"], True),
    ],
)
def test_the_pull_can_be_switched_off(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nightly: str,
    options: list[str],
    is_pulling: bool,
) -> None:
    """What was pulled before is loaded all the same."""
    workspace, nights = write_config(tmp_path, "http://127.0.0.1:9", nightly), list[Any]()
    raw = tmp_path / "pulled" / "aliexpress"
    (raw / "main").mkdir(parents=True)
    (raw / "main" / "answers.jsonl").write_text("{}")
    pulled = "pipeline.connect.nightly_pull.pull_platforms"
    asked = list[Any]()
    monkeypatch.setattr(pulled, lambda *arguments: asked.append(arguments))
    monkeypatch.setattr(
        "pipeline.night.nightly.nightly", lambda *_, **given: nights.append(given) or tmp_path
    )
    monkeypatch.setattr("pipeline.night.contact_list.say_summary", lambda run: None)
    assert make_nightly(tmp_path, *options).exception is None
    assert bool(asked) is is_pulling
    (night,) = nights
    assert (night["source"], night["raw"]) == ("aliexpress", workspace.folder / raw)
    assert night["pull_failure"] == ("" if is_pulling else None)


def test_a_first_night_without_an_answer_has_no_list(tmp_path: Path) -> None:
    with fake_platform(made_store()) as platform:
        fail(platform)
        write_config(tmp_path, platform.url)
        failed = make_nightly(tmp_path)
    assert isinstance(failed.exception, PullFailed)
    assert "nothing was pulled yet, so there is no list" in str(failed.exception)
    assert not (tmp_path / "runs").exists()


def test_a_defect_of_the_pull_does_not_stop_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise KeyError("s3cret")

    monkeypatch.setattr("pipeline.connect.nightly_pull.pull_platforms", broken)
    workspace = write_config(tmp_path, "http://127.0.0.1:9")
    text = pull_for_night(workspace, load_config(tmp_path), Progress())
    assert text == "the pull ended by a defect of the program (KeyError)"


def test_what_was_pulled_is_loaded_if_it_is_one_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = write_config(tmp_path, "http://127.0.0.1:9")
    raw = tmp_path / "pulled" / "aliexpress"
    assert pulled_source(workspace, load_config(tmp_path)) == ("aliexpress", raw)
    assert pulled_source(workspace, Config()) is None
    # a platform that is not known yet, with the same kind of section
    both = {"aliexpress": ("aliexpress", "aliexpress"), "other": ("mapped", "shops")}
    monkeypatch.setattr("pipeline.connect.nightly_pull.SOURCE_OF", both)
    monkeypatch.setattr(Pull, "stores", lambda pull: [("aliexpress", "main"), ("other", "main")])
    with pytest.raises(BadInput, match="has aliexpress and other, and a night loads one source"):
        pulled_source(workspace, load_config(tmp_path))


def test_a_pull_after_the_day_began_says_for_which_night_it_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # 19:00 UTC is three in the morning of the next day in Shanghai
    now = datetime(2026, 1, 4, 19, 0, tzinfo=UTC)
    say_if_too_late(Config(), datetime(2026, 1, 5).date(), now)
    assert "counts from the night of 2026-01-06 on" in " ".join(capsys.readouterr().out.split())
    say_if_too_late(Config(), datetime(2026, 1, 6).date(), now)
    assert not capsys.readouterr().out
