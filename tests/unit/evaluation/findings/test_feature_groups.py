"""What notebook 05 reports of the groups of features."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.build.registry import FAMILIES, FEATURE_NAMES, family_name
from models.learner.gbm import DisputeModel, fit_model
from models.learner.training_config import Recipe
from pipeline.evaluation.findings.feature_groups import (
    ALL,
    ALONE,
    FEATURES_OF,
    GROUPS,
    WITHOUT,
    compare_groups,
    listed_without,
    parts_by_group,
    strongest_features,
)

SILENCE, AGE, SHARE = ("logistics_days_since_news", "order_age_days", "product_dispute_share_365d")
PARCEL = GROUPS["logistics"]


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Order-nights whose risk grows with the days without news, and falls a little with age; the
    product's share is noise."""
    rng = np.random.default_rng(3)
    count = 2000
    silence, age = rng.random(count) * 20, rng.random(count) * 40
    risk = 0.05 + 0.03 * silence - 0.005 * age
    return pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(count)],
            "as_of_day": [n % 100 for n in range(count)],
            "stage": ["in_transit"] * count,
            "order_count_units": np.ones(count),
            SILENCE: silence,
            AGE: age,
            SHARE: rng.random(count),
            "label": (rng.random(count) < risk.clip(0.0, 1.0)).astype(np.int8),
        }
    )


@pytest.fixture(scope="module")
def model(rows: pl.DataFrame) -> DisputeModel:
    recipe = Recipe("none", calibration_share=0.25, seed=7, threads=1)
    return fit_model(rows, ["order_count_units", SILENCE, AGE, SHARE], recipe)


def test_every_feature_is_in_one_group_with_a_name() -> None:
    assert set(GROUPS) == {family_name(family) for family in FAMILIES}
    assert [name for names in FEATURES_OF.values() for name in names] == FEATURE_NAMES


def test_the_group_that_the_risk_depends_on_carries_the_score(
    model: DisputeModel, rows: pl.DataFrame
) -> None:
    parts = parts_by_group(model, rows)
    assert parts["group"][0] == PARCEL
    assert parts["moved"].sum() == pytest.approx(1.0)
    assert parts["gain"].sum() == pytest.approx(1.0)
    unused = parts.filter(pl.col("features") == 0)
    assert unused["moved"].to_list() == [0.0] * 11


def test_a_feature_says_which_values_raise_the_risk(
    model: DisputeModel, rows: pl.DataFrame
) -> None:
    features = strongest_features(model, rows, 2)
    assert features.select("feature", "direction").rows() == [
        (SILENCE, "high values raise the risk"),
        (AGE, "low values raise the risk"),
    ]
    assert features["moved"].is_sorted(descending=True)


def scored(disputed: int) -> tuple[pl.DataFrame, dict[tuple[str, str], np.ndarray]]:
    """One night of 100 orders: all features rank well, and so do all but the product; without the
    parcel the ranking is upside down."""
    rows = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(100)],
            "as_of_day": 20_000,
            "label": [int(n < disputed) for n in range(100)],
        }
    )
    good = np.linspace(0.5, 0.1, 100)
    scores = {(ALL, ALL): good, (WITHOUT, PARCEL): -good, (ALONE, PARCEL): good}
    return rows, scores | {(WITHOUT, GROUPS["product"]): good}


def test_the_loss_without_a_group_is_measured_against_all_features() -> None:
    compared = compare_groups(*scored(30), seed=1)
    assert compared.select("kind", "group", "value", "gain").rows() == [
        (ALL, ALL, 1.0, None),
        (WITHOUT, PARCEL, 0.0, -1.0),
        (ALONE, PARCEL, 1.0, 0.0),
        (WITHOUT, GROUPS["product"], 1.0, 0.0),
    ]


def test_no_loss_is_measured_on_fewer_than_20_disputed_orders() -> None:
    assert compare_groups(*scored(19), seed=1).is_empty()


def test_the_orders_that_stay_on_the_list_are_counted() -> None:
    assert listed_without(*scored(30), capacity=60).rows() == [
        (PARCEL, 60, 20),
        (GROUPS["product"], 60, 60),
    ]
