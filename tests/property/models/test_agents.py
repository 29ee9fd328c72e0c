"""Languages and hours: the chosen messages are the best choice, and the agents can write them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.actions.agents import Agent, RemainingSlots, share_out
from models.contact.decide import (
    EXPLORED,
    HELD_OUT,
    LISTED,
    ContactRules,
    assign,
    give_arms,
    worthwhile,
)

AGENT_LANGUAGES = ("de", "en", "es", "pt")
AGENTS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(AGENT_LANGUAGES), min_size=1), st.integers(0, 3)),
    min_size=1,
    max_size=3,
).map(
    lambda drawn: [
        Agent(f"agent {n}", languages, messages) for n, (languages, messages) in enumerate(drawn)
    ]
)
# no one writes Korean
MESSAGES = st.lists(
    st.tuples(st.sampled_from((*AGENT_LANGUAGES, "ko")), st.integers(-2, 30)), max_size=7
)
MANY = st.lists(
    st.tuples(st.sampled_from((*AGENT_LANGUAGES, "ko")), st.integers(-2, 30)), max_size=40
)


def night(messages: Sequence[tuple[str, int]]) -> pl.DataFrame:
    schema = {"message_language": pl.String, "expected_value_usd": pl.Float64}
    rows = pl.DataFrame(messages, schema=schema, orient="row").with_row_index("n")
    return rows.select(*schema, order_id=pl.format("o{}", "n"), buyer_id=pl.format("b{}", "n"))


def can_write(languages: Sequence[str], left: dict[Agent, int]) -> bool:
    """Try every agent for every message."""
    if not languages:
        return True
    return any(
        left[agent] > 0
        and languages[0] in agent.languages
        and can_write(languages[1:], left | {agent: left[agent] - 1})
        for agent in left
    )


def written_by(agents: Sequence[Agent]) -> dict[Agent, int]:
    return {agent: agent.messages for agent in agents}


@settings(max_examples=300, deadline=None)
@given(messages=MESSAGES, agents=AGENTS, capacity=st.integers(1, 6))
def test_no_other_choice_the_agents_can_write_is_worth_more(
    messages: list[tuple[str, int]], agents: list[Agent], capacity: int
) -> None:
    assigned = assign(night(messages), ContactRules(capacity, agents=agents), 0.5, "n")
    best = max(
        sum(value for _, value in some)
        for size in range(min(capacity, len(messages)) + 1)
        for some in combinations(messages, size)
        if can_write([language for language, _ in some], written_by(agents))
    )
    assert assigned["expected_value_usd"].sum() == best
    assert assigned.height <= capacity


@settings(max_examples=300, deadline=None)
@given(languages=st.lists(st.sampled_from((*AGENT_LANGUAGES, "ko")), max_size=6), agents=AGENTS)
def test_there_is_a_slot_exactly_as_long_as_an_agent_can_write(
    languages: list[str], agents: list[Agent]
) -> None:
    slots, taken = RemainingSlots(agents), []
    for language in languages:
        fits = can_write([*taken, language], written_by(agents))
        assert slots.has(language) == fits
        if fits:
            slots.take(language)
            taken.append(language)


@settings(max_examples=300, deadline=None)
@given(
    messages=MANY,
    agents=AGENTS,
    capacity=st.integers(1, 9),
    holdout=st.sampled_from([0.0, 0.3]),
    explore=st.sampled_from([0.0, 0.2, 0.5]),
)
def test_the_list_with_exploration_fits_the_agents_hours(
    messages: list[tuple[str, int]],
    agents: list[Agent],
    capacity: int,
    holdout: float,
    explore: float,
) -> None:
    assigned = assign(
        night(messages), ContactRules(capacity, holdout, explore, "s", agents=agents), 0.5, "n"
    )
    sent = assigned.filter(pl.col("arm") != HELD_OUT)["message_language"].to_list()
    shared = share_out(sent, agents)
    for agent in agents:
        assert sum(shared.get(agent.name, {}).values()) <= agent.messages
        assert set(shared.get(agent.name, {})) <= agent.languages
    assert sum((Counter(each) for each in shared.values()), Counter()) == Counter(sent)
    assert len(sent) <= capacity


@settings(max_examples=200, deadline=None)
@given(
    messages=MANY,
    agents=AGENTS,
    capacity=st.integers(1, 9),
    explore=st.sampled_from([0.0, 0.3]),
    held=st.sets(st.integers(0, 39)),
)
def test_a_held_out_buyer_would_be_listed_if_released_alone(
    messages: list[tuple[str, int]],
    agents: list[Agent],
    capacity: int,
    explore: float,
    held: set[int],
) -> None:
    rules = ContactRules(capacity, 0.3, explore, "s", agents=agents)
    leads = worthwhile(night(messages), rules, 0.5)

    def arm_of(buyer: str, held: set[str]) -> str | None:
        assigned = give_arms(
            leads.with_columns(is_held=pl.col("buyer_id").is_in(list(held))), rules, "n"
        )
        return dict(assigned.select("buyer_id", "arm").iter_rows()).get(buyer)

    withheld = {f"b{n}" for n in held}
    for buyer in leads["buyer_id"]:
        is_listed, is_held_out = (
            arm_of(buyer, withheld - {buyer}) == LISTED,
            arm_of(buyer, withheld | {buyer}) == HELD_OUT,
        )
        assert is_listed == is_held_out, buyer


@settings(max_examples=100, deadline=None)
@given(messages=MANY, agents=AGENTS, capacity=st.integers(2, 9))
def test_an_explored_message_has_the_propensity_of_its_language(
    messages: list[tuple[str, int]], agents: list[Agent], capacity: int
) -> None:
    rules = ContactRules(capacity, 0.25, 0.5, "s", agents=agents)
    leads = worthwhile(night(messages), rules, 0.5)
    assigned = give_arms(leads, rules, "n")
    listed = assigned.filter(pl.col("arm") == LISTED)["buyer_id"]
    below = leads.filter(~pl.col("is_held"), ~pl.col("buyer_id").is_in(listed.to_list()))
    for (language,), drawn in assigned.filter(pl.col("arm") == EXPLORED).group_by(
        "message_language"
    ):
        pool = below.filter(pl.col("message_language") == language).height
        assert drawn["propensity"].to_list() == [0.75 * drawn.height / pool] * drawn.height


@settings(max_examples=100, deadline=None)
@given(messages=MANY, capacity=st.integers(1, 20))
def test_agents_who_can_write_everything_do_not_limit_the_list(
    messages: list[tuple[str, int]], capacity: int
) -> None:
    agents_for_all = [Agent("anna", frozenset((*AGENT_LANGUAGES, "ko")), 40)]
    rules = {"holdout_share": 0.3, "salt": "s"}
    with_agents = assign(
        night(messages), ContactRules(capacity, **rules, agents=agents_for_all), 0.5, "n"
    )
    assert with_agents.equals(assign(night(messages), ContactRules(capacity, **rules), 0.5, "n"))
