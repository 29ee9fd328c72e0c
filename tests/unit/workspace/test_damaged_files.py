"""Damaged files of a workspace: no traceback, no wrong list, and the command that helps."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.cli.app import app
from pipeline.registry.model_registry import client_of
from pipeline.registry.tracking import MODEL_NAME
from pipeline.settings.errors import Damaged
from pipeline.workspace.workspace import Workspace
from tests.unit.mutated_files import MUTATIONS, flip, new_copy, own_files, scramble
from tests.unit.nights import latest

STEP = ["score", "--as-of", "2025-07-10", "--force", "--workspace"]


def score(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and stderr of a step, run within this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(lambda: app([*STEP, str(folder)], standalone_mode=False))
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("config.toml", 10, "config.toml"),
        ("tables/orders.parquet", 19, "make ingest"),
        ("tables/tracking.parquet", 19, "make ingest"),
        ("tables/store.json", 19, "make ingest"),
        ("mlflow.db", 19, "make train"),
        ("mlartifacts/**/booster.txt", 19, "make train"),
        ("mlartifacts/**/model.json", 19, "make train"),
    ],
)
def test_a_scrambled_file_is_named_with_the_command_that_helps(
    finished: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    code: int,
    says: str,
) -> None:
    folder = new_copy(finished, tmp_path / "w")
    (file,) = [folder / name] if "*" not in name else list(folder.glob(name))
    scramble(file, random.Random(1))
    ended, message = score(folder, capsys)
    assert (ended, "Traceback" in message) == (code, False), message
    assert says in message
    assert file.name in message


@pytest.mark.parametrize("name", ["mlartifacts/**/booster.txt", "tables/orders.parquet"])
def test_one_wrong_bit_is_seen(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = new_copy(finished, tmp_path / "w")
    (file,) = [folder / name] if "*" not in name else list(folder.glob(name))
    flip(file, random.Random(2))
    ended, message = score(folder, capsys)
    assert ended == Damaged.exit_code, message


def test_an_empty_database_is_damage_and_not_a_store_without_models(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """MLflow would fill it with tables, and train would register a first champion."""
    folder = new_copy(finished, tmp_path / "w")
    (folder / "mlflow.db").write_bytes(b"")
    assert score(folder, capsys)[0] == Damaged.exit_code
    assert (folder / "mlflow.db").read_bytes() == b""


def test_a_changed_entry_of_the_registry_is_seen(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = new_copy(finished, tmp_path / "w")
    client = client_of(Workspace(folder))
    version = client.get_model_version_by_alias(MODEL_NAME, "champion")
    client.set_tag(version.run_id, "trained_as_of", "2024-07-10")
    ended, message = score(folder, capsys)
    assert (ended, "the entry of version 1" in message) == (Damaged.exit_code, True), message


def mutate(finished: Path, to: Path, draw: random.Random) -> str:
    """A copy of the workspace with one mutated file; returns which and how."""
    new_copy(finished, to)
    file = draw.choice(own_files(to))
    mutation = draw.choice(MUTATIONS)
    mutation(file, draw)
    return f"{mutation.__name__} {file.relative_to(to)}"


def test_mutated_workspaces_give_the_same_list_or_a_clear_end(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sample; tests/bench/mutations.py does thousands."""
    expected = (latest(finished) / "contact_list.csv").read_bytes()
    draw = random.Random(22)
    for number in range(8):
        folder = tmp_path / "w"
        what = mutate(finished, folder, draw)
        ended, message = score(folder, capsys)
        assert "Traceback" not in message, f"{number}: {what}: {message}"
        assert ended in (0, 10, 12, 17, 19, 20), f"{number}: {what}: {ended} {message}"
        if ended == 0:
            assert (latest(folder) / "contact_list.csv").read_bytes() == expected, what


# a planted file


PLANTED = "import pathlib; pathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.mark.parametrize(
    "name", ["python_model.pkl", "code/loader.py", "artifacts/sitecustomize.py"]
)
def test_a_file_planted_into_the_model_is_refused(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = new_copy(finished, tmp_path / "w")
    (model,) = folder.glob("mlartifacts/models/*/artifacts")
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text(PLANTED)
    ended, message = score(folder, capsys)
    assert ended == 20
    assert "this program writes no such file" in message
    assert list(folder.rglob("ran")) == []


def test_a_changed_script_of_the_model_is_not_run(finished: Path, tmp_path: Path) -> None:
    from pipeline.registry.reload_check import check_all_files

    folder = new_copy(finished, tmp_path / "w")
    (script,) = folder.rglob("pyfunc_model.py")
    script.write_text(PLANTED)
    with pytest.raises(Damaged, match=r"pyfunc_model\.py: is damaged or was changed"):
        check_all_files(Workspace(folder), "champion")


@pytest.mark.parametrize("is_parent", [True, False])
def test_a_link_in_place_of_the_model_folder_is_refused(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], is_parent: bool
) -> None:
    """What it names could change after the check."""
    folder = new_copy(finished, tmp_path / "w")
    (model,) = folder.glob("mlartifacts/models/*/artifacts")
    moved = model.parent if is_parent else model
    moved.rename(tmp_path / "elsewhere")
    moved.symlink_to(tmp_path / "elsewhere")
    ended, message = score(folder, capsys)
    assert (ended, moved.name in message) == (20, True), message


@pytest.mark.parametrize(
    "change",
    [
        "delete from model_version_tags where key = 'files_sha256'",
        "update model_version_tags set value = '{}' where key = 'files_sha256'",
        "update model_version_tags set value = replace(value, 'booster', 'b')",
    ],
)
def test_hashes_that_are_gone_are_not_taken_for_a_model_of_an_earlier_program(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    folder = new_copy(finished, tmp_path / "w")
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute(change)
    ended, message = score(folder, capsys)
    assert (ended, "the entry of version 1" in message) == (Damaged.exit_code, True), message


# sudden ends and hard limits


def test_a_full_set_of_open_files_is_reported(run_step: Callable[..., object]) -> None:
    from pipeline.workspace.disk_errors import disk_trouble

    assert "ulimit -n" in str(disk_trouble(OSError(24, "Too many open files")))
