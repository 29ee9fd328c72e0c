"""The robust worth of actions: small seasons drawn as tables, and a naive oracle."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.tables import CAUSES
from models.effects.assumed_shares import AssumedShare
from models.effects.effect_posterior import EffectPosterior
from models.effects.learned_effects import learn_effects
from models.effects.robust_worth import (
    COSTLY_QUANTILE,
    quantile_of,
    robust_worth,
    saved_parts,
    worth_of_options,
)

STAGES = ("in_transit", "delivered")
PRIOR = {
    (action, stage, cause): AssumedShare(share, 5.0)
    for action, share in {"inform": 0.12, "refund": 0.3}.items()
    for stage in STAGES
    for cause in CAUSES
}


def season(drawing: str) -> pl.DataFrame:
    """Counts drawn as a table, of ended orders that were not received."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = pl.DataFrame(rows[1:], schema=dict.fromkeys(rows[0], pl.String), orient="row")
    return drawn.with_columns(
        pl.col("expected", "observed").cast(pl.Float64),
        stage=pl.lit("in_transit"),
        cause=pl.lit("not_received"),
        is_ended=pl.lit(True),
    )


NO_SEASON = season("action | meant | expected | observed")


def worth(
    counts: pl.DataFrame, action: str, *, stake: float = 10.0, cost: float = 0.0, costly: bool
) -> float:
    """The worth of one option in transit whose stake is all of one cause."""
    option = pl.DataFrame({"action": [action], "stage": ["in_transit"]})
    stakes = np.array([[stake, 0.0, 0.0]])
    posterior = learn_effects(counts, PRIOR)
    return float(worth_of_options(posterior, option, stakes, np.array([cost]), costly)[0])


def test_without_data_a_cheap_message_is_worth_its_assumption_less_its_cost() -> None:
    assert worth(NO_SEASON, "inform", cost=0.5, costly=False) == pytest.approx(1.2 - 0.5)


def test_a_costly_action_without_evidence_is_worth_less_than_its_mean() -> None:
    doubted, mean = (worth(NO_SEASON, "refund", costly=costly) for costly in (True, False))
    assert mean == pytest.approx(3.0)
    assert doubted < 0.75 * mean


def test_evidence_takes_the_doubt_away() -> None:
    counts = season(
        """
        action  | meant  | expected | observed
        nothing | refund | 20000    | 20000
        refund  | refund | 20000    | 14000
        """
    )
    doubted, mean = (worth(counts, "refund", costly=costly) for costly in (True, False))
    assert mean == pytest.approx(3.0, abs=0.1)
    assert doubted > 0.95 * mean


def test_a_few_disputes_that_did_not_come_do_not_make_a_costly_action_pay() -> None:
    # 3 of 6 expected disputes: chance. The action costs a little less than its mean share saves.
    counts = season(
        """
        action  | meant  | expected | observed
        nothing | refund | 6        | 6
        refund  | refund | 6        | 3
        """
    )
    assert worth(counts, "refund", cost=2.9, costly=False) > 0.0
    assert worth(counts, "refund", cost=2.9, costly=True) < 0.0


def test_a_risk_that_was_overestimated_where_the_action_is_chosen_lowers_the_stake() -> None:
    # the held out of the same choice have half of the disputes that the model expects
    counts = season(
        """
        action  | meant  | expected | observed
        nothing | inform | 20000    | 10000
        inform  | inform | 20000    | 8000
        nothing | refund | 20000    | 20000
        refund  | refund | 20000    | 16000
        """
    )
    assert worth(counts, "inform", costly=False) == pytest.approx(10.0 * 0.5 * 0.2, abs=0.1)
    assert worth(counts, "refund", costly=False) == pytest.approx(10.0 * 0.2, abs=0.2)


def test_a_harmful_message_is_worth_less_than_nothing() -> None:
    counts = season(
        """
        action  | meant  | expected | observed
        nothing | inform | 2000     | 2000
        inform  | inform | 2000     | 2200
        """
    )
    assert worth(counts, "inform", costly=False) < 0.0


