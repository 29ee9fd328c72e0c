"""Forward folds: learn from what had matured on a cut day, judge the nights from that day on.

The gap between the last night learnt from and the first one judged is the horizon and the reporting
delay: on the cut day no later night has a label yet. A random split would put the nights of one
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
    """Days: nights up to `last_train_day` are learnt from, standing at `cut_day`;
    cut_day..last_test_day are judged."""

    last_train_day: int
    cut_day: int
    last_test_day: int


def forward_folds(first_day: int, last_day: int, count: int, window: LabelWindow) -> list[Fold]:
    """`count` folds over the nights first_day..last_day: their second half is parted into blocks as
    equal as can be, and each is judged by what had matured when it began. Fewer where there are not
    as many nights."""
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
    """The labelled rows of `dataset` on either side: labels as known on the cut day, and as known
    at `data_end_day`."""
    train = label_rows(tables, dataset, window, fold.cut_day)
    test = dataset.filter(pl.col("as_of_day").is_between(fold.cut_day, fold.last_test_day))
    return train, label_rows(tables, test, window, data_end_day)
