"""Reasons: one feature represents its theme, selected by the rows and not by the model's seed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURES
from features.feature import EITHER, LOW, Feature
from models.learner.gbm import DisputeModel, fit_model, from_text
from models.learner.training_config import Recipe
from models.learner.weight_of_evidence import MOST_ROWS, learn_evidence, weigh_evidence
from models.reasons.explain import find_reasons

NAMES = ["silence", "silence_squared", "price", "holes", "constant", "order_count_units"]
THEMES = {"silence": "parcel", "silence_squared": "parcel"}
REGISTRY = {
    name: Feature(name, "", "", name + " {value:.2f}", theme=THEMES.get(name, name))
    for name in NAMES
}
RECIPE = Recipe("beta", calibration_share=0.25, seed=7, threads=1)


def made_rows(count: int = 3000) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    silence = rng.random(count)
    return pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(count)],
            "as_of_day": np.arange(count) % 100,
            "stage": ["dispatch"] * count,
            "silence": silence,
            "silence_squared": silence**2,
            "price": rng.random(count),
            "holes": pl.Series([None] * count, dtype=pl.Float64),
            "constant": np.ones(count),
            "order_count_units": np.ones(count),
            "label": (rng.random(count) < 0.5 * silence).astype(np.int8),
        }
    )


@pytest.fixture(scope="module")
def model() -> DisputeModel:
    return fit_model(made_rows(), NAMES, RECIPE)


def with_weights(model: DisputeModel, **weights: float) -> DisputeModel:
    """`model` with one bin per feature, with the given weights."""
    return replace(
        model, evidence={"dispatch": {name: ([], [weight]) for name, weight in weights.items()}}
    )


def test_a_theme_gives_one_reason_with_the_drive_of_all_its_features(model: DisputeModel) -> None:
    queried = made_rows().filter(pl.col("silence") > 0.9).head(20)
    drive = model.contributions(queried)[:, :2].sum(axis=1)
    for row, (first, *others) in enumerate(find_reasons(model, queried, REGISTRY)):
        assert (first.theme, first.drive) == ("parcel", pytest.approx(drive[row]))
        assert "parcel" not in {reason.theme for reason in others}


@pytest.mark.parametrize("representative", ["silence", "silence_squared"])
def test_the_rows_select_the_feature_and_not_the_contributions(
    model: DisputeModel, representative: str
) -> None:
    queried = made_rows().filter(pl.col("silence") > 0.9).head(20)
    for first, *_ in find_reasons(with_weights(model, **{representative: 0.5}), queried, REGISTRY):
        assert first.feature == representative


def test_a_value_with_fewer_disputes_than_its_stage_is_no_reason(model: DisputeModel) -> None:
    queried = made_rows().filter(pl.col("silence") > 0.9).head(20)
    reasons = find_reasons(
        with_weights(model, silence=-0.1, silence_squared=-0.1), queried, REGISTRY
    )
    assert not [
        reason for row_reasons in reasons for reason in row_reasons if reason.theme == "parcel"
    ]


def test_of_two_themes_with_equal_drive_the_one_with_more_evidence_comes_first(
    model: DisputeModel,
) -> None:
    rows = made_rows().filter((pl.col("price") > 0.7) & (pl.col("silence") > 0.7))
    contributions = model.contributions(rows)
    queried = rows.filter(
        (contributions[:, 2] > 0.05) & (contributions[:, :2].sum(axis=1) > contributions[:, 2])
    )
    assert queried.height > 10
    for first, second, *_ in find_reasons(with_weights(model), queried, REGISTRY):
        assert (first.theme, second.theme) == ("parcel", "price")
    for first, second, *_ in find_reasons(with_weights(model, price=9.0), queried, REGISTRY):
        assert (first.theme, second.theme) == ("price", "parcel")


def test_a_weak_theme_is_a_reason_only_if_there_is_no_other(
    model: DisputeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made_rows().filter((pl.col("price") > 0.7) & (pl.col("silence") > 0.7))
    contributions = model.contributions(rows)
    is_small = (
        (contributions[:, 2] > 0)
        & (contributions[:, 2] < 0.05)
        & (contributions[:, :2].sum(axis=1) > 0.05)
    )
    queried = rows.filter(is_small)
    assert queried.height > 3
    for row_reasons in find_reasons(with_weights(model, price=9.0), queried, REGISTRY):
        assert [reason.theme for reason in row_reasons] == ["parcel"], (
            "whatever the evidence of its value"
        )
    monkeypatch.setattr("models.reasons.explain.LEAST_DRIVE", 99.0)
    for row_reasons in find_reasons(with_weights(model), queried, REGISTRY):
        assert [reason.theme for reason in row_reasons] == ["parcel"]


def test_a_model_of_an_earlier_version_uses_its_strongest_features(model: DisputeModel) -> None:
    booster, rest = model.to_text()
    stored = json.loads(rest)
    del stored["evidence"]
    former = from_text(booster, json.dumps(stored | {"groups": [1, 1, 2, 3, 4, 5]}))
    queried = made_rows().filter(pl.col("silence") > 0.9).head(20)
    strongest = former.contributions(queried)[:, :2].argmax(axis=1)
    for row, (first, *_) in enumerate(find_reasons(former, queried, REGISTRY)):
        assert first.feature == NAMES[strongest[row]]


def test_evidence_by_hand() -> None:
    """40 orders of two nights each, one in four disputed; 10 orders have the value, 8 of them
    disputed.
    """
    orders = pl.DataFrame({"order_id": [f"o{n}" for n in range(40)]}).with_row_index("n")
    orders = orders.select(
        "order_id",
        stage=pl.lit("delivered"),
        exceptions=pl.when(pl.col("n") < 10).then(1.0).otherwise(0.0),
        label=pl.when(pl.col("n") < 10)
        .then(pl.col("n") < 8)
        .otherwise(pl.col("n") < 12)
        .cast(pl.Int8),
    )
    rows = pl.concat([orders, orders])
    evidence = learn_evidence(rows, ["exceptions"], np.arange(rows.height))
    # a bin is shrunk by 10 disputed orders of 40, each of two nights: 16 + 20 of 20 + 80, and 4 +
    # 20 of 60 + 80
    stage = np.log(1 / 3)
    expected = [np.log(24 / 116) - stage, np.log(36 / 64) - stage]
    assert evidence["delivered"]["exceptions"][0][0] == 0.0
    queried = pl.DataFrame(
        {"stage": ["delivered"] * 3 + ["returned"], "exceptions": [0.0, 1.0, None, 1.0]}
    )
    weights = weigh_evidence(evidence, queried, ["exceptions"])[:, 0]
    assert weights == pytest.approx([*expected, 0.0, 0.0], abs=1e-4)


def test_a_stage_with_one_outcome_and_an_empty_column_get_no_evidence() -> None:
    rows = made_rows(200)
    one = rows.with_columns(stage=pl.lit("delivered"), label=pl.lit(0, pl.Int8))
    evidence = learn_evidence(pl.concat([rows, one]), NAMES, np.arange(400))
    assert set(evidence) == {"dispatch"}
    assert "holes" not in evidence["dispatch"]


def test_of_many_rows_a_sample_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made_rows(400)
    half = learn_evidence(rows[::2], NAMES, np.arange(200))
    assert half != learn_evidence(rows, NAMES, np.arange(400)), (
        f"below {MOST_ROWS:,} all rows are used"
    )
    monkeypatch.setattr("models.learner.weight_of_evidence.MOST_ROWS", 200)
    assert learn_evidence(rows, NAMES, np.arange(400)) == half


def test_the_themes_are_those_a_seller_would_call_different_reasons() -> None:
    themes = {
        "order",
        "product",
        "logistics",
        "dispatch",
        "lane",
        "buyer",
        "store",
        "conversation",
        "season",
    }
    assert {feature.theme for feature in FEATURES.values()} == themes
    assert (
        FEATURES["logistics_days_to_ship_by"].theme
        == FEATURES["supplier_handling_days_90d"].theme
        == "dispatch"
    )
    assert (
        FEATURES["order_age_days"].theme
        == FEATURES["logistics_days_since_news"].theme
        == "logistics"
    )


def test_a_value_displayed_like_the_usual_one_is_no_reason() -> None:
    stars = Feature("stars", "", "", "rated {value:.1f} star(s)", worse=LOW)
    assert stars.sentence(4.66, 4.74) == ""
    assert stars.sentence(4.6, 4.74) == "rated 4.6 stars (usually 4.7)"
    trend = Feature("trend", "", "", "moved by {value:+.1f} star(s)", worse=LOW, norm=0.0)
    assert trend.sentence(-0.04, 0.5) == "", "it would be displayed as -0.0"
    assert trend.sentence(-0.3, 0.5) == "moved by -0.3 stars"


def test_a_ratio_has_no_usual_value_and_must_be_worse_than_both() -> None:
    rush = Feature("rush", "", "", "{value:.1f} time(s) its usual orders", norm=1.0)
    assert rush.sentence(1.5, 0.8) == "1.5 times its usual orders"
    assert rush.sentence(0.9, 0.8) == "", "fewer orders than usual are no rush"
    assert rush.sentence(1.5, 1.6) == "", "a rush that is usual"
    held = Feature("held", "", "", "customs holds the parcel", norm=0.0)
    assert (held.sentence(1.0, 0.0), held.sentence(0.0, None)) == ("customs holds the parcel", "")


def test_singular_for_one_and_plural_for_one_and_a_tenth() -> None:
    rush = Feature("rush", "", "", "{value:.1f} time(s) its usual orders")
    days = Feature("days", "", "", "{value:.0f} day(s)")
    assert (rush.sentence(1.1, None), days.sentence(1.0, None)) == (
        "1.1 times its usual orders",
        "1 day",
    )
    assert days.sentence(21.0, None) == "21 days"


def test_a_two_sided_feature_shows_its_usual_value() -> None:
    value = Feature("value", "", "", "worth {value:.2f} USD", worse=EITHER)
    assert value.sentence(3.0, 18.5) == "worth 3.00 USD (usually 18.50)"
    assert value.sentence(18.501, 18.5) == ""


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1 day left (usually 6)"), (-1.2, "1 day late"), (9.0, "")]
)
def test_a_sentence_has_the_order_s_number(value: float, text: str) -> None:
    feature = Feature(
        "x_days", "days", "", "{value:.0f} day(s) left", "{value:.0f} day(s) late", LOW
    )
    assert feature.sentence(value, 6.0) == text


def test_days_late_are_not_compared_with_days_early() -> None:
    late = Feature(
        "late_days", "days", "w", "{value:.0f} day(s) after", "{value:.0f} day(s) before"
    )
    assert late.sentence(2.0, -9.0) == "2 days after"
    assert late.sentence(2.0, 1.0) == "2 days after (usually 1)"
    assert late.sentence(-2.0, -9.0) == "2 days before (usually 9)"
