"""Who rests: buyers with whom the store was in contact recently, unless they wait for an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.history.assignments import resting_buyers
from pipeline.workspace.workspace import Workspace

AS_OF = date(2024, 12, 1)
Make = Callable[..., Any]
ORDERS = """
order_id | buyer_id | occurred_at
a        | anna     | 2024-11-01
b1       | ben      | 2024-11-01
b2       | ben      | 2024-11-02
c        | carl     | 2024-11-01
d        | dora     | 2024-11-01
"""


def resting(folder: Path, make_tables: Make, *, contacts: str = "", messages: str = "") -> set[str]:
    """Who rests on 2024-12-01 for seven days, of the orders that may get an action."""
    tables = {"orders": ORDERS}
    if contacts:
        tables["contacts"] = "order_id | occurred_at | known_at\n" + contacts
    if messages:
        tables["messages"] = "order_id | sender | occurred_at | known_at\n" + messages
    workspace = Workspace(folder)
    workspace.write_tables(make_tables(**tables), {"input_sha256": {}})
    ids = pl.Series("order_id", ["a", "b1", "b2", "c", "d"])
    return set(resting_buyers(workspace.table_files(), ids, AS_OF, 7))


@pytest.mark.parametrize(
    ("known", "rests"),
    [("2024-11-23", False), ("2024-11-24", True), ("2024-11-30", True), ("2024-12-01", False)],
)
def test_a_buyer_rests_after_a_contact_or_a_message_of_the_seller(
    tmp_path: Path, make_tables: Make, known: str, rests: bool
) -> None:
    expected = {"anna"} if rests else set()
    assert resting(tmp_path / "1", make_tables, contacts=f"a | 2024-11-20 | {known}") == expected
    message = f"a | seller | 2024-11-20 | {known}"
    assert resting(tmp_path / "2", make_tables, messages=message) == expected


def test_a_buyer_who_waits_for_an_answer_never_rests(tmp_path: Path, make_tables: Make) -> None:
    messages = """
    a  | seller | 2024-11-25 | 2024-11-25
    a  | buyer  | 2024-11-26 | 2024-11-26
    c  | buyer  | 2024-11-25 | 2024-11-25
    c  | seller | 2024-11-26 | 2024-11-26
    """
    contacts = "a | 2024-11-29 | 2024-11-29\nd | 2024-11-29 | 2024-11-29"
    assert resting(tmp_path, make_tables, contacts=contacts, messages=messages) == {"carl", "dora"}


def test_a_contact_about_one_order_lets_the_buyer_rest_for_all(
    tmp_path: Path, make_tables: Make
) -> None:
    assert resting(tmp_path, make_tables, contacts="b1 | 2024-11-29 | 2024-11-29") == {"ben"}


def test_a_buyer_who_waits_about_one_order_does_not_rest_for_an_answer_about_another(
    tmp_path: Path, make_tables: Make
) -> None:
    messages = """
    b1 | buyer  | 2024-11-25 | 2024-11-25
    b2 | seller | 2024-11-28 | 2024-11-28
    """
    assert resting(tmp_path, make_tables, messages=messages) == set()


def test_without_messages_or_contacts_none_rests(tmp_path: Path, make_tables: Make) -> None:
    assert resting(tmp_path, make_tables) == set()
