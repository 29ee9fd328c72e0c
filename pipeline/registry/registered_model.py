"""A model of the registry and its files: what they contain, and why they may be unusable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb

from features.build.registry import FEATURES
from models.learner.gbm import DisputeModel, from_text
from pipeline.settings.errors import NoChampion
from pipeline.workspace.workspace import Workspace

BOOSTER_FILE, REST_FILE = "booster.txt", "model.json"


@dataclass(frozen=True)
class Registered:
    """A model of the registry with its version, run, `trained_as_of` and logged settings.

    `settings` are all text, as they were logged. `judged_version` is the version that the promotion
    gate judged if this model is the same recipe refitted on more nights, and None otherwise.
    """

    model: DisputeModel
    version: str
    run_id: str
    trained_as_of: str
    settings: Mapping[str, str]
    judged_version: str | None = None


def unusable(workspace: Workspace, alias: str, why: str) -> NoChampion:
    """The error for a model that exists but cannot be used."""
    return NoChampion(
        f"{workspace.folder}: the {alias} cannot be used: {why}. "
        "Train again: make train WORKSPACE=... AS_OF=..."
    )


def write_model(model: DisputeModel, folder: Path) -> None:
    """Write the model's two files into `folder`: the booster as text, the rest as JSON."""
    for name, text in zip((BOOSTER_FILE, REST_FILE), model.to_text(), strict=True):
        (folder / name).write_text(text, encoding="utf-8")


def read_model(workspace: Workspace, alias: str, folder: Path) -> DisputeModel:
    """The model of two files in `folder`.

    Raises `NoChampion` if the files are broken or the model needs features that do not exist, and
    `OSError` if they cannot be read.
    """
    booster, rest = (
        (folder / name).read_text(encoding="utf-8") for name in (BOOSTER_FILE, REST_FILE)
    )
    try:
        model = from_text(booster, rest)
    except (ValueError, KeyError, TypeError, lgb.basic.LightGBMError):
        raise unusable(workspace, alias, "its files are not as this program writes them") from None
    if unknown := sorted(set(model.feature_names) - set(FEATURES)):
        why = f"it reads features this program does not build: {', '.join(unknown)}"
        raise unusable(workspace, alias, why)
    return model
