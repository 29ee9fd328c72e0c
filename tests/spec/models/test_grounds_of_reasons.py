"""A reason is only given if the order has what it rests on."""

from __future__ import annotations

import polars as pl
import pytest

from features.build.registry import FEATURES
from models.learner.gbm import DisputeModel, fit_model
from models.learner.training_config import Recipe
from models.reasons.explain import find_reasons
from models.reasons.grounds import ENTITIES, NOT_KNOWN, grounds
from models.reasons.risk_rules import SignModel, strength

ORDER = {
    "order_id": "a",
    "supplier_id": "ACME",
    "category": "toys",
    "buyer_id": "b-1",
    "country": "DE",
    "stage": "in_transit",
    "buyer_count_orders_365d": 3.0,
    "product_count_orders_365d": 3.0,
    "product_count_orders_90d": 3.0,
    "product_count_orders_30d": 3.0,
    "supplier_count_orders_90d": 3.0,
}


def order(**changed: object) -> pl.DataFrame:
    return pl.DataFrame([{**ORDER, **changed}])


def has_grounds(name: str, **changed: object) -> bool:
    return bool(grounds(order(**changed), {name: FEATURES[name]})[name][0])


@pytest.mark.parametrize(
    ("feature", "entity"),
    [
        ("supplier_dispute_share_90d", "supplier_id"),
        ("supplier_handling_days_90d", "supplier_id"),
        ("supplier_rush", "supplier_id"),
        ("order_count_suppliers", "supplier_id"),
        ("category_dispute_share_365d", "category"),
        ("order_price_to_category_usual", "category"),
        ("buyer_count_disputes_365d", "buyer_id"),
        ("country_dispute_share_365d", "country"),
    ],
)
def test_a_reason_about_something_that_the_order_does_not_have(feature: str, entity: str) -> None:
    assert has_grounds(feature)
    assert not has_grounds(feature, **{entity: None})
    for word in (*NOT_KNOWN, "Unknown", " n/a "):
        assert not has_grounds(feature, **{entity: word})


@pytest.mark.parametrize(
    ("feature", "needed"),
    [
        ("buyer_dispute_share_365d", "buyer_count_orders_365d"),
        ("product_dispute_share_30d", "product_count_orders_30d"),
        ("product_not_received_share_365d", "product_count_orders_365d"),
        ("supplier_dispute_share_365d", "supplier_count_orders_90d"),
    ],
)
def test_a_share_of_nothing_is_no_reason(feature: str, needed: str) -> None:
    assert has_grounds(feature)
    assert not has_grounds(feature, **{needed: 0.0})
    assert not has_grounds(feature, **{needed: None})


def test_every_sentence_that_names_an_entity_declares_it() -> None:
    words = {"supplier": "supplier_id", "categor": "category", "this country": "country"}
    for feature in FEATURES.values():
        for word, entity in words.items():
            if word in feature.says + feature.says_below_zero:
                assert feature.entity == entity, feature.name
        assert not feature.needs or feature.needs in FEATURES
        assert feature.entity in (*ENTITIES, "")


def test_the_value_of_an_order_is_no_reason() -> None:
    assert not FEATURES["order_value_usd"].sentence(93.80, 20.0)


@pytest.fixture(scope="module")
def model() -> DisputeModel:
    count = 2000
    high = [float(number % 2) for number in range(count)]
    rows = pl.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(count)],
            "as_of_day": [number % 100 for number in range(count)],
            "stage": ["in_transit"] * count,
            "order_count_units": [1.0] * count,
            "supplier_dispute_share_90d": high,
            "label": [int(value and number % 3 == 0) for number, value in enumerate(high)],
        }
    ).with_columns(pl.col("label").cast(pl.Int8))
    recipe = Recipe("none", calibration_share=0.25, seed=7, threads=1)
    return fit_model(rows, ["order_count_units", "supplier_dispute_share_90d"], recipe)


def test_a_model_names_the_supplier_only_if_there_is_one(model: DisputeModel) -> None:
    def reasons(**changed: object) -> list[str]:
        rows = order(supplier_dispute_share_90d=1.0, order_count_units=1.0, **changed)
        return [str(reason.sentence) for reason in find_reasons(model, rows, FEATURES)[0]]

    assert "of this supplier's orders" in reasons()[0]
    assert reasons(supplier_id="unknown") == []


def test_fixed_rules_name_the_buyer_only_if_there_is_one() -> None:
    signs = {name: None for name in strength().meta.root_names() if name != "stage"}
    night = {**signs, "buyer_count_disputes_365d": 2.0, "logistics_days_since_news": None}

    def reason(**changed: object) -> str:
        rows = order(**{**night, **changed}).with_columns(pl.col(pl.Null).cast(pl.Float64))
        return SignModel(0.03).reasons(rows, FEATURES)["reason_1"].item()

    assert reason() == "the buyer opened 2 disputes in the last year"
    assert reason(buyer_id="guest") == ""
