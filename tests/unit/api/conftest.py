"""A store with everything that the API answers from, shared by its tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.indicators.kpi import kpi
from pipeline.product_review.products import products
from pipeline.settings.config import load_config
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import NIGHT


@pytest.fixture(scope="session")
def store(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished store with its rates and a product review."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("api") / "store", symlinks=True)
    workspace, config = Workspace(folder), load_config(folder)
    kpi(workspace, config, Progress(), as_of=NIGHT, by=["category"])
    products(workspace, config, Progress(), as_of=NIGHT)
    return folder
