"""What a night's list may hold beside the languages and hours of those who write: small nights
drawn as tables."""

from __future__ import annotations

import polars as pl
import pytest

from models.contact.agents import Agent, share_out
from models.contact.decide import ContactRules, assign, give_arms
from tests.spec.models.test_decide import arms, night, read_table

# worth less from line to line
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
        # maria's three go to the three best of both her languages, nobody writes Korean, one German
        # a night
        (AGENTS, 50, "a b d f h"),
        (AGENTS, 4, "a b d f"),
        (AGENTS, 1, "a"),
        # an augmenting path: maria gives a Spanish message to jose when Portuguese comes, if he has
        # a place
        ("agent | languages | messages\nmaria | es pt | 1\njose | es | 2", 50, "a b d"),
        ("agent | languages | messages\nmaria | es pt | 2\njose | es | 2", 50, "a b d e"),
        ("agent | languages | messages\nmaria | es pt | 0\ntom | en | 5", 50, "h"),
        ("agent | languages | messages\nmin | ko en | 1", 50, "c"),
    ],
)
def test_the_list_holds_no_more_of_a_language_than_its_agents_can_write(
    who: str, capacity: int, listed: str
) -> None:
    told = assign(night(SPOKEN), ContactRules(capacity, agents=agents(who)), 0.5, "n")
    assert told["order_id"].to_list() == listed.split()
    assert told["rank"].to_list() == list(range(1, told.height + 1))


def test_the_held_out_take_nobodys_time() -> None:
    leads = night(SPOKEN).with_columns(
        is_held=pl.col("buyer_id").is_in(["anna", "gus", "ida", "carl"])
    )
    told = give_arms(
        leads.with_columns(also_orders=pl.lit("")),
        ContactRules(50, 0.4, agents=agents(AGENTS)),
        "n",
    )
    # maria writes b, d, e; g would have come after them; i after f; c is in no agent's language
    assert arms(told) == [
        (None, "a", "", "held_out"),
        (1, "b", "", "listed"),
        (2, "d", "", "listed"),
        (3, "e", "", "listed"),
        (4, "f", "", "listed"),
        (5, "h", "", "listed"),
    ]
    assert told["propensity"].to_list() == [0.4, 0.6, 0.6, 0.6, 0.6, 0.6]


def test_one_message_to_a_buyer_is_in_the_language_of_the_order_that_leads() -> None:
    scored = night(
        """
        order_id | buyer_id | message_language | expected_value_usd
        a1       | anna     | ko               | 2
        a2       | anna     | es               | 3
        """
    )
    told = assign(scored, ContactRules(5, agents=agents(AGENTS)), 0.5, "n")
    assert told.select("order_id", "also_orders", "message_language").rows() == [("a2", "a1", "es")]


def test_exploration_keeps_to_the_languages_whose_places_it_takes() -> None:
    names = [f"buyer{n:02}" for n in range(40)]
    scored = pl.DataFrame(
        {"order_id": names, "buyer_id": names, "expected_value_usd": [40.0 - n for n in range(40)]}
    )
    spoken = scored.with_columns(message_language=pl.Series(["es", "de"] * 20))
    who = agents("agent | languages | messages\nmaria | es | 8\ntranslator | de | 2")
    told = assign(spoken, ContactRules(50, explore_share=0.3, salt="s", agents=who), 0.5, "n")
    assert told["message_language"].value_counts(sort=True).rows() == [("es", 8), ("de", 2)]
    # the last three places were Spanish: five are listed, and three of the other fifteen drawn
    explored = told.filter(pl.col("arm") == "explored")
    assert explored.select("message_language", "propensity").rows() == [("es", 3 / 15)] * 3


def test_who_writes_what_adds_up() -> None:
    shared = share_out(
        ["es", "es", "pt", "en"],
        agents("agent | languages | messages\nmaria | es pt | 2\njose | es en | 2"),
    )
    assert {name: sum(each.values()) for name, each in shared.items()} == {"maria": 2, "jose": 2}
    assert shared["maria"]["pt"] == shared["jose"]["en"] == 1
