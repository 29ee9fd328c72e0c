"""What several agents do on one store: entries, their rules, contacts as facts, and undo."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from pipeline.desk.desk_log import FILE, DeskLog
from pipeline.desk.desk_state import EntryKind, Member, NotAllowed, Role, fold_entries
from pipeline.desk.desk_work import Asked, Desk
from pipeline.load.contacts import read_own
from pipeline.settings.errors import BadInput, Damaged
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, latest

MEI, TOM = Member("mei", Role.agent), Member("tom", Role.agent)
LIN = Member("lin", Role.lead)
TEAM = ("lin", "mei", "tom")


@pytest.fixture
def desk(workspace: Path) -> Iterator[Desk]:
    made = Desk(Workspace(workspace))
    yield made
    made.log.close()


@pytest.fixture
def listed(desk: Desk) -> list[tuple[str, str]]:
    """Order and buyer of the first rows of the list."""
    rows = pl.read_parquet(latest(desk.store.folder) / "contact_list.parquet")
    return list(rows.select("order_id", "buyer_id").head(5).iter_rows())


def do(desk: Desk, who: Member, kind: str, row: tuple[str, str], **value: object) -> int:
    number = int(value.pop("number", 0))  # type: ignore[call-overload]
    night = str(value.pop("night", ""))
    asked = Asked(EntryKind(kind), row[0], value, night=night, number=number)
    return desk.make(asked, row[1], who, TEAM)


def state(desk: Desk, row: tuple[str, str]) -> dict[str, object]:
    return desk.states([row[1]])[row[1]].as_json()


def contacts(desk: Desk) -> list[tuple[str, str | None]]:
    """Our own contacts as they are stored, which must equal those of the tables in use."""
    own = read_own(desk.store)
    used = desk.store.read_tables()["contacts"]
    ours = used.filter(pl.col("contact_id").str.starts_with("sheet:"))
    assert set(ours["contact_id"]) == set(own["contact_id"])
    return list(own.select("order_id", "outcome").sort("order_id").iter_rows())


def test_the_first_claim_wins_and_only_a_lead_moves_it(desk: Desk, listed: list) -> None:
    row = listed[0]
    do(desk, MEI, "claim", row)
    for who in (TOM, LIN):
        with pytest.raises(NotAllowed, match="claimed_by") as refused:
            do(desk, who, "claim", row)
        assert refused.value.values == {"user": "mei"}
    for kind, value in (("release", {}), ("snooze", {"until": ""}), ("contacted", {})):
        with pytest.raises(NotAllowed, match="claimed_by"):
            do(desk, TOM, kind, row, **value)
    with pytest.raises(NotAllowed, match="only_leads"):
        do(desk, MEI, "assign", row, to="tom")
    with pytest.raises(NotAllowed, match="no_such_member"):
        do(desk, LIN, "assign", row, to="eve")
    do(desk, LIN, "assign", row, to="tom")
    assert state(desk, row)["assignee"] == "tom"
    do(desk, LIN, "release", row)
    assert state(desk, row)["assignee"] is None
    do(desk, TOM, "note", row, text="asked\r\nfor \u202ephotos\x00")
    assert [note["text"] for note in state(desk, row)["notes"]] == ["asked\nfor photos"]


def test_of_twenty_claims_at_once_one_is_made(desk: Desk, listed: list) -> None:
    people = [Member(f"agent{n}", Role.agent) for n in range(20)]

    def claim(member: Member) -> bool:
        try:
            do(desk, member, "claim", listed[0])
        except NotAllowed:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        made = list(threads.map(claim, people))
    assert made.count(True) == 1
    assert state(desk, listed[0])["assignee"] == people[made.index(True)].name


def test_a_contact_becomes_a_fact_and_undo_takes_it_back(desk: Desk, listed: list) -> None:
    row, at = listed[0], f"{AS_OF} 14:30"
    first = do(desk, MEI, "contacted", row, night=AS_OF, contacted_at=at)
    second = do(desk, MEI, "contacted", row, night=AS_OF, contacted_at=at, outcome="settled")
    assert contacts(desk) == [(row[0], "settled")]
    # the entry that is not the last one: what the later one wrote stays
    do(desk, MEI, "undo", row, number=first)
    assert contacts(desk) == [(row[0], "settled")]
    with pytest.raises(NotAllowed, match="not_yours"):
        do(desk, TOM, "undo", row, number=second)
    do(desk, LIN, "undo", row, number=second)
    assert contacts(desk) == []
    with pytest.raises(NotAllowed, match="already_undone"):
        do(desk, MEI, "undo", row, number=second)
    assert state(desk, row)["contacts"] == []


def test_undo_returns_to_the_contact_of_a_sheet(desk: Desk, listed: list, tmp_path: Path) -> None:
    from pipeline.load.contacts import take_contacts
    from pipeline.workspace.progress import Progress

    row, sheet = listed[0], tmp_path / "sheet.csv"
    rows = f"{row[0]},{AS_OF},{AS_OF} 09:00,no_answer\n"
    sheet.write_text(f"order_id,as_of,contacted_at,outcome\n{rows}")
    take_contacts(desk.store, Progress(), file=sheet)
    before = read_own(desk.store)
    at = f"{AS_OF} 15:00"
    number = do(desk, MEI, "contacted", row, night=AS_OF, contacted_at=at, outcome="settled")
    assert contacts(desk) == [(row[0], "settled")]
    do(desk, MEI, "undo", row, number=number)
    assert read_own(desk.store).equals(before)


def test_wrong_values_are_refused_and_change_nothing(desk: Desk, listed: list) -> None:
    row = listed[0]
    for kind, value, key in (
        ("snooze", {"until": "tomorrow"}, "no_day"),
        ("snooze", {"until": "20260503"}, "no_day"),
        ("snooze", {"until": "2020-01-01"}, "bad_day"),
        ("snooze", {"until": "2999-01-01"}, "bad_day"),
        ("note", {"text": " \x00 "}, "empty_note"),
        ("contacted", {"contacted_at": "noon"}, "bad_time"),
        ("undo", {"number": 77}, "already_undone"),
    ):
        with pytest.raises(NotAllowed, match=key):
            do(desk, LIN, kind, row, **value)
    with pytest.raises(BadInput, match="must be one of"):
        do(desk, MEI, "contacted", row, outcome="=1+1")
    with pytest.raises(BadInput, match="in the future"):
        do(desk, MEI, "contacted", row, contacted_at="2031-01-01 10:00")
    assert desk.log.last_number() == 0
    assert contacts(desk) == []


def test_an_entry_is_never_changed(desk: Desk, listed: list) -> None:
    do(desk, MEI, "claim", listed[0])
    for statement in ("update entries set user = 'eve'", "delete from entries"):
        with pytest.raises(sa.exc.DatabaseError, match="never changed"), desk.log.writing() as link:
            link.execute(sa.text(statement))
    entries = desk.log.by_buyer([listed[0][1]])[listed[0][1]]
    assert [(e.user, e.kind, e.order_id) for e in entries] == [("mei", "claim", listed[0][0])]
    assert fold_entries(entries).assignee == "mei"


def test_the_file_is_for_its_owner_and_a_foreign_one_is_reported(
    desk: Desk, tmp_path: Path
) -> None:
    assert desk.log.path.stat().st_mode & 0o777 == 0o600
    (tmp_path / FILE).write_text("not a database, " * 100)
    with pytest.raises(Damaged, match="cannot be used"):
        DeskLog(tmp_path)
