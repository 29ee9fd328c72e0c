"""Each part of the model does what it says, by hand-worked numbers where there are any."""

from __future__ import annotations

import json
from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from features.feature import LOW, Feature
from models.comparison.metrics import (
    calibration_slope,
    expected_calibration_error,
    mark_listed,
    measure,
    measure_by,
)
from models.comparison.paired_comparison import compare_scorers
from models.contact.decide import ContactCosts, add_contact_by, add_expected_value, choose_contacts
from models.learner import matrix
from models.learner.calibration import KINDS, Curve, fit_calibration, from_numbers, to_numbers
from models.learner.gbm import bin_rows, fit_model, from_text, later_orders, score_later
from models.learner.matrix import UnusableFeatures, to_matrix
from models.learner.stage_medians import fill_missing_lines, learn_typical
from models.learner.training_config import Recipe
from models.learner.venn_abers import fit_venn_abers
from models.reasons.explain import explain
from tests.conftest import day


def made_rows(count: int = 3000, seed: int = 1) -> pl.DataFrame:
    """Order-nights whose risk grows with `risk_30d`; the features a model is told of besides are
    noise."""
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


def test_every_call_of_lightgbm_names_its_thread_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that names none resets the count of the whole process, and a model that another thread is
    building then overruns its buffers: a backtest of many nights died of it, one time in three."""
    named = []
    train, predict, bins = lgb.train, lgb.Booster.predict, lgb.Dataset.construct
    monkeypatch.setattr(
        lgb, "train", lambda p, *a, **k: named.append(p.get("num_threads")) or train(p, *a, **k)
    )
    monkeypatch.setattr(
        lgb.Booster,
        "predict",
        lambda *a, **k: named.append(k.get("num_threads")) or predict(*a, **k),
    )
    monkeypatch.setattr(
        lgb.Dataset, "construct", lambda d: named.append(d.params.get("num_threads")) or bins(d)
    )
    rows = made_rows()
    model = fit_model(rows, NAMES, RECIPE)
    model.predict(rows)
    model.contributions(rows.head(5))
    assert set(named) == {1}
    assert len(named) >= 6


def test_probabilities_are_calibrated_on_rows_never_seen(model) -> None:
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


def test_a_matrix_is_the_frame_in_float32_whatever_its_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = made_rows(10).with_columns(order_age_days=pl.Series([None, *range(9)], dtype=pl.Float64))
    whole = to_matrix(rows, NAMES)
    assert (whole.dtype, whole.shape) == (np.float32, (10, 3))
    assert np.isnan(whole[0, 1])
    np.testing.assert_array_equal(whole[:, 2], rows["risk_30d"].cast(pl.Float32))
    monkeypatch.setattr(matrix, "BLOCK", 3)
    turned = np.arange(10)[::-1]
    np.testing.assert_array_equal(to_matrix(rows, NAMES, turned), whole[::-1])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda rows: rows.drop("risk_30d"), "risk_30d is missing"),
        (
            lambda rows: rows.with_columns(risk_30d=pl.lit("0.3")),
            "risk_30d holds String where numbers are needed",
        ),
    ],
)
def test_a_column_that_is_missing_or_no_number_is_named_and_never_guessed(
    model, spoil: Callable, why: str
) -> None:
    with pytest.raises(UnusableFeatures, match=why):
        model.predict(spoil(made_rows(5)))


def test_a_constant_feature_one_of_holes_and_a_stage_never_seen_are_scored_not_feared() -> None:
    rows = made_rows().with_columns(constant=pl.lit(3.0), hole=pl.lit(None, pl.Float64))
    model = fit_model(rows, [*NAMES, "constant", "hole"], RECIPE)
    asked = rows.head(5).with_columns(
        stage=pl.lit("returned"), constant=pl.lit(9.0), order_count_units=None
    )
    probability = model.predict(asked)
    assert ((probability > 0) & (probability < 1)).all()


@pytest.mark.parametrize("label", [0, 1])
def test_of_one_outcome_only_nothing_is_drafted_or_claimed(label: int) -> None:
    rows = made_rows(300).with_columns(label=pl.lit(label, pl.Int8))
    assert score_later(rows, bin_rows(rows, NAMES, 1), RECIPE) is None
    found = compare_scorers(rows, {"a": rows["risk_30d"].to_numpy()}, seed=1, resamples=3)
    assert found["value"].null_count() == found.height


def test_no_order_is_on_both_sides_of_the_calibration() -> None:
    rows = made_rows()
    later = later_orders(rows, 0.25)
    assert 0.2 < later.mean() < 0.3
    assert not set(rows.filter(later)["order_id"]) & set(rows.filter(~later)["order_id"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "none"])
def test_calibration_repairs_overconfidence(kind: str) -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(20_000) * 0.4 + 0.05
    label = (rng.random(20_000) < truth).astype(int)
    odds = np.log(truth / (1 - truth))
    overconfident = 1 / (1 + np.exp(-2 * odds))
    fitted = fit_calibration(kind, overconfident, label)
    found = fitted.apply(overconfident)
    assert abs(found - truth).mean() < 0.02 < abs(overconfident - truth).mean()
    assert (np.diff(found[np.argsort(overconfident)]) >= 0).all(), (
        "the ranking is never turned round"
    )
    assert from_numbers(json.loads(json.dumps(to_numbers(fitted)))) == fitted


def test_beta_calibration_finds_the_curve_it_is_made_of() -> None:
    rng = np.random.default_rng(4)
    given = rng.beta(1, 6, 200_000)
    curve = Curve(a=0.7, b=2.0, c=-0.5)
    label = (rng.random(len(given)) < curve.apply(given)).astype(int)
    assert abs(fit_calibration("beta", given, label).apply(given) - curve.apply(given)).max() < 0.03
    assert Curve().apply(np.array([0.2, 0.9])).tolist() == pytest.approx([0.2, 0.9])


@pytest.mark.parametrize("kind", ["platt", "beta"])
def test_a_ranking_is_never_turned_round(kind: str) -> None:
    assert fit_calibration(kind, np.array([0.1, 0.2, 0.8, 0.9]), np.array([1, 1, 0, 0])) == Curve()


def test_an_unknown_calibration_is_named() -> None:
    with pytest.raises(ValueError, match="'isotone' is not one of none, platt"):
        fit_calibration("isotone", np.array([0.1, 0.9]), np.array([0, 1]))


def test_venn_abers_by_hand() -> None:
    """Scores 0.1 (not disputed) and 0.9 (disputed). A new order at 0.1: as if not disputed 0 of 2,
    as if disputed 1 of 2; at 0.9: 1 of 2 and 2 of 2."""
    fitted = fit_venn_abers(np.array([0.1, 0.9]), np.array([0, 1]))
    low, high = fitted.bounds(np.array([0.1, 0.9]))
    assert (low.tolist(), high.tolist()) == ([0.0, 0.5], [0.5, 1.0])
    assert fitted.apply(np.array([0.1, 0.9])).tolist() == pytest.approx([0.5 / 1.5, 1.0 / 1.5])


def test_nights_of_the_same_orders_make_venn_abers_no_surer() -> None:
    rng = np.random.default_rng(5)
    score = rng.random(500)
    label = (rng.random(500) < score).astype(int)
    once = fit_venn_abers(score, label)
    again = fit_venn_abers(np.tile(score, 10), np.tile(label, 10), evidence=0.1)
    assert again.low == pytest.approx(once.low)
    assert again.high == pytest.approx(once.high)


def test_the_truth_lies_between_the_bounds_for_rows_never_seen(model) -> None:
    fresh = made_rows(20_000, seed=2)
    found = model.predict_with_bounds(fresh)
    low, probability, high = (
        found[name] for name in ("probability_low", "probability", "probability_high")
    )
    assert probability.to_list() == model.predict(fresh).tolist()
    assert ((low <= probability) & (probability <= high)).all()
    assert (high - low).mean() < 0.25
    share = fresh["label"].mean()
    assert low.mean() < share < high.mean()


def test_calibration_error_by_hand() -> None:
    # two bins of two: predicted 0.1, realised 0.5; predicted 0.9, realised 1
    label, probability = np.array([0, 1, 1, 1]), np.array([0.1, 0.1, 0.9, 0.9])
    assert expected_calibration_error(label, probability, bins=2) == pytest.approx((0.4 + 0.1) / 2)


def test_a_slope_below_one_says_too_extreme() -> None:
    rng = np.random.default_rng(6)
    truth = rng.beta(2, 8, 50_000)
    label = (rng.random(len(truth)) < truth).astype(int)
    odds = np.log(truth / (1 - truth))
    assert calibration_slope(label, truth) == pytest.approx(1.0, abs=0.03)
    assert calibration_slope(label, 1 / (1 + np.exp(-2 * odds))) == pytest.approx(0.5, abs=0.02)


SCORED = pl.DataFrame(
    {
        "order_id": ["a", "b", "c", "d", "e", "f"],
        "as_of_day": [0, 0, 0, 1, 1, 1],
        "stage": ["dispatch", "dispatch", "delivered", "dispatch", "delivered", "delivered"],
        "probability": [0.9, 0.5, 0.6, 0.3, 0.2, 0.3],
        "label": [1, 0, 0, 0, 1, 1],
    }
)


def test_capacity_is_per_night_and_ties_go_by_id() -> None:
    listed = mark_listed(SCORED, 2).filter("is_listed")["order_id"].sort().to_list()
    assert listed == ["a", "c", "d", "f"]


def test_metrics_by_hand() -> None:
    result = measure(mark_listed(SCORED, 2))
    assert result["precision_at_capacity"] == 2 / 4  # a and f of a, c, d, f
    assert result["recall_at_capacity"] == 2 / 3
    # pairs (disputed, not): a beats 3 of 3; e beats 0; f ties with d
    assert result["auc"] == pytest.approx((3 + 0 + 0.5) / 9)


def test_metrics_by_stage_count_the_nights_one_list() -> None:
    result = measure_by(SCORED, 2, {"delivered": pl.col("stage") == "delivered"})
    pooled = result.filter((pl.col("night") == "pooled") & (pl.col("stage") == "delivered")).row(
        0, named=True
    )
    assert (pooled["rows"], pooled["count_disputes"]) == (3, 2)
    assert pooled["precision_at_capacity"] == 1 / 2  # c and f are listed, f is disputed
    one_class = result.filter((pl.col("night") == "0") & (pl.col("stage") == "delivered")).row(
        0, named=True
    )
    assert one_class["auc"] is None


def test_a_hole_in_the_lines_gets_the_stages_usual_values() -> None:
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


COSTS = ContactCosts(
    {"dispatch": 0.2, "delivered": 0.1}, dispute_fixed_cost_usd=10.0, contact_cost_usd=1.0
)


def test_expected_value_by_hand() -> None:
    scored = pl.DataFrame(
        {
            "order_id": ["a", "b"],
            "stage": ["dispatch", "delivered"],
            "probability": [0.5, 0.1],
            "order_value_usd": [40.0, None],
        }
    )
    valued = add_expected_value(scored, COSTS)
    assert valued["expected_value_usd"].to_list() == pytest.approx(
        [0.5 * 0.2 * 50 - 1, 0.1 * 0.1 * 10 - 1]
    )
    listed = choose_contacts(valued, 5)
    assert listed.select("rank", "order_id").rows() == [(1, "a")], "b costs more than it saves"


def test_contact_by_is_never_past() -> None:
    listed = pl.DataFrame(
        {
            "stage": [
                "before_shipment",
                "before_shipment",
                "dispatch",
                "in_transit",
                "in_transit",
                "delivered",
            ],
            "logistics_days_to_ship_by": [2.5, -3.0, None, None, None, None],
            "logistics_days_to_promise": [9.0, 9.0, 9.0, 9.0, -4.0, -1.0],
            "logistics_days_in_stage": [1.0, 1.0, 1.0, 1.0, 1.0, 1.5],
        }
    )
    days = add_contact_by(listed, day("2024-05-01"))["contact_by"]
    assert [f"{d:%m-%d}" for d in days] == ["05-03", "05-01", "05-03", "05-07", "05-01", "05-02"]


def test_reasons_speak_of_worse_than_usual_numbers_only(model) -> None:
    registry = {
        "order_count_units": Feature("order_count_units", "", "", "{value:.0f} units"),
        "order_age_days": Feature("order_age_days", "", "", "{value:.1f} old", worse=LOW),
        "risk_30d": Feature("risk_30d", "", "", "risk {value:.1f}"),
    }
    rows = made_rows(2).with_columns(risk_30d=pl.Series([0.95, 0.05]), order_age_days=pl.lit(5.0))
    reasons = explain(model, rows, registry)
    assert reasons["reason_1"].to_list() == ["risk 0.9 (usually 0.5)", ""]


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1 day left (usually 6)"), (-1.2, "1 day late"), (9.0, "")]
)
def test_a_sentence_has_the_orders_number(value: float, text: str) -> None:
    feature = Feature("x_days", "days", "", "{value:.0f} days left", "{value:.0f} days late", LOW)
    assert feature.sentence(value, 6.0) == text


def test_days_late_are_not_said_beside_a_usual_that_is_days_early() -> None:
    late = Feature("late_days", "days", "w", "{value:.0f} days after", "{value:.0f} days before")
    assert late.sentence(2.0, -9.0) == "2 days after"
    assert late.sentence(2.0, 1.0) == "2 days after (usually 1)"
    assert late.sentence(-2.0, -9.0) == "2 days before (usually 9)"
