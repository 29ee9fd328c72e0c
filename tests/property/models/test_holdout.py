"""The hold-out over many nights: nobody held out is ever written to, and propensities are those of
what is drawn."""

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
    told = [assign(night(values), rules, 0.5, str(n)) for n, values in enumerate(nights)]
    written = {
        buyer for each in told for buyer in each.filter(pl.col("arm") != HELD_OUT)["buyer_id"]
    }
    held = {buyer for each in told for buyer in each.filter(pl.col("arm") == HELD_OUT)["buyer_id"]}
    assert not written & held
    assert all(uniform(rules.salt, buyer) < rules.holdout_share for buyer in held)
    for each in told:
        sent = each.filter(pl.col("arm") != HELD_OUT)
        assert sent.height <= rules.capacity
        assert each["buyer_id"].is_unique().all()
        assert (each["expected_value_usd"] > 0).all()
        assert sent["rank"].to_list() == list(range(1, sent.height + 1))


@settings(max_examples=200, deadline=None)
@given(values=VALUES, rules=RULES)
def test_the_order_of_the_rows_changes_nothing(values: list, rules: ContactRules) -> None:
    scored = night(values)
    assert assign(scored, rules, 0.5, "n").equals(assign(scored.reverse(), rules, 0.5, "n"))


@settings(max_examples=100, deadline=None)
@given(values=VALUES, rules=RULES)
def test_the_chances_of_a_list_add_up_to_its_places(values: list, rules: ContactRules) -> None:
    told = assign(night(values), rules, 0.5, "n")
    explored = told.filter(pl.col("arm") == "explored")
    for arm, chance in (("listed", 1 - rules.holdout_share), (HELD_OUT, rules.holdout_share)):
        assert (told.filter(pl.col("arm") == arm)["propensity"] == chance).all()
    assert explored["propensity"].n_unique() <= 1
    assert (
        (explored["propensity"] > 0) & (explored["propensity"] <= 1 - rules.holdout_share)
    ).all()


@settings(max_examples=200, deadline=None)
@given(values=VALUES, rules=RULES, held=st.sets(st.sampled_from(BUYERS)))
def test_held_out_is_who_would_be_listed_if_let_go_alone(
    values: list, rules: ContactRules, held: set[str]
) -> None:
    leads = worthwhile(night(values), rules, 0.5)

    def arm_of(buyer: str, held: set[str]) -> str | None:
        told = give_arms(
            leads.with_columns(is_held=pl.col("buyer_id").is_in(list(held))), rules, "n"
        )
        return dict(told.select("buyer_id", "arm").iter_rows()).get(buyer)

    for buyer in leads["buyer_id"]:
        is_listed, is_told = (
            arm_of(buyer, held - {buyer}) == LISTED,
            arm_of(buyer, held | {buyer}) == HELD_OUT,
        )
        assert is_listed == is_told, buyer


def test_a_hash_holds_out_the_share_that_was_asked_for() -> None:
    drawn = [uniform("s", f"buyer{n}") for n in range(20_000)]
    # 4 standard deviations of a share of 0.1 in 20,000
    assert abs(sum(u < 0.1 for u in drawn) / 20_000 - 0.1) < 4 * (0.09 / 20_000) ** 0.5
    assert 0.0 <= min(drawn) < max(drawn) < 1.0
