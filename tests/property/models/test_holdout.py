"""The hold-out over many nights: no held-out buyer is contacted, and propensities are right."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contact.decide import (
    HELD_OUT,
    LISTED,
    ContactRules,
    assign,
    give_arms,
    uniform,
    worthwhile,
)

BUYERS = [f"buyer{n:03}" for n in range(60)]
VALUES = st.lists(st.tuples(st.sampled_from(BUYERS), st.floats(-5, 50)), max_size=80)
NIGHTS = st.lists(VALUES, min_size=1, max_size=4)
RULES = st.builds(
    ContactRules,
    st.integers(1, 20),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from("st"),
)


def night(values: list[tuple[str, float]]) -> pl.DataFrame:
    schema = {"buyer_id": pl.String, "expected_value_usd": pl.Float64}
    return pl.DataFrame(values, schema=schema, orient="row").with_columns(
        order_id=pl.concat_str(pl.lit("o"), pl.int_range(pl.len()))
    )


@settings(max_examples=200, deadline=None)
@given(nights=NIGHTS, rules=RULES)
def test_no_held_out_buyer_is_ever_on_a_list(nights: list, rules: ContactRules) -> None:
    assigned = [assign(night(values), rules, 0.5, str(n)) for n, values in enumerate(nights)]
    contacted = {
        buyer
        for one_night in assigned
        for buyer in one_night.filter(pl.col("arm") != HELD_OUT)["buyer_id"]
    }
    held = {
        buyer
        for one_night in assigned
        for buyer in one_night.filter(pl.col("arm") == HELD_OUT)["buyer_id"]
    }
    assert not contacted & held
    assert all(uniform(rules.salt, buyer) < rules.holdout_share for buyer in held)
    for one_night in assigned:
        sent = one_night.filter(pl.col("arm") != HELD_OUT)
        assert sent.height <= rules.capacity
        assert one_night["buyer_id"].is_unique().all()
        assert (one_night["expected_value_usd"] > 0).all()
        assert sent["rank"].to_list() == list(range(1, sent.height + 1))


@settings(max_examples=200, deadline=None)
@given(values=VALUES, rules=RULES)
def test_the_order_of_the_rows_changes_nothing(values: list, rules: ContactRules) -> None:
    scored = night(values)
    assert assign(scored, rules, 0.5, "n").equals(assign(scored.reverse(), rules, 0.5, "n"))


@settings(max_examples=100, deadline=None)
@given(values=VALUES, rules=RULES)
def test_propensities_match_the_arms(values: list, rules: ContactRules) -> None:
    assigned = assign(night(values), rules, 0.5, "n")
    explored = assigned.filter(pl.col("arm") == "explored")
    for arm, chance in (("listed", 1 - rules.holdout_share), (HELD_OUT, rules.holdout_share)):
        assert (assigned.filter(pl.col("arm") == arm)["propensity"] == chance).all()
    assert explored["propensity"].n_unique() <= 1
    assert (
        (explored["propensity"] > 0) & (explored["propensity"] <= 1 - rules.holdout_share)
    ).all()


@settings(max_examples=200, deadline=None)
@given(values=VALUES, rules=RULES, held=st.sets(st.sampled_from(BUYERS)))
def test_a_held_out_buyer_would_be_listed_if_released_alone(
    values: list, rules: ContactRules, held: set[str]
) -> None:
    leads = worthwhile(night(values), rules, 0.5)

    def arm_of(buyer: str, held: set[str]) -> str | None:
        assigned = give_arms(
            leads.with_columns(is_held=pl.col("buyer_id").is_in(list(held))), rules, "n"
        )
        return dict(assigned.select("buyer_id", "arm").iter_rows()).get(buyer)

    for buyer in leads["buyer_id"]:
        is_listed, is_held_out = (
            arm_of(buyer, held - {buyer}) == LISTED,
            arm_of(buyer, held | {buyer}) == HELD_OUT,
        )
        assert is_listed == is_held_out, buyer


def test_a_hash_holds_out_the_requested_share() -> None:
    drawn = [uniform("s", f"buyer{n}") for n in range(20_000)]
    # 4 standard deviations of a share of 0.1 in 20,000
    assert abs(sum(u < 0.1 for u in drawn) / 20_000 - 0.1) < 4 * (0.09 / 20_000) ** 0.5
    assert 0.0 <= min(drawn) < max(drawn) < 1.0
