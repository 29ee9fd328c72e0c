"""What is done for each buyer tonight, and why not the next option: small nights drawn as tables.

`usd` is what an action is expected to save, less its cost. `gift` is the money given away, and
`min` the agent's minutes.
"""

from __future__ import annotations

import polars as pl
import pytest

from models.actions.action_choice import ActionChoice, choose_actions, why_not_next
from models.actions.action_columns import ActionLimits
from models.actions.agents import Agent
from tests.drawn_tables import read_table

# a carrier enquiry and longer protection reach no buyer; protection needs no agent
NIGHT = """
buyer | order | action          | usd  | gift | min | language
anna  | a     | answer          | 3.00 | 0    | 3   | es
anna  | a     | resend          | 5.00 | 12   | 2   | es
ben   | b     | message         | 1.10 | 0    | 2   | en
ben   | b     | partial_refund  | 2.60 | 3    | 2   | en
carl  | c     | message         | 0.90 | 0    | 2   | ko
carl  | c     | carrier_enquiry | 0.40 | 0    | 5   | -
dora  | d     | message         | 0.20 | 0    | 2   | en
dora  | d     | nothing         | 0.00 | 0    | 0   | en
eva   | e1    | protection      | 0.70 | 0    | 0   | es
eva   | e2    | message         | 0.60 | 0    | 2   | es
"""
NO_CONTACT = ("carrier_enquiry", "protection", "nothing")
MARIA_AND_TOM = (Agent("maria", frozenset({"es", "en"}), 5.0), Agent("tom", frozenset({"en"}), 5.0))


def read_night(drawing: str) -> pl.DataFrame:
    return read_table(drawing).select(
        "action",
        buyer_id="buyer",
        order_id="order",
        value_usd=pl.col("usd").cast(pl.Float64),
        budget_usd=pl.col("gift").cast(pl.Float64),
        minutes=pl.col("min").cast(pl.Float64),
        message_language="language",
        is_contact=~pl.col("action").is_in(NO_CONTACT),
    )


def done(choice: ActionChoice) -> str:
    return ", ".join(choice.chosen.select(pl.format("{} {}", "order_id", "action")).to_series())


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        # all the money and time there is: the best of each buyer, and dora's 0.20 is not worth it
        (ActionLimits(budget_usd=15), "a resend, b partial_refund, c message, e1 protection"),
        # 12 USD pay for the resend alone (5.00 + 1.10) or the refund alone (3.00 + 2.60)
        (ActionLimits(budget_usd=12), "a resend, b message, c message, e1 protection"),
        (ActionLimits(budget_usd=11), "a answer, b partial_refund, c message, e1 protection"),
        # one contact: what reaches no buyer is done as well
        (ActionLimits(contacts=1), "a answer, e1 protection, c carrier_enquiry"),
        # five minutes: 3 + 2; protection takes none
        (ActionLimits(minutes=5), "a answer, b message, e1 protection"),
        # no one writes Korean, but an enquiry needs no language: tom has five minutes for it
        (
            ActionLimits(agents=MARIA_AND_TOM),
            "a answer, b message, e1 protection, c carrier_enquiry",
        ),
        (ActionLimits(agents=MARIA_AND_TOM[1:]), "b message, e1 protection"),
        (
            ActionLimits(action_contacts={"message": 1}),
            "a answer, b message, e1 protection, c carrier_enquiry",
        ),
        (ActionLimits(least_worth_usd=1.0), "a answer, b message"),
        (ActionLimits(least_worth_usd=9.0), ""),
    ],
)
def test_the_actions_of_a_night(limits: ActionLimits, expected: str) -> None:
    choice = choose_actions(read_night(NIGHT), limits)
    assert done(choice) == expected
    assert choice.total_usd == pytest.approx(choice.chosen["value_usd"].sum())
    assert choice.bound_usd == pytest.approx(choice.total_usd, abs=1e-4)


def test_each_row_says_why_not_the_next_option() -> None:
    options = read_night(NIGHT)
    choice = choose_actions(options, ActionLimits(contacts=2, budget_usd=4, minutes=6))
    shown = ["order_id", "action", "value_usd", "next_action", "next_value_usd", "next_limit"]
    # anna's goods are worth more, but 4 USD do not pay for them; the other budget is not short
    assert why_not_next(options, choice).select(shown).rows() == [
        ("a", "answer", 3.0, "resend", 5.0, None),
        ("b", "partial_refund", 2.6, "message", 1.1, None),
        ("e1", "protection", 0.7, "message", 0.6, None),
    ]


def test_the_limit_that_holds_the_next_option_back_is_named() -> None:
    options = read_night(
        """
        buyer | order | action  | usd | gift | min | language
        anna  | a     | refund  | 6   | 4    | 2   | en
        anna  | a     | message | 4   | 0    | 2   | en
        ben   | b     | refund  | 5   | 4    | 2   | en
        carl  | c     | message | 3   | 0    | 2   | en
        dora  | d     | message | 1   | 0    | 2   | en
        """
    )
    choice = choose_actions(options, ActionLimits(contacts=3, budget_usd=4))
    assert done(choice) == "b refund, a message, c message"
    # one contact more would be dora's 1, one less would lose carl's 3: the price is between them
    assert 1 <= choice.prices["contacts"] <= 3
    row = why_not_next(options, choice).filter(order_id="a")
    assert row.select("next_action", "next_value_usd", "next_limit").row(0) == (
        "refund",
        6.0,
        "budget_usd",
    )


def test_the_price_of_a_limit_is_what_one_more_is_worth() -> None:
    options = read_night(NIGHT)
    choice = choose_actions(options, ActionLimits(minutes=4, action_contacts={"protection": 0}))
    # three minutes are anna's; more would go to ben's message, 1.10 for two minutes
    assert choice.prices["minutes"] == pytest.approx(0.55)
    assert choice.prices["budget_usd"] == choice.prices["action protection"] == 0.0


def test_who_does_what() -> None:
    choice = choose_actions(read_night(NIGHT), ActionLimits(agents=MARIA_AND_TOM))
    assert choice.chosen.select("order_id", "agent").rows() == [
        ("a", "maria"),
        ("b", "maria"),
        ("e1", None),
        ("c", "tom"),
    ]


def test_of_equal_options_the_first_order_is_taken() -> None:
    options = read_night(
        """
        buyer | order | action  | usd | gift | min | language
        zoe   | d     | message | 2   | 0    | 2   | en
        yan   | c     | message | 2   | 0    | 2   | en
        yan   | a     | message | 2   | 0    | 2   | en
        xia   | b     | message | 2   | 0    | 2   | en
        """
    )
    assert done(choose_actions(options, ActionLimits(contacts=1))) == "a message"
    assert done(choose_actions(options, ActionLimits(contacts=2))) == "a message, b message"


@pytest.mark.parametrize(
    ("column", "wrong", "message"),
    [
        ("value_usd", float("nan"), "order a, action answer: value_usd is nan"),
        ("value_usd", None, "order a, action answer: value_usd is None"),
        ("budget_usd", -1.0, "budget_usd is -1.0; allowed: a finite number from 0"),
        ("minutes", float("inf"), "minutes is inf; allowed: a finite number from 0"),
        ("buyer_id", None, "buyer_id is missing in 10 rows"),
    ],
)
def test_a_wrong_number_is_refused(column: str, wrong: float | None, message: str) -> None:
    options = read_night(NIGHT)
    spoiled = options.with_columns(pl.lit(wrong, dtype=options[column].dtype).alias(column))
    with pytest.raises(ValueError, match=message):
        choose_actions(spoiled, ActionLimits())
