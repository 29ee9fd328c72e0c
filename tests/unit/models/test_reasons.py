"""A theme has one voice and the weight of all its features; the rows choose the voice, not the seed
of a model."""

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


def weighed(model: DisputeModel, **weights: float) -> DisputeModel:
    """`model` with one bin per feature, of the weight told."""
    return replace(
        model, evidence={"dispatch": {name: ([], [weight]) for name, weight in weights.items()}}
    )


def test_a_theme_has_one_voice_and_the_weight_of_all(model: DisputeModel) -> None:
    asked = made_rows().filter(pl.col("silence") > 0.9).head(20)
    drive = model.contributions(asked)[:, :2].sum(axis=1)
    for place, (first, *others) in enumerate(find_reasons(model, asked, REGISTRY)):
        assert (first.theme, first.drive) == ("parcel", pytest.approx(drive[place]))
        assert "parcel" not in {reason.theme for reason in others}


@pytest.mark.parametrize("voice", ["silence", "silence_squared"])
def test_the_rows_choose_who_speaks_and_not_the_contributions(
    model: DisputeModel, voice: str
) -> None:
    asked = made_rows().filter(pl.col("silence") > 0.9).head(20)
    for first, *_ in find_reasons(weighed(model, **{voice: 0.5}), asked, REGISTRY):
        assert first.feature == voice


def test_a_number_that_marks_fewer_disputes_than_its_stage_is_not_said(model: DisputeModel) -> None:
    asked = made_rows().filter(pl.col("silence") > 0.9).head(20)
    told = find_reasons(weighed(model, silence=-0.1, silence_squared=-0.1), asked, REGISTRY)
    assert not [reason for of_row in told for reason in of_row if reason.theme == "parcel"]


def test_of_two_themes_that_drive_alike_the_one_with_more_to_show_comes_first(
    model: DisputeModel,
) -> None:
    rows = made_rows().filter((pl.col("price") > 0.7) & (pl.col("silence") > 0.7))
    contributions = model.contributions(rows)
    asked = rows.filter(
        (contributions[:, 2] > 0.05) & (contributions[:, :2].sum(axis=1) > contributions[:, 2])
    )
    assert asked.height > 10
    for first, second, *_ in find_reasons(weighed(model), asked, REGISTRY):
        assert (first.theme, second.theme) == ("parcel", "price")
    for first, second, *_ in find_reasons(weighed(model, price=9.0), asked, REGISTRY):
        assert (first.theme, second.theme) == ("price", "parcel")


def test_a_theme_that_hardly_raises_the_risk_is_told_only_where_it_is_all_there_is(
    model: DisputeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = made_rows().filter((pl.col("price") > 0.7) & (pl.col("silence") > 0.7))
    contributions = model.contributions(rows)
    is_small = (
        (contributions[:, 2] > 0)
        & (contributions[:, 2] < 0.05)
        & (contributions[:, :2].sum(axis=1) > 0.05)
    )
    asked = rows.filter(is_small)
    assert asked.height > 3
    for of_row in find_reasons(weighed(model, price=9.0), asked, REGISTRY):
        assert [reason.theme for reason in of_row] == ["parcel"], "whatever its number shows"
    monkeypatch.setattr("models.reasons.explain.LEAST_DRIVE", 99.0)
    for of_row in find_reasons(weighed(model), asked, REGISTRY):
        assert [reason.theme for reason in of_row] == ["parcel"]


def test_a_model_of_a_former_version_speaks_by_its_strongest_features(model: DisputeModel) -> None:
    booster, rest = model.to_text()
    told = json.loads(rest)
    del told["evidence"]
    former = from_text(booster, json.dumps(told | {"groups": [1, 1, 2, 3, 4, 5]}))
    asked = made_rows().filter(pl.col("silence") > 0.9).head(20)
    strongest = former.contributions(asked)[:, :2].argmax(axis=1)
    for place, (first, *_) in enumerate(find_reasons(former, asked, REGISTRY)):
        assert first.feature == NAMES[strongest[place]]


def test_evidence_by_hand() -> None:
    """40 orders of two nights each, one in four disputed; 10 of the 40 have a number, of which 8
    are disputed."""
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
    # a bin leans on 10 disputed orders of 40, each of two nights: 16 + 20 of 20 + 80, and 4 + 20 of
    # 60 + 80
    stage = np.log(1 / 3)
    expected = [np.log(24 / 116) - stage, np.log(36 / 64) - stage]
    assert evidence["delivered"]["exceptions"][0][0] == 0.0
    asked = pl.DataFrame(
        {"stage": ["delivered"] * 3 + ["returned"], "exceptions": [0.0, 1.0, None, 1.0]}
    )
    found = weigh_evidence(evidence, asked, ["exceptions"])[:, 0]
    assert found == pytest.approx([*expected, 0.0, 0.0], abs=1e-4)


def test_a_stage_of_one_outcome_and_a_column_of_holes_tell_nothing() -> None:
    rows = made_rows(200)
    one = rows.with_columns(stage=pl.lit("delivered"), label=pl.lit(0, pl.Int8))
    evidence = learn_evidence(pl.concat([rows, one]), NAMES, np.arange(400))
    assert set(evidence) == {"dispatch"}
    assert "holes" not in evidence["dispatch"]


def test_of_many_rows_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made_rows(400)
    half = learn_evidence(rows[::2], NAMES, np.arange(200))
    assert half != learn_evidence(rows, NAMES, np.arange(400)), f"under {MOST_ROWS:,} all count"
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


def test_what_is_written_as_the_usual_is_not_worth_saying() -> None:
    stars = Feature("stars", "", "", "rated {value:.1f} stars", worse=LOW)
    assert stars.sentence(4.66, 4.74) == ""
    assert stars.sentence(4.6, 4.74) == "rated 4.6 stars (usually 4.7)"
    trend = Feature("trend", "", "", "moved by {value:+.1f} stars", worse=LOW, norm=0.0)
    assert trend.sentence(-0.04, 0.5) == "", "it would be written as -0.0"
    assert trend.sentence(-0.3, 0.5) == "moved by -0.3 stars"


def test_a_number_that_tells_its_own_usual_has_none_beside_it_and_must_be_worse_than_both() -> None:
    rush = Feature("rush", "", "", "{value:.1f} times its usual orders", norm=1.0)
    assert rush.sentence(1.5, 0.8) == "1.5 times its usual orders"
    assert rush.sentence(0.9, 0.8) == "", "fewer than usual are no rush"
    assert rush.sentence(1.5, 1.6) == "", "a rush that all have"
    held = Feature("held", "", "", "customs holds the parcel", norm=0.0)
    assert (held.sentence(1.0, 0.0), held.sentence(0.0, None)) == ("customs holds the parcel", "")


def test_one_of_a_thing_is_one_and_one_and_a_tenth_are_several() -> None:
    rush = Feature("rush", "", "", "{value:.1f} times its usual orders")
    days = Feature("days", "", "", "{value:.0f} days")
    assert (rush.sentence(1.1, None), days.sentence(1.0, None)) == (
        "1.1 times its usual orders",
        "1 day",
    )
    assert days.sentence(21.0, None) == "21 days"


def test_a_number_that_worries_on_both_sides_has_its_usual_beside_it() -> None:
    value = Feature("value", "", "", "worth {value:.2f} USD", worse=EITHER)
    assert value.sentence(3.0, 18.5) == "worth 3.00 USD (usually 18.50)"
    assert value.sentence(18.501, 18.5) == ""
