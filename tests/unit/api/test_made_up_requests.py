"""Made-up requests to the API, right and wrong ones: each answer is as the document says, and none
is a fault of the program. Skipped without schemathesis."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from pipeline.api.openapi_document import PATHS
from pipeline.board.board_app import create_app
from pipeline.desk.desk_members import StoredUser, change_member, new_token
from pipeline.desk.desk_state import Role
from pipeline.workspace.workspace import Workspace

schemathesis = pytest.importorskip("schemathesis")
EXAMPLES = 12


SECRET, HASHED = new_token()


@pytest.fixture(scope="module")
def operations(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The operations by path, of a board with users: requests without a token are made up too."""
    folder = shutil.copytree(store, tmp_path_factory.mktemp("made") / "store", symlinks=True)
    change_member(folder, "shop", lambda _: StoredUser(role=Role.reader, token_sha256=HASHED))
    board = create_app(Workspace(folder), frozenset({"localhost"}))
    # more wrong tokens are made up here than a board takes
    for limiter in board.extensions["limiter"]:
        limiter.enabled = False
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", board)
    made = [result.ok() for result in document.get_all_operations()]
    return {operation.path: operation for operation in made}


# its own way to make tests of a document does not know pytest 9, so hypothesis takes its strategies
@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize("path", [path.path for path in PATHS])
def test_each_answer_is_as_the_document_says(
    operations: dict[str, Any], path: str, mode: str
) -> None:
    operation = operations[path]
    if mode == "negative" and "parameters" not in operation.definition.raw:
        return
    modes = schemathesis.GenerationMode
    chosen = modes.POSITIVE if mode == "positive" else modes.NEGATIVE

    @given(case=operation.as_strategy(generation_mode=chosen))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def answers(case: Any) -> None:
        # an empty list or object leaves no trace in an address: what was made wrong is not sent
        assume(all(value not in ([], {}, None) for value in case.query.values()))
        parts = case.meta.components.items()
        negated = {str(where.value) for where, part in parts if part.mode.is_negative}
        # a wrong or missing token is what is tried then
        right = {} if "header" in negated else {"Authorization": f"Bearer {SECRET}"}
        case.call_and_validate(headers=right)

    answers()
