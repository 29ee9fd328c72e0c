"""Check that another process can load a registered model and gets the same scores."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.registry.model_registry import MODEL_NAME, ROOT, tracking_uri
from pipeline.registry.registered_model import unusable
from pipeline.workspace.workspace import Workspace


def scores_in_fresh_process(workspace: Workspace, alias: str, rows: pl.DataFrame) -> np.ndarray:
    """The scores for `rows` when another process loads the model with that alias.

    Raises `NoChampion` with the last line of that process's stderr if it fails.
    """
    program = (
        "import sys, mlflow, pandas, numpy; mlflow.set_tracking_uri(sys.argv[1]); "
        "model = mlflow.pyfunc.load_model(sys.argv[2]); "
        "numpy.save(sys.argv[4], model.predict(pandas.read_parquet(sys.argv[3])))"
    )
    with tempfile.TemporaryDirectory() as folder:
        rows_path, scores_path = Path(folder) / "rows.parquet", Path(folder) / "scores.npy"
        rows.write_parquet(rows_path)
        command = [
            sys.executable,
            "-c",
            program,
            tracking_uri(workspace),
            f"models:/{MODEL_NAME}@{alias}",
        ]
        process = subprocess.run(
            [*command, str(rows_path), str(scores_path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        if process.returncode:
            last = (process.stderr.strip().splitlines() or ["no error message"])[-1]
            raise unusable(workspace, alias, f"a fresh process could not score with it ({last})")
        return np.asarray(np.load(scores_path))
