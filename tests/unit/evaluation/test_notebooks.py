"""The notebooks run on a small store, and define no functions or classes."""

from __future__ import annotations

import ast
import json
import re
from datetime import date
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from pipeline.evaluation.run_notebooks import NOTEBOOKS, execute, run_notebooks
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT

BOOKS = sorted(NOTEBOOKS.glob("*.ipynb"))


def cells_of(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def outputs_of(path: Path) -> str:
    return json.dumps([cell.outputs for cell in cells_of(path)])


def test_every_cell_runs_and_shows_something(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All notebooks run as one, so that one kernel starts; each sets its store and night first.

    The kernel leaves the folder it starts in alone: two kernels that had their sockets there took
    each other's messages.
    """
    config = workspace / "config.toml"
    settings = config.read_text().replace("indicator_weeks = 0", "indicator_weeks = 2")
    # the notebooks train many models: small ones are enough to run the cells
    config.write_text(settings.replace("max_training_rows = 5000", "max_training_rows = 2000"))
    cells = [cell for path in BOOKS for cell in cells_of(path)]
    assert len(BOOKS) == 5
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source)
            for source in [*(cell.source for cell in cells), "import os; os.listdir()"]
        ]
    )
    started_in = tmp_path / "started_in"
    started_in.mkdir()
    monkeypatch.chdir(started_in)
    execute(book, Workspace(workspace), NIGHT)
    assert book.cells[-1].outputs[0]["data"]["text/plain"] == "[]"
    silent = [cell.source.splitlines()[0] for cell in book.cells if not cell.outputs]
    assert silent == ["import os"] * len(BOOKS)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_nothing_and_is_committed_with_its_outputs(path: Path) -> None:
    cells = cells_of(path)
    for cell in cells:
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [
            node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)
        ], cell.source
    shown = [output for cell in cells for output in cell.outputs]
    assert shown
    assert not [
        output
        for output in shown
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    # no path of the machine that ran it
    assert not re.search(r"site-packages|/(tmp|home|root|work)/", path.read_text(encoding="utf-8"))


def test_the_committed_findings_are_those_of_enough_disputes() -> None:
    """The demo has enough disputed orders for every finding."""
    early = [path.name for path in BOOKS if "Too early" in outputs_of(path)]
    assert not early


def test_a_notebook_that_stops_is_named_and_the_others_are_written(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_the_second(book: nbformat.NotebookNode, *_: object) -> None:
        if book.cells[0].id.startswith("02"):
            raise CellExecutionError("", "Refused", "the data does not support it")

    monkeypatch.setattr("pipeline.evaluation.run_notebooks.execute", stop_at_the_second)
    with pytest.raises(BadInput, match=f"^{BOOKS[1].name}: Refused: the data does not support it$"):
        run_notebooks(Workspace(workspace), Progress(), as_of=NIGHT)
    written = sorted(path.name for path in (workspace / "notebooks").iterdir())
    assert written == [path.name for path in BOOKS if path != BOOKS[1]]


def test_notebooks_of_an_unpublished_night_are_refused(workspace: Path) -> None:
    with pytest.raises(BadInput, match="no night 2025-01-02 is published"):
        run_notebooks(Workspace(workspace), Progress(), as_of=date(2025, 1, 2))
