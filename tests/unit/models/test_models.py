"""Training, scoring, storage and missing values of the dispute model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from features.feature import LOW, Feature
from models.comparison.metrics import expected_calibration_error
from models.comparison.paired_comparison import compare_scorers
from models.learner import matrix
from models.learner.booster import bin_rows, later_orders, score_later, varying
from models.learner.gbm import fit_model, from_text
from models.learner.matrix import UnusableFeatures, to_matrix
from models.learner.stage_medians import fill_missing_lines, learn_typical
from models.learner.training_config import Recipe
from models.reasons.explain import explain


def made_rows(count: int = 3000, seed: int = 1) -> pl.DataFrame:
    """Order-nights whose risk grows with `risk_30d`; all other features are noise."""
    rng = np.random.default_rng(seed)
    risk = rng.random(count)
    return pl.DataFrame(
        {
            "order_id": [f"o{n // 3}" for n in range(count)],
            "as_of_day": [n // 3 % 100 + n % 3 for n in range(count)],
            "stage": ["dispatch"] * count,
            "order_count_units": np.ones(count),
            "order_age_days": rng.random(count),
            "risk_30d": risk,
            "label": (rng.random(count) < 0.05 + 0.5 * risk).astype(np.int8),
        }
    )


RECIPE = Recipe("beta", calibration_share=0.25, seed=7, threads=1)
NAMES = ["order_count_units", "order_age_days", "risk_30d"]


@pytest.fixture(scope="module")
def model():
    return fit_model(made_rows(), NAMES, RECIPE)


def test_every_call_of_lightgbm_passes_its_thread_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without a thread count resets it for the whole process.

    A model that another thread is training then overruns its buffers: a backtest of many nights
    crashed because of this one time in three.
    """
    counts = []
    train, predict, bins = lgb.train, lgb.Booster.predict, lgb.Dataset.construct
    monkeypatch.setattr(
        lgb, "train", lambda p, *a, **k: counts.append(p.get("num_threads")) or train(p, *a, **k)
    )
    monkeypatch.setattr(
        lgb.Booster,
        "predict",
        lambda *a, **k: counts.append(k.get("num_threads")) or predict(*a, **k),
    )
    monkeypatch.setattr(
        lgb.Dataset, "construct", lambda d: counts.append(d.params.get("num_threads")) or bins(d)
    )
    rows = made_rows()
    model = fit_model(rows, NAMES, RECIPE)
    model.predict(rows)
    model.contributions(rows.head(5))
    assert set(counts) == {1}
    assert len(counts) >= 6


def test_probabilities_are_calibrated_on_unseen_rows(model) -> None:
    fresh = made_rows(20_000, seed=2)
    probability = model.predict(fresh)
    assert abs(probability.mean() - fresh["label"].mean()) < 0.03
    assert expected_calibration_error(fresh["label"].to_numpy(), probability) < 0.04
    assert np.corrcoef(probability, fresh["risk_30d"])[0, 1] > 0.8


def test_text_and_json_give_the_same_model(model) -> None:
    rows = made_rows(50)
    assert from_text(*model.to_text()).predict(rows).tolist() == model.predict(rows).tolist()


def test_the_same_rows_in_any_order_give_the_same_model() -> None:
    rows = made_rows()
    again = fit_model(rows.sample(fraction=1.0, shuffle=True, seed=9), NAMES, RECIPE)
    first = fit_model(rows, NAMES, RECIPE)
    assert again.to_text() == first.to_text()


def test_optional_features_that_never_vary_are_not_binned_and_change_nothing() -> None:
    rows = made_rows().with_columns(
        payment_by_card=pl.lit(None, pl.Float64),
        goods_count_products=pl.lit(3.0),
        postal_area_gap=pl.when(pl.col("risk_30d") > 0.5).then(1.0),
        unknown=pl.lit(None, pl.Float64),
    )
    constant = ["payment_by_card", "goods_count_products"]
    # a feature of every store stays: without it, LightGBM would draw other features for its trees
    others = ["order_age_days", "risk_30d", "postal_area_gap", "unknown"]
    assert varying(rows, [*constant, *others]) == others
    # a group of features that is nothing else still makes a matrix
    assert varying(rows, constant) == constant
    with_constants = fit_model(rows, [*constant, *NAMES], RECIPE)
    assert with_constants.to_text() == fit_model(rows, NAMES, RECIPE).to_text()


def test_a_model_does_not_depend_on_the_number_of_threads(model) -> None:
    two = fit_model(made_rows(), NAMES, replace(RECIPE, threads=2))
    assert two.to_text() == model.to_text()


