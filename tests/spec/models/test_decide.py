"""Who is written to on a night, who is left alone, and what is learnt from it: small nights drawn
as tables."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.contact import contact_effects
from models.contact.contact_effects import Belief, learn_beliefs
from models.contact.decide import ContactCosts, ContactRules, add_expected_value, assign, uniform

SHARES = {"in_transit": 0.2, "delivered": 0.1}
COSTS = ContactCosts(SHARES, dispute_fixed_cost_usd=10.0, contact_cost_usd=1.0)


def read_table(drawing: str) -> pl.DataFrame:
    """A table drawn with bars, a first line of names; `-` is nothing. All cells are text."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    return pl.DataFrame(
        [[None if c == "-" else c for c in row] for row in rows[1:]], schema=rows[0], orient="row"
    )


def night(drawing: str) -> pl.DataFrame:
    return read_table(drawing).with_columns(pl.col("expected_value_usd").cast(pl.Float64))


def arms(told: pl.DataFrame) -> list[tuple]:
    return told.select("rank", "order_id", "also_orders", "arm").rows()


def held_out_buyer(salt: str, share: float, names: list[str]) -> list[str]:
    return [name for name in names if uniform(salt, name) < share]


def test_the_most_worthwhile_first_and_none_that_costs_more_than_it_saves() -> None:
    scored = night(
        """
        order_id | buyer_id | expected_value_usd
        a        | anna     | 2.0
        b        | ben      | 5.0
        c        | carl     | -0.1
        d        | dora     | 0.0
        e        | eva      | 1.0
        """
    )
    assert arms(assign(scored, ContactRules(2), 0.5, "n")) == [
        (1, "b", "", "listed"),
        (2, "a", "", "listed"),
    ]
    assert assign(scored, ContactRules(9), 0.5, "n")["order_id"].to_list() == ["b", "a", "e"]


def test_a_buyer_gets_one_message_about_all_open_orders_and_it_costs_once() -> None:
    scored = night(
        """
        order_id | buyer_id | expected_value_usd
        a1       | anna     | 2.0
        b        | ben      | 5.0
        a2       | anna     | 1.5
        a3       | anna     | -0.4
        """
    )
    told = assign(scored, ContactRules(5), 0.5, "n")
    assert arms(told) == [(1, "b", "", "listed"), (2, "a1", "a2 a3", "listed")]
    assert told["expected_value_usd"].to_list() == pytest.approx([5.0, 2.5 + 2.0 + 0.1 - 0.5])


def test_two_orders_worth_no_message_each_are_worth_one_together() -> None:
    scored = night(
        """
        order_id | buyer_id | expected_value_usd
        a1       | anna     | -0.1
        a2       | anna     | -0.2
        """
    )
    assert assign(scored, ContactRules(5), 0.5, "n")[
        "expected_value_usd"
    ].to_list() == pytest.approx([0.4 + 0.3 - 0.5])


def test_whom_somebody_wrote_to_lately_is_left_alone() -> None:
    scored = night(
        """
        order_id | buyer_id | expected_value_usd
        a        | anna     | 2.0
        b        | ben      | 5.0
        """
    )
    assert assign(scored, ContactRules(5, resting={"ben"}), 0.5, "n")["order_id"].to_list() == ["a"]


def test_the_held_out_would_have_been_listed_and_others_have_their_places() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    scored = pl.DataFrame(
        {"order_id": names, "buyer_id": names, "expected_value_usd": [40.0 - n for n in range(40)]}
    )
    told = assign(scored, ContactRules(10, holdout_share=0.2, salt="s"), 0.5, "n")
    listed, held = told.filter(pl.col("arm") == "listed"), told.filter(pl.col("arm") == "held_out")
    withheld = held_out_buyer("s", 0.2, names)
    assert listed["order_id"].to_list() == [name for name in names if name not in withheld][:10]
    assert held["order_id"].to_list() == [
        name for name in withheld if name < listed["order_id"][-1]
    ]
    assert held.height > 0
    assert held["rank"].is_null().all()
    assert set(listed["propensity"]) == {0.8}
    assert set(held["propensity"]) == {0.2}


def test_on_an_idle_night_the_least_worthwhile_may_be_held_out_too() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    withheld = held_out_buyer("s", 0.2, names)
    scored = night(f"order_id | buyer_id | expected_value_usd\na | {withheld[0]} | 0.1")
    told = assign(scored, ContactRules(10, holdout_share=0.2, salt="s"), 0.5, "n")
    assert arms(told) == [(None, "a", "", "held_out")], "alone, and there was a place"


def test_a_share_of_the_places_goes_to_worthwhile_buyers_below_the_cut() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    value = [30.0 - n for n in range(40)]
    scored = pl.DataFrame({"order_id": names, "buyer_id": names, "expected_value_usd": value})
    told = assign(scored, ContactRules(10, explore_share=0.2, salt="s"), 0.5, "n")
    explored = told.filter(pl.col("arm") == "explored")
    assert told.filter(pl.col("arm") == "listed")["order_id"].to_list() == names[:8]
    assert explored.height == 2
    assert (explored["expected_value_usd"] > 0).all(), "never one that costs more than it saves"
    assert explored["propensity"].to_list() == [2 / 22, 2 / 22], (
        "two places for the 22 below the cut"
    )
    assert set(
        assign(scored, ContactRules(10, explore_share=0.2, salt="s"), 0.5, "m")["order_id"]
    ) != set(told["order_id"])


