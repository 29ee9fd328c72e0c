"""train: fit a model on matured nights and register it as challenger, or as first champion."""

from __future__ import annotations

from datetime import date

from pipeline.registry.model_registry import CHALLENGER, CHAMPION, has_usable_champion
from pipeline.settings.config import Config
from pipeline.training.fitting import learn, register
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace


def train(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> None:
    """Register a model trained on the nights whose labels had matured by `as_of`.

    It becomes champion if the workspace has no usable champion, and challenger otherwise.
    """
    model, rows = learn(workspace, config, progress, as_of)
    with progress.piece("register") as notes:
        alias = CHALLENGER if has_usable_champion(workspace) else CHAMPION
        number = register(workspace, config, model, rows, as_of, alias)
        notes.append(f"version {number} is {alias}")
    if alias == CHALLENGER:
        say("The champion stays in use until `make promote` accepts the challenger")
