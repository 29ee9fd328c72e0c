"""Check that another process can load a registered model and gets the same scores.

The other process runs this module. It loads the two files that a night reads, after their hashes
were checked, and never the script that MLflow stores next to them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.registry.model_files import check_hashes, files_of, refuse_foreign
from pipeline.registry.model_registry import find_model, version_of
from pipeline.registry.registered_model import unusable
from pipeline.registry.tracking import registry_errors
from pipeline.settings.errors import Damaged
from pipeline.workspace.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def scores_in_fresh_process(workspace: Workspace, alias: str, rows: pl.DataFrame) -> np.ndarray:
    """The scores for `rows` when another process loads the model with that alias.

    Raises `NoChampion` with the last line of that process's stderr if it fails or if a file of the
    model changed, and `ForeignFile` if other files lie among the model's.
    """
    try:
        check_all_files(workspace, alias)
    except Damaged as error:
        why = f"a fresh process could not score with it ({error})"
        raise unusable(workspace, alias, why) from None
    with tempfile.TemporaryDirectory() as folder:
        rows_path, scores_path = Path(folder) / "rows.parquet", Path(folder) / "scores.npy"
        rows.write_parquet(rows_path)
        command = [sys.executable, "-m", "pipeline.registry.reload_check", str(workspace.folder)]
        process = subprocess.run(
            [*command, alias, str(rows_path), str(scores_path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        if process.returncode:
            last = (process.stderr.strip().splitlines() or ["no error message"])[-1]
            raise unusable(workspace, alias, f"a fresh process could not score with it ({last})")
        return np.asarray(np.load(scores_path))


def check_all_files(workspace: Workspace, alias: str) -> None:
    """Raises `ForeignFile` or `Damaged` if any file of the model is not as it was registered."""
    with registry_errors(workspace):
        version = version_of(workspace, alias)
        with files_of(workspace, alias, version) as folder:
            refuse_foreign(folder)
            check_hashes(folder, version)


def main(folder: str, alias: str, rows_path: str, scores_path: str) -> None:
    """What the other process does: load the model, score the rows, and save the scores."""
    model = find_model(Workspace(Path(folder)), alias)
    if model is None:
        raise LookupError(f"there is no {alias}")
    np.save(scores_path, model.model.predict(pl.read_parquet(rows_path)))


if __name__ == "__main__":
    main(*sys.argv[1:])
