"""The text of a booster that is damaged raises an error; LightGBM alone would end the process."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from models.learner.booster_text import booster_from_text


@pytest.fixture(scope="module")
def text() -> str:
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(200, 2))
    data = lgb.Dataset(rows, label=rows[:, 0] > 0)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 4}
    return lgb.train(settings, data, num_boost_round=3).model_to_string()


def test_a_sound_text_gives_the_same_predictions(text: str) -> None:
    rows = np.zeros((1, 2))
    expected = lgb.Booster(model_str=text).predict(rows)
    assert booster_from_text(text).predict(rows) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("leaf_value=", "leaf_value=9"),
        ("Tree=1", "Tree=2"),
        ("end of trees", "end of tree"),
        ("tree_sizes=", "tree_sizes=9"),
        ("tree_sizes=", "sizes="),
        ("\nTree=0", ""),
    ],
)
def test_trees_that_are_not_where_the_text_says_raise_an_error(
    text: str, old: str, new: str
) -> None:
    with pytest.raises(ValueError, match="tree"):
        booster_from_text(text.replace(old, new, 1))


@pytest.mark.parametrize("changed", ["", "tree", "Tree=0\n", "tree_sizes=\n\nTree=0\n"])
def test_other_text_raises_an_error(changed: str) -> None:
    with pytest.raises(ValueError, match="tree"):
        booster_from_text(changed)
