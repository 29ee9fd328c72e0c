"""The choice of actions is the best of all choices, on small nights where all can be tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import inf
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.actions import action_prices, whole_actions
from models.actions.action_choice import ActionChoice, choose_actions, why_not_next
from models.actions.action_columns import ActionLimits
from models.actions.action_program import RestrictedProgram, WholeSolution
from models.actions.agents import Agent

ACTIONS = ("message", "refund", "resend")
LANGUAGES = ("de", "es")
OPTION = st.fixed_dictionaries(
    {
        "buyer": st.integers(0, 3),
        "action": st.sampled_from(ACTIONS),
        "cents": st.integers(-50, 900),
        "budget_usd": st.sampled_from([0.0, 1.1, 2.5, 4.0]),
        "minutes": st.sampled_from([0.0, 1.5, 2.0, 3.0]),
        "message_language": st.sampled_from([*LANGUAGES, None]),
        "is_contact": st.booleans(),
    }
)
AGENTS = st.lists(
    st.tuples(st.frozensets(st.sampled_from(LANGUAGES), min_size=1), st.sampled_from([0, 2, 4, 5])),
    max_size=2,
).map(
    lambda drawn: [
        Agent(f"agent {n}", languages, minutes) for n, (languages, minutes) in enumerate(drawn)
    ]
)
LIMITS = st.builds(
    ActionLimits,
    contacts=st.integers(0, 3),
    budget_usd=st.sampled_from([0.0, 3.6, 6.0, inf]),
    minutes=st.sampled_from([None, 3.0, 6.5]),
    agents=AGENTS,
    action_contacts=st.dictionaries(st.sampled_from(ACTIONS), st.integers(0, 2), max_size=2),
    least_worth_usd=st.sampled_from([0.0, 0.25]),
)
NIGHTS = st.lists(OPTION, max_size=9)
Row = Mapping[str, Any]


def night(drawn: Sequence[Row]) -> pl.DataFrame:
    schema = {
        "buyer_id": pl.String,
        "order_id": pl.String,
        "action": pl.String,
        "value_usd": pl.Float64,
        "budget_usd": pl.Float64,
        "minutes": pl.Float64,
        "message_language": pl.String,
        "is_contact": pl.Boolean,
    }
    rows = [
        option
        | {
            "buyer_id": f"b{option['buyer']}",
            "order_id": f"o{n}",
            "value_usd": option["cents"] / 100,
        }
        for n, option in enumerate(drawn)
    ]
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)


def can_do(work: Sequence[tuple[str | None, float]], left: dict[Agent, float]) -> bool:
    """Try every agent for every action that takes time."""
    if not work:
        return True
    (language, minutes), others = work[0], work[1:]
    return any(
        left[agent] >= minutes
        and (language is None or language in agent.languages)
        and can_do(others, left | {agent: left[agent] - minutes})
        for agent in left
    )


def is_allowed(rows: Sequence[Row], limits: ActionLimits) -> bool:
    contacts = sum(row["is_contact"] for row in rows)
    counts = Counter(row["action"] for row in rows)
    work = [(row["message_language"], row["minutes"]) for row in rows if row["minutes"] > 0]
    all_minutes = sum(minutes for _, minutes in work)
    return (
        all(row["value_usd"] >= limits.least_worth_usd for row in rows)
        and (not limits.contacts or contacts <= limits.contacts)
        and sum(row["budget_usd"] for row in rows) <= limits.budget_usd + 1e-9
        and all(counts[name] <= most for name, most in limits.action_contacts.items())
        and (
            can_do(work, {agent: agent.minutes or 0.0 for agent in limits.agents})
            if limits.agents
            else limits.minutes is None or all_minutes <= limits.minutes
        )
    )


def choices(options: pl.DataFrame) -> Iterator[list[Row]]:
    """Every choice of at most one option per buyer."""
    by_buyer = [group.to_dicts() for group in options.partition_by("buyer_id")]
    for picked in product(*([None, *rows] for rows in by_buyer)):
        yield [row for row in picked if row is not None]


def check(options: pl.DataFrame, limits: ActionLimits, choice: ActionChoice) -> None:
    """The chosen rows are options within the limits, and add up to the total."""
    rows = choice.chosen.drop("agent")
    assert rows.join(options, on=options.columns, how="anti", nulls_equal=True).is_empty()
    assert rows["buyer_id"].is_unique().all()
    assert is_allowed(rows.to_dicts(), limits)
    assert choice.total_usd == pytest.approx(rows["value_usd"].sum())
    assert choice.total_usd <= choice.bound_usd
    by_name = {agent.name: agent for agent in limits.agents}
    busy: Counter[str] = Counter()
    for row in choice.chosen.iter_rows(named=True):
        if limits.agents and row["minutes"] > 0:
            agent = by_name[row["agent"]]
            assert row["message_language"] in (None, *agent.languages)
            busy[agent.name] += row["minutes"]
        else:
            assert row["agent"] is None
    assert all(minutes <= (by_name[name].minutes or 0) for name, minutes in busy.items())


def best_of_all(options: pl.DataFrame, limits: ActionLimits) -> float:
    return max(
        sum(row["value_usd"] for row in rows)
        for rows in choices(options)
        if is_allowed(rows, limits)
    )


@settings(max_examples=30, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS)
def test_no_other_choice_within_the_limits_saves_more(
    drawn: list[Row], limits: ActionLimits
) -> None:
    options = night(drawn)
    choice, best = choose_actions(options, limits), best_of_all(options, limits)
    check(options, limits, choice)
    assert choice.total_usd == pytest.approx(best, abs=1e-4)
    assert choice.bound_usd >= best - 1e-6


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS)
def test_a_large_night_s_method_gives_the_best_choice_of_a_small_night(
    drawn: list[Row], limits: ActionLimits
) -> None:
    """A sample first, one close buyer per pass, and whole actions for one open buyer first."""
    options = night(drawn)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(action_prices, "MOST_AT_ONCE", 4)
        small.setattr(action_prices, "CLOSE_BUYERS", 1)
        small.setattr(action_prices, "MOST_JOIN", 1)
        small.setattr(whole_actions, "FIRST_OPEN", 1)
        choice = choose_actions(options, limits)
    best = best_of_all(options, limits)
    check(options, limits, choice)
    assert choice.total_usd == pytest.approx(best, abs=1e-4)
    assert choice.bound_usd >= best - 1e-6


def takes_everything(program: RestrictedProgram, bound: float) -> WholeSolution:
    """What a faulty solver may return: a choice far outside the limits, with a bound of 0."""
    messages = np.zeros((len(program.kinds), len(program.limits.seconds)))
    return WholeSolution(
        np.full(len(program.active.value), True), 0.0, program.kinds, messages, True
    )


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS, solve=st.sampled_from([takes_everything, lambda *_: None]))
def test_if_the_solver_fails_the_choice_still_keeps_the_limits(
    drawn: list[Row], limits: ActionLimits, solve: Any
) -> None:
    options = night(drawn)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(RestrictedProgram, "solve_whole", solve)
        choice = choose_actions(options, limits)
    check(options, limits, choice)
    best = best_of_all(options, limits)
    assert choice.total_usd <= best + 1e-9
    assert choice.bound_usd >= best - 1e-6
    assert (choice.total_usd > 0) == (best > 0)


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS, which=st.integers(0, 4))
def test_a_larger_limit_never_saves_less(
    drawn: list[Row], limits: ActionLimits, which: int
) -> None:
    more_time = [replace(agent, minutes=(agent.minutes or 0) + 2) for agent in limits.agents]
    larger = (
        {"contacts": limits.contacts + 1 if limits.contacts else 0},
        {"budget_usd": limits.budget_usd + 1.5},
        {"agents": more_time, "minutes": limits.minutes and limits.minutes + 2},
        {"action_contacts": {name: most + 1 for name, most in limits.action_contacts.items()}},
        {"least_worth_usd": 0.0},
    )[which]
    options = night(drawn)
    total = choose_actions(options, limits).total_usd
    assert choose_actions(options, replace(limits, **larger)).total_usd >= total - 1e-4


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS, shuffled=st.randoms(use_true_random=False))
def test_the_order_of_the_options_does_not_matter(
    drawn: list[Row], limits: ActionLimits, shuffled: Random
) -> None:
    options = night(drawn)
    order = list(range(options.height))
    shuffled.shuffle(order)
    choice, again = choose_actions(options, limits), choose_actions(options[order], limits)
    assert choice.chosen.equals(again.chosen)
    assert choice.prices == again.prices


@settings(max_examples=25, deadline=None)
@given(
    messages=st.lists(
        st.tuples(st.sampled_from(("de", "en", "es", "pt", "ko")), st.integers(1, 3000)),
        max_size=30,
        unique_by=lambda message: message[1],
    ),
    agents=st.lists(
        st.tuples(
            st.frozensets(st.sampled_from(("de", "en", "es", "pt")), min_size=1), st.integers(0, 5)
        ),
        min_size=1,
        max_size=3,
    ),
    capacity=st.integers(1, 9),
)
def test_messages_of_equal_length_are_taken_best_first_while_they_can_be_written(
    messages: list[tuple[str, int]], agents: list[tuple[frozenset[str], int]], capacity: int
) -> None:
    named = [
        Agent(f"agent {n}", languages, count * 2.5 + 1)
        for n, (languages, count) in enumerate(agents)
    ]
    rows = [
        {"buyer": n, "action": "message", "cents": cents, "budget_usd": 0.0, "minutes": 2.5}
        | {"message_language": language, "is_contact": True}
        for n, (language, cents) in enumerate(messages)
    ]
    options = night(rows)
    choice = choose_actions(options, ActionLimits(capacity, agents=named, least_worth_usd=0.0))
    listed: list[str] = []
    slots = [(n, k) for n, (_, count) in enumerate(agents) for k in range(count)]
    written: dict[tuple[int, int], str] = {}
    by_value = options.sort("value_usd", descending=True)
    languages = dict(options.select("order_id", "message_language").iter_rows())

    def finds_a_slot(order: str, tried: set[tuple[int, int]]) -> bool:
        """Kuhn's algorithm: an order takes a slot whose order can move to another one."""
        for slot in slots:
            if languages[order] in agents[slot[0]][0] and slot not in tried:
                tried.add(slot)
                if slot not in written or finds_a_slot(written[slot], tried):
                    written[slot] = order
                    return True
        return False

    for order in by_value["order_id"]:
        if len(listed) < capacity and finds_a_slot(order, set()):
            listed.append(order)
    assert choice.chosen["order_id"].to_list() == listed


@settings(max_examples=25, deadline=None)
@given(drawn=NIGHTS, limits=LIMITS)
def test_the_next_option_is_the_best_other_one_of_the_buyer(
    drawn: list[Row], limits: ActionLimits
) -> None:
    options = night(drawn)
    choice = choose_actions(options, limits)
    explained = why_not_next(options, choice)
    assert explained.select(choice.chosen.columns).equals(choice.chosen)
    for row in explained.iter_rows(named=True):
        others = [
            (-other["value_usd"], other["order_id"], other["action"])
            for other in options.filter(buyer_id=row["buyer_id"]).iter_rows(named=True)
            if other["order_id"] != row["order_id"]
        ]
        following = (row["next_value_usd"], row["next_order_id"], row["next_action"])
        if others:
            value, order, action = min(others)
            assert following == (-value, order, action)
        else:
            assert following == (None, None, None)
        if not others or row["next_value_usd"] <= row["value_usd"]:
            assert row["next_limit"] is None
