"""Erase a buyer from a run folder: its tables, sheets and page, and then its manifest.

The page is replaced first, then the other files, each as a whole, and the manifest last. Until then
the manifest has no hashes of the files that change, so that the run can be read at every moment.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.forget.erase_frames import erased_csv, erased_parquet
from pipeline.forget.remaining_traces import holds_traces
from pipeline.history.past_lists import past_lists
from pipeline.indicators.open_disputes import SHEET
from pipeline.indicators.open_disputes import TABLE as CLOCK
from pipeline.night.contact_list import LIST, write_list
from pipeline.output.spreadsheet import write_workbook
from pipeline.pages.report import PAGE, write_report
from pipeline.settings.config import Config
from pipeline.settings.errors import UserError
from pipeline.workspace.checksums import FILES, index_of, sealed, sealed_index
from pipeline.workspace.workspace import Workspace, sync, write_json, write_whole

NEW = ".new-erased"
MARK = "buyer-erased"
STUB = f"""<!doctype html><meta charset="utf-8"><title>{MARK}</title>
<p>A buyer was erased from this night, so this page was removed. To make it again:
make report WORKSPACE= AS_OF=</p>
"""
# what a table of an earlier version may lack
OLD_FORMAT = (pl.exceptions.PolarsError, KeyError, TypeError, ValueError, AttributeError)


def erase_run(run: Path, traces: BuyerTraces, erasure: str, *, is_dry: bool) -> list[str]:
    """Erase the buyer from the files of a run; returns the names of those that change. With
    `is_dry`, only name them. `erasure`: the random id that the manifest gets."""
    shutil.rmtree(run / NEW, ignore_errors=True)
    new = run / NEW
    new.mkdir()
    try:
        _write_erased(run, new, traces)
        changed = sorted(path.relative_to(new).as_posix() for path in new.rglob("*.*"))
        removed = _stale_sheets(run, changed, traces)
        pages = list(_stale_pages(run, traces, is_changed=bool(changed)))
        names = [*pages, *changed, *removed]
        if is_dry or (not names and is_sealed(run)):
            return names
        _unseal(run, names)
        for name in pages:
            write_whole(run / name, STUB)
        for name in changed:
            sync(new / name)
            (new / name).replace(run / name)
        for name in removed:
            (run / name).unlink(missing_ok=True)
        sync(run)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _note_erasure(run, erasure)
    return names


def _stale_pages(run: Path, traces: BuyerTraces, *, is_changed: bool) -> Iterator[str]:
    """The pages of a run that may show the buyer. A run of `make report` has a page alone: there,
    an order of the buyer is enough, because its row may have their words."""
    is_night = (run / f"{LIST}.parquet").exists()
    for path in sorted(run.glob("*.html")):
        text = path.read_text(encoding="utf-8", errors="replace")
        is_theirs = traces.are_in(text) if is_night else traces.concern(text)
        if MARK not in text and (is_changed or is_theirs):
            yield path.name


def _write_erased(run: Path, new: Path, traces: BuyerTraces) -> None:
    """Write the files that change into `new`."""
    for path in sorted(run.rglob("*")):
        target = new / path.relative_to(run)
        if NEW in path.parts or not path.is_file() or path.is_symlink():
            continue
        if path.suffix == ".parquet" and (frame := erased_parquet(path, traces)) is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(target)
        elif path.suffix == ".csv" and (frame := erased_csv(path, traces)) is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            frame.write_csv(target)
        elif path.suffix in (".json", ".txt", ".md") and path.name != "manifest.json":
            text = path.read_text(encoding="utf-8", errors="replace")
            if (hidden := traces.hide(text)) != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(hidden, encoding="utf-8")
    as_of = date.fromisoformat(run.parent.name)
    if (new / f"{LIST}.parquet").exists():
        _sheet_of_list(new, as_of)
    if (new / f"{CLOCK}.csv").exists():
        listed = pl.read_csv(new / f"{CLOCK}.csv", schema_overrides=_ids(new / f"{CLOCK}.csv"))
        write_workbook(new / f"{CLOCK}.xlsx", {SHEET: listed}, as_of)


def _ids(path: Path) -> dict[str, Any]:
    """The columns of a CSV file that are ids, which must stay text."""
    names = pl.read_csv(path, n_rows=0).columns
    return {name: pl.String() for name in names if name.endswith("_id")}


def _sheet_of_list(new: Path, as_of: date) -> None:
    """Make the sheets of the list from its erased table; a list of an earlier version has none."""
    try:
        write_list(new, pl.read_parquet(new / f"{LIST}.parquet"), as_of)
    except OLD_FORMAT:
        (new / f"{LIST}.xlsx").unlink(missing_ok=True)


def _stale_sheets(run: Path, changed: list[str], traces: BuyerTraces) -> list[str]:
    """Workbooks that show the buyer and were not made anew."""
    sheets = [path for path in run.glob("*.xlsx") if path.name not in changed]
    tables = {Path(name).stem for name in changed}
    return [p.name for p in sheets if p.stem in tables or holds_traces(p, traces)]


def _unseal(run: Path, names: list[str]) -> None:
    """Take the hashes of these files out of the index of the run."""
    index = index_of(run)
    if index is None:
        return
    content = json.loads(index.read_text(encoding="utf-8"))
    kept = {name: digest for name, digest in content.get(FILES, {}).items() if name not in names}
    write_json(index, sealed({**content, FILES: kept}))


def _note_erasure(run: Path, erasure: str) -> None:
    """Say in the manifest that a buyer was erased, without who, and seal it again."""
    index = index_of(run)
    if index is None:
        return
    content = json.loads(index.read_text(encoding="utf-8"))
    erasures = [*content.get("erasures", []), erasure]
    write_json(index, sealed({**content, "erasures": list(dict.fromkeys(erasures))}))
    write_json(index, sealed_index(run, index))


def is_sealed(run: Path) -> bool:
    """Whether the manifest has the hashes of all its files; a killed erasure leaves some out."""
    index = index_of(run)
    if index is None:
        return True
    content: Mapping[str, Any] = json.loads(index.read_text(encoding="utf-8"))
    files = {path.name for path in [*run.glob("*.parquet"), *run.glob("*.json")]}
    return FILES not in content or files - {index.name} <= set(content[FILES])


def make_pages(workspace: Workspace, config: Config, nights: Path) -> list[str]:
    """Make the removed pages of nights again from their erased files. Returns the runs whose page
    stays removed, because an earlier version made them."""
    left = []
    for page in sorted(nights.glob(f"????-??-??/*/{PAGE}")):
        run = page.parent
        is_night = (run / f"{LIST}.parquet").exists() and not run.is_symlink()
        if not is_night or MARK not in page.read_text("utf-8", "replace"):
            continue
        try:
            _make_page(workspace, config, run)
        except (UserError, *OLD_FORMAT):
            left.append(run.name)
        shutil.rmtree(run / NEW, ignore_errors=True)
    return left


def _make_page(workspace: Workspace, config: Config, run: Path) -> None:
    files, as_of = workspace.table_files(), date.fromisoformat(run.parent.name)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    month = past_lists(workspace, files, config, as_of)
    (run / NEW).mkdir()
    write_report(run / NEW, run, workspace, files, config, as_of, manifest, month)
    sync(run / NEW / PAGE)
    (run / NEW / PAGE).replace(run / PAGE)
