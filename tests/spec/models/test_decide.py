"""Who is contacted on a night, who is not, and what the hold-out shows: small nights drawn as
tables.
"""

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
    """A table drawn with bars and a header line; `-` is null. All cells are text."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    return pl.DataFrame(
        [[None if c == "-" else c for c in row] for row in rows[1:]], schema=rows[0], orient="row"
    )


def night(drawing: str) -> pl.DataFrame:
    return read_table(drawing).with_columns(pl.col("expected_value_usd").cast(pl.Float64))


def arms(assigned: pl.DataFrame) -> list[tuple]:
    return assigned.select("rank", "order_id", "also_orders", "arm").rows()


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
    assigned = assign(scored, ContactRules(5), 0.5, "n")
    assert arms(assigned) == [(1, "b", "", "listed"), (2, "a1", "a2 a3", "listed")]
    assert assigned["expected_value_usd"].to_list() == pytest.approx([5.0, 2.5 + 2.0 + 0.1 - 0.5])


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


def test_a_recently_contacted_buyer_is_left_alone() -> None:
    scored = night(
        """
        order_id | buyer_id | expected_value_usd
        a        | anna     | 2.0
        b        | ben      | 5.0
        """
    )
    assert assign(scored, ContactRules(5, resting={"ben"}), 0.5, "n")["order_id"].to_list() == ["a"]


def test_held_out_buyers_would_have_been_listed_and_others_take_their_slots() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    scored = pl.DataFrame(
        {"order_id": names, "buyer_id": names, "expected_value_usd": [40.0 - n for n in range(40)]}
    )
    assigned = assign(scored, ContactRules(10, holdout_share=0.2, salt="s"), 0.5, "n")
    listed, held = (
        assigned.filter(pl.col("arm") == "listed"),
        assigned.filter(pl.col("arm") == "held_out"),
    )
    held_names = held_out_buyer("s", 0.2, names)
    assert listed["order_id"].to_list() == [name for name in names if name not in held_names][:10]
    assert held["order_id"].to_list() == [
        name for name in held_names if name < listed["order_id"][-1]
    ]
    assert held.height > 0
    assert held["rank"].is_null().all()
    assert set(listed["propensity"]) == {0.8}
    assert set(held["propensity"]) == {0.2}


def test_on_an_idle_night_the_least_worthwhile_may_be_held_out_too() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    held_names = held_out_buyer("s", 0.2, names)
    scored = night(f"order_id | buyer_id | expected_value_usd\na | {held_names[0]} | 0.1")
    assigned = assign(scored, ContactRules(10, holdout_share=0.2, salt="s"), 0.5, "n")
    assert arms(assigned) == [(None, "a", "", "held_out")], "the only buyer, with a free slot"


def test_a_share_of_the_slots_goes_to_worthwhile_buyers_below_the_cut() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    values = [30.0 - n for n in range(40)]
    scored = pl.DataFrame({"order_id": names, "buyer_id": names, "expected_value_usd": values})
    assigned = assign(scored, ContactRules(10, explore_share=0.2, salt="s"), 0.5, "n")
    explored = assigned.filter(pl.col("arm") == "explored")
    assert assigned.filter(pl.col("arm") == "listed")["order_id"].to_list() == names[:8]
    assert explored.height == 2
    assert (explored["expected_value_usd"] > 0).all(), "never one that costs more than it saves"
    assert explored["propensity"].to_list() == [2 / 22, 2 / 22], (
        "two slots for the 22 below the cut"
    )
    assert set(
        assign(scored, ContactRules(10, explore_share=0.2, salt="s"), 0.5, "m")["order_id"]
    ) != set(assigned["order_id"])


def test_value_follows_the_likely_cause_and_reports_its_evidence() -> None:
    costs = ContactCosts(SHARES, 10.0, 1.0, cause_factor={"not_as_described": 0.5, "other": 0.0})
    scored = read_table(
        """
        stage      | not_received_share | not_as_described_share | other_share
        in_transit | 1                  | 0                      | 0
        in_transit | 0.5                | 0.5                    | 0
        in_transit | 0                  | 0                      | 1
        in_transit | -                  | -                      | -
        """
    ).with_columns(pl.exclude("stage").cast(pl.Float64), probability=0.5, order_value_usd=40.0)
    assumed = add_expected_value(scored, costs)
    assert assumed["expected_value_usd"].to_list() == pytest.approx(
        [25 * s - 1 for s in (0.2, 0.15, 0.0, 0.2)]
    )
    assert assumed["evidence_share"].to_list() == [0.0] * 4
    beliefs = {("in_transit", "not_received"): Belief(0.04, 0.75)}
    valued = add_expected_value(scored, ContactCosts(**{**costs.__dict__, "beliefs": beliefs}))
    assert valued["expected_value_usd"][0] == pytest.approx(25 * 0.04 - 1)
    assert valued["evidence_share"].to_list()[:3] == [0.75, 0.375, 0.0]


# what the hold-out shows


def evidence(
    sent: tuple[int, int], held: tuple[int, int], stage: str = "in_transit"
) -> pl.DataFrame:
    """(orders, disputes) contacted and held out, each order with a probability of 0.1."""
    parts = [
        pl.DataFrame(
            {"is_held": [is_held] * n, "label": [1] * count_disputes + [0] * (n - count_disputes)}
        )
        for is_held, (n, count_disputes) in ((False, sent), (True, held))
    ]
    return pl.concat(parts).with_columns(
        stage=pl.lit(stage), cause=pl.lit("not_received"), probability=pl.lit(0.1)
    )


ASSUMED = {("in_transit", "not_received"): 0.2, ("delivered", "not_received"): 0.1}


def test_without_evidence_the_assumption_is_used() -> None:
    assert learn_beliefs(evidence((0, 0), (0, 0)), ASSUMED, 30.0) == {}
    without_hold_out = learn_beliefs(evidence((900, 50), (0, 0)), ASSUMED, 30.0)
    assert without_hold_out["in_transit", "not_received"] == Belief(pytest.approx(0.2), 0.0)


def test_much_evidence_counts_and_little_evidence_hardly_does() -> None:
    # half of the disputes are gone, with 100 orders per arm and with 100,000
    little = learn_beliefs(evidence((100, 5), (100, 10)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    much = learn_beliefs(evidence((100_000, 5_000), (100_000, 10_000)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    assert 0.2 < little.share < 0.35
    assert much.share == pytest.approx(0.5, abs=0.01)
    assert little.evidence < 0.5 < 0.95 < much.evidence


def test_a_hold_out_with_few_disputes_gives_few_trials() -> None:
    # thirty held-out disputes give the expected number within a fifth, so a share of 0.2 within
    # 0.15: seven trials
    for sent in (10_000, 1_000_000):
        belief = learn_beliefs(evidence((sent, sent // 10), (300, 30)), ASSUMED, 30.0)[
            "in_transit", "not_received"
        ]
        assert 0.1 < belief.evidence < 0.5


def test_trials_match_the_precision_of_the_counts() -> None:
    rng, share, would_be, held = np.random.default_rng(1), 0.2, 900.0, 100.0
    disputes, held_disputes = rng.poisson(would_be * (1 - share), 20_000), rng.poisson(held, 20_000)
    spread = np.var(1.0 - disputes / (would_be * held_disputes / held))
    by_trials = share * (1 - share) / contact_effects._trials(share, would_be, held)
    assert by_trials == pytest.approx(spread, rel=0.1)


def test_a_group_without_evidence_follows_all_groups() -> None:
    beliefs = learn_beliefs(evidence((100_000, 10_000), (100_000, 10_000)), ASSUMED, 30.0)
    assert beliefs["in_transit", "not_received"].share == pytest.approx(0.0, abs=0.01)
    assert beliefs["delivered", "not_received"].share == pytest.approx(0.0, abs=0.01)


def test_messages_that_provoke_disputes_have_a_negative_share() -> None:
    belief = learn_beliefs(evidence((100_000, 12_000), (100_000, 10_000)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    assert belief.share == pytest.approx(-0.2, abs=0.01)


def test_miscalibrated_probabilities_are_corrected_by_the_hold_out() -> None:
    # twice as many disputes as predicted, contacted or held out: nothing was prevented
    belief = learn_beliefs(evidence((100_000, 20_000), (100_000, 20_000)), ASSUMED, 30.0)[
        "in_transit", "not_received"
    ]
    assert belief.share == pytest.approx(0.0, abs=0.01)
