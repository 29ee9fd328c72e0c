"""describe-features: every feature with its unit, lookback, theme, reason, share missing and one
worked example."""

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
    """Write `features.md` into the workspace; shares and examples are those of order-nights before
    `as_of`."""
    tables = workspace.read_tables()
    with progress.piece("features") as notes:
        rows = training_dataset(tables, config, day_number(as_of) - 1)
        notes.append(f"{len(FEATURES)} features of {rows.height:,} order-nights")
    if rows.is_empty():
        raise Refused(
            f"{workspace.folder}: no order was open before {as_of}. Use a later AS_OF or more history."
        )
    path = workspace.folder / DESCRIPTION
    write_whole(path, description(rows, as_of))
    return path


def description(rows: pl.DataFrame, as_of: date) -> str:
    """The page, in Markdown; `rows`: order-nights before `as_of` with their features."""
    parts = [
        f"# What is known of an order: {len(FEATURES)} features",
        "Each is computed from what was known before the night alone, and an order never counts in its own history. "
        f"*Missing*: the share of {rows.height:,} order-nights before {as_of} on which it is null. *Example*: the "
        "order-night in the middle of those on which it is not 0, and what the seller is told of it, if anything. "
        "Shares of few orders lean on those of the larger group they belong to. *Theme*: features of one theme are one "
        "reason to the seller, and one of them speaks for it. Made by `make describe-features`.",
    ]
    for family in FAMILIES:
        lines = [_line(FEATURES[feature.name], rows) for feature in family.FEATURES]
        parts += [f"## {family_name(family)}", _first_line(family.__doc__)]
        parts += ["\n".join([HEAD, "|---" * HEAD.count(" |") + "|", *lines])]
    return "\n\n".join(parts) + "\n"


def _first_line(text: str | None) -> str:
    """The docstring's first line without the family's name."""
    told = (text or "").split("\n")[0].split(": ", 1)[-1]
    return told[:1].upper() + told[1:]


def _line(feature: Feature, rows: pl.DataFrame) -> str:
    missing = f"{rows[feature.name].null_count() / rows.height:.0%}"
    told = [f"`{feature.name}`", feature.unit, feature.lookback, feature.theme, feature.why]
    cells = [*told, missing, _example(feature, rows)]
    return "| " + " | ".join(cells) + " |"


def _example(feature: Feature, rows: pl.DataFrame) -> str:
    seen = (
        rows.select("order_id", "as_of_day", feature.name)
        .drop_nulls()
        .filter(pl.col(feature.name) != 0)
    )
    if seen.is_empty():
        return "always 0 or missing here"
    order_id, night, value = seen.sort(feature.name, "order_id", "as_of_day").row(seen.height // 2)
    told = feature.sentence(value, None)
    # ids come from outside: nothing in them may be taken for Markdown or HTML
    plain = re.sub(r"[^\w.-]", "_", order_id)
    return f"{plain} on {calendar_day(night)}: {value:.4g}" + (f', "{told}"' if told else "")
