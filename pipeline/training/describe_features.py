"""describe-features: a page that lists every feature, with its unit, reason and an example."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl

from features.build.registry import FAMILIES, FEATURES, family_name
from features.clock import calendar_day, day_number
from features.feature import Feature
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.training.fitting import training_dataset
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace, write_whole

DESCRIPTION = "features.md"
HEAD = "| feature | unit | lookback | theme | why it should matter | missing | example |"


def describe_features(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date
) -> Path:
    """Write `features.md` into the workspace and return its path.

    Shares and examples come from sampled order-nights before `as_of`. Raises `Refused` if no order
    was open before that day.
    """
    tables = workspace.read_tables()
    with progress.piece("features") as notes:
        rows = training_dataset(tables, config, day_number(as_of) - 1)
        notes.append(f"{len(FEATURES)} features of {rows.height:,} order-nights")
    if rows.is_empty():
        raise Refused(
            f"{workspace.folder}: no order was open before {as_of}. "
            "Use a later AS_OF or more history."
        )
    path = workspace.folder / DESCRIPTION
    write_whole(path, description(rows, as_of))
    return path


def description(rows: pl.DataFrame, as_of: date) -> str:
    """The page in Markdown.

    `rows`: order-nights before `as_of`, with their features.
    """
    parts = [
        f"# What is known about an order: {len(FEATURES)} features",
        "Every feature uses only what was known before the night, and an order never counts in its "
        f"own history. *Missing*: the share of {rows.height:,} order-nights before {as_of} where "
        "the feature is null. *Example*: the order-night with the median value among those where "
        "the feature is not 0, and the sentence that the seller sees, if there is one. Shares that "
        "rest on few orders are drawn towards the share of a larger group. *Theme*: the features "
        "of a theme form one reason for the seller, and one of them provides the sentence. Made by "
        "`make describe-features`.",
    ]
    for family in FAMILIES:
        lines = [_line(FEATURES[feature.name], rows) for feature in family.FEATURES]
        parts += [f"## {family_name(family)}", _first_line(family.__doc__)]
        parts += ["\n".join([HEAD, "|---" * HEAD.count(" |") + "|", *lines])]
    return "\n\n".join(parts) + "\n"


def _first_line(text: str | None) -> str:
    """The docstring's first line without the family's name."""
    line = (text or "").split("\n")[0].split(": ", 1)[-1]
    return line[:1].upper() + line[1:]


def _line(feature: Feature, rows: pl.DataFrame) -> str:
    missing = f"{rows[feature.name].null_count() / rows.height:.0%}"
    description_cells = [
        f"`{feature.name}`",
        feature.unit,
        feature.lookback,
        feature.theme,
        feature.why,
    ]
    return "| " + " | ".join([*description_cells, missing, _example(feature, rows)]) + " |"


def _example(feature: Feature, rows: pl.DataFrame) -> str:
    nonzero = (
        rows.select("order_id", "as_of_day", feature.name)
        .drop_nulls()
        .filter(pl.col(feature.name) != 0)
    )
    if nonzero.is_empty():
        return "always 0 or missing here"
    ordered = nonzero.sort(feature.name, "order_id", "as_of_day")
    order_id, night, value = ordered.row(ordered.height // 2)
    sentence = feature.sentence(value, None)
    # ids come from the source: nothing in them may be read as Markdown or HTML
    safe_id = re.sub(r"[^\w.-]", "_", order_id)
    return f"{safe_id} on {calendar_day(night)}: {value:.4g}" + (
        f', "{sentence}"' if sentence else ""
    )
