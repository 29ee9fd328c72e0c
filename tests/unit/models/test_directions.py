"""The model never lets the risk fall while a feature with a direction gets worse."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURES
from features.feature import EITHER, HIGH, LOW, Feature
from models.learner.booster import directions
from models.learner.gbm import fit_model
from models.learner.training_config import Recipe

SHARE, STARS, PRICE = "product_dispute_share_365d", "product_stars_365d", "product_unit_price_usd"
NAMES = ["order_count_units", SHARE, STARS, PRICE]
COUNT = 4000


def misleading_rows() -> pl.DataFrame:
    """Orders of which those with bad histories and low prices happened to go well."""
    rng = np.random.default_rng(4)
    share, stars, price = rng.random(COUNT), 1 + 4 * rng.random(COUNT), rng.random(COUNT)
    chance = 0.05 + 0.2 * (share < 0.5) * (price > 0.5) + 0.1 * (stars > 3) * (price > 0.5)
    return pl.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(COUNT)],
            "as_of_day": np.arange(COUNT) % 100,
            "stage": ["in_transit"] * COUNT,
            "order_count_units": 1.0,
            SHARE: share,
            STARS: stars,
            PRICE: price,
            "label": (rng.random(COUNT) < chance).astype(np.int8),
        }
    )


def risk_along(name: str, recipe: Recipe) -> np.ndarray:
    """The predicted risks of 40 orders that differ in one feature only, from low to high."""
    model = fit_model(misleading_rows(), NAMES, recipe)
    usual = {"order_count_units": 1.0, SHARE: 0.4, STARS: 3.5, PRICE: 0.8}
    low, high = (1.0, 5.0) if name == STARS else (0.0, 1.0)
    grid = pl.DataFrame([usual | {name: value} for value in np.linspace(low, high, 40)])
    return model.predict(grid.with_columns(stage=pl.lit("in_transit")))


RECIPE = Recipe("none", calibration_share=0.25, seed=7, threads=1)


def test_more_complaints_never_lower_the_risk() -> None:
    assert (np.diff(risk_along(SHARE, RECIPE)) >= 0.0).all()


def test_more_stars_never_raise_the_risk() -> None:
    assert (np.diff(risk_along(STARS, RECIPE)) <= 0.0).all()


def test_a_feature_without_a_direction_may_go_either_way() -> None:
    assert FEATURES[PRICE].direction == 0
    assert np.ptp(risk_along(PRICE, RECIPE)) > 0.0


def test_without_directions_the_model_would_learn_the_noise() -> None:
    free = Recipe(
        "none",
        calibration_share=0.25,
        seed=7,
        threads=1,
        parameters={"monotone_constraints": [0] * 4},
    )
    assert (np.diff(risk_along(SHARE, free)) < 0.0).any()


@pytest.mark.parametrize(("worse", "direction"), [(HIGH, 1), (LOW, -1)])
def test_the_direction_is_that_of_worse(worse: str, direction: int) -> None:
    assert Feature("a", "share", "why", worse=worse, is_monotone=True).direction == direction
    assert Feature("a", "share", "why", worse=worse).direction == 0


def test_directions_follow_the_order_of_the_columns() -> None:
    assert directions([STARS, PRICE, SHARE, "unknown"]) == [-1, 0, 1, 0]


def test_every_feature_with_a_direction_has_a_worse_side() -> None:
    directed = [feature for feature in FEATURES.values() if feature.is_monotone]
    assert directed
    assert all(feature.worse != EITHER for feature in directed)
