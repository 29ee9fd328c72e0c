"""The options of random orders are those of plain loops over orders and actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import CAUSE_SHARES, CAUSES
from models.actions.action_options import action_options
from models.actions.action_rules import ActionRules
from models.actions.action_stakes import ASSUMED_CAUSES, DisputeCost, add_stakes
from models.actions.actions import Action
from models.effects.effect_posterior import EffectPosterior
from models.effects.learned_effects import learn_effects
from models.effects.robust_worth import quantile_of, robust_worth, saved_parts

STAGES = ("in_transit", "delivered", "unknown")
SHARES = st.sampled_from([(0.2, 0.3, 0.5), (1.0, 0.0, 0.0), (None,) * 3, (float("nan"),) * 3])
ORDER = st.fixed_dictionaries(
    {
        "stage": st.sampled_from(STAGES),
        "probability": st.sampled_from([0.0, 0.01, 0.3, 0.9, 1.0]),
        "order_value_usd": st.sampled_from([None, -5.0, 0.0, 12.0, 300.0]),
        "shares": SHARES,
        "conversation_days_unanswered": st.sampled_from([None, 0.5, 9.0]),
        "logistics_days_to_promise": st.sampled_from([None, -2.0, 0.0, 6.0]),
        "buyer_count_disputes_365d": st.sampled_from([None, 0.0, 2.0]),
    }
)
ACTION = st.fixed_dictionaries(
    {
        "applies_to": st.lists(st.sampled_from(STAGES), min_size=1, unique=True),
        "needs": st.sampled_from(
            [
                [],
                [{"feature": "logistics_days_to_promise", "at_most": 0}],
                [{"feature": "conversation_days_unanswered", "at_least": 1, "at_most": 20}],
            ]
        ),
        "sent_by": st.sampled_from(["agent", "automatic"]),
        "to": st.sampled_from(["buyer", "carrier"]),
        "provokes": st.sampled_from([0.0, 0.05]),
        "cost": st.fixed_dictionaries(
            {
                "order_share": st.sampled_from([0.0, 0.2]),
                "goods_share": st.sampled_from([0.0, 0.5]),
                "fee_usd": st.sampled_from([0.0, 1.5]),
                "minutes": st.sampled_from([0, 3]),
            }
        ),
        "mean": st.sampled_from([0.0, 0.1, 0.6]),
        "causes": st.lists(st.sampled_from(CAUSES), min_size=1, unique=True),
    }
)
RULES = st.builds(
    ActionRules,
    usd_a_minute=st.sampled_from([0.0, 0.25]),
    automatic_usd=st.sampled_from([0.0, 0.02]),
    stopped=st.lists(
        st.tuples(st.sampled_from(["action0", "action1"]), st.sampled_from(["all", *STAGES])),
        max_size=2,
    ),
    not_allowed=st.lists(st.sampled_from(["action0", "action1"]), max_size=1),
)
COST = DisputeCost(4.0, {"not_received": 0.4}, {"in_transit": 2.0}, indicator_usd=0.5)
Row = Mapping[str, Any]


def orders_of(drawn: Sequence[Row]) -> pl.DataFrame:
    schema = {
        "buyer_id": pl.String,
        "order_id": pl.String,
        "message_language": pl.String,
        "stage": pl.String,
        "probability": pl.Float64,
        "order_value_usd": pl.Float64,
        **dict.fromkeys(CAUSE_SHARES, pl.Float64),
        "conversation_days_unanswered": pl.Float64,
        "logistics_days_to_promise": pl.Float64,
        "buyer_count_disputes_365d": pl.Float64,
    }
    rows = [
        {k: v for k, v in order.items() if k != "shares"}
        | dict(zip(CAUSE_SHARES, order["shares"], strict=True))
        | {"buyer_id": f"b{n // 2}", "order_id": f"o{n}", "message_language": "es"}
        for n, order in enumerate(drawn)
    ]
    return pl.DataFrame(rows, schema=schema)


def actions_of(drawn: Sequence[Row]) -> list[Action]:
    return [
        Action(
            **{k: v for k, v in facts.items() if k not in ("mean", "causes")},
            name=f"action{n}",
            title="An action",
            since="2026-11-27",
            effects=[{"causes": facts["causes"], "mean": facts["mean"], "weight": 5}],
        )
        for n, facts in enumerate(drawn)
    ]


def posterior_of(actions: Sequence[Action]) -> EffectPosterior:
    """After a few outcomes, of the first action and of those held out from it."""
    action = actions[0]
    counts = pl.DataFrame(
        {
            "action": [action.name, "nothing"],
            "meant": action.name,
            "stage": action.applies_to[0],
            "cause": "other",
            "is_ended": [True, True],
            "expected": [30.0, 20.0],
            "observed": [22.0, 24.0],
        }
    )
    return learn_effects(
        counts, {(a.name, *cell): share for a in actions for cell, share in a.assumed().items()}
    )


def can_do(action: Action, order: Row, rules: ActionRules) -> bool:
    if action.name in rules.not_allowed or order["stage"] not in action.applies_to:
        return False
    if {(action.name, "all"), (action.name, order["stage"])} & set(rules.stopped):
        return False
    for need in action.needs:
        value = order[need.feature]
        if value is None:
            return False
        if need.at_least is not None and value < need.at_least:
            return False
        if need.at_most is not None and value > need.at_most:
            return False
    return True


def naive_option(action: Action, order: Row, rules: ActionRules, known: EffectPosterior) -> Row:
    """The option of one order and action, in plain arithmetic."""
    value = max(order["order_value_usd"] or 0.0, 0.0)
    shares = [
        assumed if share is None or isnan(share) else share
        for share, assumed in zip(order["shares"], ASSUMED_CAUSES[order["stage"]], strict=True)
    ]
    losses = [value * COST.loss_shares.get(cause, 1.0) + 4.5 for cause in CAUSES]
    end = min(order["probability"] * (2.0 if order["stage"] == "in_transit" else 1.0), 0.95)
    mean_loss = sum(share * loss for share, loss in zip(shares, losses, strict=True))
    stakes = [end * share * loss for share, loss in zip(shares, losses, strict=True)]
    budget = value * (action.cost.order_share + action.cost.goods_share) + action.cost.fee_usd
    is_agent = action.sent_by == "agent"
    minutes = action.cost.minutes if is_agent else 0.0
    cost = budget + (minutes * rules.usd_a_minute if is_agent else rules.automatic_usd)
    provoked = action.provokes * (1.0 - end) * mean_loss
    cell = pl.DataFrame({"action": [action.name], "stage": [order["stage"]]})
    worth = robust_worth(
        saved_parts(known, cell),
        np.zeros(1, dtype=int),
        np.array([stakes]),
        np.array([cost + provoked]),
        quantile_of(np.array([cost > rules.automatic_usd])),
    )[0]
    return {
        "stake": sum(stakes),
        "value_usd": worth,
        "prevented_usd": worth + cost + provoked,
        "provoked_usd": provoked,
        "cost_usd": cost,
        "budget_usd": budget,
        "minutes": minutes,
    }


@settings(max_examples=30, deadline=None)
@given(
    drawn=st.lists(ORDER, max_size=5),
    given_actions=st.lists(ACTION, min_size=1, max_size=3),
    rules=RULES,
    least=st.sampled_from([-1000.0, 0.0, 1.0]),
)
def test_the_options_are_those_of_plain_loops(
    drawn: list[Row], given_actions: list[Row], rules: ActionRules, least: float
) -> None:
    actions = actions_of(given_actions)
    known = posterior_of(actions)
    options = action_options(add_stakes(orders_of(drawn), COST), actions, known, rules, least)
    found = {(row["order_id"], row["action"]): row for row in options.iter_rows(named=True)}
    assert len(found) == options.height
    for n, order in enumerate(drawn):
        for action in actions:
            row = found.pop((f"o{n}", action.name), None)
            if not can_do(action, order, rules):
                assert row is None
                continue
            naive = naive_option(action, order, rules, known)
            margin = naive.pop("stake") - naive["cost_usd"] - least
            # what rounding may decide either way is not compared
            if abs(margin) > 1e-9:
                assert (row is not None) == (margin > 0)
            if row is not None:
                assert {name: row[name] for name in naive} == pytest.approx(naive, abs=1e-9)
                assert row["is_contact"] == (action.to == "buyer")
                assert row["message_language"] == ("es" if action.to == "buyer" else None)
                assert (row["buyer_id"], row["stage"]) == (f"b{n // 2}", order["stage"])
                assert row["is_past_promise"] == ((order["logistics_days_to_promise"] or 0) < 0)
    assert not found
