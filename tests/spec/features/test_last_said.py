"""What was said last about an order, and since when its buyer waits for an answer."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from features.last_said import last_said
from features.tables import FIRST_WORDS, Tables
from tests.spec.features.drawn_disputes import lines

MakeTables = Callable[..., Tables]
# days of May; "b 3" is a message of the buyer on 3 May, "s" one of the seller, "c" a contact
THREADS = """
thread                              | messages      | last     | unanswered since
never written                       | -             | -        | -
the buyer wrote                     | b 3           | buyer 3  | 3
answered                            | b 3, s 4      | seller 4 | -
asked again                         | b 3, s 4, b 6 | buyer 6  | 6
asked twice: the first day counts   | b 3, b 6      | buyer 6  | 3
asked twice since the answer        | s 2, b 3, b 6 | buyer 6  | 3
the seller alone                    | s 2           | seller 2 | -
a contact answers                   | b 3, c 5      | seller 5 | -
the buyer replies to a contact      | c 2, b 3      | buyer 3  | 3
at one instant: the seller was last | b 3, s 3      | seller 3 | -
the order of the rows is no matter  | b 6, s 4, b 3 | buyer 6  | 6
"""


@pytest.mark.parametrize(("thread", "messages", "last", "since"), lines(THREADS))
def test_who_wrote_last_and_since_when_the_buyer_waits(
    make_tables: MakeTables, thread: str, messages: str, last: str, since: str
) -> None:
    parts = [part.split() for part in messages.split(", ") if part != "-"]
    names = {"b": "buyer", "s": "seller"}
    written = "".join(f"\na | {names[who]} | 05-0{n}" for who, n in parts if who in names)
    made = "".join(f"\na | 05-0{n}" for who, n in parts if who == "c")
    tables = make_tables(
        messages="order_id | sender | occurred_at" + written,
        contacts="order_id | occurred_at" + made,
    )
    rows = last_said(tables["messages"], tables["contacts"]).to_dicts()
    if last == "-":
        assert rows == [], thread
        return
    assert f"{rows[0]['said_by']} {rows[0]['said_at'].day}" == last, thread
    waiting = rows[0]["unanswered_since"]
    assert ("-" if waiting is None else str(waiting.day)) == since, thread


def test_first_words_are_one_line_and_short(make_tables: MakeTables) -> None:
    """Null where the source has no text: an empty line would look like an empty message."""
    tables = make_tables(
        messages="""
        order_id | sender | occurred_at | text
        a        | buyer  | 05-03       | -
        b        | buyer  | 05-03       | words
        c        | buyer  | 05-03       | long
        d        | buyer  | 05-03       | blank
        """
    )
    texts = {"words": "Where is\n\n my  parcel?\t", "long": "x" * 1_000, "blank": " \n "}
    messages = tables["messages"].with_columns(pl.col("text").replace(texts))
    words = last_said(messages)["first_words"].to_list()
    assert words == [None, "Where is my parcel?", "x" * FIRST_WORDS, None]
