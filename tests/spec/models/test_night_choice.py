"""The decision of a night: small nights drawn as tables.

`usd` is what an action is worth. Each buyer is held out or not by a hash; the salts here are chosen
so that the buyers named `held...` are held out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from models.actions.action_columns import ActionLimits
from models.actions.action_options import MODIFIERS
from models.actions.action_propensities import ExplorationRules
from models.actions.action_stakes import STAKES
from models.actions.agents import Agent
from models.actions.hold_out import held_out_buyers
from models.actions.night_choice import NightChoice, NightRules, choose_night
from models.effects.effect_posterior import EffectPosterior
from models.effects.effect_terms import AssumedShare
from models.effects.learned_effects import learn_effects
from tests.drawn_tables import read_table

SHARE = 0.3
NIGHT = "2026-01-05"
EXPLORES = ExplorationRules(most_loss_usd=0.05)
TASKS = ("enquiry",)


def read_night(drawing: str) -> pl.DataFrame:
    """Options of orders in transit whose whole stake, 10 USD, is about one cause; `mean` is the
    share that the action prevents. What it is worth less is its cost."""
    drawn = read_table(drawing).with_columns(pl.col("usd", "mean", "gift", "min").cast(pl.Float64))
    stakes = dict(zip(STAKES, (pl.lit(10.0), pl.lit(0.0), pl.lit(0.0)), strict=True))
    return drawn.select(
        "action",
        buyer_id="buyer",
        order_id="order",
        stage=pl.lit("in_transit"),
        message_language=pl.lit("en"),
        **dict.fromkeys(MODIFIERS, pl.lit(False)),
        **stakes,
        prevented_usd=10.0 * pl.col("mean"),
        provoked_usd=pl.lit(0.0),
        cost_usd=10.0 * pl.col("mean") - pl.col("usd"),
        budget_usd="gift",
        minutes="min",
        is_contact=~pl.col("action").is_in(TASKS),
        evidence_share=pl.lit(0.0),
        value_usd="usd",
    )


def posterior_of(drawing: str) -> EffectPosterior:
    means = read_table(drawing).select("action", pl.col("mean").cast(pl.Float64)).unique()
    cells = {
        (action, "in_transit", "not_received"): AssumedShare(mean, 5.0)
        for action, mean in means.iter_rows()
    }
    cells |= {(a, s, c): share for (a, s, _), share in cells.items() for c in
              ("not_received", "not_as_described", "other")}  # fmt: skip
    names = ("action", "meant", "stage", "cause")
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys(("expected", "observed"), pl.Float64)
    return learn_effects(pl.DataFrame(schema=schema | {"is_ended": pl.Boolean}), cells)


def salt_of(drawing: str) -> str:
    """A salt that holds out exactly the buyers whose name starts with "held"."""
    buyers = read_table(drawing)["buyer"].unique().sort()
    held = [name for name in buyers if name.startswith("held")]
    return next(str(n) for n in range(10**6) if held_out_buyers(buyers, SHARE, str(n)) == held)


def choose(drawing: str, limits: ActionLimits | None = None, **rules: Any) -> NightChoice:
    options, salt = read_night(drawing), salt_of(drawing)
    night_rules = NightRules(limits or ActionLimits(), SHARE, salt, **rules)
    return choose_night(options, night_rules, posterior_of(drawing), NIGHT)


def decided(night: NightChoice) -> list[str]:
    """Per buyer: "anna a refund", "held h - (refund)" for one who is held out."""
    return [
        f"{r['buyer_id']} {r['order_id']} {r['action']}"
        + (f" ({r['meant']})" if r["arm"] == "held_out" else "")
        for r in night.assigned.iter_rows(named=True)
    ]


NIGHT_TABLE = """
buyer  | order | action  | mean | usd  | gift | min
anna   | a     | refund  | 0.5  | 3.00 | 2    | 2
anna   | a     | message | 0.2  | 1.00 | 0    | 2
ben    | b1    | message | 0.2  | 0.90 | 0    | 2
ben    | b2    | message | 0.2  | 1.20 | 0    | 2
carl   | c     | enquiry | 0.1  | 0.50 | 0    | 5
carl   | c     | message | 0.2  | 0.10 | 0    | 2
held 1 | h1    | refund  | 0.5  | 2.00 | 2    | 2
held 1 | h1    | message | 0.2  | 1.10 | 0    | 2
held 2 | h2    | message | 0.2  | 0.20 | 0    | 2
"""
PAID = ActionLimits(budget_usd=100)


def test_each_buyer_gets_the_best_action_and_the_held_out_get_nothing() -> None:
    night = choose(NIGHT_TABLE, PAID)
    assert decided(night) == [
        "anna a refund",
        "held 1 h1 nothing (refund)",
        "ben b2 message",
        "carl c enquiry",
    ]
    assert night.assigned["rank"].to_list() == [1, None, 2, 3]
    # a buyer worth too little would not have been chosen, and is not recorded
    assert "held 2" not in night.assigned["buyer_id"]


def test_held_out_buyers_use_up_no_limit() -> None:
    # no money for refunds. Released, held 1 would take the contact of anna, who adds least
    assert decided(choose(NIGHT_TABLE, ActionLimits(contacts=2))) == [
        "ben b2 message",
        "held 1 h1 nothing (message)",
        "anna a message",
        "carl c enquiry",
    ]
    # but not that of ben
    assert decided(choose(NIGHT_TABLE, ActionLimits(contacts=1))) == [
        "ben b2 message",
        "carl c enquiry",
    ]


def test_a_resting_buyer_gets_no_contact_but_may_get_a_task() -> None:
    night = choose(NIGHT_TABLE, PAID, resting={"anna", "carl"})
    assert [line for line in decided(night) if not line.startswith("held")] == [
        "ben b2 message",
        "carl c enquiry",
    ]


def test_the_next_best_option_is_on_the_row() -> None:
    night = choose(NIGHT_TABLE, PAID)
    shown = ["buyer_id", "next_order_id", "next_action", "next_value_usd", "next_limit"]
    assert night.assigned.select(shown).rows() == [
        ("anna", "a", "message", 1.0, None),
        ("held 1", "h1", "message", 1.1, None),
        ("ben", "b1", "message", 0.9, None),
        ("carl", "c", "message", 0.1, None),
    ]


def test_every_option_of_a_decision_is_logged_with_its_chance() -> None:
    logged = choose(NIGHT_TABLE, PAID).candidates
    shown = ["order_id", "action", "arm", "propensity", "is_taken", "value_usd"]
    assert logged.select(shown).rows() == [
        ("a", "message", "listed", 0.0, False, 1.0),
        ("a", "nothing", "listed", 0.3, False, 0.0),
        ("a", "refund", "listed", 0.7, True, 3.0),
        ("b2", "message", "listed", 0.7, True, 1.2),
        ("b2", "nothing", "listed", 0.3, False, 0.0),
        ("c", "enquiry", "listed", 0.7, True, 0.5),
        ("c", "message", "listed", 0.0, False, 0.1),
        ("c", "nothing", "listed", 0.3, False, 0.0),
        ("h1", "message", "held_out", 0.0, False, 1.1),
        ("h1", "nothing", "held_out", 0.3, True, 0.0),
        ("h1", "refund", "held_out", 0.7, False, 2.0),
    ]


def test_a_row_has_the_chance_of_what_was_done() -> None:
    rows = choose(NIGHT_TABLE, PAID).assigned.select("arm", "propensity").unique().rows()
    assert sorted(rows) == [("held_out", pytest.approx(0.3)), ("listed", pytest.approx(0.7))]


HELD_TASK = """
buyer  | order | action  | mean | usd  | gift | min
anna   | a     | message | 0.2  | 5.00 | 0    | 2
anna   | a     | enquiry | 0.2  | 4.00 | 0    | 2
ben    | b     | message | 0.2  | 0.80 | 0    | 2
held 1 | h1    | message | 0.2  | 3.00 | 0    | 2
held 2 | h2    | message | 0.2  | 0.90 | 0    | 2
held 2 | h2    | enquiry | 0.2  | 0.30 | 0    | 2
"""


def test_a_held_out_buyer_is_recorded_with_what_would_be_done() -> None:
    # the one contact is anna's, and adds 1 USD to her enquiry. Released, held 1 would get it, and
    # held 2 the enquiry, which uses up nothing
    assert decided(choose(HELD_TASK, ActionLimits(contacts=1))) == [
        "anna a message",
        "held 1 h1 nothing (message)",
        "held 2 h2 nothing (enquiry)",
    ]


CLOSE = """
buyer | order | action  | mean | usd  | gift | min
anna  | a     | phone   | 0.25 | 1.01 | 0    | 2
anna  | a     | message | 0.2  | 1.00 | 0    | 2
anna  | a     | letter  | 0.2  | 1.00 | 0    | 3
anna  | a     | gift    | 0.2  | 1.00 | 1    | 2
anna  | a     | enquiry | 0.2  | 1.00 | 0    | 2
anna  | a     | poor    | 0.2  | 0.90 | 0    | 2
anna  | a2    | message | 0.2  | 1.00 | 0    | 2
"""


def competing(night: NightChoice) -> set[str]:
    drawn = night.candidates.filter(pl.col("propensity") > 0, pl.col("action") != "nothing")
    return set(drawn.select(pl.format("{} {}", "order_id", "action")).to_series())


def test_what_is_tried_uses_no_more_of_a_limit_and_costs_little() -> None:
    # a letter takes longer, a gift costs money, an enquiry is no contact, "poor" loses 0.11 USD,
    # and the other message is about another order
    limits = ActionLimits(budget_usd=5)
    assert competing(choose(CLOSE, limits, exploration=EXPLORES)) == {"a phone", "a message"}
    assert competing(choose(CLOSE, limits)) == {"a phone"}


def test_what_is_tried_is_worth_nearly_as_much_by_the_value_that_the_choice_rests_on() -> None:
    """A costly action is valued with caution. By the mean of its draws alone, a phone call of
    little value was done on every night instead of the message that is worth most."""
    usual = read_night(CLOSE).filter(pl.col("action").is_in(["phone", "message"]), order_id="a")
    cautious = usual.with_columns(
        value_usd=pl.when(action="phone").then(0.60).otherwise("value_usd"), cost_usd=pl.lit(0.02)
    )
    rules = NightRules(ActionLimits(), exploration=EXPLORES)
    night = choose_night(cautious, rules, posterior_of(CLOSE), NIGHT)
    assert competing(night) == {"a message"}
    assert night.assigned["action"].to_list() == ["message"]


def test_an_action_whose_number_is_limited_is_not_tried() -> None:
    limits = ActionLimits(action_contacts={"message": 1})
    assert competing(choose(CLOSE, limits, exploration=EXPLORES)) == {"a phone"}


def test_what_is_tried_is_worth_listing() -> None:
    limits = ActionLimits(least_worth_usd=1.005)
    assert competing(choose(CLOSE, limits, exploration=EXPLORES)) == {"a phone"}


def test_an_action_that_was_drawn_names_the_one_in_whose_place() -> None:
    drawing, salt = CLOSE, salt_of(CLOSE)
    rules = NightRules(ActionLimits(), SHARE, salt, exploration=EXPLORES)
    nights = [
        choose_night(read_night(drawing), rules, posterior_of(drawing), f"2026-01-{n:02}")
        for n in range(1, 31)
    ]
    row = next(n.assigned.row(0, named=True) for n in nights if n.assigned["action"][0] != "phone")
    assert row["action"] == "message"
    assert (row["replaced_action"], row["replaced_value_usd"]) == ("phone", 1.01)
    kept = next(n.assigned.row(0, named=True) for n in nights if n.assigned["action"][0] == "phone")
    assert (kept["replaced_action"], kept["replaced_value_usd"]) == (None, None)
    # the bound and the prices are those of the choice before the draw
    assert all(night.choice.total_usd == pytest.approx(1.01) for night in nights)


def test_an_agent_is_named_for_the_drawn_action() -> None:
    maria = Agent("maria", frozenset({"en"}), 10.0)
    night = choose(NIGHT_TABLE, replace(PAID, agents=[maria]))
    listed = night.assigned.filter(arm="listed")
    assert set(listed["agent"]) == {"maria"}


def test_without_options_nothing_is_decided() -> None:
    options = read_night(NIGHT_TABLE)
    for some in (options.clear(), options.with_columns(value_usd=-1.0)):
        night = choose_night(some, NightRules(PAID, SHARE), posterior_of(NIGHT_TABLE), NIGHT)
        assert night.assigned.is_empty()
        assert night.candidates.is_empty()
        assert night.candidates.columns == choose(NIGHT_TABLE).candidates.columns
        assert night.candidates.schema == choose(NIGHT_TABLE).candidates.schema
