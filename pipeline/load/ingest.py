"""The step `ingest`: raw files -> canonical tables. Faulty rows go to quarantine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from features.tables import TABLES, Tables, create_tables
from pipeline.load.contacts import join_own, own_sha256, read_own, with_own
from pipeline.load.known_sources import SOURCES, read_source, warn_of_links
from pipeline.load.pulling.pull import pull_into
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Damaged
from pipeline.sources.aliexpress.dumps import SHEETS
from pipeline.sources.aliexpress.seen_rows import dump_digests
from pipeline.sources.corrections import Corrections
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.erased_ids import ErasedIds, read_erased
from pipeline.sources.erasure.erased_tables import erase_loaded, erased_orders, without_erased
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles, SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_source import tracking_files, tracking_folder, with_tracking
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace, read_json

# rows that a person corrected in the quarantine: by file, then by the id of the faulty row
CORRECTIONS = "corrections.json"


def ingest(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    source: str,
    raw: Path,
    side_files: SideFiles = NO_SIDE_FILES,
) -> None:
    """Replace the tables of the workspace with those of the files in `raw`.

    Raises `BadInput` if the files cannot be used or have too many faulty rows. The previous tables
    then stay in place.
    """
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. Set RAW to the folder with the source's files.")
    if SOURCES[source].is_pulled:
        pull_into(raw, progress)
    with progress.piece("ingest") as notes:
        context, own = open_context(workspace, config, raw, side_files), read_own(workspace)
        made_from = _made_from(source, context, config, own_sha256(own))
        warn_of_links(source, context)
        if SOURCES[source].is_remembering and _are_made_from(workspace, made_from):
            notes.append("nothing new since the last ingest: the tables stay as they are")
            return
        data = with_tracking(enforce_contract(read_source(source, context)), context)
        data = erase_loaded(data, context.erased)
        quarantined = _quarantine(workspace, data, context.erased)
        _refuse_too_many_faults(data, config.max_fault_share)
        if data.frames["orders"].is_empty():
            raise BadInput(f"{raw}: has no usable order. The previous tables stay in place.")
        if data.keep:
            data.keep()
        facts = {
            "source": source,
            "tracking_numbers": data.tracking_numbers,
            "delivered_weight": data.delivered_weight,
            "made_from": made_from,
            "input_sha256": _input_sha256(data, context)
            | own_sha256(own)
            | context.erased.sha256(),
            "quarantined_rows": quarantined,
            "input_rows": {file.name: file.count_rows for file in data.files},
        }
        data = _with_own_contacts(replace(data, files=(), keep=None), own)
        counts = _write_tables(workspace, _sorted_tables(data), facts)
        # agents may have given contacts back since we read ours
        join_own(workspace)
        notes.append(f"{counts['orders']:,} orders, {sum(counts.values()):,} facts")
    for note in data.notes:
        say(note)
    if total := sum(quarantined.values()):
        warn(f"{total} rows are in quarantine, each with its reason: {workspace.quarantine}")


def _write_tables(workspace: Workspace, tables: Tables, facts: Mapping[str, Any]) -> dict[str, int]:
    """Write the tables with `facts` about where they come from; return the rows of each."""
    counts = {name: tables[name].height for name in TABLES}
    workspace.write_tables(tables, {**facts, "table_rows": counts})
    return counts


def _made_from(source: str, context: SourceContext, config: Config, own: Mapping[str, str]) -> str:
    """A hash of everything that determines the tables, including the program. Only for a source
    that remembers what it read; empty for other sources."""
    if not SOURCES[source].is_remembering:
        return ""
    files = dump_digests(context.folder) | _tracking_sha256(context)
    sheets = {
        name: sha256(context.folder / name) for name in SHEETS if (context.folder / name).exists()
    }
    here = Path(__file__).resolve().parents[1]
    program = [sha256(path) for path in sorted((here / "sources").rglob("*.py"))]
    inputs = [
        files,
        sheets,
        dict(own),
        context.erased.sha256(),
        context.corrections.records,
        program,
        repr(TABLES),
        config.sources.model_dump(),
        dict(config.usd_per),
        config.max_fault_share,
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


def _tracking_sha256(context: SourceContext) -> dict[str, str]:
    folder = tracking_folder(context)
    files = tracking_files(folder) if folder else []
    return {
        f"tracking/{path.relative_to(folder).as_posix()}": sha256(path) for path in files if folder
    }


def _are_made_from(workspace: Workspace, made_from: str) -> bool:
    """Whether the tables are made from this, and are as they were written."""
    try:
        if workspace.read_ingest_facts().get("made_from") != made_from:
            return False
        workspace.table_files()
    except (BadInput, Damaged):
        return False
    return True


def open_context(
    workspace: Workspace, config: Config, raw: Path, side_files: SideFiles = NO_SIDE_FILES
) -> SourceContext:
    """The folder `raw` with the corrections of the workspace and what its sources remember."""
    try:
        loaded = workspace.read_ingest_facts().get("input_sha256", {})
    except BadInput:
        loaded = {}
    return SourceContext(
        raw,
        config.usd_per,
        config.sources,
        read_corrections(workspace),
        workspace.folder / "sources",
        loaded,
        side_files,
        read_erased(workspace.folder),
    )


def read_corrections(workspace: Workspace) -> Corrections:
    """The rows that a person corrected in the quarantine so far."""
    path = workspace.folder / CORRECTIONS
    try:
        if not path.exists():
            return Corrections()
        records = read_json(path)
        if not isinstance(records, dict) or not all(
            isinstance(kept, dict) and all(isinstance(record, dict) for record in kept.values())
            for kept in records.values()
        ):
            raise ValueError("it is not an object of files, row ids and records")
        return Corrections(records)
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput(
            f"{path}: is not valid JSON of corrections ({error}). Fix it, or remove it to drop "
            "the corrections."
        ) from None


def _input_sha256(data: StoreData, context: SourceContext) -> dict[str, str]:
    hashes = data.input_sha256
    if hashes is None:
        hashes = {
            file.name: getattr(file, "sha256", None) or sha256(context.folder / file.name)
            for file in data.files
            if file.name in _file_names(context)
        }
    hashes = {**hashes, **_tracking_sha256(context)}
    if context.corrections:
        text = json.dumps(context.corrections.records, sort_keys=True, ensure_ascii=False)
        hashes = {**hashes, CORRECTIONS: hashlib.sha256(text.encode()).hexdigest()}
    return dict(hashes)


def _file_names(context: SourceContext) -> set[str]:
    return {path.name for path in context.folder.iterdir()}


def _quarantine(workspace: Workspace, data: StoreData, erased: ErasedIds) -> dict[str, int]:
    orders = erased_orders(data.frames, erased)
    faults = {f.name: without_erased(f.quarantine(), orders, erased) for f in data.files}
    faults = {name: rows for name, rows in faults.items() if rows.height}
    workspace.write_quarantine({name: neutral_frame(rows) for name, rows in faults.items()})
    return {name: rows["row"].n_unique() for name, rows in faults.items()}


def _refuse_too_many_faults(data: StoreData, limit: float) -> None:
    for file in data.files:
        if file.fault_share > limit:
            first = file.quarantine().row(0, named=True)
            raise BadInput(
                f"{first['file']}: {file.fault_share:.1%} of its rows are faulty; at most "
                f"{limit:.0%} are allowed (max_fault_share in config.toml). The first: row "
                f"{first['row']}, {first['column']} = {first['value']!r}: {first['reason']}. "
                f"All of them are in quarantine/{file.name}. "
                "Fix the file and run again; the previous tables stay in place."
            )


def _with_own_contacts(data: StoreData, own: pl.DataFrame) -> StoreData:
    contacts = data.frames.get("contacts", TABLES["contacts"].empty())
    joined = with_own(contacts, own, data.frames["orders"]["order_id"])
    return replace(data, frames={**data.frames, "contacts": joined})


def _sorted_tables(data: StoreData) -> Tables:
    """The tables, sorted by key, so that the same facts give the same bytes."""
    frames = {name: _sorted(frame, TABLES[name].key) for name, frame in data.frames.items()}
    return create_tables(frames, zone=data.zone, has_partial_outcomes=data.has_partial_outcomes)


def _sorted(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    # most files are in this order, and a sorted copy takes as much memory as the table
    return frame if len(key) == 1 and frame[key[0]].is_sorted() else frame.sort(key)


def sha256(path: Path) -> str:
    """The SHA-256 hash of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
