"""Does the model of the registry load, and say the same, where nothing of this process is left?"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.registry.model_registry import MODEL_NAME, ROOT, tracking_uri, unusable
from pipeline.workspace.workspace import Workspace


def scores_in_fresh_process(workspace: Workspace, alias: str, rows: pl.DataFrame) -> np.ndarray:
    """What the model of that alias says of `rows` when another process loads it from the registry.

    Raises `NoChampion` with what that process said if it cannot.
    """
    program = (
        "import sys, mlflow, pandas, numpy; mlflow.set_tracking_uri(sys.argv[1]); "
        "model = mlflow.pyfunc.load_model(sys.argv[2]); "
        "numpy.save(sys.argv[4], model.predict(pandas.read_parquet(sys.argv[3])))"
    )
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "rows.parquet", Path(folder) / "scores.npy"
        rows.write_parquet(asked)
        command = [
            sys.executable,
            "-c",
            program,
            tracking_uri(workspace),
            f"models:/{MODEL_NAME}@{alias}",
        ]
        ended = subprocess.run(
            [*command, str(asked), str(told)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise unusable(workspace, alias, f"a fresh process could not score with it ({last})")
        return np.asarray(np.load(told))
