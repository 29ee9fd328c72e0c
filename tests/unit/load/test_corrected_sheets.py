"""Rows of contact sheets in quarantine: kept, corrected, settled by a later order, dismissed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from features.tables import create_tables
from pipeline.load.retake_sheets import retake_sheets
from pipeline.load.sheet_faults import dismiss, fault_files
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.load.contact_sheets import (
    HEAD_OF_NIGHT,
    NEXT,
    ORDER,
    OTHER,
    listed_store,
    reasons,
    take,
    taken,
)


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return listed_store(tmp_path)


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
