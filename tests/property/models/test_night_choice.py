"""What holds on every night, whatever its options: random nights against plain restatements."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.actions.action_choice import choose_actions
from models.actions.action_columns import ActionLimits
from models.actions.action_rules import ExplorationRules
from models.actions.night_choice import NightRules, choose_night
from tests.property.models.random_nights import (
    BUYERS,
    CLEAR_NIGHTS,
    EXPLORATION,
    HELD,
    KNOWN,
    LIMITS,
    NIGHT,
    NIGHTS,
    SALT,
    SHARE,
    Row,
    night,
)


def test_some_buyers_are_held_out_here_and_some_are_not() -> None:
    assert 2 <= len(HELD) <= BUYERS - 2


@settings(max_examples=40, deadline=None)
@given(
    drawn=NIGHTS,
    limits=LIMITS,
    resting=st.frozensets(st.sampled_from([f"b{n}" for n in range(BUYERS)]), max_size=3),
    exploration=EXPLORATION,
)
def test_the_rules_hold_on_every_night(
    drawn: list[Row],
    limits: ActionLimits,
    resting: frozenset[str],
    exploration: ExplorationRules | None,
) -> None:
    options = night(drawn)
    rules = NightRules(limits, SHARE, SALT, resting, exploration)
    decision = choose_night(options, rules, KNOWN, NIGHT)
    assigned = decision.assigned
    listed = assigned.filter(arm="listed")
    assert assigned["buyer_id"].is_unique().all()
    assert not HELD & set(listed["buyer_id"])
    assert set(assigned.filter(arm="held_out")["buyer_id"]) <= HELD
    assert set(assigned.filter(arm="held_out")["action"]) <= {"nothing"}
    assert assigned["value_usd"].is_sorted(descending=True)
    assert listed["rank"].to_list() == list(range(1, listed.height + 1))
    assert not set(assigned.filter("is_contact")["buyer_id"]) & resting
    assert (assigned["value_usd"] >= limits.least_worth_usd).all()
    if exploration is None:
        assert (listed["action"] == listed["meant"]).all()
    # the limits
    assert not limits.contacts or listed["is_contact"].sum() <= limits.contacts
    assert listed["budget_usd"].sum() <= limits.budget_usd + 1e-9
    for agent in limits.agents:
        assert listed.filter(agent=agent.name)["minutes"].sum() <= agent.minutes
        assert set(listed.filter(agent=agent.name)["message_language"]) <= agent.languages
    if limits.agents:
        assert listed.filter(pl.col("minutes") > 0)["agent"].null_count() == 0
    for name, most in limits.action_contacts.items():
        assert listed.filter(action=name).height <= most


@settings(max_examples=40, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS, exploration=EXPLORATION)
def test_each_decision_has_one_action_taken_and_chances_that_sum_to_1(
    drawn: list[Row], limits: ActionLimits, exploration: ExplorationRules | None
) -> None:
    rules = NightRules(limits, SHARE, SALT, exploration=exploration)
    decision = choose_night(night(drawn), rules, KNOWN, NIGHT)
    assert decision.candidates.select("buyer_id", "order_id", "action").is_unique().all()
    by_order = decision.candidates.group_by("order_id").agg(
        pl.col("propensity").sum(),
        least=pl.col("propensity").min(),
        count=pl.col("is_taken").sum(),
        taken=pl.col("action").filter("is_taken").first(),
        chance=pl.col("propensity").filter("is_taken").first(),
        nothing=pl.col("propensity").filter(action="nothing").sum(),
    )
    assert by_order["propensity"].to_list() == pytest.approx([1.0] * by_order.height)
    assert by_order["nothing"].to_list() == pytest.approx([SHARE] * by_order.height)
    assert (by_order["count"] == 1).all()
    assert (by_order["least"] >= 0).all()
    assert (by_order["chance"] > 0).all()
    done = decision.assigned.select("order_id", taken="action", chance="propensity")
    assert done.join(by_order, on=["order_id", "taken", "chance"]).height == by_order.height
    assert done.height == by_order.height


@settings(max_examples=40, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS)
def test_without_exploration_the_buyers_who_may_be_listed_get_the_optimum(
    drawn: list[Row], limits: ActionLimits
) -> None:
    options = night(drawn)
    decision = choose_night(options, NightRules(limits, SHARE, SALT), KNOWN, NIGHT)
    free = options.filter(~pl.col("buyer_id").is_in(list(HELD)))
    best = choose_actions(free, limits)
    listed = decision.assigned.filter(arm="listed")
    key = ["order_id", "action", "agent"]
    assert listed.select(key).sort(key).rows() == best.chosen.select(key).sort(key).rows()


@settings(max_examples=40, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS)
def test_what_is_drawn_uses_no_more_of_a_limit_and_is_worth_nearly_as_much(
    drawn: list[Row], limits: ActionLimits
) -> None:
    options = night(drawn)
    rules = NightRules(limits, SHARE, SALT, exploration=ExplorationRules(most_loss_usd=0.5))
    decision = choose_night(options, rules, KNOWN, NIGHT)
    used = ["order_id", "action", "budget_usd", "minutes", "is_contact"]
    drawn_rows = decision.candidates.filter(pl.col("propensity") > 0).join(
        options.select(used), on=["order_id", "action"]
    )
    chosen = pl.coalesce("replaced_action", "meant")
    meant = decision.assigned.select("order_id", action=chosen).join(
        options.select(*used, "value_usd"), on=["order_id", "action"]
    )
    both = drawn_rows.join(meant, on="order_id", suffix="_meant")
    assert both.height == drawn_rows.height
    assert (both["budget_usd"] <= both["budget_usd_meant"]).all()
    assert (both["minutes"] <= both["minutes_meant"]).all()
    assert (both["is_contact"] == both["is_contact_meant"]).all()
    assert (both["value_usd"] >= both["value_usd_meant"] - 0.5 - 1e-9).all()
    # the chosen action may always be drawn
    assert set(meant["order_id"]) == set(
        both.filter(pl.col("action") == pl.col("action_meant"))["order_id"]
    )


@settings(max_examples=60, deadline=None)
@given(drawn=CLEAR_NIGHTS, contacts=st.integers(0, 3), least=st.sampled_from([0.0, 0.25]))
def test_a_held_out_buyer_is_recorded_just_when_the_same_buyer_would_be_chosen(
    drawn: list[Row], contacts: int, least: float
) -> None:
    """With a limit on contacts alone, or none. Each held-out buyer is released alone."""
    options = night(drawn)
    limits = ActionLimits(contacts, budget_usd=1e6, least_worth_usd=least)
    assigned = choose_night(options, NightRules(limits, SHARE, SALT), KNOWN, NIGHT).assigned
    recorded = dict(assigned.filter(arm="held_out").select("buyer_id", "meant").rows())
    free = ~pl.col("buyer_id").is_in(list(HELD))
    for buyer in sorted(HELD):
        released = choose_actions(options.filter(free | (pl.col("buyer_id") == buyer)), limits)
        chosen = released.chosen.filter(buyer_id=buyer)["action"].to_list()
        assert ([recorded[buyer]] if buyer in recorded else []) == chosen


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    drawn: list[Row], limits: ActionLimits, shuffled: Random
) -> None:
    options = night(drawn)
    order = list(range(options.height))
    shuffled.shuffle(order)
    rules = NightRules(limits, SHARE, SALT, exploration=ExplorationRules(most_loss_usd=0.5))
    one, other = (choose_night(o, rules, KNOWN, NIGHT) for o in (options, options[order]))
    assert one.assigned.equals(other.assigned)
    assert one.candidates.equals(other.candidates)


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS, buyer=st.sampled_from(sorted(HELD)), cents=st.integers(0, 900))
def test_a_held_out_buyer_changes_nothing_for_the_others(
    drawn: list[Row], limits: ActionLimits, buyer: str, cents: int
) -> None:
    assume(any(f"b{option['buyer']}" == buyer for option in drawn))
    options = night(drawn)
    changed = options.with_columns(
        value_usd=pl.when(buyer_id=buyer).then(cents / 100).otherwise("value_usd")
    )
    rules = NightRules(limits, SHARE, SALT)
    one, other = (
        choose_night(o, rules, KNOWN, NIGHT).assigned.filter(arm="listed")
        for o in (options, changed)
    )
    assert one.drop("rank").equals(other.drop("rank"))


def test_the_chance_that_is_logged_is_how_often_an_action_is_taken() -> None:
    """One order with three actions of nearly the same worth, over 400 nights, each with a salt of
    its own. The share of each action is within four standard errors of its chance: a fault of this
    test alone in one of 4,000 runs, if the draws were not the same in every run."""
    count = 400
    options = night(
        [
            {"buyer": 0, "order": 0, "action": name, "cents": 100 + n, "budget_usd": 0.0,
             "minutes": 0.0, "language": "en"}
            for n, name in enumerate(("message", "phone", "refund"))
        ]
    )  # fmt: skip
    rules = NightRules(ActionLimits(), 0.25, "", exploration=ExplorationRules(most_loss_usd=0.5))
    logged = pl.concat(
        choose_night(options, replace(rules, salt=str(n)), KNOWN, NIGHT).candidates
        for n in range(count)
    )
    chances = logged.group_by("action").agg(
        pl.col("propensity").mean(),
        lowest=pl.col("propensity").min(),
        taken=pl.col("is_taken").mean(),
    )
    assert set(chances["action"]) == {"message", "phone", "refund", "nothing"}
    for action, chance, lowest, taken in chances.iter_rows():
        # the chance is the same on every night
        assert chance == pytest.approx(lowest)
        error = (chance * (1.0 - chance) / count) ** 0.5
        assert error > 0, action
        assert taken == pytest.approx(chance, abs=4 * error), action
