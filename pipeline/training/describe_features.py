"""describe-features: two pages that list every feature, with its unit, reason and an example."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from features.build.registry import FAMILIES, FEATURES, family_name
from features.clock import day_number
from features.feature import Feature
from models.learner.feature_importance import gain_shares
from pipeline.registry.model_registry import find_model
from pipeline.settings.config import Config
from pipeline.settings.errors import Damaged, NoChampion, Refused
from pipeline.training.feature_texts import about_features, example_of, first_line, missing_share
from pipeline.training.features_page import PAGE, ModelPart, features_page
from pipeline.training.fitting import training_dataset
from pipeline.workspace.progress import Progress, warn
from pipeline.workspace.workspace import Workspace, write_whole

DESCRIPTION = "features.md"
HEAD = "| feature | unit | lookback | theme | why it should matter | missing | example |"


def describe_features(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date
) -> Path:
    """Write `features.md` and `features.html` into the workspace; returns the path of the latter.

    Shares and examples come from sampled order-nights before `as_of`, importance from the champion.
    Raises `Refused` if no order was open before that day.
    """
    tables = workspace.open_tables()
    with progress.piece("features") as notes:
        rows = training_dataset(tables, config, day_number(as_of) - 1)
        notes.append(f"{len(FEATURES)} features of {rows.height:,} order-nights")
    if rows.is_empty():
        raise Refused(
            f"{workspace.folder}: no order was open before {as_of}. "
            "Use a later AS_OF or more history."
        )
    write_whole(workspace.folder / DESCRIPTION, description(rows, as_of))
    path = workspace.folder / PAGE
    write_whole(path, features_page(rows, as_of, _champion(workspace)))
    return path


def _champion(workspace: Workspace) -> ModelPart | None:
    """The features' parts of the champion; None if there is no usable one."""
    try:
        champion = find_model(workspace)
    except (NoChampion, Damaged) as error:
        warn(f"the page does not show what the model uses: {error}")
        return None
    if champion is None:
        return None
    title = f"version {champion.version}, trained as of {champion.trained_as_of}"
    return ModelPart(title, gain_shares(champion.model))


def description(rows: pl.DataFrame, as_of: date) -> str:
    """The page in Markdown.

    `rows`: order-nights before `as_of`, with their features.
    """
    parts = [
        f"# What is known about an order: {len(FEATURES)} features",
        about_features(rows.height, as_of),
    ]
    for family in FAMILIES:
        lines = [_line(FEATURES[feature.name], rows) for feature in family.FEATURES]
        parts += [f"## {family_name(family)}", first_line(family.__doc__)]
        parts += ["\n".join([HEAD, "|---" * HEAD.count(" |") + "|", *lines])]
    return "\n\n".join(parts) + "\n"


def _line(feature: Feature, rows: pl.DataFrame) -> str:
    cells = [
        f"`{feature.name}`",
        feature.unit,
        feature.lookback,
        feature.theme,
        feature.why,
        missing_share(feature, rows),
        example_of(feature, rows),
    ]
    return "| " + " | ".join(cells) + " |"
