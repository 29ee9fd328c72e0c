"""The model for `mlflow.pyfunc.load_model`, read from text and JSON files without pickle.

MLflow runs this file when it loads the model ("models from code").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from models.learner.gbm import from_text


class ServedModel(PythonModel):
    """Takes a table of features and returns one calibrated probability per row."""

    def load_context(self, context: Any) -> None:
        files = {
            name: Path(path).read_text(encoding="utf-8") for name, path in context.artifacts.items()
        }
        self.model = from_text(files["booster"], files["rest"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        return self.model.predict(pl.from_pandas(model_input))


set_model(ServedModel())
