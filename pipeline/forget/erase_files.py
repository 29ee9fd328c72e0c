"""Erase a buyer from the files of a workspace that are neither runs, tables nor databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.forget.erase_frames import erased_parquet
from pipeline.load.ingest import CORRECTIONS
from pipeline.sources.erased_ids import FILE as ERASED
from pipeline.workspace.workspace import write_bytes_whole, write_whole

# what a person wrote or gave, and what other programs keep; it is searched, never changed
NOT_CHANGED = frozenset(
    """raw exports truth messages tasks answers actions policies config.toml tuned.toml
    board_users.json mlflow.db mlartifacts""".split()
)
# other modules erase these
ELSEWHERE = frozenset("runs versions tables sources pulled pull".split())
# rows about the buyer or an order of theirs are removed from these
ROWS_REMOVED = ("quarantine", "deliveries")
TEXTS = (".jsonl", ".json", ".txt", ".md", ".csv", ".html", ".ipynb", ".toml")
DATABASES = (".sqlite", ".db")


def erase_files(folder: Path, traces: BuyerTraces, *, is_dry: bool) -> Iterator[Path]:
    """Erase the buyer; yields each file that changes. With `is_dry`, only name them."""
    for path in sorted(folder.rglob("*")):
        first = path.relative_to(folder).parts[0]
        if first in NOT_CHANGED | ELSEWHERE or path.is_symlink() or not path.is_file():
            continue
        if path.name == ERASED or path.suffix in DATABASES:
            continue
        if path.suffix == ".parquet":
            frame = erased_parquet(path, traces)
            if frame is not None:
                if not is_dry:
                    write_bytes_whole(path, frame.write_parquet)
                yield path
        elif path.suffix in TEXTS:
            text = path.read_text(encoding="utf-8", errors="replace")
            erased = _erased_text(path, first, text, traces)
            if erased != text:
                if not is_dry:
                    write_whole(path, erased)
                yield path


def _erased_text(path: Path, first: str, text: str, traces: BuyerTraces) -> str:
    if first in ROWS_REMOVED and path.suffix == ".csv":
        return _without_rows(path, text, traces)
    if path.name == CORRECTIONS:
        return _without_corrections(text, traces)
    return traces.hide(text)


def _without_rows(path: Path, text: str, traces: BuyerTraces) -> str:
    """The CSV text without the rows that concern the buyer."""
    if not traces.concern(text):
        return text
    rows = pl.read_csv(path, infer_schema=False)
    is_theirs = [
        any(traces.concern(cell) for cell in row if cell is not None) for row in rows.iter_rows()
    ]
    return rows.filter(~pl.Series(is_theirs, dtype=pl.Boolean)).write_csv()


def _without_corrections(text: str, traces: BuyerTraces) -> str:
    """The corrections of a quarantine without those of the buyer's rows."""
    if not traces.concern(text):
        return text
    kept = {
        name: {key: r for key, r in records.items() if not traces.concern(json.dumps(r))}
        for name, records in json.loads(text).items()
    }
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
