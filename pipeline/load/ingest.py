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
from pipeline.load.incremental.last_load import mark_quarantine, same_load, unmark_quarantine
from pipeline.load.incremental.load_inputs import LoadInputs, load_inputs, sha256, tracking_sha256
from pipeline.load.known_sources import SOURCES, input_files, read_source, warn_of_links
from pipeline.load.pulling.pull import pull_into
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.conversation.message_labels import with_labels
from pipeline.sources.corrections import Corrections
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.erased_ids import ErasedIds, read_erased
from pipeline.sources.erasure.erased_tables import erase_loaded, erased_orders, without_erased
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles, SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_source import with_tracking
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
    is_forced: bool = False,
) -> None:
    """Replace the tables of the workspace with those of the files in `raw`.

    They stay as they are if nothing that determines them has changed since the last load;
    `is_forced` reads the files all the same. Raises `BadInput` if the files cannot be used or have
    too many faulty rows. The previous tables then stay in place.
    """
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. Set RAW to the folder with the source's files.")
    if SOURCES[source].is_pulled:
        pull_into(raw, progress)
    with progress.piece("ingest") as notes:
        context = open_context(workspace, config, raw, side_files)
        inputs = _inputs(source, context, config)
        warn_of_links(source, context)
        facts = None if is_forced else same_load(workspace, inputs.made_from)
        if facts:
            notes.append("nothing new since the last ingest: the tables stay as they are")
        else:
            facts = _load(workspace, context, config, source, inputs)
            counts = facts["table_rows"]
            notes.append(f"{counts['orders']:,} orders, {sum(counts.values()):,} facts")
        # agents may have given contacts back since ours were read
        join_own(workspace)
    for note in facts["notes"]:
        say(note)
    if total := sum(facts["quarantined_rows"].values()):
        warn(f"{total} rows are in quarantine, each with its reason: {workspace.quarantine}")


def _load(
    workspace: Workspace, context: SourceContext, config: Config, source: str, inputs: LoadInputs
) -> dict[str, Any]:
    """Read the files, and replace the tables and the quarantine. Return the facts about them."""
    own = read_own(workspace)
    data = with_tracking(enforce_contract(read_source(source, context)), context)
    data = _with_labels(erase_loaded(data, context.erased))
    quarantined = _quarantine(workspace, data, context.erased)
    _refuse_too_many_faults(data, config.max_fault_share)
    if data.frames["orders"].is_empty():
        raise BadInput(f"{context.folder}: has no usable order. The previous tables stay in place.")
    input_sha256 = _input_sha256(data, context)
    made_from = inputs.confirmed(_inputs(source, context, config), input_sha256)
    if data.keep:
        data.keep()
    facts = {
        "source": source,
        "tracking_numbers": data.tracking_numbers,
        "delivered_weight": data.delivered_weight,
        "made_from": made_from,
        "input_sha256": input_sha256 | own_sha256(own) | context.erased.sha256(),
        "quarantined_rows": quarantined,
        "input_rows": {file.name: file.count_rows for file in data.files},
        "notes": data.notes,
    }
    data = _with_own_contacts(replace(data, files=(), keep=None), own)
    facts = _write_tables(workspace, _sorted_tables(data), facts)
    mark_quarantine(workspace, made_from)
    return facts


def _write_tables(workspace: Workspace, tables: Tables, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the tables with `facts` about where they come from. Return the facts, with the rows of
    each table."""
    facts = {**facts, "table_rows": {name: tables[name].height for name in TABLES}}
    workspace.write_tables(tables, facts)
    return facts


def _inputs(source: str, context: SourceContext, config: Config) -> LoadInputs:
    return load_inputs(source, input_files(source, context.folder), context, config)


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
    hashes = {**hashes, **tracking_sha256(context)}
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
    unmark_quarantine(workspace)
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


def _with_labels(data: StoreData) -> StoreData:
    """The data with what buyers' messages say. Texts that are erased have no labels either."""
    if "messages" not in data.frames:
        return data
    labelled = with_labels(data.frames["messages"])
    return replace(data, frames={**data.frames, "messages": labelled})


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
