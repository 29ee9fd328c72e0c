"""A load whose inputs did not change is skipped; any other load gives what a load from scratch
gives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.load import ingest as ingest_module
from pipeline.load.contacts import take_contacts
from pipeline.load.incremental import load_inputs
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.settings.source_settings import SourceSettings
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles, SourceContext
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.load.loaded_state import load, state
from tests.unit.source_folders import FIRST_PURCHASE, sound_source

SAME = "nothing new since the last ingest"
REFUSED_ROW = "total_usd"
Change = Callable[[Path, Path], object]


@pytest.fixture(scope="module")
def first_load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `raw`, whose files are sound but for one total, and `w`, their workspace."""
    folder, source = tmp_path_factory.mktemp("first"), sound_source("canonical")
    source.files["orders.csv"][4][REFUSED_ROW] = "21;50"
    load(folder / "w", source.write(folder / "raw"))
    return folder


@pytest.fixture
def raw(first_load: Path, tmp_path: Path) -> Path:
    return shutil.copytree(first_load / "raw", tmp_path / "raw")


@pytest.fixture
def loaded(first_load: Path, tmp_path: Path) -> Path:
    return shutil.copytree(first_load / "w", tmp_path / "w", symlinks=True)


def replace(path: Path, old: str, new: str) -> None:
    """Change the file, but not when it was last written."""
    before = path.stat()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_same_files_are_not_loaded_again(
    loaded: Path, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, tables = state(loaded), (loaded / "tables").resolve()
    assert load(loaded, raw) == tables
    skipped = capsys.readouterr()
    assert SAME in skipped.out
    assert state(loaded) == before
    load(loaded, raw, is_forced=True)
    forced = capsys.readouterr()
    # what a load says about these files is said again
    assert skipped.out.splitlines()[1:] == forced.out.splitlines()[1:] != []
    assert "6 rows are in quarantine" in skipped.out + skipped.err


@pytest.mark.parametrize(
    "change",
    [
        lambda raw, _: replace(raw / "tracking.csv", "t-1,", "t-x,"),
        lambda raw, _: replace(raw / "store.toml", "Asia/Shanghai", "Europe/London"),
        lambda raw, _: (raw / "disputes.csv").unlink(),
        lambda raw, _: (raw / "reviews.csv").write_text(
            f"review_id,order_id,score,occurred_at\nr,o-1,5,{FIRST_PURCHASE.replace(year=2019)}\n"
        ),
        lambda _, folder: (folder / "corrections.json").write_text('{"orders.csv": {"x": {}}}'),
        lambda _, folder: (folder / "quarantine" / "orders.csv").unlink(),
        lambda _, folder: (folder / "tables" / "reviews.parquet").write_bytes(b"damaged"),
    ],
    ids=["cell", "zone", "removed", "added", "correction", "quarantine", "damaged"],
)
def test_any_change_leads_to_what_a_load_from_scratch_gives(
    loaded: Path, raw: Path, tmp_path: Path, change: Change
) -> None:
    tables = (loaded / "tables").resolve()
    change(raw, loaded)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    if (loaded / "corrections.json").exists():
        (scratch / "corrections.json").write_bytes((loaded / "corrections.json").read_bytes())
    load(scratch, raw)
    assert load(loaded, raw) != tables
    assert state(loaded) == state(scratch)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_fault_share": 0.5},
        {"usd_per": {"USD": 1.0, "EUR": 1.1}},
        {"sources": SourceSettings(tracking_delay_hours=9)},
    ],
)
def test_other_settings_lead_to_a_load(
    loaded: Path, raw: Path, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    load(loaded, raw, Config(**settings))
    assert SAME not in capsys.readouterr().out


def test_a_file_of_the_tracking_folder_leads_to_a_load(
    loaded: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = SideFiles(tracking=tmp_path / "scans")
    (tmp_path / "scans").mkdir()
    load(loaded, raw, side_files=files)
    assert SAME in capsys.readouterr().out
    scan = '{"number": "h-1", "status": "InTransit", "scanned_at": "2018-01-05 00:00:00"}'
    (tmp_path / "scans" / "a.json").write_text(scan)
    load(loaded, raw, side_files=files)
    assert SAME not in capsys.readouterr().out


def test_another_version_of_the_program_leads_to_a_load(
    loaded: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = (loaded / "tables").resolve()
    monkeypatch.setattr(load_inputs, "_program_sha256", lambda: "another")
    assert load(loaded, raw) != tables


def test_a_new_field_of_the_context_counts(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Wider(SourceContext):
        left_out: tuple[str, ...] = ()

    hashes = {
        load_inputs.load_inputs("canonical", [], context, Config()).made_from
        for context in (Wider(tmp_path), Wider(tmp_path, left_out=("b-1",)))
    }
    assert len(hashes) == 2
    assert "" not in hashes


def test_a_load_can_be_forced(loaded: Path, raw: Path) -> None:
    before, tables = state(loaded), (loaded / "tables").resolve()
    assert load(loaded, raw, is_forced=True) != tables
    assert state(loaded) == before


def test_the_quarantine_of_a_refused_load_does_not_stay(loaded: Path, raw: Path) -> None:
    before = state(loaded)
    orders = (raw / "orders.csv").read_text()
    (raw / "orders.csv").write_text(orders.replace("21.50", "21;50"))
    with pytest.raises(BadInput, match="are faulty"):
        load(loaded, raw)
    assert state(loaded) != before
    (raw / "orders.csv").write_text(orders)
    load(loaded, raw)
    assert state(loaded) == before


def test_rows_edited_in_quarantine_stay_until_they_are_loaded(loaded: Path, raw: Path) -> None:
    path = loaded / "quarantine" / "orders.csv"
    path.write_text(path.read_text().replace('""21;50""', '""21.50""'))
    edited = path.read_bytes()
    load(loaded, raw)
    assert path.read_bytes() == edited


class Killed(BaseException):
    """The end of the process, for the code that runs."""


@pytest.mark.parametrize(
    "point", ["unmark_quarantine", "_quarantine", "_write_tables", "mark_quarantine", "join_own"]
)
def test_after_a_killed_load_any_files_are_loaded_as_from_scratch(
    loaded: Path, raw: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    before, text = state(loaded), (raw / "orders.csv").read_text()
    step = getattr(ingest_module, point)

    def do_and_die(*arguments: Any) -> None:
        step(*arguments)
        raise Killed

    replace(raw / "orders.csv", "21.50", "20;50")
    with monkeypatch.context() as patched:
        patched.setattr(ingest_module, point, do_and_die)
        with pytest.raises(Killed):
            load(loaded, raw)
    assert Workspace(loaded).read_tables()["orders"].height in (58, 59)
    (raw / "orders.csv").write_text(text)
    load(loaded, raw)
    assert state(loaded) == before


@pytest.mark.parametrize("is_put_back", [False, True])
@pytest.mark.parametrize("name", ["products.csv", "store.toml"])
def test_a_file_that_changes_during_a_load_is_loaded_again(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_put_back: bool
) -> None:
    """The tables are of the former content of one file, and must not pass for the new one."""
    read, text = ingest_module.read_source, (raw / name).read_text()

    def read_and_change(*arguments: Any) -> Any:
        data = read(*arguments)
        (raw / name).write_text(text if is_put_back else f"{text}\n")
        return data

    with monkeypatch.context() as patched:
        patched.setattr(ingest_module, "read_source", read_and_change)
        tables = load(tmp_path / "w", raw)
    assert Workspace(tmp_path / "w").read_ingest_facts()["made_from"] == ""
    assert load(tmp_path / "w", raw) != tables


def test_a_link_that_leads_nowhere_is_refused_after_a_load_too(loaded: Path, raw: Path) -> None:
    (raw / "reviews.csv").symlink_to(raw / "nowhere")
    before = state(loaded)
    with pytest.raises(BadInput, match="leads nowhere"):
        load(loaded, raw)
    assert state(loaded) == before


def test_our_own_contacts_are_joined_to_unchanged_tables(
    loaded: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, day = tmp_path / "s.csv", FIRST_PURCHASE.date().replace(month=3)
    sheet.write_text(f"order_id,as_of,contacted_at\no-1,{day},{day} 23:59\n")
    take_contacts(Workspace(loaded), Progress(), file=sheet)
    capsys.readouterr()
    load(loaded, raw)
    assert SAME in capsys.readouterr().out
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "own_contacts.parquet").write_bytes((loaded / "own_contacts.parquet").read_bytes())
    load(scratch, raw)
    assert Workspace(scratch).read_tables()["contacts"].height == 1
    assert state(loaded) == state(scratch)
    # contacts that came while no step could join them
    (loaded / "own_contacts.parquet").unlink()
    load(loaded, raw)
    assert Workspace(loaded).read_tables()["contacts"].is_empty()


MAPPING = """
[store]
zone = "UTC"
currency = "USD"
[[fact]]
table = "orders"
file = "sales*.csv"
per = "Name"
[fact.columns]
order_id = "Name"
occurred_at = "Created"
total = "Sum"
[[fact]]
table = "order_lines"
file = "sales*.csv"
[fact.columns]
order_id = "Name"
product_id = "SKU"
unit_price = "Sum"
"""


def test_mapped_files_are_loaded_again_only_after_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, raw = tmp_path / "w", tmp_path / "raw"
    (raw / "2026").mkdir(parents=True)
    (raw / "mapping.toml").write_text(MAPPING)
    (raw / "sales.csv").write_text("Name,Created,Sum,SKU\n1,2026-02-01 10:00,10,a\n")

    def is_skipped(side_files: SideFiles = NO_SIDE_FILES) -> bool:
        capsys.readouterr()
        load(folder, raw, source="mapped", side_files=side_files)
        return SAME in capsys.readouterr().out

    assert [is_skipped(), is_skipped()] == [False, True]
    (raw / "2026" / "sales.csv").write_text("Name,Created,Sum,SKU\n2,2026-02-02 10:00,10,a\n")
    replace(raw / "mapping.toml", '"sales*.csv"', '"*sales*.csv"')
    replace(raw / "mapping.toml", '"sales*.csv"', '"*sales*.csv"')
    assert [is_skipped(), is_skipped()] == [False, True]
    assert Workspace(folder).read_tables()["orders"].height == 2
    other = SideFiles(mapping=tmp_path / "other.toml")
    (tmp_path / "other.toml").write_text(MAPPING.replace("UTC", "Asia/Tokyo"))
    assert [is_skipped(other), is_skipped(other), is_skipped()] == [False, True, False]
