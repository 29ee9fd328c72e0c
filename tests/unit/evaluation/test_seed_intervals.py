"""The results of several stores joined: small results drawn as tables."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.evaluation.actions.seed_intervals import BEST_KNOWABLE, over_stores

RULES = ["oldest first", "riskiest first"]


def store(drawing: str) -> pl.DataFrame:
    lines = [[c.strip() for c in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = pl.DataFrame(lines[1:], schema=lines[0], orient="row")
    numbers = pl.col("saved_usd", "expected_usd", "stake_usd").cast(pl.Float64)
    return drawn.with_columns(numbers, pl.col("season").cast(pl.Int64), scenario=pl.lit("strong"))


FIRST = f"""
    policy          | season | saved_usd | expected_usd | stake_usd
    oldest first    | 3      | 5         | 10           | 1000
    riskiest first  | 3      | 5         | 30           | 1000
    first season    | 1      | 5         | -10          | 500
    learned         | 3      | 40        | 60           | 1000
    {BEST_KNOWABLE} | 3      | 90        | 100          | 1000
"""
SECOND = f"""
    policy          | season | saved_usd | expected_usd | stake_usd
    oldest first    | 3      | 5         | 50           | 2000
    riskiest first  | 3      | 5         | 50           | 2000
    first season    | 1      | 5         | -10          | 1000
    learned         | 3      | 60        | 100          | 2000
    {BEST_KNOWABLE} | 3      | 90        | 100          | 2000
"""


def joined(policy: str) -> dict[str, float]:
    rows = over_stores([store(FIRST), store(SECOND)], RULES)
    return rows.filter(pl.col("policy") == policy).row(0, named=True)


def test_the_mean_has_the_t_interval_of_the_stores() -> None:
    row = joined("learned")
    assert (row["saved_usd"], row["expected_usd"]) == (50.0, 80.0)
    # two stores: half of their difference times 12.706
    half = 12.706 * 10.0
    assert (row["saved_usd_low"], row["saved_usd_high"]) == pytest.approx(
        (50.0 - half, 50.0 + half), abs=0.01
    )


def test_a_policy_is_compared_with_the_cells_and_the_best_hand_rule() -> None:
    row = joined("learned")
    assert row["to_cells"] == pytest.approx(0.8)
    # of the two rules, the riskiest first saves 40 on average
    assert row["to_best_rule"] == pytest.approx(2.0)


def test_a_season_of_learning_has_its_own_money_at_stake_and_no_ratios() -> None:
    row = joined("first season")
    assert row["stake_share"] == pytest.approx((-10 / 500 - 10 / 1000) / 2)
    assert row["to_cells"] is row["to_best_rule"] is None


def test_cells_that_save_nothing_give_no_ratio() -> None:
    zero = [each.with_columns(expected_usd=pl.lit(0.0)) for each in (store(FIRST), store(SECOND))]
    assert over_stores(zero, RULES)["to_cells"].null_count() == 5


def test_one_store_or_different_policies_are_refused() -> None:
    for wrong in ([store(FIRST)], [store(FIRST), store(SECOND).head(2)]):
        with pytest.raises(ValueError, match="at least two stores with the same"):
            over_stores(wrong, RULES)
