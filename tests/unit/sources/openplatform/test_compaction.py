"""Old answers are compacted at the end of a pull: what is kept, for how long, and after a kill."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.load.ingest import ingest
from pipeline.load.pulling.compact_dumps import compact_dumps, is_old
from pipeline.load.pulling.pull import pull_platforms
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Damaged
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.aliexpress.dumps import COMPACTED
from pipeline.sources.openplatform.pull_store import PullReport
from pipeline.sources.source_context import SourceContext
from pipeline.workspace.locks import run_lock
from pipeline.workspace.progress import Progress
from tests.unit.kill_states import states_if_killed
from tests.unit.sources.dump_rows import assert_same_rows, rows_of
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.made_store import (
    NOON,
    NOW,
    add_order,
    days_ago,
    loadable_store,
    made_store,
    order,
    yesterday,
)
from tests.unit.sources.openplatform.test_pull_step import write_config


def test_a_compacted_pull_gives_the_same_rows_also_after_a_kill(
    pull: Callable[..., PullReport], dumps: Path, tmp_path: Path
) -> None:
    store = made_store(4)
    with fake_platform(store) as platform:
        for night in range(2):
            moment = NOW + timedelta(days=3 * night)
            platform.seconds = moment.timestamp
            assert not pull(platform.url, moment).left
            for number in range(4):
                add_order(store, order(number, NOON, "FINISH"), is_sent=True)
    expected, names = rows_of(dumps), sorted(p.name for p in (dumps / "main").glob("*.jsonl"))
    assert len(names) == 2
    after = moment + timedelta(days=1)
    states = states_if_killed(
        dumps, tmp_path / "states", lambda: compact_dumps(dumps / "main", is_old(2, after))
    )
    # the second night is younger than the setting
    assert [p.name for p in (dumps / "main").glob("*.jsonl")] == names[1:]
    assert_same_rows(rows_of(dumps), expected)
    assert len(states) > 3
    for state in states:
        # what a killed run left loses nothing, at once and after another run
        assert_same_rows(rows_of(state), expected)
        compact_dumps(state / "main", lambda path: True)
        assert not list((state / "main").glob("*.jsonl"))
        assert_same_rows(rows_of(state), expected)


def old_answers(folder: Path) -> Path:
    """The answers of a pull of the store `one` in a workspace, as if it had been 31 days ago."""
    (dump,) = (folder / "pulled" / "aliexpress" / "one").glob("*.jsonl")
    stamp = datetime.now(UTC) - timedelta(days=31)
    return dump.rename(dump.with_name(f"answers-{stamp:%Y%m%dT%H%M%S}-0001.jsonl"))


def test_a_pull_compacts_answers_that_are_older_than_the_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with fake_platform(made_store(3, yesterday())) as platform:
        workspace = write_config(tmp_path, one=platform.url)
        config = load_config(tmp_path)
        pull_platforms(workspace, config, Progress())
        old = old_answers(tmp_path)
        with run_lock(tmp_path, "ingest", 0, print):
            pull_platforms(workspace, config, Progress())
        assert old.exists()
        assert "another step uses the workspace" in " ".join(capsys.readouterr().out.split())
        pull_platforms(workspace, config, Progress())
    assert not old.exists()
    # those of the second pull are young
    assert list(old.parent.glob("*.jsonl"))
    assert (old.parent / COMPACTED / "current.json").exists()
    assert "1 files of old answers compacted" in " ".join(capsys.readouterr().out.split())


def test_answers_that_are_compacted_before_a_load_are_loaded(tmp_path: Path) -> None:
    """Their rows have changed, although no dump is new since the last load."""
    workspace = write_config(tmp_path, one="http://127.0.0.1:9")
    main = tmp_path / "pulled" / "aliexpress" / "one"
    main.mkdir(parents=True)

    def load() -> list[str]:
        with workspace.locked():
            raw, config = main.parent, load_config(tmp_path)
            ingest(workspace, config, Progress(), source="aliexpress", raw=raw)
        return workspace.read_tables()["orders"]["order_id"].to_list()

    for night in (1, 2):
        count = 3 * night
        listed = {"order_dto": loadable_store(count, days_ago(12)).orders}
        stamp = f"2026-01-0{night}T01:00:00Z"
        answer = {"fetched_at": stamp, "result": {"target_list": listed}}
        (main / f"answers-2026010{night}T010000-0001.jsonl").write_text(f"{json.dumps(answer)}\n")
        assert compact_dumps(main, lambda path: True).count_dumps == 1
        assert len(load()) == count


def test_answers_that_cannot_be_read_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with fake_platform(made_store(3, yesterday())) as platform:
        workspace = write_config(tmp_path, one=platform.url)
        pull_platforms(workspace, load_config(tmp_path), Progress())
        old = old_answers(tmp_path)
        (old.parent / COMPACTED).mkdir()
        (old.parent / COMPACTED / "current.json").write_text("{")
        pull_platforms(workspace, load_config(tmp_path), Progress())
    assert old.exists()
    assert "old answers were not compacted" in " ".join(capsys.readouterr().out.split())
    with pytest.raises((BadInput, Damaged), match="compacted-rows.*Restore"):
        read_aliexpress(SourceContext(tmp_path / "pulled" / "aliexpress"))


def test_only_answers_of_a_pull_are_compacted(tmp_path: Path) -> None:
    own = tmp_path / "orders-2024-01-01.jsonl"
    own.write_text("{}")
    assert compact_dumps(tmp_path, lambda path: True).count_dumps == 0
    assert own.exists()