def test_value_follows_the_likely_cause_and_says_what_it_rests_on() -> None:
    costs = ContactCosts(SHARES, 10.0, 1.0, cause_factor={"not_as_described": 0.5, "other": 0.0})
    scored = read_table(
        """
        stage      | probability | order_value_usd | not_received_share | not_as_described_share | other_share
        in_transit | 0.5         | 40              | 1                  | 0                      | 0
        in_transit | 0.5         | 40              | 0.5                | 0.5                    | 0
        in_transit | 0.5         | 40              | 0                  | 0                      | 1
        in_transit | 0.5         | 40              | -                  | -                      | -
        """
    ).with_columns(pl.exclude("stage").cast(pl.Float64))
    told = add_expected_value(scored, costs)
    assert told["expected_value_usd"].to_list() == pytest.approx(
        [25 * s - 1 for s in (0.2, 0.15, 0.0, 0.2)]
    )
    assert told["evidence_share"].to_list() == [0.0] * 4
    beliefs = {("in_transit", "not_received"): Belief(0.04, 0.75)}
    learnt = add_expected_value(scored, ContactCosts(**{**costs.__dict__, "beliefs": beliefs}))
    assert learnt["expected_value_usd"][0] == pytest.approx(25 * 0.04 - 1)
    assert learnt["evidence_share"].to_list()[:3] == [0.75, 0.375, 0.0]


# -- what the hold-out teaches
# --------------------------------------------------------------------------------------


def evidence(
    sent: tuple[int, int], held: tuple[int, int], stage: str = "in_transit"
) -> pl.DataFrame:
    """(orders, disputes) sent and held out, each with a probability of 0.1."""
    parts = [
        pl.DataFrame({"is_held": [is_held] * n, "label": [1] * came + [0] * (n - came)})
        for is_held, (n, came) in ((False, sent), (True, held))
    ]
    return pl.concat(parts).with_columns(
        stage=pl.lit(stage), cause=pl.lit("not_received"), probability=pl.lit(0.1)
    )


ASSUMED = {("in_transit", "not_received"): 0.2, ("delivered", "not_received"): 0.1}


def test_without_evidence_nothing_is_believed_but_the_assumption() -> None:
    assert learn_beliefs(evidence((0, 0), (0, 0)), ASSUMED, 30.0) == {}
    nobody_held = learn_beliefs(evidence((900, 50), (0, 0)), ASSUMED, 30.0)
    assert nobody_held["in_transit", "not_received"] == Belief(pytest.approx(0.2), 0.0)


def test_much_evidence_is_believed_and_little_hardly() -> None:
    # half of the disputes are gone, in 100 orders a side and in 100,000
    little = learn_beliefs(evidence((100, 5), (100, 10)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    much = learn_beliefs(evidence((100_000, 5_000), (100_000, 10_000)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    assert 0.2 < little.share < 0.35
    assert much.share == pytest.approx(0.5, abs=0.01)
    assert little.evidence < 0.5 < 0.95 < much.evidence


def test_a_hold_out_with_few_disputes_is_few_trials_however_many_were_sent() -> None:
    # thirty held-out disputes tell what would have come within a fifth, so a share of 0.2 within
    # 0.15: seven trials
    for sent in (10_000, 1_000_000):
        belief = learn_beliefs(evidence((sent, sent // 10), (300, 30)), ASSUMED, 30.0)[
            "in_transit", "not_received"
        ]
        assert 0.1 < belief.evidence < 0.5


def test_trials_are_as_many_as_tell_the_share_as_exactly() -> None:
    rng, share, would_be, held = np.random.default_rng(1), 0.2, 900.0, 100.0
    came, seen = rng.poisson(would_be * (1 - share), 20_000), rng.poisson(held, 20_000)
    spread = np.var(1.0 - came / (would_be * seen / held))
    by_trials = share * (1 - share) / contact_effects._trials(share, would_be, held)
    assert by_trials == pytest.approx(spread, rel=0.1)


def test_a_group_without_evidence_follows_what_all_show() -> None:
    found = learn_beliefs(evidence((100_000, 10_000), (100_000, 10_000)), ASSUMED, 30.0)
    assert found["in_transit", "not_received"].share == pytest.approx(0.0, abs=0.01)
    assert found["delivered", "not_received"].share == pytest.approx(0.0, abs=0.01)


def test_messages_that_provoke_are_worth_less_than_nothing() -> None:
    belief = learn_beliefs(evidence((100_000, 12_000), (100_000, 10_000)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    assert belief.share == pytest.approx(-0.2, abs=0.01)


def test_probabilities_that_are_off_are_corrected_by_the_hold_out() -> None:
    # twice as many disputes came as the model said, sent or held out: nothing was prevented
    belief = learn_beliefs(evidence((100_000, 20_000), (100_000, 20_000)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    assert belief.share == pytest.approx(0.0, abs=0.01)
