"""ingest: raw files -> canonical tables, with what is wrong in quarantine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from features.tables import TABLES, Tables, create_tables
from pipeline.config import Config
from pipeline.contacts import own_sha256, read_own, with_own
from pipeline.errors import BadInput
from pipeline.progress import Progress, warn
from pipeline.safe_text import neutral_frame
from pipeline.sources.canonical import read_canonical
from pipeline.sources.olist import read_olist
from pipeline.sources.store_data import StoreData
from pipeline.store import Workspace

SOURCES: dict[str, Callable[[Path, dict[str, float]], StoreData]] = {
    "canonical": read_canonical,
    "olist": read_olist,
}


def ingest(workspace: Workspace, config: Config, progress: Progress, *, source: str, raw: Path) -> None:
    """Replace the workspace's tables by those of the files in `raw`; on refusal the former ones stay."""
    with progress.piece("ingest") as notes:
        if not raw.is_dir():
            raise BadInput(f"{raw}: is not a folder. RAW names the folder with the source's files.")
        data, own = SOURCES[source](raw, config.usd_per), read_own(workspace)
        quarantined = _quarantine(workspace, data)
        _refuse_too_many_faults(data, config.max_fault_share)
        contacts = data.frames.get("contacts", TABLES["contacts"].empty())
        joined = {**data.frames, "contacts": with_own(contacts, own, data.frames["orders"]["order_id"])}
        tables = _sorted_tables(replace(data, frames=joined))
        if tables["orders"].is_empty():
            raise BadInput(f"{raw}: holds no usable order. The former tables stay in place.")
        counts = {name: tables[name].height for name in TABLES}
        workspace.write_tables(
            tables,
            {
                "source": source,
                "input_sha256": {file.name: sha256(raw / file.name) for file in data.files} | own_sha256(own),
                "input_rows": {file.name: file.rows.height for file in data.files},
                "quarantined_rows": quarantined,
                "table_rows": counts,
            },
        )
        notes.append(f"{counts['orders']:,} orders, {sum(counts.values()):,} facts")
    if total := sum(quarantined.values()):
        warn(f"{total} rows in quarantine, each with its reason: {workspace.quarantine}")


def _quarantine(workspace: Workspace, data: StoreData) -> dict[str, int]:
    faults = {file.name: file.quarantine() for file in data.files}
    faults = {name: rows for name, rows in faults.items() if rows.height}
    workspace.write_quarantine({name: neutral_frame(rows) for name, rows in faults.items()})
    return {name: rows["row"].n_unique() for name, rows in faults.items()}


def _refuse_too_many_faults(data: StoreData, limit: float) -> None:
    for file in data.files:
        if file.fault_share > limit:
            first = file.quarantine().row(0, named=True)
            raise BadInput(
                f"{file.name}: {file.fault_share:.1%} of its rows are faulty; at most {limit:.0%} may be "
                f"(max_fault_share in config.toml). The first: row {first['row']}, {first['column']} = "
                f"{first['value']!r}: {first['reason']}. All are in quarantine/{file.name}. "
                "Mend the file and run again; the former tables stay in place."
            )


def _sorted_tables(data: StoreData) -> Tables:
    """Rows in the order of their key, so that the same facts give the same bytes."""
    frames = {name: data.frames[name].sort(TABLES[name].key) for name in data.frames}
    return create_tables(frames, zone=data.zone, has_partial_outcomes=data.has_partial_outcomes)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
