"""What lies in RAW or in a workspace but is no file: a pipe, a device, a link to nothing. No reader
waits for ever or reads without end, and nothing is missing without a word."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.cli.options import open_workspace
from pipeline.load.contact_file import read_contact_file
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Damaged
from pipeline.settings.regular_files import refuse_special_files
from pipeline.settings.toml_model import read_toml
from pipeline.sources.aliexpress.dumps import dump_files
from pipeline.sources.aliexpress.order_sheet import sheet_files
from pipeline.sources.canonical import read_canonical
from pipeline.sources.csv_text import read_bytes
from pipeline.sources.json_text import read_pieces
from pipeline.sources.sheets import table_files
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import tracking_files
from pipeline.sources.workbook import read_workbook

READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "csv": ("orders.csv", read_bytes),
    "workbook": ("orders.xlsx", read_workbook),
    "json": ("orders.json", lambda path: list(read_pieces(path))),
    "toml": ("mapping.toml", read_toml),
    "tables": ("orders.csv", lambda path: table_files(path.parent)),
    "dumps": ("orders.json", lambda path: dump_files(path.parent)),
    "order sheets": ("orders.xlsx", lambda path: sheet_files(path.parent, ())),
    "tracking": ("scans.json", lambda path: tracking_files(path.parent)),
}


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A read that waits fails instead of holding up all tests."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("a reader waits"))
    signal.alarm(20)
    yield
    signal.alarm(0)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def nothing(path: Path) -> None:
    path.symlink_to("gone")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (pipe, "a named pipe"),
        (zeros, "a device"),
        (nothing, "a link that leads nowhere"),
        (loop, "a link that leads back to itself"),
    ],
)
@pytest.mark.parametrize("reader", READERS)
def test_each_reader_refuses_what_is_no_file(
    tmp_path: Path, make: Callable[[Path], None], kind: str, reader: str
) -> None:
    name, read = READERS[reader]
    make(tmp_path / name)
    with pytest.raises(BadInput, match=f"{name}: is {kind}; only regular files are read"):
        read(tmp_path / name)


def test_a_link_to_a_file_is_read_and_a_linked_folder_that_leads_back_is_not_entered(
    tmp_path: Path,
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (tmp_path / "elsewhere.csv").write_text("order_id\n1\n")
    (raw / "orders.csv").symlink_to(tmp_path / "elsewhere.csv")
    (raw / "again").symlink_to(raw)
    assert table_files(raw) == [raw / "orders.csv"]
    assert read_bytes(raw / "orders.csv") == b"order_id\n1\n"


def test_a_table_whose_file_is_gone_is_not_taken_for_a_store_without_that_table(
    make_source: Callable, tmp_path: Path
) -> None:
    raw = make_source("canonical").write(tmp_path / "raw")
    (raw / "disputes.csv").unlink(missing_ok=True)
    (raw / "disputes.csv").symlink_to("/mnt/exports/disputes.csv")
    with pytest.raises(BadInput, match=r"disputes\.csv: is a link that leads nowhere"):
        read_canonical(SourceContext(raw))


def test_a_contact_list_from_a_pipe_ends_with_a_message(tmp_path: Path) -> None:
    pipe(tmp_path / "filled.csv")
    with pytest.raises(BadInput, match=r"filled\.csv"):
        read_contact_file(tmp_path / "filled.csv")


@pytest.mark.parametrize("name", ["log.jsonl", "config.toml", "tables", "runs/2025-07-10/latest"])
@pytest.mark.parametrize("make", [pipe, zeros, loop])
def test_a_workspace_with_a_pipe_or_a_device_is_not_opened(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    make(tmp_path / name)
    with pytest.raises(Damaged, match=Path(name).name):
        open_workspace(tmp_path)


def test_links_within_a_workspace_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "versions" / "1").mkdir(parents=True)
    (tmp_path / "tables").symlink_to("versions/1")
    (tmp_path / "latest").symlink_to("gone")
    refuse_special_files(tmp_path)
    assert load_config(tmp_path)
