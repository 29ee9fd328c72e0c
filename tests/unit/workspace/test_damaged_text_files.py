"""Damaged CSV and JSON files of a workspace that have no checksum of their own."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.exceptions import PanicException

from pipeline.__main__ import main
from pipeline.load.quarantine import requarantine
from pipeline.load.retake_sheets import retake_sheets
from pipeline.load.sheet_faults import COLUMNS
from pipeline.load.sheet_orders import read_lists
from pipeline.pages.report_data import read_clock
from pipeline.pages.source_health import DAMAGED, quarantine_reasons
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Damaged
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import latest

BROKEN = {
    "empty": b"",
    "bytes": bytes(range(256)) * 4,
    "another table": b"a,b\n1,2\n",
    "nul": b"\x00" * 100,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_damaged_file_of_the_quarantine_does_not_stop_the_page(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "quarantine" / "sheets").mkdir(parents=True)
    (tmp_path / "quarantine" / "sheets" / "filled.csv").write_bytes(content)
    rows = quarantine_reasons(Workspace(tmp_path))
    assert [(row["file"], row["reason"]) for row in rows] == [("filled", DAMAGED)]


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_damaged_dispute_clock_is_named_with_the_command_that_helps(
    tmp_path: Path, content: bytes
) -> None:
    run = tmp_path / "runs" / "2025-07-10" / "r"
    run.mkdir(parents=True)
    (run / "dispute_clock.csv").write_bytes(content)
    with pytest.raises(Damaged, match=r"dispute_clock\.csv: is damaged.*make nightly"):
        read_clock(run)


def test_a_dispute_clock_that_lost_its_end_is_not_shown(workspace: Path) -> None:
    run = latest(workspace)
    assert len(read_clock(run)) == 1
    path = run / "dispute_clock.csv"
    path.write_text(path.read_text().splitlines()[0])
    with pytest.raises(Damaged, match="it has 0 rows, and the manifest says 1"):
        read_clock(run)


def test_a_list_with_a_wrong_bit_does_not_say_whose_order_a_contact_is(
    finished: Path, workspace: Path
) -> None:
    """The file may still be a Parquet file, with other ids in it."""
    path = latest(workspace) / "contact_list.parquet"
    listed = pl.read_parquet(path)
    listed.with_columns(order_id=pl.col("order_id").reverse()).write_parquet(path)
    assert read_lists(Workspace(finished)).height > 0
    assert read_lists(Workspace(workspace)).height == 0


NOT_A_RECORD = {
    "deep": "[" * 100_000,
    "number": '{"a": ' + "1" * 5_000 + "}",
    "list": "[1]",
    "cut off": '{"a": ',
}


def fault(record: str) -> pl.DataFrame:
    cells = dict.fromkeys(COLUMNS, "x") | {"row": "2", "record": record}
    return pl.DataFrame({name: [cell] for name, cell in cells.items()})


@pytest.mark.parametrize("record", NOT_A_RECORD.values(), ids=NOT_A_RECORD)
def test_a_record_in_quarantine_that_is_no_record_is_named(tmp_path: Path, record: str) -> None:
    workspace = Workspace(tmp_path)
    (workspace.quarantine / "sheets").mkdir(parents=True)
    for path in ("orders.csv", "sheets/filled.csv"):
        fault(record).write_csv(workspace.quarantine / path)
    with pytest.raises(BadInput, match="record of row 2"):
        requarantine(workspace, load_config(tmp_path), Progress(), source="canonical", raw=tmp_path)
    with pytest.raises(BadInput, match="record of row 2"):
        retake_sheets(workspace, Progress())


def test_a_panic_of_polars_ends_with_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise PanicException("parquet: range end index out of range")

    with pytest.raises(SystemExit) as ended:
        main(fail)
    assert ended.value.code == Damaged.exit_code
    assert "Traceback" not in capsys.readouterr().err
