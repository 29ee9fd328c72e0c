"""Log searches and backtests in MLflow, next to the models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import polars as pl

from pipeline.registry.model_registry import open_experiment
from pipeline.registry.tracking import registry_errors
from pipeline.workspace.manifest import git_revision
from pipeline.workspace.workspace import Workspace


def log_search(
    workspace: Workspace, params: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    """Log a run without a model: the best settings of a search, and its metrics."""
    with registry_errors(workspace):
        open_experiment(workspace)
        _log_search(params, metrics)


def _log_search(params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    with mlflow.start_run(run_name="tune", tags={"step": "tune"}):
        mlflow.log_params(dict(params))
        mlflow.log_metrics(dict(metrics))


def log_backtest(
    workspace: Workspace, result: pl.DataFrame, files: list[Path], config: Mapping[str, Any]
) -> None:
    """Log a run with the backtest's metrics by stage, and its files.

    The step of a metric is the night as a proleptic ordinal; metrics over all nights end in
    `.pooled`.
    """
    with registry_errors(workspace):
        open_experiment(workspace)
        _log_backtest(result, files, config)


def _log_backtest(result: pl.DataFrame, files: list[Path], config: Mapping[str, Any]) -> None:
    with mlflow.start_run(
        run_name="backtest", tags={"step": "backtest", "git_revision": git_revision()}
    ):
        mlflow.log_params({name: str(value)[:500] for name, value in config.items()})
        for row in result.iter_rows(named=True):
            stage, night = row.pop("stage"), row.pop("night")
            metrics = {
                f"{stage}.{name}": float(value) for name, value in row.items() if value is not None
            }
            if night == "pooled":
                mlflow.log_metrics({f"{name}.pooled": value for name, value in metrics.items()})
            else:
                mlflow.log_metrics(metrics, step=date.fromisoformat(night).toordinal())
        for file in files:
            mlflow.log_artifact(str(file))
