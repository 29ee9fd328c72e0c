"""Features that move together share a group, and a group has one voice."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.feature import Feature
from models.explain import explain
from models.gbm import fit_model
from models.groups import learn_groups
from models.recipe import Recipe

NAMES = ["silence", "silence_squared", "price", "holes", "constant", "order_count_units"]


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


def test_what_moves_together_is_one_group_and_all_else_alone() -> None:
    groups = learn_groups(made_rows(), NAMES)
    assert groups[0] == groups[1]
    assert len(set(groups)) == len(NAMES) - 1


def test_a_group_has_one_voice_and_the_weight_of_all() -> None:
    rows = made_rows()
    model = fit_model(rows, NAMES, Recipe("beta", calibration_share=0.25, seed=7, threads=1))
    registry = {name: Feature(name, "", "", name + " {value:.2f}") for name in NAMES}
    asked = rows.filter(pl.col("silence") > 0.9).head(20)
    reasons = explain(model, asked, registry)
    assert all(reason.startswith("silence") for reason in reasons["reason_1"])
    assert not any(reason.startswith("silence") for reason in reasons["reason_2"])
