"""Stakes and options of a few orders, worked by hand.

`risk` is the chance of a dispute, `usd` the order value, and `causes` the shares of "not received",
"not as described" and other disputes. Without outcomes, every action prevents its assumed share.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from features.tables import CAUSE_SHARES
from models.actions.action_options import MODIFIERS, OPTION_COLUMNS, action_options, draw_values
from models.actions.action_rules import ActionRules
from models.actions.action_stakes import (
    ASSUMED_CAUSES,
    MOST_PROBABLE,
    STAKES,
    DisputeCost,
    add_stakes,
)
from models.actions.actions import Action
from models.actions.learned_actions import learned_effects
from models.effects.effect_posterior import EffectPosterior
from models.effects.learned_effects import DEFAULTS, learn_effects
from tests.drawn_tables import read_table

ORDERS = """
buyer | order | stage      | risk | usd | causes        | waits | to_promise | disputes
anna  | a     | in_transit | 0.10 | 40  | 0.5 0.3 0.2   | 2     | -3         | 0
ben   | b     | delivered  | 0.20 | 10  | 0.0 1.0 0.0   | -     | 4          | 1
carl  | c     | delivered  | 0.50 | -   | -             | -     | -          | -
"""
COST = DisputeCost(
    2.0,
    {"not_received": 0.5, "not_as_described": 0.8},
    {"in_transit": 1.5, "delivered": 1.1},
    indicator_usd=1.0,
)


def read_orders(drawing: str) -> pl.DataFrame:
    shares = pl.col("causes").str.split(" ").list
    return read_table(drawing).select(
        "stage",
        *(
            shares.get(n, null_on_oob=True).cast(pl.Float64).alias(name)
            for n, name in enumerate(CAUSE_SHARES)
        ),
        buyer_id="buyer",
        order_id="order",
        message_language=pl.lit("en"),
        probability=pl.col("risk").cast(pl.Float64),
        order_value_usd=pl.col("usd").cast(pl.Float64),
        conversation_days_unanswered=pl.col("waits").cast(pl.Float64),
        logistics_days_to_promise=pl.col("to_promise").cast(pl.Float64),
        buyer_count_disputes_365d=pl.col("disputes").cast(pl.Float64),
    )


def action(name: str, **facts: Any) -> Action:
    """An action in transit and after delivery that prevents a fifth of the "not received"."""
    defaults: dict[str, Any] = {
        "title": f"Do {name}",
        "since": "2026-11-27",
        "applies_to": ["in_transit", "delivered"],
        "effects": [{"causes": ["not_received"], "mean": 0.2, "weight": 5}],
    }
    return Action(name=name, **(defaults | facts))


MESSAGE = action("message", sent_by="automatic", provokes=0.01)
REFUND = action(
    "refund",
    applies_to=["delivered"],
    cost={"order_share": 0.2, "fee_usd": 0.5, "minutes": 4},
    effects=[{"causes": ["not_as_described"], "mean": 0.9, "weight": 5}],
)
ENQUIRY = action(
    "enquiry",
    to="carrier",
    applies_to=["in_transit"],
    needs=[{"feature": "logistics_days_to_promise", "at_most": 0}],
    cost={"minutes": 2},
)


def known(*actions: Action) -> EffectPosterior:
    """What is known before any outcome."""
    assumed = {(a.name, *cell): share for a in actions for cell, share in a.assumed().items()}
    names = ("action", "meant", "stage", "cause")
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys(("expected", "observed"), pl.Float64)
    return learn_effects(pl.DataFrame(schema=schema | {"is_ended": pl.Boolean}), assumed)


def options_of(
    *actions: Action, orders: str = ORDERS, least: float = -100.0, **rules: Any
) -> dict[tuple[str, str], dict[str, Any]]:
    """(order, action) -> its option."""
    staked = add_stakes(read_orders(orders), COST)
    table = action_options(staked, actions, known(*actions), ActionRules(**rules), least)
    assert table.columns == OPTION_COLUMNS
    return {(row["order_id"], row["action"]): row for row in table.iter_rows(named=True)}


def test_the_stakes_by_hand() -> None:
    a, b, _ = add_stakes(read_orders(ORDERS), COST).iter_rows(named=True)
    # to the end of the order: 10 % x 1.5; a dispute costs 40 x 0.5 + 3, 40 x 0.8 + 3 and 40 + 3
    assert a["end_probability"] == pytest.approx(0.15)
    assert [a[name] for name in STAKES] == pytest.approx(
        [0.15 * 0.5 * 23, 0.15 * 0.3 * 35, 0.15 * 0.2 * 43]
    )
    assert a["stake_usd"] == pytest.approx(0.15 * (11.5 + 10.5 + 8.6))
    assert a["dispute_usd"] == pytest.approx(11.5 + 10.5 + 8.6)
    # all of it "not as described": 10 x 0.8 + 3
    assert b["stake_usd"] == pytest.approx(0.22 * 11)
    assert b["dispute_usd"] == pytest.approx(11)


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_unknown_causes_are_assumed_by_stage_and_an_unknown_value_loses_only_the_fees(
    unknown: float | None,
) -> None:
    orders = read_orders(ORDERS).with_columns(
        pl.when(order_id="c").then(pl.lit(unknown)).otherwise(name).alias(name)
        for name in CAUSE_SHARES
    )
    c = add_stakes(orders, COST).row(2, named=True)
    shares = ASSUMED_CAUSES["delivered"]
    assert [c[name] for name in STAKES] == pytest.approx([0.55 * share * 3 for share in shares])
    assert c["dispute_usd"] == pytest.approx(3.0)


def test_no_forecast_is_certain() -> None:
    orders = read_orders(ORDERS.replace("0.50", "0.94"))
    assert add_stakes(orders, COST)["end_probability"][2] == MOST_PROBABLE


def test_the_assumed_causes_of_each_stage_are_all_disputes() -> None:
    assert {stage: sum(shares) for stage, shares in ASSUMED_CAUSES.items()} == pytest.approx(
        dict.fromkeys(ASSUMED_CAUSES, 1.0)
    )


def test_a_message_is_worth_its_assumed_share_less_what_it_costs_and_provokes() -> None:
    options = options_of(MESSAGE)
    assert sorted(options) == [("a", "message"), ("b", "message"), ("c", "message")]
    a = options["a", "message"]
    # a quiet buyer, 85 %, gets the idea to complain in 1 % of the cases
    provoked = 0.01 * 0.85 * (11.5 + 10.5 + 8.6)
    assert a["provoked_usd"] == pytest.approx(provoked)
    assert (a["cost_usd"], a["budget_usd"], a["minutes"]) == (0.02, 0.0, 0.0)
    assert a["prevented_usd"] == pytest.approx(0.2 * 0.15 * 11.5)
    assert a["value_usd"] == pytest.approx(0.2 * 0.15 * 11.5 - 0.02 - provoked)
    assert (a["is_contact"], a["message_language"], a["evidence_share"]) == (True, "en", 0.0)
    # no part of b's stake is about what a message acts on
    assert options["b", "message"]["value_usd"] == pytest.approx(-0.02 - 0.01 * 0.78 * 11)


def test_an_offer_costs_its_share_its_fee_and_the_agents_time() -> None:
    b = options_of(REFUND, usd_a_minute=0.5)["b", "refund"]
    assert b["budget_usd"] == pytest.approx(10 * 0.2 + 0.5)
    assert b["minutes"] == 4.0
    assert b["cost_usd"] == pytest.approx(2.5 + 4 * 0.5)
    # in doubt, an action that costs time is worth less than its mean
    assert 0.0 < b["prevented_usd"] < 0.9 * 0.22 * 11
    assert b["value_usd"] == pytest.approx(b["prevented_usd"] - 4.5)


def test_nothing_can_be_given_back_of_an_unknown_value() -> None:
    c = options_of(REFUND, usd_a_minute=0.0)["c", "refund"]
    assert c["budget_usd"] == c["cost_usd"] == 0.5


def test_a_task_reaches_no_buyer_and_needs_no_language() -> None:
    options = options_of(ENQUIRY)
    # b has four days left, and c no promise
    assert sorted(options) == [("a", "enquiry")]
    enquiry = options["a", "enquiry"]
    assert (enquiry["is_contact"], enquiry["message_language"]) == (False, None)


def test_the_modifiers_of_an_order() -> None:
    options = options_of(MESSAGE)
    assert [[options[o, "message"][name] for name in MODIFIERS] for o in "abc"] == [
        [True, True, False],
        [False, False, True],
        [False, False, False],
    ]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, "a message, b message, b refund, c message, c refund"),
        ({"not_allowed": ["message"]}, "b refund, c refund"),
        ({"stopped": [("refund", "all")]}, "a message, b message, c message"),
        ({"stopped": [("message", "in_transit")]}, "b message, b refund, c message, c refund"),
        ({"stopped": [("message", "all"), ("refund", "delivered")]}, ""),
        ({"not_allowed": ["message", "refund"]}, ""),
    ],
)
def test_an_action_that_is_stopped_or_not_allowed_is_no_option(
    rules: dict[str, Any], expected: str
) -> None:
    options = options_of(MESSAGE, REFUND, **rules)
    assert ", ".join(sorted(f"{order} {name}" for order, name in options)) == expected


def test_an_action_that_could_never_pay_is_left_out() -> None:
    # b: 2.42 USD at stake; the refund costs 2.50 and four minutes at 0.25. c: 1.65 USD, costs 1.50
    assert sorted(options_of(REFUND, least=0.0)) == [("c", "refund")]
    assert sorted(options_of(REFUND, least=0.14)) == [("c", "refund")]
    assert sorted(options_of(REFUND, least=0.16)) == []


def test_the_mean_of_the_draws_is_the_value_of_a_cheap_message() -> None:
    staked = add_stakes(read_orders(ORDERS), COST)
    posterior = known(MESSAGE)
    options = action_options(staked, [MESSAGE], posterior, ActionRules())
    drawn = draw_values(options, posterior, draws=20_000, seed=3).mean(axis=1)
    assert drawn.tolist() == pytest.approx(options["value_usd"].to_list(), abs=0.02)


def test_an_order_is_valued_by_what_its_store_has_seen() -> None:
    """Both stores wrote the same message: in s1 half of the disputes came, in s2 nearly all."""
    seen = read_table(
        """
        action  | store | expected | observed
        nothing | s1    | 2000     | 2000
        nothing | s2    | 2000     | 2000
        message | s1    | 2000     | 1000
        message | s2    | 2000     | 1900
        """
    )
    counts = seen.select(
        *("action", "store"),
        pl.col("expected", "observed").cast(pl.Float64),
        meant=pl.lit("message"),
        stage=pl.lit("in_transit"),
        cause=pl.lit("not_received"),
        is_ended=pl.lit(True),
        **{name: pl.lit("false") for name in MODIFIERS},
        risk_band=pl.lit("2"),
    )
    late = ORDERS.replace("0.5 0.3 0.2", "1.0 0.0 0.0")
    one = add_stakes(read_orders(late), COST).head(1)
    orders = pl.concat(
        one.with_columns(order_id=pl.lit(store), store=pl.lit(store)) for store in ("s1", "s2")
    )
    learned = learned_effects(counts, [MESSAGE], DEFAULTS)
    options = action_options(orders, [MESSAGE], learned, ActionRules(), -100.0)
    s1, s2 = options["prevented_usd"]
    assert s1 > 1.5 * s2 > 0
    draws = draw_values(options, learned, 4_000, 7).mean(axis=1)
    assert draws[0] - draws[1] == pytest.approx(s1 - s2, rel=0.1)
