"""Compact old dumps of `make pull`: keep the rows that the loader reads, each once with the dump
that first contained it, and remove the dumps.

Loading gives the same tables before and after: an answer that repeats what earlier answers showed
adds no row, and a row keeps the time when it was first seen. Fields that the loader does not read,
such as the buyer's name and address, are gone.

The rows are written under a new name, synced and renamed before a dump is removed. A run that is
killed leaves dumps whose rows are kept already; the next one removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from features.clock import is_before
from pipeline.settings.errors import Damaged
from pipeline.sources.aliexpress.dumps import COMPACTED, dump_time, read_files, sha256
from pipeline.sources.aliexpress.seen_rows import (
    COMPACTED_REMEDY,
    compacted_dumps,
    joined,
    keep,
    recall,
)
from pipeline.sources.erased_ids import NO_ERASED_IDS, ErasedIds
from pipeline.sources.erasure.erased_rows import buyer_orders, erase_rows, has_erased
from pipeline.workspace.workspace import sync

# the names that `openplatform.answer_dumps` gives
OWN_DUMPS = "answers-*.jsonl"
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Compaction:
    """What a compaction did: dumps removed, their bytes, and the bytes of all compacted rows before
    and after."""

    count_dumps: int = 0
    dump_bytes: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


def is_old(keep_days: int, now: datetime) -> Callable[[Path], bool]:
    """Whether a dump was taken more than `keep_days` days before the day of `now` (UTC)."""
    first_kept = now.date() - timedelta(days=keep_days)

    def is_due(path: Path) -> bool:
        taken = EPOCH + timedelta(microseconds=dump_time(path))
        return is_before(taken.date(), first_kept)

    return is_due


def compact_dumps(
    folder: Path, is_due: Callable[[Path], bool], erased: ErasedIds = NO_ERASED_IDS
) -> Compaction:
    """Compact the dumps of one store in `folder` that are due, and those with records of a buyer
    who was forgotten; their rows keep nothing of the buyer.

    The caller holds the store and the workspace. Raises `BadInput` if a dump cannot be read; all
    dumps then stay. Raises `Damaged` if the rows could not be read back.
    """
    rows = folder / COMPACTED
    known = compacted_dumps(rows)
    dumps = sorted(folder.glob(OWN_DUMPS))
    due = [path for path in dumps if path.name in known or is_due(path)]
    due += _of_erased(folder, [path for path in dumps if path not in due], erased)
    if not due:
        return Compaction()
    before, count_bytes = folder_bytes(rows), sum(path.stat().st_size for path in due)
    # a file of a compacted name with other content is not compacted yet
    if new := [path for path in due if known.get(path.name) != sha256(path)]:
        keep_rows(folder, new, erased)
    for path in due:
        path.unlink()
    sync(folder)
    return Compaction(len(due), count_bytes, before, folder_bytes(rows))


def _of_erased(folder: Path, paths: Iterable[Path], erased: ErasedIds) -> list[Path]:
    """Those of the dumps that have rows of a buyer who was forgotten."""
    if not erased:
        return []
    old, _ = recall(folder / COMPACTED, COMPACTED_REMEDY)
    orders = buyer_orders(old, set(erased.replacements.values()))
    return [
        path for path in paths if has_erased(read_files(folder, [path], {}).frames, orders, erased)
    ]


def keep_rows(folder: Path, paths: Iterable[Path], erased: ErasedIds) -> None:
    """Add the rows of these dumps to the compacted ones, and bring them to the disk."""
    rows = folder / COMPACTED
    old, dumps = recall(rows, COMPACTED_REMEDY)
    new = read_files(folder, paths, dumps)
    frames = erase_rows(joined(old, new), erased)
    rows.mkdir(exist_ok=True)
    keep(rows, frames, {**dumps, **new.dumps}, erased)
    sync(rows)
    sync(folder)
    kept, names = recall(rows, COMPACTED_REMEDY)
    if names != {**dumps, **new.dumps} or any(not kept[k].equals(frames[k]) for k in frames):
        raise Damaged(
            f"{rows}: the rows read back differ from those written. The dumps stay as they are. "
            "Check the disk."
        )


def folder_bytes(folder: Path) -> int:
    """The bytes of all files in a folder; 0 if there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
