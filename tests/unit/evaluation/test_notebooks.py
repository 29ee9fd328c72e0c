"""The notebooks run on a small store, and define no functions or classes."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import nbformat
import pytest

from pipeline.evaluation.run_notebooks import NOTEBOOKS, execute, run_notebooks
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT

BOOKS = sorted(NOTEBOOKS.glob("*.ipynb"))


def cells_of(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_every_cell_runs_and_shows_something(workspace: Path) -> None:
    """All notebooks run as one, so that one kernel starts; each sets its store and night first."""
    config = workspace / "config.toml"
    config.write_text(config.read_text().replace("indicator_weeks = 0", "indicator_weeks = 2"))
    cells = [cell for path in BOOKS for cell in cells_of(path)]
    assert len(BOOKS) == 4
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.source) for cell in cells]
    )
    execute(book, Workspace(workspace), NIGHT)
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


def test_notebooks_of_an_unpublished_night_are_refused(workspace: Path) -> None:
    with pytest.raises(BadInput, match="no night 2025-01-02 is published"):
        run_notebooks(Workspace(workspace), Progress(), as_of=date(2025, 1, 2))
