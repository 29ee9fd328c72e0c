"""Sample order-nights, fit a model on those that have matured, and register it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import polars.selectors as cs

from features.asof import visible
from features.build.registry import FEATURE_NAMES
from features.clock import calendar_day, day_number, last_matured_day
from features.labels import disputed_orders, is_measurable
from features.spine import sample_of
from features.tables import Tables
from models.learner.cause import add_cause, fit_cause
from models.learner.gbm import DisputeModel, fit_model
from models.learner.training_rows import label_rows, learnable
from pipeline.engines.engine import feature_parts, spells_of
from pipeline.history.assignments import left_alone
from pipeline.registry.model_registry import register_model
from pipeline.settings.config import NO_RESULT, Config
from pipeline.settings.errors import Refused, TooFewDisputes
from pipeline.workspace.manifest import git_revision
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace


def learn(
    workspace: Workspace, config: Config, progress: Progress, as_of: date
) -> tuple[DisputeModel, pl.DataFrame]:
    """The model of all nights whose labels had matured by `as_of`, and its training rows.

    Raises `TooFewDisputes` with fewer disputed orders than `min_training_disputes`, and `Refused`
    if every order was disputed.
    """
    tables = workspace.open_tables()
    day = day_number(as_of)
    # fail before the features are built
    opened = visible(tables.select("disputes", "order_id", "step", "known_day"), day).filter(
        step="opened"
    )
    _need_disputes(config, opened, f"were known in {workspace.folder} by {as_of}")
    with progress.piece("features") as notes:
        rows, sampled = matured_rows(workspace, tables, config, as_of)
        notes.append(f"{sampled:,} order-nights sampled, {len(FEATURE_NAMES)} features")
    with progress.piece("train") as notes:
        words = f"had matured in {workspace.folder} by {as_of}"
        disputes = _need_disputes(config, rows.filter(pl.col("label") == 1), words)
        if rows["label"].n_unique() < 2:
            raise Refused(
                f"{workspace.folder}: every order that had matured by {as_of} was disputed. "
                "Load all orders, not only the disputed ones."
            )
        model = fit_with_cause(rows, add_cause(tables, rows, day), config)
        notes.append(f"{rows.height:,} matured rows, {disputes:,} disputed orders")
    return model, rows


def matured_rows(
    workspace: Workspace, tables: Tables, config: Config, as_of: date
) -> tuple[pl.DataFrame, int]:
    """The order-nights to train on as of a day, with features and `label`, and how many were
    sampled.

    Order-nights with our own messages are treated as `contacted_rows` says.
    """
    day = day_number(as_of)
    dataset = training_dataset(tables, config, last_matured_day(day, *_window(config)))
    sampled = dataset.height
    rows = learnable(label_rows(tables, dataset, config.label_window, day))
    # with millions of order-nights, memory is short: rows without a label are no longer needed
    del dataset
    return left_alone(workspace, workspace.table_files(), rows, config, as_of), sampled


def fit_with_cause(rows: pl.DataFrame, caused: pl.DataFrame, config: Config) -> DisputeModel:
    """The model of labelled rows, with a model of the cause from `caused` (`add_cause`)."""
    model = fit_model(rows, FEATURE_NAMES, config.recipe)
    return replace(model, cause=fit_cause(caused, list(model.feature_names), config.recipe))


def _need_disputes(config: Config, disputed: pl.DataFrame, words: str) -> int:
    """The number of orders in `disputed`; raises `TooFewDisputes` if a model needs more."""
    count = disputed["order_id"].n_unique()
    if count < config.min_training_disputes:
        raise TooFewDisputes(
            f"{count} disputed orders {words}; training needs at least "
            f"{config.min_training_disputes} (min_training_disputes in config.toml). "
            "Use a later AS_OF or more history."
        )
    return count


def register(
    workspace: Workspace,
    config: Config,
    model: DisputeModel,
    rows: pl.DataFrame,
    as_of: date,
    alias: str,
    tags: Mapping[str, str] | None = None,
    example: pl.DataFrame | None = None,
) -> str:
    """Log and register the model of `learn`, point `alias` at it, and return its version.

    `example` is stored with the model; without it, the first rows are.
    """
    metrics: dict[str, float] = {"rows": rows.height, "disputed_orders": disputed_orders(rows)}
    if is_measurable(rows):
        metrics["base_rate"] = int(rows["label"].sum()) / rows.height
    return register_model(
        workspace,
        model,
        alias=alias,
        example=rows.head(5) if example is None else example,
        params=training_settings(config),
        metrics=metrics,
        tags={**_tags(workspace, rows, as_of), **(tags or {})},
    )


def training_settings(config: Config) -> dict[str, Any]:
    """All settings that a model depends on, as they are logged."""
    return {
        **config.recipe.booster,
        "rounds": config.recipe.rounds,
        **config.model_dump(
            exclude={
                *("decide", "gate", "booster", "usd_per", "threads", "monitor", "model_name"),
                *("links", "drafts"),
                *NO_RESULT,
            }
        ),
    }


def training_dataset(
    tables: Tables, config: Config, last_day: int, spells: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Sampled order-nights up to `last_day`, with features from each row's own past.

    Features are stored as float32, the precision that every booster uses: the training matrix is
    the largest table in memory. `spells`: the output of `spells_of`, if it has been computed
    already.
    """
    spells = spells_of(tables, config) if spells is None else spells
    spine = sample_of(
        spells,
        tables.zone,
        first_day=int(spells["first_day"].min() or 0),  # type: ignore[arg-type]
        last_day=last_day,
        max_rows=config.max_training_rows,
        seed=config.seed,
    )
    del spells
    return pl.concat(
        part.with_columns(cs.float().cast(pl.Float32))
        for part in feature_parts(tables, spine, config)
    )


def _window(config: Config) -> tuple[int, int]:
    return config.horizon_days, config.reporting_delay_days


def _tags(workspace: Workspace, rows: pl.DataFrame, as_of: date) -> dict[str, str]:
    inputs = workspace.read_ingest_facts()["input_sha256"]
    return {
        "trained_as_of": as_of.isoformat(),
        "last_training_night": calendar_day(int(rows["as_of_day"].max())).isoformat(),  # type: ignore[arg-type]
        "git_revision": git_revision(),
        **{f"sha256.{name}": digest for name, digest in inputs.items()},
    }
