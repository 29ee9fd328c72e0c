"""`make pull WORKSPACE=`: all stores of the config, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.load.pulling.pull import pull_platforms
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, PullFailed
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.made_store import made_store, yesterday
from tests.unit.sources.openplatform.pull_sections import pull_section


def write_config(folder: Path, **urls: str) -> Workspace:
    sections = (pull_section(url, name) for name, url in urls.items())
    (folder / "config.toml").write_text("\n".join(sections))
    return Workspace(folder)


def test_one_store_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    shop = made_store(5, yesterday())
    with fake_platform(made_store()) as first, fake_platform(shop) as second:
        first.kinds, first.share = ("status_500",), 1.0
        workspace = write_config(tmp_path, one=first.url, two=second.url)
        with pytest.raises(PullFailed, match="one: pull.aliexpress.one: no access token"):
            pull_platforms(workspace, load_config(tmp_path), Progress())
    dumps = list((tmp_path / "pulled" / "aliexpress" / "two").glob("*.jsonl"))
    orders = {
        json.loads(line)["request"].get("order_id")
        for path in dumps
        for line in path.read_text().splitlines()
    }
    assert len(orders - {None}) == 5
    assert not list((tmp_path / "pulled" / "aliexpress" / "one").glob("*"))


def test_only_the_named_store_is_pulled(tmp_path: Path) -> None:
    with fake_platform(made_store()) as first, fake_platform(made_store()) as second:
        workspace = write_config(tmp_path, one=first.url, two=second.url)
        pull_platforms(workspace, load_config(tmp_path), Progress(), store="two")
        assert not first.requests
        assert second.requests
        with pytest.raises(BadInput, match=r"no section \[pull.PLATFORM.three\]"):
            pull_platforms(workspace, load_config(tmp_path), Progress(), store="three")


def test_without_a_platform_the_message_shows_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"\[pull.PLATFORM.NAME\].*aliexpress, shopify.*make connect"
    ):
        pull_platforms(Workspace(tmp_path), load_config(tmp_path), Progress())


@pytest.mark.parametrize("arguments", [[], ["--raw", "a", "--workspace", "b"]])
def test_a_pull_is_from_a_database_or_from_platforms(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["pull", *arguments])
    assert result.exit_code == 2
