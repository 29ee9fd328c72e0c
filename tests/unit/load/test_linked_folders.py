"""Links to folders are not followed, because they may lead back or out of RAW: the steps say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.load.doctor import examine
from pipeline.load.ingest import ingest
from pipeline.load.propose_mapping import propose_mapping
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources.aliexpress_dumps import TAKEN, write

ORDERS = "Order ID,Order Date,SKU,Price\n1,2026-05-01 10:00,A,5\n2,2026-05-02 11:00,B,7\n"
MAPPING = """
[store]
zone = "UTC"
[[fact]]
table = "orders"
file = "*orders*"
[fact.columns]
order_id = "Order ID"
occurred_at = "Order Date"
total = "Price"
[[fact]]
table = "order_lines"
file = "*orders*"
[fact.columns]
order_id = "Order ID"
product_id = "SKU"
unit_price = "Price"
"""


def shop_with_link(tmp_path: Path) -> Path:
    """A shop's table, and a link to a folder of last year's."""
    raw, elsewhere = tmp_path / "raw", tmp_path / "2025"
    for folder in (raw, elsewhere):
        folder.mkdir()
        (folder / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (raw / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (raw / "last year").symlink_to(elsewhere)
    return raw


def words(capsys: pytest.CaptureFixture[str]) -> str:
    shown = capsys.readouterr()
    return shown.out + shown.err


def step_of(name: str, tmp_path: Path) -> Callable[[str, Path], None]:
    def run(source: str, raw: Path) -> None:
        if name == "doctor":
            examine(Config(), source=source, raw=raw)
        else:
            (tmp_path / "workspace").mkdir()
            workspace = Workspace(tmp_path / "workspace")
            ingest(workspace, Config(), Progress(), source=source, raw=raw)

    return run


@pytest.mark.parametrize("step", ["doctor", "ingest"])
def test_a_linked_folder_among_the_files_is_named(
    tmp_path: Path, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = shop_with_link(tmp_path)
    step_of(step, tmp_path)("mapped", raw)
    assert "not read: last year is a link to a folder" in words(capsys)


def test_without_a_link_no_word_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = shop_with_link(tmp_path)
    (raw / "last year").unlink()
    (raw / "this year").mkdir()
    (raw / "orders.csv").rename(raw / "this year" / "orders.csv")
    (raw / "linked-orders.csv").symlink_to(tmp_path / "2025" / "orders.csv")
    step_of("doctor", tmp_path)("mapped", raw)
    assert "link to" not in words(capsys)


def test_a_folder_of_links_only_is_refused_and_the_links_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in ("2024", "2025"):
        write(tmp_path / name, TAKEN, orders=answers.order_list())
        (raw / name).symlink_to(tmp_path / name)
    with pytest.raises(BadInput, match="holds no dump"):
        examine(Config(), source="aliexpress", raw=raw)
    assert "not read: 2024, 2025 are links to folders" in words(capsys)


def test_links_in_the_folder_of_tracking_files(
    make_source: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source of fixed file names enters no subfolder, so only the tracking files may be missed.
    The folder itself may be a link."""
    raw = make_source("canonical").write(tmp_path / "raw")
    scans = tmp_path / "scans"
    (scans / "a").mkdir(parents=True)
    (raw / "tracking").symlink_to(scans)
    (raw / "old").symlink_to(scans)
    (scans / "more").symlink_to(scans / "a")
    step_of("doctor", tmp_path)("canonical", raw)
    assert "not read: tracking/more is a link to a folder" in words(capsys)


def test_the_proposal_of_a_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = shop_with_link(tmp_path)
    propose_mapping(raw, tmp_path / "proposed.toml")
    assert "not read: last year is a link to a folder" in words(capsys)
