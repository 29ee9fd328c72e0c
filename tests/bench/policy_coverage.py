"""How often the interval of another policy's saving has the truth, on made-up logs.

Actions are logged with unequal chances, buyers return, disputes are rare and their costs skewed,
and the model's predicted costs are wrong. Prints how often the 95 % interval of `value_of_policy`
has the true saving of three other policies.

PYTHONPATH=. python tests/bench/policy_coverage.py [SEASONS] [DECISIONS ...]
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from models.effects.policy_value import value_of_policy

ACTIONS = ("nothing", "inform", "part_back", "resend")
LEFT = np.array([[1.0, 0.85, 0.7, 0.5], [1.0, 1.05, 0.6, 0.9]])  # by cause
SENDING = np.array([0.0, 0.5, 4.0, 9.0])
POLICIES = {
    "always inform": pl.col("action") == "inform",
    "resend when late, else nothing": pl.col("action")
    == pl.when("is_late").then(pl.lit("resend")).otherwise(pl.lit("nothing")),
    "part back or nothing, half each": pl.col("action").is_in(["part_back", "nothing"]) * 0.5,
}


def logged(rng: np.random.Generator, decisions: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Logs of one season, and the expected cost of each decision (rows) and action (columns)."""
    buyers = int(decisions * 0.6)
    buyer, temper = rng.integers(0, buyers, decisions), rng.gamma(3.0, 1 / 3.0, buyers)
    cause, is_late = rng.integers(0, 2, decisions), rng.random(decisions) < 0.4
    at_stake = rng.lognormal(3.2, 0.6, decisions)
    seen = 0.08 * np.where(is_late, 2.0, 1.0)
    risk = np.minimum(seen * temper[buyer], 0.8)
    expected = risk[:, None] * LEFT[cause] * at_stake[:, None] + SENDING
    # what is late is resent more often, what is not is mostly left alone
    propensity = np.where(is_late[:, None], [0.2, 0.25, 0.25, 0.3], [0.6, 0.2, 0.15, 0.05])
    taken = (rng.random(decisions)[:, None] < propensity.cumsum(axis=1)).argmax(axis=1)
    rows = np.arange(decisions)
    disputed = rng.random(decisions) < risk * LEFT[cause, taken]
    cost = disputed * at_stake + SENDING[taken]
    # the model believes in every action, and in a lower risk
    predicted = 0.8 * seen[:, None] * np.array([1.0, 0.7, 0.6, 0.4]) * at_stake[:, None] + SENDING
    table = pl.DataFrame(
        {
            "decision_id": rows.repeat(len(ACTIONS)),
            "buyer_id": buyer.repeat(len(ACTIONS)),
            "is_late": is_late.repeat(len(ACTIONS)),
            "action": np.tile(ACTIONS, decisions),
            "propensity": propensity.ravel(),
            "is_taken": (np.arange(len(ACTIONS)) == taken[:, None]).ravel(),
            "predicted_cost_usd": predicted.ravel(),
            "cost_usd": cost.repeat(len(ACTIONS)),
        }
    )
    return table, expected


def true_saving(policy: pl.Expr, decisions: int = 400_000) -> float:
    table, expected = logged(np.random.default_rng(1), decisions)
    difference = pl.col("propensity") - policy.cast(pl.Float64)
    weight = table.select(difference).to_series().to_numpy().reshape(expected.shape)
    return float((weight * expected).sum() / decisions)


def judge_policies(seasons: int, decisions: int) -> None:
    for name, policy in POLICIES.items():
        truth, inside, errors, effective = true_saving(policy), [], [], []
        for number in range(seasons):
            table, _ = logged(np.random.default_rng(100 + number), decisions)
            value = value_of_policy(table, policy)
            assert value is not None
            assert value.saved_low_usd is not None
            assert value.saved_high_usd is not None
            inside.append(value.saved_low_usd <= truth <= value.saved_high_usd)
            errors.append(value.saved_usd - truth)
            effective.append(value.effective_count)
        sys.stdout.write(
            f"{name}, {decisions} decisions: saves {truth:+.3f} USD, truth inside "
            f"{np.mean(inside):.3f}, bias {np.mean(errors):+.3f}, spread {np.std(errors):.3f}, "
            f"effective decisions {np.mean(effective):.0f}\n"
        )
        sys.stdout.flush()


def main() -> None:
    seasons = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for decisions in [int(text) for text in sys.argv[2:]] or [1_000, 4_000]:
        judge_policies(seasons, decisions)


if __name__ == "__main__":
    main()
