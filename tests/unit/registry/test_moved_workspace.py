"""A workspace that is copied, moved or renamed works there and leaves the original as it was."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date
from pathlib import Path

import pytest

from pipeline.registry.model_registry import CHALLENGER, CHAMPION, FORMER, find_model, version_of
from pipeline.registry.tracking import artifact_location, client_of
from pipeline.settings.config import load_config
from pipeline.training import promote as step
from pipeline.training.train import train
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

TRAINED = date(2025, 5, 1)
NAMES = ["shop of Żółć 店 (copy)", "100%41 off #1? it's"]


def content(folder: Path) -> dict[str, str]:
    """The hash of each file, and the target of each link."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture(scope="module")
def original(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a champion of 2025-05-01. Only read it."""
    folder = tmp_path_factory.mktemp("original") / "shop"
    shutil.copytree(finished, folder, symlinks=True)
    shutil.rmtree(folder / "mlartifacts")
    (folder / "mlflow.db").unlink()
    with (folder / "config.toml").open("a") as config:
        config.write("[gate]\nleast_disputes = 10\n")
    train(Workspace(folder), load_config(folder), Progress(), as_of=TRAINED)
    return folder


def versions(workspace: Workspace) -> dict[str, str | None]:
    found = {alias: version_of(workspace, alias) for alias in (CHAMPION, CHALLENGER, FORMER)}
    return {alias: version and str(version.version) for alias, version in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_trains_promotes_and_rolls_back_without_the_original(
    original: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "leak_proof", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    before = content(original)
    folder = tmp_path / "other disk" / name
    shutil.copytree(original, folder, symlinks=True)
    copy, config = Workspace(folder), load_config(folder)
    train(copy, config, Progress(), as_of=TRAINED)
    assert versions(copy) == {CHAMPION: "1", CHALLENGER: "2", FORMER: None}
    step.promote(copy, config, Progress(), every=7, is_refitted=False)
    assert versions(copy) == {CHAMPION: "2", CHALLENGER: None, FORMER: "1"}
    step.rollback(copy)
    assert versions(copy) == {CHAMPION: "1", CHALLENGER: None, FORMER: "2"}
    assert len(list((folder / "mlartifacts/models").iterdir())) == 2
    assert content(original) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other disk"]
    assert [path.name for path in folder.parent.iterdir()] == [name]


def test_a_moved_and_renamed_workspace_scores_as_before_and_says_so_once(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], run_step: object
) -> None:
    first, second = tmp_path / "first", tmp_path / "zweiter Ort" / "Läden"
    shutil.copytree(original, first, symlinks=True)
    expected = find_model(Workspace(first))
    capsys.readouterr()
    second.parent.mkdir()
    first.rename(second)
    found = find_model(Workspace(second))
    assert found is not None
    assert expected is not None
    assert found.model.to_text() == expected.model.to_text()
    assert f"copied or moved from {first}" in capsys.readouterr().out
    assert find_model(Workspace(second)) is not None
    assert capsys.readouterr().out == ""
    scored = run_step("score", "--workspace", second, "--as-of", "2025-07-10", "--force")  # type: ignore[operator]
    assert scored.returncode == 0, scored.stderr
    assert "copied or moved" not in scored.stdout
    assert not first.exists()


def test_a_workspace_that_goes_to_and_fro_has_one_experiment_per_path(
    original: Path, tmp_path: Path
) -> None:
    """As with a folder that a container sees at another path than its host."""
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(original, here, symlinks=True)
    for _ in range(2):
        assert find_model(Workspace(here)) is not None
        here.rename(there)
        assert find_model(Workspace(there)) is not None
        there.rename(here)
    assert find_model(Workspace(here)) is not None
    experiments = client_of(Workspace(here)).search_experiments()
    locations = [experiment.artifact_location for experiment in experiments]
    assert len(locations) == len(set(locations)) == 4, "Default, the original, here and there"
    current = client_of(Workspace(here)).get_experiment_by_name("dispute-risk")
    assert current.artifact_location == artifact_location(Workspace(here))


def test_models_that_an_earlier_program_wrote_into_the_original_are_copied(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(original)
    copy = tmp_path / "copy"
    shutil.copytree(original, copy, symlinks=True)
    shutil.rmtree(copy / "mlartifacts")
    assert find_model(Workspace(copy)) is not None
    assert "the files of 1 models were copied" in " ".join(capsys.readouterr().out.split())
    assert content(original) == before
