"""A filled-in sheet becomes facts. Each good contact is kept once, and bad cells are kept with
their reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook

from features.tables import TABLES
from pipeline.load.contacts import OWN, OWN_INPUT, read_own, take_contacts, with_own
from pipeline.load.ingest import ingest
from pipeline.night.score import score
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, NIGHT, latest


def take(workspace: Path, *lines: str, name: str = "filled.csv") -> pl.DataFrame:
    """Load a sheet with these lines. Returns the contacts in the tables in use."""
    sheet = workspace / name
    sheet.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    take_contacts(Workspace(workspace), Progress(), file=sheet)
    return contacts_of(workspace)


def contacts_of(workspace: Path) -> pl.DataFrame:
    return Workspace(workspace).read_tables()["contacts"].sort("contact_id")


def listed(workspace: Path) -> list[str]:
    return pl.read_parquet(latest(workspace) / "contact_list.parquet")["order_id"].to_list()


def faults(workspace: Path, name: str = "filled.csv") -> pl.DataFrame:
    [path] = (workspace / "quarantine" / "sheets").glob(f"{Path(name).stem}-*.csv")
    return pl.read_csv(path, infer_schema=False)


def test_contacts_become_facts_and_survive_an_ingest(workspace: Path, simulated_raw: Path) -> None:
    order = listed(workspace)[0]
    head = "rank,order_id,stage,as_of,contacted_at,outcome"
    contacts = take(
        workspace,
        head,
        f"1,{order},in_transit,{AS_OF},{AS_OF} 14:30,Answered",
        "2,x-9,in_transit,,,",
    )
    own = contacts.filter(pl.col("contact_id") == f"sheet:{AS_OF}:{order}")
    assert own.select("order_id", "stage", "outcome").rows() == [(order, "in_transit", "answered")]
    # 14:30 in the store's zone, Asia/Shanghai
    assert (
        own["occurred_at"][0].isoformat()
        == own["known_at"][0].isoformat()
        == f"{AS_OF}T06:30:00+00:00"
    )
    store, config = Workspace(workspace), load_config(workspace)
    ingest(store, config, Progress(), source="canonical", raw=simulated_raw)
    assert contacts_of(workspace).equals(contacts)
    ingest_facts = store.read_ingest_facts()
    assert OWN_INPUT in ingest_facts["input_sha256"]
    assert ingest_facts["table_rows"]["contacts"] == contacts.height


def test_the_same_file_twice_changes_nothing(workspace: Path) -> None:
    order = listed(workspace)[0]
    lines = ("order_id,contacted_at,outcome,as_of", f"{order},{AS_OF} 14:30,answered,{AS_OF}")
    first = take(workspace, *lines)
    tables, own = (workspace / "tables").resolve(), (workspace / OWN).stat().st_mtime_ns
    assert take(workspace, *lines).equals(first)
    assert ((workspace / "tables").resolve(), (workspace / OWN).stat().st_mtime_ns) == (tables, own)


def test_a_later_sheet_corrects_the_time_and_adds_the_outcome(workspace: Path) -> None:
    order = listed(workspace)[0]
    head = "order_id,contacted_at,outcome,as_of"
    take(workspace, head, f"{order},{AS_OF} 10:00,,{AS_OF}")
    contacts = take(workspace, head, f"{order},{AS_OF} 11:00,settled,{AS_OF}")
    assert contacts.filter(pl.col("order_id") == order)["outcome"].to_list() == ["settled"]
    contacts = take(workspace, head, f"{order},{AS_OF} 11:00,,{AS_OF}")
    assert contacts.filter(pl.col("order_id") == order)["outcome"].to_list() == ["settled"]
    # empty cells and missing rows change nothing
    assert take(workspace, head, f"{order},,,{AS_OF}").equals(contacts)


def test_bad_cells_are_kept_with_their_reason_and_the_rest_is_taken(workspace: Path) -> None:
    good, wrong, late, early, repeated = listed(workspace)[:5]
    contacts = take(
        workspace,
        "order_id,contacted_at,outcome",
        f"{good},{AS_OF} 10:00,answered",
        f"{wrong},{AS_OF} 10:00,=cmd|x",
        f"{late},2099-01-01,",
        f"{early},2001-01-01,",
        f"{repeated},{AS_OF},",
        f"{repeated},{AS_OF} 09:00,",
        f"no-such,{AS_OF},",
        f"{good},someday,",
        f"{good},,answered",
        f",{AS_OF},answered",
    )
    own = contacts.filter(pl.col("contact_id").str.starts_with("sheet:"))
    assert dict(own.select("order_id", "outcome").rows()) == {
        good: "answered",
        wrong: None,
        repeated: None,
    }
    assert faults(workspace).select("row", "column", "value", "reason").rows() == [
        (
            "3",
            "outcome",
            "'=cmd|x",
            "unknown value; allowed: answered, no_answer, settled, refused, undeliverable",
        ),
        ("4", "contacted_at", "2099-01-01", "is in the future by this machine's clock"),
        ("5", "contacted_at", "2001-01-01", "before the order was placed"),
        (
            "7",
            "order_id",
            repeated,
            "duplicate key (list_day, order_id); the first good row is kept",
        ),
        ("8", "order_id", "no-such", "unknown order"),
        ("9", "contacted_at", "someday", "not a date and time; write it like 2026-05-03 14:00:00"),
        ("10", "contacted_at", None, "empty; a value is required"),
        ("11", "order_id", None, "empty; a value is required"),
    ]
    # a clean sheet of the same name does not remove what was not taken
    take(workspace, "order_id,contacted_at,outcome", f"{wrong},{AS_OF} 10:00,refused")
    assert faults(workspace).height == 8


def test_the_filled_in_workbook_can_be_loaded(workspace: Path) -> None:
    book = load_workbook(latest(workspace) / "contact_list.xlsx")
    sheet = book["contacts"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row, outcome in ((2, "answered"), (4, None)):
        sheet.cell(row, columns["contacted_at"], NIGHT)
        sheet.cell(row, columns["outcome"], outcome)
    book.save(workspace / "back.xlsx")
    book.close()
    take_contacts(Workspace(workspace), Progress(), file=workspace / "back.xlsx")
    ids = [f"sheet:{AS_OF}:{listed(workspace)[index]}" for index in (0, 2)]
    assert sorted(read_own(Workspace(workspace))["contact_id"]) == sorted(ids)
    assert set(contacts_of(workspace)["contact_id"]) >= set(ids)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"order_id,outcome\n", "column contacted_at is missing"),
        ("a.xlsx", b"no workbook", "cannot be read as a workbook"),
        ("a.csv", b"", "is empty"),
    ],
)
def test_a_file_that_is_not_a_sheet_is_refused_and_changes_nothing(
    workspace: Path, name: str, data: bytes, message: str
) -> None:
    (workspace / name).write_bytes(data)
    tables = (workspace / "tables").resolve()
    with pytest.raises(BadInput, match=message):
        take_contacts(Workspace(workspace), Progress(), file=workspace / name)
    with pytest.raises(BadInput, match="no such file"):
        take_contacts(Workspace(workspace), Progress(), file=workspace / "nowhere.csv")
    assert (workspace / "tables").resolve() == tables
    assert not (workspace / OWN).exists()


def test_a_new_contact_leads_to_a_new_score_that_uses_it(workspace: Path) -> None:
    store, config = Workspace(workspace), load_config(workspace)
    order, run = listed(workspace)[0], latest(workspace)
    take(workspace, "order_id,contacted_at", f"{order},2025-07-09 10:00")
    assert score(store, config, Progress(), as_of=NIGHT) != run
    inputs = json.loads((latest(workspace) / "manifest.json").read_text())["inputs"]["sha256"]
    assert OWN_INPUT in inputs


def test_a_contact_that_the_export_has_too_counts_once() -> None:
    empty = TABLES["contacts"].empty()
    rows = [
        ("c-1", "o-1", 1),
        ("sheet:x:o-1", "o-1", 1),
        ("sheet:y:o-1", "o-1", 2),
        ("sheet:x:o-2", "o-2", 1),
    ]
    frames = [
        pl.DataFrame({"contact_id": [i], "order_id": [o]})
        .with_columns(
            stage=pl.lit(None, pl.String),
            outcome=pl.lit(None, pl.String),
            occurred_at=pl.datetime(2026, 5, day, time_zone="UTC"),
            known_at=pl.datetime(2026, 5, day, time_zone="UTC"),
        )
        .cast(dict(empty.schema))
        for i, o, day in rows
    ]
    contacts = with_own(frames[0], pl.concat(frames[1:]), pl.Series(["o-1", "o-9"]))
    assert contacts["contact_id"].to_list() == ["c-1", "sheet:y:o-1"]


def test_contacts_are_read_while_others_are_stored(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another contact replaces the file in the middle of a read: it is read as it was, or as it is,
    and is not damaged."""
    first, second = listed(workspace)[:2]
    head = "order_id,as_of,contacted_at,outcome"
    take(workspace, head, f"{first},{AS_OF},{AS_OF} 14:30,answered")
    old = (workspace / OWN).read_bytes()
    take(workspace, head, f"{second},{AS_OF},{AS_OF} 15:30,answered", name="later.csv")
    new = (workspace / OWN).read_bytes()
    (workspace / OWN).write_bytes(old)
    read, other = pl.read_parquet, tmp_path / "other"

    def read_then_replaced(*arguments: object, **options: object) -> pl.DataFrame:
        frame = read(*arguments, **options)  # type: ignore[arg-type]
        other.write_bytes(new)
        other.replace(workspace / OWN)
        return frame

    monkeypatch.setattr(pl, "read_parquet", read_then_replaced)
    ids = [set(read_own(Workspace(workspace))["order_id"]) for _ in range(2)]
    assert ids == [{first}, {first, second}]


def test_the_command_line(workspace: Path, run_step: Callable) -> None:
    sheet = workspace / "s.csv"
    sheet.write_text(f"order_id,contacted_at\n{listed(workspace)[0]},{AS_OF}\nx,{AS_OF}\n")
    done = run_step("contacts", "--workspace", workspace, "--file", sheet)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 contacts in s.csv, 1 of them new, 1 in all" in done.stdout
    assert "row 3, order_id = 'x': unknown order" in done.stdout
