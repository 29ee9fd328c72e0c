"""Forward folds: train on what had matured on a cut day, test on the nights from that day on.

The gap between the last training night and the first test night is the horizon plus the reporting
delay, because on the cut day no later night has a label yet. A random split would put nights of one
order on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.clock import last_matured_day
from features.labels import LabelWindow
from features.tables import Tables
from models.learner.training_rows import label_rows


@dataclass(frozen=True)
class Fold:
    """The days of one fold.

    Training uses nights up to `last_train_day`, as known on `cut_day`; testing uses the nights from
    `cut_day` to `last_test_day`.
    """

    last_train_day: int
    cut_day: int
    last_test_day: int


def forward_folds(first_day: int, last_day: int, count: int, window: LabelWindow) -> list[Fold]:
    """Split the second half of the nights `first_day` to `last_day` into `count` test blocks.

    The blocks are as equal as possible. Each is tested with a model trained on what had matured
    when the block began. There are fewer folds if there are fewer nights than `count`.
    """
    begin = first_day + (last_day - first_day + 1) // 2
    nights = last_day - begin + 1
    edges = [begin + nights * k // count for k in range(count + 1)]
    return [
        Fold(
            last_matured_day(cut, window.horizon_days, window.reporting_delay_days), cut, after - 1
        )
        for cut, after in zip(edges[:-1], edges[1:], strict=True)
        if after - cut > 0
    ]


def train_and_test(
    tables: Tables, dataset: pl.DataFrame, window: LabelWindow, fold: Fold, data_end_day: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The labelled training and test rows of a fold.

    Training labels are as known on the cut day, test labels as known at `data_end_day`.
    """
    train = label_rows(tables, dataset, window, fold.cut_day)
    test = dataset.filter(pl.col("as_of_day").is_between(fold.cut_day, fold.last_test_day))
    return train, label_rows(tables, test, window, data_end_day)
