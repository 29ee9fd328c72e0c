"""The decision of a night: small nights drawn as tables.

`usd` is what an action is worth. Each buyer is held out or not by a hash; the salts here are chosen
so that the buyers named `held...` are held out.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.actions.action_columns import ActionLimits
from models.actions.agents import Agent
from models.actions.night_choice import NightRules, choose_night
from tests.spec.models.drawn_nights import NIGHT, SHARE, choose, decided, posterior_of, read_night

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


def test_those_left_out_are_neither_held_out_nor_resting() -> None:
    """A sentence of the night counted resting buyers among those whose language no agent writes."""
    night = choose(NIGHT_TABLE, PAID, resting=("carl",))
    free = night.free.select("buyer_id", "action").rows()
    assert ("carl", "enquiry") in free
    assert ("carl", "message") not in free
    assert {buyer for buyer, _ in free} == {"anna", "ben", "carl"}
