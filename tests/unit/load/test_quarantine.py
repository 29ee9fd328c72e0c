"""`make quarantine` shows which rows were refused; `make requarantine` loads the rows that a person
corrected there, and later ingests keep the corrections."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.load.ingest import ingest
from pipeline.load.quarantine import requarantine, summarise
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

SOURCE = {"source": "canonical"}


@pytest.fixture
def faulty(make_source: Callable, tmp_path: Path) -> Path:
    """A workspace with an order in quarantine because its total is not a number, and with the
    rows that belong to the order."""
    source = make_source("canonical")
    source.files["orders.csv"][4]["total_usd"] = "21;50"
    raw = source.write(tmp_path / "raw")
    do(tmp_path / "w", raw, ingest)
    return tmp_path / "w"


def do(folder: Path, raw: Path, step: Callable) -> Workspace:
    workspace = Workspace(folder)
    with workspace.locked():
        step(workspace, load_config(folder), Progress(), **SOURCE, raw=raw)
    return workspace


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def correct(path: Path, change: Callable[[str], str]) -> None:
    rows = read(path)
    for row in rows:
        row["record"] = change(row["record"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_summary_names_reasons_with_an_example(
    faulty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summarise(Workspace(faulty))
    summary = capsys.readouterr().out
    assert "orders.csv: 1 rows" in summary
    assert (
        "1 x total_usd: not a number; write it like 1234.50 (such as orders.csv, row 6 = '21;50')"
        in summary
    )
    assert (
        "1 x order_id: its order is in quarantine (such as promises.csv, row 6 = 'o-4')" in summary
    )


def test_a_corrected_record_is_loaded_with_the_rows_that_belong_to_it(
    faulty: Path, tmp_path: Path
) -> None:
    correct(faulty / "quarantine/orders.csv", lambda record: record.replace("21;50", "21.50"))
    workspace = do(faulty, tmp_path / "raw", requarantine)
    tables = workspace.read_tables()
    assert tables["orders"].height == tables["promises"].height == tables["tracking"].height == 60
    assert list(workspace.quarantine.iterdir()) == []
    assert "corrections.json" in workspace.read_ingest_facts()["input_sha256"]


def test_a_correction_applies_to_later_ingests_until_the_source_corrects_the_row(
    faulty: Path, tmp_path: Path, make_source: Callable
) -> None:
    correct(faulty / "quarantine/orders.csv", lambda record: record.replace("21;50", "21.50"))
    do(faulty, tmp_path / "raw", requarantine)
    source = make_source("canonical")
    source.files["orders.csv"][4]["total_usd"] = "21;50"
    for rows in source.files.values():
        rows.reverse()
    assert do(faulty, source.write(tmp_path / "later"), ingest).read_tables()["orders"].height == 60
    source.files["orders.csv"][-5].update(total_usd="25.50")
    do(faulty, source.write(tmp_path / "later"), ingest)
    (row,) = read(faulty / "quarantine/orders.csv")
    assert row["value"] == "25.50"


def test_a_row_with_too_many_cells_can_be_corrected(make_source: Callable, tmp_path: Path) -> None:
    source = make_source("canonical")
    source.files["shipments.csv"][4]["carrier"] = "a,b"
    raw = source.write(tmp_path / "raw")
    do(tmp_path / "w", raw, ingest)
    corrected = {
        "shipment_id": "h-4",
        "order_id": "o-4",
        "carrier": "a",
        "occurred_at": "2018-01-06 09:30:00",
    }
    correct(tmp_path / "w/quarantine/shipments.csv", lambda _: json.dumps(corrected))
    assert do(tmp_path / "w", raw, requarantine).read_tables()["shipments"].height == 60


@pytest.mark.parametrize("text", ["{", "[]", "", "7"])
def test_a_record_that_is_no_longer_valid_is_reported_and_nothing_changes(
    faulty: Path, tmp_path: Path, text: str
) -> None:
    correct(faulty / "quarantine/orders.csv", lambda _: text)
    with pytest.raises(
        BadInput, match=r"orders\.csv: the record of row 6 is no.*nothing was changed"
    ):
        do(faulty, tmp_path / "raw", requarantine)
    assert not (faulty / "corrections.json").exists()


def test_the_commands_report_errors_without_a_traceback(
    faulty: Path, tmp_path: Path, run_step: Callable
) -> None:
    done = run_step("quarantine", "--workspace", faulty)
    assert (done.returncode, "21;50" in done.stdout) == (0, True)
    done = run_step(
        "requarantine", "--workspace", faulty, "--source", "canonical", "--raw", tmp_path / "raw"
    )
    assert done.returncode == 0, done.stderr
    assert "0 records were corrected" in done.stdout
    (faulty / "quarantine/orders.csv").write_text("a,b\n1,2\n")
    done = run_step("quarantine", "--workspace", faulty)
    assert (done.returncode, "Traceback" in done.stderr, "column file" in done.stderr) == (
        10,
        False,
        True,
    )
