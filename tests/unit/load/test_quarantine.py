"""make quarantine tells what was refused; make requarantine brings in what a person mended there,
and keeps it so."""

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
    """A workspace with one order, its line, promise and more in quarantine: its total is no
    number."""
    source = make_source("canonical")
    source.files["orders.csv"][4]["total_usd"] = "21;50"
    raw = source.write(tmp_path / "raw")
    do(tmp_path / "w", raw, ingest)
    return tmp_path / "w"


def do(folder: Path, raw: Path, step: Callable) -> Workspace:
    place = Workspace(folder)
    with place.locked():
        step(place, load_config(folder), Progress(), **SOURCE, raw=raw)
    return place


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mend(path: Path, change: Callable[[str], str]) -> None:
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
    told = capsys.readouterr().out
    assert "orders.csv: 1 rows" in told
    assert (
        "1 x total_usd: not a number; write it like 1234.50 (such as orders.csv, row 6 = '21;50')"
        in told
    )
    assert "1 x order_id: its order is in quarantine (such as promises.csv, row 6 = 'o-4')" in told


def test_a_mended_record_comes_in_with_all_that_followed_it(faulty: Path, tmp_path: Path) -> None:
    mend(faulty / "quarantine/orders.csv", lambda record: record.replace("21;50", "21.50"))
    place = do(faulty, tmp_path / "raw", requarantine)
    tables = place.read_tables()
    assert tables["orders"].height == tables["promises"].height == tables["tracking"].height == 60
    assert list(place.quarantine.iterdir()) == []
    assert "corrections.json" in place.read_ingest_facts()["input_sha256"]


def test_a_correction_holds_for_later_ingests_until_the_source_mends_the_row(
    faulty: Path, tmp_path: Path, make_source: Callable
) -> None:
    mend(faulty / "quarantine/orders.csv", lambda record: record.replace("21;50", "21.50"))
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


def test_a_row_with_too_few_cells_can_be_mended(make_source: Callable, tmp_path: Path) -> None:
    source = make_source("canonical")
    source.files["shipments.csv"][4]["carrier"] = "a,b"
    raw = source.write(tmp_path / "raw")
    do(tmp_path / "w", raw, ingest)
    mended = {
        "shipment_id": "h-4",
        "order_id": "o-4",
        "carrier": "a",
        "occurred_at": "2018-01-06 09:30:00",
    }
    mend(tmp_path / "w/quarantine/shipments.csv", lambda _: json.dumps(mended))
    assert do(tmp_path / "w", raw, requarantine).read_tables()["shipments"].height == 60


@pytest.mark.parametrize("text", ["{", "[]", "", "7"])
def test_a_record_that_is_no_record_any_more_is_named_and_nothing_changes(
    faulty: Path, tmp_path: Path, text: str
) -> None:
    mend(faulty / "quarantine/orders.csv", lambda _: text)
    with pytest.raises(
        BadInput, match=r"orders\.csv: the record of row 6 is no.*nothing was changed"
    ):
        do(faulty, tmp_path / "raw", requarantine)
    assert not (faulty / "corrections.json").exists()


def test_commands_say_so_without_traceback(
    faulty: Path, tmp_path: Path, run_step: Callable
) -> None:
    told = run_step("quarantine", "--workspace", faulty)
    assert (told.returncode, "21;50" in told.stdout) == (0, True)
    told = run_step(
        "requarantine", "--workspace", faulty, "--source", "canonical", "--raw", tmp_path / "raw"
    )
    assert told.returncode == 0, told.stderr
    assert "0 records were mended" in told.stdout
    (faulty / "quarantine/orders.csv").write_text("a,b\n1,2\n")
    told = run_step("quarantine", "--workspace", faulty)
    assert (told.returncode, "Traceback" in told.stderr, "column file" in told.stderr) == (
        10,
        False,
        True,
    )
