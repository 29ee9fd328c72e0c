"""What is drawn at random in a night, and what is not: small nights drawn as tables."""

from __future__ import annotations

import polars as pl
import pytest

from models.actions.action_columns import ActionLimits
from models.actions.action_rules import ExplorationRules
from models.actions.night_choice import NightChoice, NightRules, choose_night
from tests.spec.models.drawn_nights import NIGHT, SHARE, choose, posterior_of, read_night, salt_of

EXPLORES = ExplorationRules(most_loss_usd=0.05)
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
