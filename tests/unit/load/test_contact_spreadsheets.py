"""A contact list that came back through a spreadsheet: separators, code pages, capitals, local
dates and rounded ids. Each contact is taken once, or refused with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from pipeline.load.contacts import take_contacts
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.load.contact_sheets import (
    CONTACT,
    HEAD,
    HEAD_OF_NIGHT,
    NEXT,
    ORDER,
    OTHER,
    listed_store,
    reasons,
    row,
    sheet,
    take,
    taken,
)


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return listed_store(tmp_path)


CAPITALS = tuple(name.upper().replace("_", " ") for name in HEAD)
GERMAN = sheet(*row(ORDER, at="20.12.2025 09:30"), separator=";")
FILES = {
    "German spreadsheet, Western code page": GERMAN.encode("cp1252"),
    "US spreadsheet": sheet(*row("8E+15", at="12/20/2025 9:30")).encode("utf-8-sig"),
    "US spreadsheet, afternoon": sheet(*row(ORDER, at="12/20/2025 9:30 AM")),
    "German spreadsheet, rounded id": sheet(*row("8,00E+15"), separator=";"),
    "tabs, UTF-16": sheet(*row(ORDER), separator="\t").encode("utf-16"),
    "names in capitals": sheet(*row(ORDER), head=CAPITALS),
    "a title above": f"Contacts of today\r\n\r\n{sheet(*row(ORDER))}",
    "a line that names the separator": f"sep=;\r\n{GERMAN}",
    "slashes, year first": sheet(*row(ORDER, "2025/12/20", "2025/12/20 09:30")),
    "numbers of days": sheet(*row(ORDER, "46011", "46011.3958333333")),
    "numbers of days, decimal comma": sheet(
        *row(ORDER, "46011", "46011,3958333333"), separator=";"
    ),
    "a rewritten night": sheet(*row(ORDER, "20.12.2025", "20/12/2025 9:30")),
}


@pytest.mark.parametrize("name", FILES)
def test_what_spreadsheets_save_is_taken(store: Workspace, name: str) -> None:
    take(store, FILES[name])
    assert taken(store) == [CONTACT]
    assert reasons(store) == []


def test_a_workbook_with_an_exact_number_another_sheet_in_front_and_a_title(
    store: Workspace,
) -> None:
    path = store.folder / "back.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("notes").write_row(0, 0, ["what", "who"])
        page = book.add_worksheet("list")
        page.write_row(0, 0, ["Contacts of today"])
        page.write_row(2, 0, [*HEAD, "product_id"])
        # numbers: the id, the night and the time; and a rounded number that nobody needs
        cells = [1, 8000000000022810, "b-000652", 46011, "", 46011.3958333333, "answered"]
        page.write_row(3, 0, [*cells, 1000000000000780])
    take_contacts(store, Progress(), file=path)
    assert taken(store) == [CONTACT]
    assert reasons(store) == []


def test_an_exact_id_that_the_spreadsheet_did_not_round_needs_no_list(store: Workspace) -> None:
    with xlsxwriter.Workbook(store.folder / "back.xlsx") as book:
        page = book.add_worksheet("contacts")
        page.write_row(0, 0, ["order_id", "contacted_at"])
        page.write_row(1, 0, [int(NEXT), "2025-12-20 09:30"])
        page.write_row(2, 0, [int(ORDER), "2025-12-20 09:30"])
    take_contacts(store, Progress(), file=store.folder / "back.xlsx")
    assert [contact.split(":")[2] for contact, *_ in taken(store)] == [ORDER, NEXT]


def test_a_rounded_id_is_joined_by_rank_and_buyer(store: Workspace) -> None:
    head = ("rank", "order_id", "buyer_id", "as_of", "contacted_at")
    # ...22813 was cut to ...22810, which is the id of another order
    take(store, sheet("2", ORDER, "b-7", "2025-12-20", "2025-12-20 10:00", head=head))
    take(store, sheet("3", "8.0000000001E+15", "b-8", "2025-12-20", "2025-12-20", head=head))
    # a leading zero was dropped
    take(store, sheet("4", "123", "b-9", "2025-12-20", "2025-12-20", head=head))
    assert [contact.split(":")[2] for contact, *_ in taken(store)] == ["00123", NEXT, OTHER]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("1", "8E+15", "b-7", "2025-12-20"), "no list of that night has this rank and buyer"),
        (("9", "8E+15", "b-000652", "2025-12-20"), "no list of that night has this rank"),
        (("1", "8E+15", "b-000652", ""), "no list of that night"),
        (("1", "9E+15", "b-000652", "2025-12-20"), "no list of that night"),
        (("9", ORDER, "b-7", "2025-12-20"), "this order is of another buyer"),
        (("1", "no-such", "b-000652", "2025-12-20"), "unknown order"),
    ],
)
def test_a_rounded_id_without_a_match_is_refused_and_nothing_taken_is_an_error(
    store: Workspace, cells: tuple[str, ...], reason: str
) -> None:
    head = ("rank", "order_id", "buyer_id", "as_of", "contacted_at")
    with pytest.raises(BadInput, match=f"none of its 1 rows was taken: row 2, order_id.*{reason}"):
        take(store, sheet(*cells, "2025-12-20", head=head))
    assert taken(store) == []
    assert reason in reasons(store)[0][2]


@pytest.mark.parametrize(
    "night", ["2025-12-01", "01.12.2025", "12/1/2025", "1/12/2025", "45992", "2025-12-01 00:00:00"]
)
def test_a_rewritten_night_never_counts_a_contact_twice(store: Workspace, night: str) -> None:
    take(store, f"{HEAD_OF_NIGHT}{ORDER},2025-12-01,2025-12-03 10:00\n")
    take(store, f"{HEAD_OF_NIGHT}{ORDER},{night},2025-12-03 11:00\n")
    # only 2025-12-01 was a night, so 12/1 and 1/12 both are that day
    assert taken(store) == [(f"sheet:2025-12-01:{ORDER}", "2025-12-03 11:00", None)]


def test_a_lost_night_does_not_count_a_contact_twice(store: Workspace) -> None:
    take(store, f"{HEAD_OF_NIGHT}{ORDER},2025-12-01,2025-12-03 10:00\n")
    take(store, f"order_id,contacted_at,outcome\n{ORDER},2025-12-03 10:00,settled\n")
    assert taken(store) == [(f"sheet:2025-12-01:{ORDER}", "2025-12-03 10:00", "settled")]


@pytest.mark.parametrize("night", ["12th of December", "2025-13-45", "3/4/2025", "99999"])
def test_a_night_that_cannot_be_read_is_never_ignored(store: Workspace, night: str) -> None:
    with pytest.raises(BadInput, match="none of its 1 rows was taken: row 2, as_of"):
        take(store, f"{HEAD_OF_NIGHT}{ORDER},{night},2025-12-03 10:00\n")
    assert taken(store) == []


def test_another_date_of_the_file_decides_the_order_of_day_and_month(store: Workspace) -> None:
    take(store, f"{HEAD_OF_NIGHT}{ORDER},,12/3/2025 10:00\n{NEXT},,12/20/2025 10:00\n")
    assert [at for _, at, _ in taken(store)] == ["2025-12-03 10:00", "2025-12-20 10:00"]
    with pytest.raises(BadInput, match=r"row 2, contacted_at.*may be day/month or month/day"):
        take(store, f"{HEAD_OF_NIGHT}{OTHER},,12/3/2025 10:00\n", name="b.csv")


def test_dates_that_contradict_each_other_decide_nothing(store: Workspace) -> None:
    rows = "".join(
        f"{order},,{at} 10:00\n"
        for order, at in ((ORDER, "20/12/2025"), (NEXT, "12/20/2025"), (OTHER, "12/3/2025"))
    )
    take(store, HEAD_OF_NIGHT + rows)
    assert {contact.split(":")[2] for contact, *_ in taken(store)} == {ORDER, NEXT}
    assert {(at, column) for at, column, _ in reasons(store)} == {("4", "contacted_at")}


def test_a_list_without_a_single_mark_is_an_error(store: Workspace) -> None:
    with pytest.raises(BadInput, match="none of its 2 rows was taken: contacted_at and outcome"):
        take(store, f"{HEAD_OF_NIGHT}{ORDER},2025-12-01,\n{NEXT},2025-12-01,\n")
    # a list without rows has nothing to take
    take(store, HEAD_OF_NIGHT)


def test_the_missing_column_and_the_separators_are_named(store: Workspace) -> None:
    with pytest.raises(BadInput, match="contacted_at is missing.*commas, semicolons or tabs"):
        take(store, "order_id|contacted_at\n1|2\n")
    with pytest.raises(BadInput, match="two columns are named order_id"):
        take(store, "order_id,Order ID,contacted_at\n1,1,2\n")


def test_nothing_taken_is_exit_code_ten(store: Workspace, run_step: Callable) -> None:
    file = store.folder / "s.csv"
    file.write_text(f"order_id,contacted_at\nx{'y' * 20_000},2025-12-20\n")
    done = run_step("contacts", "--workspace", store.folder, "--file", file)
    assert done.returncode == 10
    assert "none of its 1 rows was taken" in done.stderr
    assert max(map(len, (done.stdout + done.stderr).splitlines())) < 1000
