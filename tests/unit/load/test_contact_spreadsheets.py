"""A contact list that came back through a spreadsheet: separators, code pages, capitals, local
dates and rounded ids. Each contact is taken once, or refused with its reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from features.tables import TABLES, create_tables
from pipeline.load.contacts import read_own, take_contacts
from pipeline.load.retake_sheets import retake_sheets
from pipeline.load.sheet_faults import dismiss, fault_files
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

DRAFT = '"¡Hola! Su pedido; está, en camino."'
ORDER, NEXT, OTHER = "8000000000022810", "8000000000022813", "8000000000099999"


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    """Three orders with ids of sixteen digits and the lists of two nights."""
    orders = pl.DataFrame(
        {
            "order_id": [ORDER, NEXT, OTHER, "00123"],
            "buyer_id": ["b-000652", "b-7", "b-8", "b-9"],
            "country": ["ES"] * 4,
            "occurred_at": [datetime(2025, 11, 20)] * 4,
        }
    )
    at = pl.col("occurred_at").dt.replace_time_zone("UTC")
    frame = pl.concat(
        [TABLES["orders"].empty(), orders.with_columns(at, known_at=at)], how="diagonal_relaxed"
    )
    workspace = Workspace(tmp_path / "shop")
    with workspace.locked():
        tables = create_tables({"orders": frame}, zone="UTC")
        workspace.write_tables(tables, {"input_sha256": {}, "table_rows": {}})
    publish(workspace, "2025-12-20", ORDER, NEXT, OTHER, "00123")
    publish(workspace, "2025-12-01", NEXT, ORDER)
    return workspace


def publish(workspace: Workspace, night: str, *ids: str) -> None:
    buyers = {ORDER: "b-000652", NEXT: "b-7", OTHER: "b-8", "00123": "b-9"}
    with workspace.new_run(date.fromisoformat(night), f"run-{night}") as folder:
        pl.DataFrame(
            {
                "rank": range(1, len(ids) + 1),
                "order_id": ids,
                "buyer_id": [buyers[order] for order in ids],
            }
        ).write_parquet(folder / "contact_list.parquet")
        (folder / "manifest.json").write_text("{}")


def take(workspace: Workspace, text: str | bytes, name: str = "filled.csv") -> None:
    file = workspace.folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    take_contacts(workspace, Progress(), file=file, must_take=True)


def taken(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    own = read_own(workspace).sort("contact_id")
    at = pl.col("occurred_at").dt.strftime("%Y-%m-%d %H:%M")
    return own.select("contact_id", at, "outcome").rows()


def reasons(workspace: Workspace) -> list[tuple[str, str, str]]:
    files = sorted((workspace.quarantine / "sheets").glob("*.csv"))
    parts = [pl.read_csv(file, infer_schema=False) for file in files]
    return pl.concat(parts).select("row", "column", "reason").rows() if parts else []


HEAD = ("rank", "order_id", "buyer_id", "as_of", "draft_message", "contacted_at", "outcome")
CONTACT = (f"sheet:2025-12-20:{ORDER}", "2025-12-20 09:30", "answered")


def sheet(*cells: str, separator: str = ",", head: tuple[str, ...] = HEAD) -> str:
    return f"{separator.join(head)}\r\n{separator.join(cells)}\r\n"


def row(order: str, night: str = "2025-12-20", at: str = "2025-12-20 09:30") -> tuple[str, ...]:
    return ("1", order, "b-000652", night, DRAFT, at, "answered")


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


HEAD_OF_NIGHT = "order_id,as_of,contacted_at\n"


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


def test_a_clean_sheet_of_the_same_name_keeps_the_quarantine_of_the_former(
    store: Workspace,
) -> None:
    bad = f"{HEAD_OF_NIGHT}{ORDER},2025-12-20,2025-12-20\n{NEXT},2025-12-20,someday\n"
    take(store, bad, name="board-2025-12-20.csv")
    clean = f"{HEAD_OF_NIGHT}{OTHER},2025-12-20,2025-12-21\n"
    take(store, clean, name="board-2025-12-20.csv")
    assert reasons(store)[0][:2] == ("3", "contacted_at")
    # the same content is kept once; other content of the same name is another file
    take(store, bad, name="board-2025-12-20.csv")
    assert len(reasons(store)) == 1
    take(store, bad.replace("someday", "sometime"), name="board-2025-12-20.csv")
    assert len(reasons(store)) == 2


def test_a_corrected_record_is_taken_and_leaves_quarantine(store: Workspace) -> None:
    take(store, f"{HEAD_OF_NIGHT}{ORDER},2025-12-20,2025-12-20\n{NEXT},2025-12-20,someday\n")
    [path] = fault_files(store)
    retake_sheets(store, Progress())
    assert fault_files(store) == [path]
    path.write_text(path.read_text().replace('""someday""', '""2025-12-21 08:00""'))
    retake_sheets(store, Progress())
    assert [at for _, at, _ in taken(store)] == ["2025-12-20 00:00", "2025-12-21 08:00"]
    assert fault_files(store) == []


def test_an_order_that_came_later_settles_its_row(store: Workspace) -> None:
    take(
        store,
        f"{HEAD_OF_NIGHT}{ORDER},2025-12-20,2025-12-20\nnew-1,2025-12-20,2025-12-20\n"
        "new-2,2025-12-20,2025-12-20\n",
    )
    orders = store.read_tables()["orders"].drop("occurred_day", "known_day")
    later = orders.head(1).with_columns(order_id=pl.lit("new-1"))
    store.write_tables(
        create_tables({"orders": pl.concat([orders, later])}, zone="UTC"),
        {"input_sha256": {}, "table_rows": {}},
    )
    retake_sheets(store, Progress())
    assert [contact.split(":")[2] for contact, *_ in taken(store)] == [ORDER, "new-1"]
    assert [number for number, *_ in reasons(store)] == ["4"]


def test_a_dismissed_file_leaves_the_list_but_not_the_disk(
    store: Workspace, run_step: Callable
) -> None:
    take(store, f"{HEAD_OF_NIGHT}{ORDER},2025-12-20,2025-12-20\nx,2025-12-20,2025-12-20\n")
    [path] = fault_files(store)
    with pytest.raises(BadInput, match="is not a file of quarantine/sheets"):
        dismiss(store, "../../config.toml")
    done = run_step("quarantine", "--workspace", store.folder)
    assert f"contact list {path.name}: 1 rows" in done.stdout
    done = run_step("quarantine", "--workspace", store.folder, "--dismiss", path.name)
    assert (done.returncode, f"dismissed: {path.name}" in done.stdout) == (0, True)
    assert fault_files(store) == []
    assert (store.quarantine / "dismissed" / path.name).exists()
