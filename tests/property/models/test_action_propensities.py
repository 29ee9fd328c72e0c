"""What must hold for the chances of any candidates."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.actions.action_propensities import add_propensities, draw_actions
from models.actions.action_rules import ExplorationRules


@settings(max_examples=20, deadline=None)
@given(
    buyers=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    floor=st.floats(0.0, 0.5),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_chances_of_a_buyer_sum_to_one(buyers: list[int], floor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = pl.DataFrame(
        {
            "buyer_id": [str(number) for number in buyers],
            "order_id": [f"order {row}" for row in range(len(buyers))],
            "action": rng.choice(["inform", "nothing", "resend"], len(buyers)).tolist(),
        }
    )
    values = rng.normal(0.0, 1.0, (len(buyers), 7)).round(1)
    rules = ExplorationRules(floor=floor)
    drawn = draw_actions(add_propensities(options, values, rules), "salt", "night")
    per_buyer = drawn.group_by("buyer_id").agg(
        pl.col("propensity", "best_chance").sum(),
        pl.col("is_taken").sum(),
        least=pl.col("propensity").filter(pl.col("propensity") > 0).min(),
        competing=(pl.col("propensity") > 0).sum(),
    )
    assert per_buyer["propensity"].to_list() == pytest.approx([1.0] * per_buyer.height)
    assert per_buyer["best_chance"].to_list() == pytest.approx([1.0] * per_buyer.height)
    assert (per_buyer["is_taken"] == 1).all()
    assert (drawn.filter("is_taken")["propensity"] > 0).all()
    if floor > 0:
        least = np.minimum(floor, 1.0 / per_buyer["competing"].to_numpy())
        assert (per_buyer["least"].to_numpy() >= least - 1e-12).all()
    order = rng.permutation(len(buyers))
    shuffled = draw_actions(add_propensities(options[order], values[order], rules), "salt", "night")
    assert (
        shuffled.sort("order_id")
        .drop("propensity", "best_chance")
        .equals(drawn.sort("order_id").drop("propensity", "best_chance"))
    )
