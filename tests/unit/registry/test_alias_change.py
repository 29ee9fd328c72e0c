"""promote and rollback change the aliases as one, wherever the process is killed."""

from __future__ import annotations

import pytest
from mlflow.tracking import MlflowClient

from pipeline.registry.alias_change import change_aliases, complete_change
from pipeline.registry.model_registry import CHALLENGER, CHAMPION, FORMER
from pipeline.registry.tracking import MODEL_NAME, client_of, create_database
from pipeline.workspace.workspace import Workspace

WRITES = (
    "set_registered_model_tag",
    "set_registered_model_alias",
    "delete_registered_model_alias",
    "delete_registered_model_tag",
)
ROLLED_BACK = {CHAMPION: "1", FORMER: "2"}
PROMOTED = {CHAMPION: "2", FORMER: "1", CHALLENGER: None}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three versions without files."""
    workspace = Workspace(tmp_path_factory.mktemp("aliases"))
    create_database(workspace)
    client = client_of(workspace)
    client.create_registered_model(MODEL_NAME)
    for _ in range(3):
        client.create_model_version(MODEL_NAME, "file:///nowhere")
    return workspace


def aliases(workspace: Workspace) -> dict[str, str]:
    found = client_of(workspace).get_registered_model(MODEL_NAME).aliases
    return {alias: str(version) for alias, version in found.items()}


def kill_before(patch: pytest.MonkeyPatch, number: int) -> None:
    left = [number]
    for name in WRITES:
        write = getattr(MlflowClient, name)

        def counted(self: MlflowClient, *given: object, write: object = write) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return write(self, *given)  # type: ignore[operator]

        patch.setattr(MlflowClient, name, counted)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({CHAMPION: "2", FORMER: "1"}, ROLLED_BACK),
        ({CHAMPION: "1", FORMER: "3", CHALLENGER: "2"}, PROMOTED),
    ],
)
@pytest.mark.parametrize("kill_at", [1, 2, 3, 4, 5])
def test_a_kill_before_any_write_leaves_all_old_or_all_new_aliases(
    registry: Workspace,
    before: dict[str, str],
    wanted: dict[str, str | None],
    kill_at: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = client_of(registry)
    for alias in aliases(registry):
        client.delete_registered_model_alias(MODEL_NAME, alias)
    for alias, version in before.items():
        client.set_registered_model_alias(MODEL_NAME, alias, version)
    after = {alias: version for alias, version in wanted.items() if version}
    with pytest.MonkeyPatch.context() as patch:
        kill_before(patch, kill_at)
        try:
            change_aliases(registry, wanted)
            was_killed = False
        except Killed:
            was_killed = True
    assert was_killed == (kill_at <= len(wanted) + 2)
    complete_change(registry)
    assert aliases(registry) == (before if kill_at == 1 else after)
    assert ("interrupted" in capsys.readouterr().out) == (was_killed and kill_at > 1)
    complete_change(registry)
    assert capsys.readouterr().out == ""
