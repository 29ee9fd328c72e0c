"""Languages and hours: what is chosen is as good as the best of all choices, and the agents can
truly write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contact.agents import Agent, Room, share_out
from models.contact.decide import (
    EXPLORED,
    HELD_OUT,
    LISTED,
    ContactRules,
    assign,
    give_arms,
    worthwhile,
)

SPOKEN = ("de", "en", "es", "pt")
AGENTS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(SPOKEN), min_size=1), st.integers(0, 3)),
    min_size=1,
    max_size=3,
).map(
    lambda told: [
        Agent(f"agent {n}", languages, messages) for n, (languages, messages) in enumerate(told)
    ]
)
# nobody writes Korean
MESSAGES = st.lists(st.tuples(st.sampled_from((*SPOKEN, "ko")), st.integers(-2, 30)), max_size=7)
MANY = st.lists(st.tuples(st.sampled_from((*SPOKEN, "ko")), st.integers(-2, 30)), max_size=40)


def night(messages: Sequence[tuple[str, int]]) -> pl.DataFrame:
    schema = {"message_language": pl.String, "expected_value_usd": pl.Float64}
    rows = pl.DataFrame(messages, schema=schema, orient="row").with_row_index("n")
    return rows.select(*schema, order_id=pl.format("o{}", "n"), buyer_id=pl.format("b{}", "n"))


def can_write(languages: Sequence[str], left: dict[Agent, int]) -> bool:
    """By trying every agent for every message."""
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
def test_no_choice_that_the_agents_can_write_is_worth_more(
    messages: list[tuple[str, int]], agents: list[Agent], capacity: int
) -> None:
    told = assign(night(messages), ContactRules(capacity, agents=agents), 0.5, "n")
    best = max(
        sum(value for _, value in some)
        for size in range(min(capacity, len(messages)) + 1)
        for some in combinations(messages, size)
        if can_write([language for language, _ in some], written_by(agents))
    )
    assert told["expected_value_usd"].sum() == best
    assert told.height <= capacity


@settings(max_examples=300, deadline=None)
@given(languages=st.lists(st.sampled_from((*SPOKEN, "ko")), max_size=6), agents=AGENTS)
def test_there_is_room_exactly_as_long_as_somebody_can_write(
    languages: list[str], agents: list[Agent]
) -> None:
    room, taken = Room(agents), []
    for language in languages:
        fits = can_write([*taken, language], written_by(agents))
        assert room.has(language) == fits
        if fits:
            room.take(language)
            taken.append(language)


@settings(max_examples=300, deadline=None)
@given(
    messages=MANY,
    agents=AGENTS,
    capacity=st.integers(1, 9),
    holdout=st.sampled_from([0.0, 0.3]),
    explore=st.sampled_from([0.0, 0.2, 0.5]),
)
def test_the_list_with_its_explored_is_written_within_the_hours(
    messages: list[tuple[str, int]],
    agents: list[Agent],
    capacity: int,
    holdout: float,
    explore: float,
) -> None:
    told = assign(
        night(messages), ContactRules(capacity, holdout, explore, "s", agents=agents), 0.5, "n"
    )
    sent = told.filter(pl.col("arm") != HELD_OUT)["message_language"].to_list()
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
def test_held_out_is_who_would_be_listed_if_let_go_alone(
    messages: list[tuple[str, int]],
    agents: list[Agent],
    capacity: int,
    explore: float,
    held: set[int],
) -> None:
    rules = ContactRules(capacity, 0.3, explore, "s", agents=agents)
    leads = worthwhile(night(messages), rules, 0.5)

    def arm_of(buyer: str, held: set[str]) -> str | None:
        told = give_arms(
            leads.with_columns(is_held=pl.col("buyer_id").is_in(list(held))), rules, "n"
        )
        return dict(told.select("buyer_id", "arm").iter_rows()).get(buyer)

    withheld = {f"b{n}" for n in held}
    for buyer in leads["buyer_id"]:
        is_listed, is_told = (
            arm_of(buyer, withheld - {buyer}) == LISTED,
            arm_of(buyer, withheld | {buyer}) == HELD_OUT,
        )
        assert is_listed == is_told, buyer


@settings(max_examples=100, deadline=None)
@given(messages=MANY, agents=AGENTS, capacity=st.integers(2, 9))
def test_an_explored_message_had_its_language_s_places_over_its_language_s_buyers(
    messages: list[tuple[str, int]], agents: list[Agent], capacity: int
) -> None:
    rules = ContactRules(capacity, 0.25, 0.5, "s", agents=agents)
    leads = worthwhile(night(messages), rules, 0.5)
    told = give_arms(leads, rules, "n")
    listed = told.filter(pl.col("arm") == LISTED)["buyer_id"]
    below = leads.filter(~pl.col("is_held"), ~pl.col("buyer_id").is_in(listed.to_list()))
    for (language,), drawn in told.filter(pl.col("arm") == EXPLORED).group_by("message_language"):
        pool = below.filter(pl.col("message_language") == language).height
        assert drawn["propensity"].to_list() == [0.75 * drawn.height / pool] * drawn.height


@settings(max_examples=100, deadline=None)
@given(messages=MANY, capacity=st.integers(1, 20))
def test_agents_who_write_everything_all_night_bind_nothing(
    messages: list[tuple[str, int]], capacity: int
) -> None:
    everybody = [Agent("anna", frozenset((*SPOKEN, "ko")), 40)]
    rules = {"holdout_share": 0.3, "salt": "s"}
    with_agents = assign(
        night(messages), ContactRules(capacity, **rules, agents=everybody), 0.5, "n"
    )
    assert with_agents.equals(assign(night(messages), ContactRules(capacity, **rules), 0.5, "n"))
