"""A night's list within the languages and hours of the agents: small nights drawn as tables."""

from __future__ import annotations

import polars as pl
import pytest

from models.actions.agents import Agent, share_out
from models.contact.decide import ContactRules, assign, give_arms
from tests.spec.models.test_decide import arms, night, read_table

# sorted by value
SPOKEN = """
order_id | buyer_id | message_language | expected_value_usd
a        | anna     | es               | 9
b        | ben      | es               | 8
c        | carl     | ko               | 7
d        | dora     | es               | 6
e        | eva      | pt               | 5
f        | finn     | de               | 4
g        | gus      | pt               | 3
h        | hal      | en               | 2
i        | ida      | de               | 1
"""

AGENTS = """
agent      | languages | messages
maria      | es pt     | 3
tom        | en        | 5
translator | de        | 1
"""


def agents(drawing: str) -> list[Agent]:
    return [
        Agent(name, frozenset(languages.split()), int(messages))
        for name, languages, messages in read_table(drawing).rows()
    ]


@pytest.mark.parametrize(
    ("who", "capacity", "listed"),
    [
        # maria's three messages go to the best of both her languages; no one writes Korean; one
        # German message
        (AGENTS, 50, "a b d f h"),
        (AGENTS, 4, "a b d f"),
        (AGENTS, 1, "a"),
        # an augmenting path: maria passes a Spanish message to jose when Portuguese comes, if he
        # has a slot
        ("agent | languages | messages\nmaria | es pt | 1\njose | es | 2", 50, "a b d"),
        ("agent | languages | messages\nmaria | es pt | 2\njose | es | 2", 50, "a b d e"),
        ("agent | languages | messages\nmaria | es pt | 0\ntom | en | 5", 50, "h"),
        ("agent | languages | messages\nmin | ko en | 1", 50, "c"),
    ],
)
def test_the_list_has_no_more_of_a_language_than_its_agents_can_write(
    who: str, capacity: int, listed: str
) -> None:
    assigned = assign(night(SPOKEN), ContactRules(capacity, agents=agents(who)), 0.5, "n")
    assert assigned["order_id"].to_list() == listed.split()
    assert assigned["rank"].to_list() == list(range(1, assigned.height + 1))


def test_held_out_buyers_take_no_agent_s_time() -> None:
    leads = night(SPOKEN).with_columns(
        is_held=pl.col("buyer_id").is_in(["anna", "gus", "ida", "carl"])
    )
    assigned = give_arms(
        leads.with_columns(also_orders=pl.lit("")),
        ContactRules(50, 0.4, agents=agents(AGENTS)),
        "n",
    )
    # maria writes b, d, e; g would come after them, and i after f; no agent writes c's language
    assert arms(assigned) == [
        (None, "a", "", "held_out"),
        (1, "b", "", "listed"),
        (2, "d", "", "listed"),
        (3, "e", "", "listed"),
        (4, "f", "", "listed"),
        (5, "h", "", "listed"),
    ]
    assert assigned["propensity"].to_list() == [0.4, 0.6, 0.6, 0.6, 0.6, 0.6]


def test_a_buyer_s_message_is_in_the_language_of_the_leading_order() -> None:
    scored = night(
        """
        order_id | buyer_id | message_language | expected_value_usd
        a1       | anna     | ko               | 2
        a2       | anna     | es               | 3
        """
    )
    assigned = assign(scored, ContactRules(5, agents=agents(AGENTS)), 0.5, "n")
    assert assigned.select("order_id", "also_orders", "message_language").rows() == [
        ("a2", "a1", "es")
    ]


def test_exploration_keeps_the_languages_of_the_slots_it_takes() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    scored = pl.DataFrame(
        {"order_id": names, "buyer_id": names, "expected_value_usd": [40.0 - n for n in range(40)]}
    )
    with_language = scored.with_columns(message_language=pl.Series(["es", "de"] * 20))
    who = agents("agent | languages | messages\nmaria | es | 8\ntranslator | de | 2")
    assigned = assign(
        with_language, ContactRules(50, explore_share=0.3, salt="s", agents=who), 0.5, "n"
    )
    assert assigned["message_language"].value_counts(sort=True).rows() == [("es", 8), ("de", 2)]
    # the last three slots were Spanish: five are listed, and three of the other fifteen are drawn
    explored = assigned.filter(pl.col("arm") == "explored")
    assert explored.select("message_language", "propensity").rows() == [("es", 3 / 15)] * 3


def test_who_writes_what_adds_up() -> None:
    shared = share_out(
        ["es", "es", "pt", "en"],
        agents("agent | languages | messages\nmaria | es pt | 2\njose | es en | 2"),
    )
    assert {name: sum(by_language.values()) for name, by_language in shared.items()} == {
        "maria": 2,
        "jose": 2,
    }
    assert shared["maria"]["pt"] == shared["jose"]["en"] == 1
