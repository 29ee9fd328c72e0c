"""Forward folds: training and test nights are the horizon plus the reporting delay apart."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from features.labels import LabelWindow
from models.learner.forward_folds import Fold, forward_folds, train_and_test
from tests.conftest import day

WINDOW = LabelWindow(horizon_days=10, reporting_delay_days=1)

ORDERS = """
order_id | occurred_at
a        | 05-01
b        | 05-01
"""

DISPUTES = """
order_id | occurred_at | known_at
a        | 05-28T10:00 | 05-29T10:00
b        | 06-20T10:00 | 06-20T11:00
"""


def test_the_second_half_is_tested_in_blocks_after_training_on_matured_nights() -> None:
    #  nights      0 ............ 49 50 .... 74 75 .... 99
    #  fold 1      train ...39   gap  test
    #  fold 2      train ........... 64   gap   test
    assert forward_folds(0, 99, 2, WINDOW) == [Fold(39, 50, 74), Fold(64, 75, 99)]


def test_blocks_touch_and_none_is_empty() -> None:
    folds = forward_folds(0, 6, 10, WINDOW)
    assert [(fold.cut_day, fold.last_test_day) for fold in folds] == [
        (3, 3),
        (4, 4),
        (5, 5),
        (6, 6),
    ]


def test_training_labels_are_those_known_on_the_cut_day(make_tables: Callable) -> None:
    """On 6 June the dispute of 28 May is known.

    The dispute of 20 June and its nights are not.
    """
    tables = make_tables(orders=ORDERS, disputes=DISPUTES)
    nights = [day("05-20"), day("05-26"), day("05-27"), day("06-06"), day("06-11"), day("06-13")]
    dataset = pl.DataFrame({"order_id": ["a", "a", "a", "b", "b", "b"], "as_of_day": nights}).cast(
        {"as_of_day": pl.Int32}
    )
    fold = Fold(day("05-26"), day("06-06"), day("06-12"))
    train, test = train_and_test(tables, dataset, WINDOW, fold, day("07-30"))
    assert train.rows() == [("a", day("05-20"), 1), ("a", day("05-26"), 1)]
    assert test.rows() == [("b", day("06-06"), 0), ("b", day("06-11"), 1)]