def test_a_higher_stake_is_worth_more_and_costs_count_in_full() -> None:
    low, high = (worth(NO_SEASON, "inform", stake=stake, costly=False) for stake in (10.0, 20.0))
    assert high == pytest.approx(2.0 * low)
    free, paid = (worth(NO_SEASON, "refund", cost=cost, costly=True) for cost in (0.0, 1.5))
    assert free - paid == pytest.approx(1.5)


def test_no_options_have_no_worth() -> None:
    options = pl.DataFrame(schema={"action": pl.String, "stage": pl.String})
    posterior = learn_effects(NO_SEASON, PRIOR)
    assert worth_of_options(posterior, options, np.zeros((0, 3)), np.zeros(0), False).shape == (0,)


@pytest.mark.parametrize("quantile", [0.0, 1.0, np.nan])
def test_a_quantile_outside_of_0_to_1_is_refused(quantile: float) -> None:
    posterior = learn_effects(NO_SEASON, PRIOR)
    saved = saved_parts(posterior, pl.DataFrame({"action": ["inform"], "stage": ["delivered"]}))
    with pytest.raises(ValueError, match="between 0 and 1"):
        robust_worth(saved, np.zeros(1, dtype=int), np.ones((1, 3)), np.zeros(1), quantile)


def drawn_savings(
    posterior: EffectPosterior, options: pl.DataFrame, stakes: np.ndarray, draws: int
) -> np.ndarray:
    """(options, draws): the naive oracle. Draws states of the world and sums each option's saving
    cause by cause."""
    rng, terms = np.random.default_rng(1), posterior.terms
    parts = []
    for each in posterior.components:
        count = round(draws * each.weight)
        state = each.mean[:, None] + each.root @ rng.standard_normal((len(terms.index), count))
        saved = np.zeros((options.height, count))
        for n, option in enumerate(options.iter_rows(named=True)):
            for c, cause in enumerate(CAUSES):
                one = pl.DataFrame([{**option, "meant": option["action"], "cause": cause}])
                row = posterior.with_modifiers(one)
                offset, effect = terms.effects_of(row)
                calibration = terms.calibration_of(row)
                variance = float(((calibration @ each.root) ** 2).sum())
                before = np.exp((calibration @ state)[0] - variance / 2.0)
                saved[n] += stakes[n, c] * before * (1.0 - np.exp(offset[0] + (effect @ state)[0]))
        parts.append(saved)
    return np.concatenate(parts, axis=1)


def test_the_worth_is_that_of_a_naive_sum_over_draws_of_the_posterior() -> None:
    counts = season(
        """
        action  | meant  | expected | observed
        nothing | inform | 60       | 48
        nothing | refund | 30       | 36
        inform  | inform | 90       | 70
        refund  | refund | 40       | 25
        """
    )
    posterior = learn_effects(counts, PRIOR)
    rng = np.random.default_rng(3)
    options = pl.DataFrame(
        {
            "action": ["inform", "refund", "refund", "inform", "inform"],
            "stage": ["in_transit", "in_transit", "delivered", "delivered", "in_transit"],
        }
    )
    stakes, costs = rng.uniform(0.0, 10.0, (5, 3)), rng.uniform(0.0, 2.0, 5)
    is_costly = np.array([False, True, True, False, True])
    drawn = drawn_savings(posterior, options, stakes, 100_000)
    low = np.quantile(drawn, COSTLY_QUANTILE, axis=1)
    naive = np.where(is_costly, low, drawn.mean(axis=1)) - costs
    worths = worth_of_options(posterior, options, stakes, costs, is_costly)
    # the low quantile is one of a normal distribution: a little too low for a skewed one
    spread = drawn.std(axis=1)
    tolerance = np.where(is_costly, 0.15, 0.02) * spread
    assert (np.abs(worths - naive) < tolerance).all()
    assert quantile_of(is_costly).tolist() == [0.5, 0.3, 0.3, 0.5, 0.3]
