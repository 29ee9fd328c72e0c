"""Random nights: options of a few buyers, some of whom are held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from hypothesis import strategies as st

from models.actions.action_columns import ActionLimits
from models.actions.action_options import MODIFIERS
from models.actions.action_rules import ExplorationRules
from models.actions.action_stakes import STAKES
from models.actions.agents import Agent
from models.actions.hold_out import held_out_buyers
from models.effects.assumed_shares import AssumedShare
from models.effects.effect_posterior import EffectPosterior
from models.effects.learned_effects import learn_effects

MEANS = {"message": 0.1, "phone": 0.12, "refund": 0.5, "enquiry": 0.05}
SALT, SHARE, NIGHT = "salt", 0.4, "2026-01-05"
BUYERS = 7
OPTION = st.fixed_dictionaries(
    {
        "buyer": st.integers(0, BUYERS - 1),
        "order": st.integers(0, 1),
        "action": st.sampled_from(sorted(MEANS)),
        "cents": st.integers(-20, 400),
        "budget_usd": st.sampled_from([0.0, 1.5, 3.0]),
        "minutes": st.sampled_from([0.0, 2.0, 4.0]),
        "language": st.sampled_from(["en", "es"]),
    }
)


def of_one_key(option: Mapping[str, Any]) -> tuple[int, int, str]:
    return option["buyer"], option["order"], option["action"]


NIGHTS = st.lists(OPTION, max_size=16, unique_by=of_one_key)
# all values differ, so that no tie decides
CLEAR_NIGHTS = st.lists(OPTION, max_size=16, unique_by=(of_one_key, lambda o: o["cents"]))
LIMITS = st.builds(
    ActionLimits,
    contacts=st.integers(0, 3),
    budget_usd=st.sampled_from([0.0, 3.0, 100.0]),
    agents=st.sampled_from(
        [(), (Agent("maria", frozenset({"es"}), 6.0), Agent("tom", frozenset({"en"}), 4.0))]
    ),
    action_contacts=st.sampled_from([{}, {"phone": 1}]),
    least_worth_usd=st.sampled_from([0.0, 0.25]),
)
EXPLORATION = st.sampled_from([None, ExplorationRules(most_loss_usd=0.5)])
Row = Mapping[str, Any]


def night(drawn: Sequence[Row]) -> pl.DataFrame:
    rows = [
        {
            "buyer_id": f"b{option['buyer']}",
            "order_id": f"b{option['buyer']}o{option['order']}",
            "action": option["action"],
            "value_usd": option["cents"] / 100,
            "budget_usd": option["budget_usd"],
            "minutes": option["minutes"],
            "message_language": option["language"],
            "is_contact": option["action"] != "enquiry",
            "mean": MEANS[option["action"]],
        }
        for option in drawn
    ]
    texts = ("buyer_id", "order_id", "action", "message_language")
    numbers = ("value_usd", "budget_usd", "minutes", "mean")
    schema = dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Float64)
    stakes = dict(zip(STAKES, (pl.lit(8.0), pl.lit(0.0), pl.lit(0.0)), strict=True))
    return (
        pl.DataFrame(rows, schema=schema | {"is_contact": pl.Boolean})
        .with_columns(
            stage=pl.lit("in_transit"),
            provoked_usd=pl.lit(0.0),
            cost_usd=8.0 * pl.col("mean") - pl.col("value_usd"),
            **dict.fromkeys(MODIFIERS, pl.lit(False)),
            **stakes,
        )
        .drop("mean")
    )


def posterior() -> EffectPosterior:
    cells = {
        (action, "in_transit", cause): AssumedShare(mean, 5.0)
        for action, mean in MEANS.items()
        for cause in ("not_received", "not_as_described", "other")
    }
    names = ("action", "meant", "stage", "cause")
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys(("expected", "observed"), pl.Float64)
    return learn_effects(pl.DataFrame(schema=schema | {"is_ended": pl.Boolean}), cells)


KNOWN = posterior()
HELD = set(held_out_buyers(pl.Series([f"b{n}" for n in range(BUYERS)]), SHARE, SALT))
