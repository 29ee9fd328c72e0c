"""What another policy would have saved: small logs drawn as tables, worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.effects.policy_value import PolicyValue, value_of_policy

LOGS = """
    decision_id | buyer_id | action  | propensity | is_taken | predicted_cost_usd | cost_usd
    1           | anna     | nothing | 0.5        | yes      | 8                  | 10
    1           | anna     | inform  | 0.5        | no       | 5                  | -
    1           | anna     | resend  | 0          | no       | 3                  | -
    2           | ben      | nothing | 0.5        | no       | 8                  | -
    2           | ben      | inform  | 0.5        | yes      | 5                  | 4
    2           | ben      | resend  | 0          | no       | 3                  | -
    """


def logs(drawing: str) -> pl.DataFrame:
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = [[None if cell == "-" else cell for cell in row] for row in rows[1:]]
    return pl.DataFrame(drawn, schema=rows[0], orient="row").with_columns(
        pl.col("propensity", "predicted_cost_usd", "cost_usd").cast(pl.Float64),
        is_taken=pl.col("is_taken") == "yes",
    )


def always(action: str) -> pl.Expr:
    return pl.col("action") == action


def value(table: pl.DataFrame, policy: pl.Expr) -> PolicyValue:
    valued = value_of_policy(table, policy)
    assert valued is not None
    return valued


def test_the_prediction_is_corrected_where_the_policy_was_followed() -> None:
    # 5 USD predicted for informing; where a buyer was informed, it was 1 USD less
    informed = value(logs(LOGS), always("inform"))
    assert informed.cost_usd == pytest.approx(4.0)
    assert informed.logged_cost_usd == pytest.approx(7.0)
    assert informed.saved_usd == pytest.approx(3.0)
    # 8 USD predicted for nothing; where nothing was done, it was 2 USD more
    assert value(logs(LOGS), always("nothing")).cost_usd == pytest.approx(10.0)


def test_a_few_decisions_give_no_interval() -> None:
    informed = value(logs(LOGS), always("inform"))
    assert informed.effective_count == pytest.approx(1.0)
    assert (informed.saved_low_usd, informed.saved_high_usd) == (None, None)


def test_an_action_that_was_never_tried_has_the_cost_of_the_model_only() -> None:
    resent = value(logs(LOGS), always("resend"))
    assert resent.unsupported_share == 1.0
    assert resent.cost_usd == pytest.approx(3.0)
    half = value(logs(LOGS), 0.5 * always("resend") + 0.5 * always("inform"))
    assert half.unsupported_share == 0.5
    assert half.cost_usd == pytest.approx(0.5 * 3.0 + 0.5 * 4.0)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("yes      | 5", "no       | 5", "0 actions taken"),
        ("0.5        | no       | 8", "0.4        | no       | 8", "propensities sum to 0.9"),
        ("| 4", "| -", "known costs"),
        (
            "yes      | 8                  | 10",
            "yes      | 8                  | nan",
            "known costs",
        ),
    ],
)
def test_decisions_that_cannot_be_valued_are_an_error(before: str, after: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        value_of_policy(logs(LOGS.replace(before, after)), always("inform"))
    with pytest.raises(ValueError, match="the policy's chances to 0"):
        value_of_policy(logs(LOGS), always("refund"))


def test_without_logs_there_is_no_value() -> None:
    assert value_of_policy(logs(LOGS).head(0), always("inform")) is None


def season(seed: int, buyers: int, copies: int = 1) -> pl.DataFrame:
    """Two actions at random; informing costs 1 USD and prevents half of the disputes of 20 USD.

    The model predicts 1 USD more for informing than it comes to. Each decision is there `copies`
    times, of the same buyer.
    """
    rng = np.random.default_rng(seed)
    risk, informs = rng.uniform(0.1, 0.5, buyers), rng.random(buyers) < 0.3
    disputed = rng.random(buyers) < risk * np.where(informs, 0.5, 1.0)
    decisions = pl.DataFrame(
        {"buyer_id": np.arange(buyers), "risk": risk, "cost_usd": 20.0 * disputed + informs}
    )
    candidates = pl.DataFrame(
        {"action": ["nothing", "inform"], "propensity": [0.7, 0.3], "left": [1.0, 0.5]}
    )
    rows = decisions.with_columns(taken=pl.Series(np.where(informs, "inform", "nothing")))
    rows = pl.concat([rows] * copies).with_row_index("decision_id").join(candidates, how="cross")
    return rows.with_columns(
        is_taken=pl.col("action") == pl.col("taken"),
        predicted_cost_usd=20.0 * pl.col("risk") * pl.col("left") + 2.0 * always("inform"),
    )


def test_the_interval_holds_the_true_saving_although_the_model_is_wrong() -> None:
    # informing everyone instead of three in ten: 70 % of 20 USD x 0.3 x 0.5 less 1 USD
    truth, inside = 0.7 * (20.0 * 0.3 * 0.5 - 1.0), 0
    for seed in range(40):
        valued = value(season(seed, 500), always("inform"))
        assert valued.saved_low_usd is not None
        assert valued.saved_high_usd is not None
        inside += valued.saved_low_usd <= truth <= valued.saved_high_usd
    assert 34 <= inside <= 40


def test_copies_of_a_buyer_add_nothing() -> None:
    once, often = (value(season(1, 500, copies), always("inform")) for copies in (1, 4))
    assert often.saved_usd == pytest.approx(once.saved_usd)
    assert once.saved_low_usd is not None
    assert often.saved_low_usd == pytest.approx(once.saved_low_usd, abs=1e-3)


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = season(2, 300)
    shuffled = value(table.sample(fraction=1.0, shuffle=True, seed=3), always("inform"))
    assert shuffled == value(table, always("inform"))
