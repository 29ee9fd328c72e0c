"""Select the rows that a model may be trained on at a given day: matured, labelled and complete."""

from __future__ import annotations

import polars as pl

from features.build.registry import FEATURE_NAMES
from features.clock import last_matured_day
from features.labels import LabelWindow, build_labels
from features.tables import Tables
from models.learner.gbm import DisputeModel, fit_model
from models.learner.training_config import Recipe


def label_rows(
    tables: Tables, dataset: pl.DataFrame, window: LabelWindow, data_end_day: int
) -> pl.DataFrame:
    """The rows of `dataset` whose label is known at `data_end_day`, with `label`.

    `dataset` has `order_id, as_of_day` and the features. Only facts known before `data_end_day` are
    used.
    """
    last = last_matured_day(data_end_day, window.horizon_days, window.reporting_delay_days)
    nights = _kept(dataset, pl.col("as_of_day").is_between(pl.lit(-(2**31)), last))
    labels = build_labels(tables, nights.select("order_id", "as_of_day"), window, data_end_day)
    return _kept(nights.with_columns(labels["label"]), pl.col("label").is_not_null())


def learnable(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that may be used for training and for evaluation.

    Orders without lines are left out. Their lines are missing because of how they ended (an item
    was later found to be unavailable), so a model would learn the outcome from the missing values,
    and an evaluation on such rows would make it look better than it is.
    """
    return _kept(rows, pl.col("order_count_units").is_not_null())


def _kept(rows: pl.DataFrame, is_kept: pl.Expr) -> pl.DataFrame:
    """The rows to keep.

    If all are kept, the frame itself is returned instead of a copy of what may be gigabytes.
    """
    mask = rows.select(is_kept).to_series()
    return rows if mask.all() else rows.filter(mask)


def train_model(
    tables: Tables,
    dataset: pl.DataFrame,
    window: LabelWindow,
    data_end_day: int,
    recipe: Recipe,
    feature_names: list[str] = FEATURE_NAMES,
) -> tuple[DisputeModel | None, pl.DataFrame]:
    """A model fitted on what was known and matured at `data_end_day`, and its training rows.

    The model is None if the rows have one class only.
    """
    rows = learnable(label_rows(tables, dataset, window, data_end_day))
    if rows["label"].n_unique() < 2:
        return None, rows
    return fit_model(rows, feature_names, recipe), rows
