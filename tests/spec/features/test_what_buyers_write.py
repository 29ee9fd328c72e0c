"""What an order's features know of its buyer's messages, on the night of 10 May."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from features.build.registry import build_features
from features.spine import build_spine
from features.tables import Tables
from tests.conftest import day
from tests.spec.features.drawn_disputes import lines

MakeTables = Callable[..., Tables]
# "b 3 broken u neg" is an urgent, negative message of the buyer on 3 May ("c": can wait), "s" one
# of the seller. Complaints, demands, urgent ones; last and worst intent from 0 (thanks) to 6
# (threat); whether the last is urgent; the last and the mean mood from -1 (negative) to 1
THREADS = """
thread               | messages                           | counts | intents | now | moods
never written        | -                                  | 0 0 0  | - -     | -   | - -
not labelled         | b 3 - - -                          | 0 0 0  | - -     | -   | - -
a question           | b 3 where c neu                    | 0 0 0  | 2 2     | 0   | 0 0
calm after a threat  | b 3 threat u neg, b 5 thanks c pos | 0 1 1  | 0 6     | 0   | 1 0
two complaints       | b 3 broken c neg, b 4 wrong u neu  | 2 0 1  | 3 4     | 1   | 0 -0.5
the seller           | s 3 refund u neg                   | 0 0 0  | - -     | -   | - -
known too late       | b 3 thanks c pos, b 10 refund u neg | 0 0 0 | 0 0     | 0   | 1 1
at one instant       | b 3 thanks c pos, b 3 broken u neg | 1 0 1  | 4 4     | 1   | -1 0
"""
SHORT = {"where": "where_is_it", "wrong": "wrong_item", "refund": "wants_refund"}
SHORT |= {"threat": "threatens_dispute", "u": "urgent", "c": "can_wait"}
SHORT |= {"neg": "negative", "neu": "neutral", "pos": "positive"}
NAMES = ("count_complaints", "count_demands", "count_urgent", "last_intent", "worst_intent")
NAMES += ("last_urgency", "last_sentiment", "mean_sentiment")


@pytest.mark.parametrize(("thread", "messages", "counts", "ranks", "now", "moods"), lines(THREADS))
def test_what_the_buyer_wrote(
    make_tables: MakeTables,
    thread: str,
    messages: str,
    counts: str,
    ranks: str,
    now: str,
    moods: str,
) -> None:
    senders = {"b": "buyer", "s": "seller"}
    drawn = ""
    for message in messages.split(", ") if messages != "-" else []:
        who, on, *labels = message.split()
        named = " | ".join(SHORT.get(label, label) for label in labels)
        drawn += f"\na | {senders[who]} | 05-{on:>02} | {named}"
    tables = make_tables(
        orders="order_id | occurred_at\na | 05-01",
        messages="order_id | sender | occurred_at | intent | urgency | sentiment" + drawn,
    )
    spine = build_spine(tables, [day("05-10")])
    row = build_features(tables, spine).row(0, named=True)
    wanted = " ".join((counts, ranks, now, moods)).split()
    values = [None if value == "-" else float(value) for value in wanted]
    assert [row[f"conversation_{name}"] for name in NAMES] == values, thread
