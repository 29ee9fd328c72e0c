"""Show in MLflow how the promotion gate compared two models, on both versions and in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mlflow
import polars as pl

from pipeline.registry.model_registry import open_experiment
from pipeline.registry.registered_model import Registered
from pipeline.registry.tracking import client_of, model_name, registry_errors
from pipeline.workspace.workspace import Workspace

ACCEPTED = "accepted"


def log_comparison(
    workspace: Workspace,
    compared: Mapping[str, Registered],
    metrics: pl.DataFrame,
    facts: Mapping[str, str],
    reasons: Sequence[str],
) -> None:
    """Log what the gate measured of the models in `compared` (alias -> model).

    Each version gets its metrics as tags with their intervals, which MLflow shows side by side when
    two versions are compared, and a run of its own holds the metrics of both. `metrics` has one row
    per scorer (an alias) and metric: `scorer, metric, value, low, high`, as `compare_scorers` gives
    them; those without a value are left out. `facts`: the nights and counts that the metrics rest
    on. `reasons`: why the challenger was rejected; none if it was accepted.
    """
    known = metrics.drop_nulls("value")
    facts = dict(facts) | {"verdict": "; ".join(reasons) or ACCEPTED}
    title = "gate: " + " against ".join(
        f"version {model.version}" for model in reversed(list(compared.values()))
    )
    with registry_errors(workspace):
        open_experiment(workspace)
        client, name = client_of(workspace), model_name(workspace)
        with mlflow.start_run(run_name=title, tags={"step": "gate"} | facts):
            mlflow.log_params({alias: model.version for alias, model in compared.items()})
            mlflow.log_metrics(
                {f"{r['scorer']}.{r['metric']}": r["value"] for r in known.iter_rows(named=True)}
            )
        for alias, model in compared.items():
            own = known.filter(pl.col("scorer") == alias)
            tags = {f"judged_{r['metric']}": _with_interval(r) for r in own.iter_rows(named=True)}
            tags |= {f"judged_{fact}": text for fact, text in facts.items()}
            for tag, text in (tags | {"judged_as": alias}).items():
                client.set_model_version_tag(name, model.version, tag, text)
            for row in own.iter_rows(named=True):
                client.log_metric(model.run_id, f"judged.{row['metric']}", row["value"])


def _with_interval(row: Mapping[str, float]) -> str:
    return f"{row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
