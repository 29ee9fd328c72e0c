"""Log a model with its run in MLflow, and say what a version is."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import polars as pl
from mlflow.models import infer_signature

from models.learner.gbm import DisputeModel
from pipeline.registry.registered_model import BOOSTER_FILE, REST_FILE, write_model

ABOUT = (
    "How likely each open order is to be disputed within the horizon. The version with the alias "
    "champion scores every night. The tags judged_* are from the last comparison by make promote, "
    "on nights that neither model was trained on, with intervals of 90 %."
)


def about_version(alias: str, metrics: Mapping[str, float], tags: Mapping[str, str]) -> str:
    """The description of a version: what it was trained on."""
    rows, disputed = (int(metrics.get(name, 0)) for name in ("rows", "disputed_orders"))
    last = tags.get("last_training_night")
    return (
        f"Trained as of {tags.get('trained_as_of')} on {rows:,} order-nights"
        + (f" of {stores} stores" if (stores := tags.get("pooled_stores")) else "")
        + (f" up to {last}" if last else "")
        + f" with {disputed:,} disputed orders; registered as {alias}."
    )


def log_model(
    title: str,
    model: DisputeModel,
    example: pl.DataFrame,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> tuple[str, str]:
    """Log a run named `title` and its model; returns the run's id and the model's URI."""
    # with the stage: an order without lines gets the usual values of its stage. Training rows are
    # float32, but a night's features are float64, and the signature must allow them
    frame = example.select("stage", pl.col(model.feature_names).cast(pl.Float64)).to_pandas()
    with (
        tempfile.TemporaryDirectory() as folder,
        mlflow.start_run(run_name=title, tags=dict(tags)) as run,
    ):
        write_model(model, Path(folder))
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"booster": f"{folder}/{BOOSTER_FILE}", "rest": f"{folder}/{REST_FILE}"},
            signature=infer_signature(frame, model.predict(example)),
            input_example=frame,
            # given here; otherwise MLflow starts a second Python process to infer them
            pip_requirements=["lightgbm", "polars", "pandas", "scikit-learn", "scipy"],
        )
    return run.info.run_id, info.model_uri