def test_a_matrix_is_the_frame_in_float32_for_any_block_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = made_rows(10).with_columns(order_age_days=pl.Series([None, *range(9)], dtype=pl.Float64))
    whole = to_matrix(rows, NAMES)
    assert (whole.dtype, whole.shape) == (np.float32, (10, 3))
    assert np.isnan(whole[0, 1])
    np.testing.assert_array_equal(whole[:, 2], rows["risk_30d"].cast(pl.Float32))
    monkeypatch.setattr(matrix, "BLOCK", 3)
    reversed_order = np.arange(10)[::-1]
    np.testing.assert_array_equal(to_matrix(rows, NAMES, reversed_order), whole[::-1])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda rows: rows.drop("risk_30d"), "risk_30d is missing"),
        (
            lambda rows: rows.with_columns(risk_30d=pl.lit("0.3")),
            "risk_30d is of type String instead of a number",
        ),
    ],
)
def test_a_missing_or_non_numeric_column_is_reported_and_never_guessed(
    model, spoil: Callable, why: str
) -> None:
    with pytest.raises(UnusableFeatures, match=why):
        model.predict(spoil(made_rows(5)))


def test_a_constant_feature_an_empty_one_and_an_unknown_stage_are_scored() -> None:
    rows = made_rows().with_columns(constant=pl.lit(3.0), hole=pl.lit(None, pl.Float64))
    model = fit_model(rows, [*NAMES, "constant", "hole"], RECIPE)
    queried = rows.head(5).with_columns(
        stage=pl.lit("returned"), constant=pl.lit(9.0), order_count_units=None
    )
    probability = model.predict(queried)
    assert ((probability > 0) & (probability < 1)).all()


@pytest.mark.parametrize("label", [0, 1])
def test_with_one_outcome_only_there_is_no_draft_and_no_metric(label: int) -> None:
    rows = made_rows(300).with_columns(label=pl.lit(label, pl.Int8))
    assert score_later(rows, bin_rows(rows, NAMES, 1), RECIPE) is None
    compared = compare_scorers(rows, {"a": rows["risk_30d"].to_numpy()}, seed=1, resamples=3)
    assert compared["value"].null_count() == compared.height


def test_no_order_is_on_both_sides_of_the_calibration() -> None:
    rows = made_rows()
    later = later_orders(rows, 0.25)
    assert 0.2 < later.mean() < 0.3
    assert not set(rows.filter(later)["order_id"]) & set(rows.filter(~later)["order_id"])


def test_the_truth_lies_between_the_bounds_for_unseen_rows(model) -> None:
    fresh = made_rows(20_000, seed=2)
    bounds = model.predict_with_bounds(fresh)
    low, probability, high = (
        bounds[name] for name in ("probability_low", "probability", "probability_high")
    )
    assert probability.to_list() == model.predict(fresh).tolist()
    assert ((low <= probability) & (probability <= high)).all()
    assert (high - low).mean() < 0.25
    share = fresh["label"].mean()
    assert low.mean() < share < high.mean()


def test_missing_lines_get_the_stage_s_usual_values() -> None:
    rows = pl.DataFrame(
        {
            "stage": ["dispatch"] * 3 + ["delivered"],
            "order_count_units": [1.0, 1.0, 1.0, 1.0],
            "order_age_days": [1.0, 2.0, 3.0, 20.0],
            "logistics_days_to_ship_by": [4.0, 3.0, 2.0, None],
            "product_weight_g": [100.0, None, 300.0, 900.0],
        }
    )
    names = [c for c in rows.columns if c != "stage"]
    hole = pl.DataFrame(
        {
            "stage": ["dispatch", "delivered"],
            "order_count_units": [None, 1.0],
            "order_age_days": [7.0, 7.0],
            "logistics_days_to_ship_by": [None, None],
            "product_weight_g": [None, None],
        },
        schema=rows.schema,
    )
    filled = fill_missing_lines(hole, learn_typical(rows, names))
    assert filled["product_weight_g"].to_list() == [200.0, None]
    assert filled["logistics_days_to_ship_by"].to_list() == [
        3.0 + 2.0 - 7.0,
        None,
    ]  # five days older than usual


def test_reasons_mention_only_values_that_are_worse_than_usual(model) -> None:
    registry = {
        "order_count_units": Feature("order_count_units", "", "", "{value:.0f} units"),
        "order_age_days": Feature("order_age_days", "", "", "{value:.1f} old", worse=LOW),
        "risk_30d": Feature("risk_30d", "", "", "risk {value:.1f}"),
    }
    rows = made_rows(2).with_columns(risk_30d=pl.Series([0.95, 0.05]), order_age_days=pl.lit(5.0))
    reasons = explain(model, rows, registry)
    assert reasons["reason_1"].to_list() == ["risk 0.9 (usually 0.5)", ""]
