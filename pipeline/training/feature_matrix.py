"""features: write the training matrix to a file for inspection, and each family's columns."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from features.build.registry import FAMILIES, FEATURES, family_name
from features.clock import day_number
from models.learner.training_rows import label_rows
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.training.fitting import training_dataset
from pipeline.training.walk_forward import matured_by
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

MATRIX = "training_matrix.parquet"
KEY = ("order_id", "as_of_day", "stage")


def write_matrix(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, is_kept: bool
) -> Path:
    """Write `features/training_matrix.parquet` and return the folder.

    It has the rows that `train` would use on `as_of`, with `label`. With `is_kept`, each family's
    columns are also written to `features/<family>.parquet`. Raises `Refused` if no night had
    matured.
    """
    tables, day = workspace.open_tables(), day_number(as_of)
    folder = workspace.folder / "features"
    with progress.piece("features") as notes, workspace.replaced(folder) as new_folder:
        dataset = training_dataset(tables, config, matured_by(day, config))
        rows = label_rows(tables, dataset, config.label_window, day)
        if rows.is_empty():
            raise Refused(
                f"{workspace.folder}: no night had matured by {as_of}. "
                "Use a later AS_OF or more history."
            )
        rows.write_parquet(new_folder / MATRIX)
        notes.append(f"{rows.height:,} matured order-nights, {len(FEATURES)} features")
        for family in FAMILIES if is_kept else ():
            part = rows.select(*KEY, *(feature.name for feature in family.FEATURES))
            part.write_parquet(new_folder / f"{family_name(family)}.parquet")
    return folder
