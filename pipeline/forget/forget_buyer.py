"""The step `forget`: erase one buyer from a workspace, and say what outside of it holds them still.

The order matters for a run that is killed. The list of forgotten ids comes first, so that no load
brings the buyer back; the kept rows and the tables, which say what is the buyer's, come last. A
second run does what the first one left.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from pipeline.forget.buyer_traces import PULLED, SEEN_ROWS, BuyerTraces, find_traces
from pipeline.forget.erase_databases import erase_database
from pipeline.forget.erase_files import DATABASES, NOT_CHANGED, erase_files
from pipeline.forget.erase_runs import erase_run, make_pages
from pipeline.forget.pulled_answers import erase_pulled, locked_pulls
from pipeline.forget.remaining_traces import loaded_folders, report_what_is_left
from pipeline.load.contacts import join_own
from pipeline.load.incremental.last_load import unmark_quarantine
from pipeline.load.pulling.compact_dumps import OWN_DUMPS, compact_dumps
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, Damaged, WorkspaceBusy
from pipeline.sources.aliexpress.dumps import COMPACTED
from pipeline.sources.aliexpress.seen_rows import CURRENT, keep, recall
from pipeline.sources.erased_ids import BUYER, ErasedIds, read_erased, write_erased
from pipeline.sources.erasure.erased_rows import erase_rows
from pipeline.sources.erasure.erased_tables import erase_tables
from pipeline.workspace.checksums import CHECKSUM, FILES
from pipeline.workspace.locks import sender_lock
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.run_log import note
from pipeline.workspace.workspace import Workspace

# how long readers of the former tables, such as a board, may take to let them go
WAIT_SECONDS, TRIES = 60.0, 300
SHOWN = 50


def forget_buyer(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    buyer_id: str,
    raw: Iterable[Path] = (),
    *,
    is_dry: bool = False,
) -> None:
    """Erase the buyer. `raw`: folders with source files, which are searched and never changed.

    With `is_dry`, only says what would change. Raises `BadInput` for an unknown buyer, and
    `StillHeld` if files that this step does not change still hold the buyer.
    """
    folders = list(dict.fromkeys([*raw, *loaded_folders(workspace)]))
    with ExitStack() as stack:
        stack.enter_context(workspace.locked(must_exist=True))
        for step in ("deliver", "send"):
            stack.enter_context(sender_lock(workspace.folder, step))
        stack.enter_context(locked_pulls(workspace.folder, is_dry=is_dry))
        erased = read_erased(workspace.folder)
        was_erased = bool(erased and erased.replacement(BUYER, buyer_id))
        erased = erased.with_buyer(buyer_id)
        traces = find_traces(workspace, buyer_id, erased)
        if not traces.orders and not was_erased:
            raise BadInput(
                "BUYER: no order of this workspace has this buyer. Write the id as the column "
                "buyer_id of the contact list has it. Nothing was changed."
            )
        erased = erased.with_numbers(_numbers(traces, buyer_id))
        if not is_dry:
            write_erased(workspace.folder, erased)
            # the next load reads everything
            unmark_quarantine(workspace)
        erasure = erased.erasures[erased.digest(BUYER, buyer_id)]
        with progress.piece("forget") as notes:
            changed = list(_erase(workspace, config, erased, traces, erasure, is_dry=is_dry))
            notes.append(f"{len(traces.orders):,} orders, {len(changed):,} files")
        for name in changed[:SHOWN]:
            say(f"{'would change' if is_dry else 'changed'}: {name}")
        if len(changed) > SHOWN:
            say(f"and {len(changed) - SHOWN:,} more files")
        if not is_dry and (left := make_pages(workspace, config, workspace.folder / "runs")):
            warn(f"{len(left)} pages of an earlier version were removed and cannot be made again")
    if not is_dry:
        _remove_former_tables(workspace)
        note("forget", erasure=erasure, count_files=len(changed))
    report_what_is_left(workspace, traces, folders, is_dry=is_dry)


def _numbers(traces: BuyerTraces, buyer_id: str) -> Iterator[tuple[str, str]]:
    for number, replacement in traces.ids.items():
        if number != buyer_id:
            yield number, replacement.removeprefix("erased-")


def _erase(
    workspace: Workspace,
    config: Config,
    erased: ErasedIds,
    traces: BuyerTraces,
    erasure: str,
    *,
    is_dry: bool,
) -> Iterator[str]:
    """Erase the buyer from everything in the workspace; yields what changes."""
    folder = workspace.folder
    yield from (_name(path, folder) for path in _erase_dumps(folder, erased, traces, is_dry=is_dry))
    yield from (_name(path, folder) for path in erase_files(folder, traces, is_dry=is_dry))
    for run in sorted(folder.glob("runs/????-??-??/*/")):
        if not run.is_symlink():
            names = erase_run(run, traces, erasure, is_dry=is_dry)
            yield from (f"{_name(run, folder)}/{name}" for name in names)
    yield from (_name(path, folder) for path in _erase_databases(folder, traces, is_dry=is_dry))
    pulled = erase_pulled(folder, config.pull, erased, traces, is_dry=is_dry)
    yield from (_name(path, folder) for path in pulled)
    for rows in (folder / SEEN_ROWS, *sorted((folder / PULLED).glob(f"*/{COMPACTED}"))):
        if _erase_kept_rows(rows, erased, is_dry=is_dry):
            yield _name(rows, folder)
    if _erase_tables(workspace, erased, erasure, is_dry=is_dry):
        yield "tables"


def _erase_dumps(
    folder: Path, erased: ErasedIds, traces: BuyerTraces, *, is_dry: bool
) -> Iterator[Path]:
    """Compact the pulled answers that show the buyer; their names and addresses are then gone."""

    def is_theirs(path: Path) -> bool:
        return traces.concern(path.read_text(encoding="utf-8", errors="replace"))

    for store in sorted((folder / PULLED).glob("*/")):
        theirs = {path for path in store.glob(OWN_DUMPS) if is_theirs(path)}
        yield from sorted(theirs)
        if not is_dry:
            compact_dumps(store, theirs.__contains__, erased)


def _erase_databases(folder: Path, traces: BuyerTraces, *, is_dry: bool) -> Iterator[Path]:
    for path in _databases(folder):
        try:
            if erase_database(path, traces, is_dry=is_dry):
                yield path
        except sqlite3.Error as error:
            raise Damaged(
                f"{path}: cannot be used ({error}). If a step uses it, run again later. The rest "
                "is erased up to here; run again to finish."
            ) from None


def _databases(folder: Path) -> list[Path]:
    own = [p for p in folder.glob("*") if p.suffix in DATABASES and p.name not in NOT_CHANGED]
    return sorted([*own, *folder.glob("pull/*/*/*.sqlite")])


def _erase_kept_rows(rows: Path, erased: ErasedIds, *, is_dry: bool) -> bool:
    """Erase the buyer from the kept rows of dumps."""
    if not (rows / CURRENT).exists():
        return False
    frames, dumps = recall(rows)
    changed = erase_rows(frames, erased)
    if all(changed[kind].equals(frame) for kind, frame in frames.items()):
        return False
    if not is_dry:
        keep(rows, changed, dumps, erased)
    return True


def _erase_tables(workspace: Workspace, erased: ErasedIds, erasure: str, *, is_dry: bool) -> bool:
    """Erase the buyer from the tables in use, as a new version of them."""
    try:
        tables, facts = workspace.read_tables(), workspace.read_ingest_facts()
    except BadInput:
        return False
    changed = tables.with_frames(erase_tables(tables.frames, erased))
    if all(changed[name].equals(frame) for name, frame in tables.frames.items()):
        return False
    if not is_dry:
        facts = {name: value for name, value in facts.items() if name not in (FILES, CHECKSUM)}
        facts["input_sha256"] = {**facts.get("input_sha256", {}), **erased.sha256()}
        # they may show an example of a record
        facts["notes"] = []
        facts["erasures"] = [*facts.get("erasures", []), erasure]
        workspace.write_tables(changed, facts)
        # agents may have given contacts back since we read ours
        join_own(workspace)
    return True


def _remove_former_tables(workspace: Workspace) -> None:
    """Wait until nobody reads the former tables: whoever is alone in a workspace removes them."""
    for _ in range(TRIES):
        with workspace.locked(wait_seconds=WAIT_SECONDS):
            used = workspace.tables.resolve().parent.name
            former = [p for p in workspace.folder.glob("versions/*") if p.name != used]
        if not former:
            return
        time.sleep(WAIT_SECONDS / TRIES)
    raise WorkspaceBusy(
        "The buyer is erased, but another process still reads the former tables. Stop the board "
        "and run again: that removes them."
    )


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
