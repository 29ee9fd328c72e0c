"""Keep the rows of all dumps: each distinct row once, with the first dump that contains it.

The platform reports the current state, not when the store could have known it. So a row is known
from the time of the first dump that contains it, and a changed field makes a new row. Values that
later dumps no longer contain are kept (a finished order loses the time it was sent).

Old dumps of `make pull` are compacted: their rows are kept in the same form, next to the dumps, and
the dumps are removed. Each row still names the dump that first contained it, and when that was.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import BadInput, Damaged
from pipeline.sources.aliexpress.dumps import FILE, SEEN, DumpFrames, compacted_folders, schema
from pipeline.sources.aliexpress.record_columns import ADDED, ADDED_KINDS, COLUMNS
from pipeline.sources.csv_text import ROW
from pipeline.sources.erased_ids import ErasedIds
from pipeline.workspace.checksums import FILES, file_sha256, read_parquet, read_sealed, sealed
from pipeline.workspace.workspace import sync, write_json

# names the current folder and the dumps in it; replaced in one step
CURRENT = "current.json"
Dumps = dict[str, str]


REMEDY = (
    "Restore the folder from a backup, or remove it and load all dumps again with their dates in "
    "their names."
)
COMPACTED_REMEDY = (
    "Restore the folder from a backup. The dumps that it was made from were removed: without it, "
    "make pull can only fetch what the platform still shows."
)


def recall(folder: Path | None, remedy: str = REMEDY) -> tuple[dict[str, pl.DataFrame], Dumps]:
    """Return the kept rows by kind, and the dumps (sha256 by name) they come from.

    Both are empty if nothing was kept. `remedy`: what to do about damaged files. Raises `BadInput`
    if the files are damaged.
    """
    if folder is None or not (folder / CURRENT).exists():
        return {kind: pl.DataFrame(schema=schema(kind)) for kind in COLUMNS}, {}
    try:
        current = read_sealed(folder / CURRENT, "")
        rows_folder = folder / Path(str(current["folder"])).name
        frames = {kind: _read(rows_folder / f"{kind}.parquet", current, kind) for kind in COLUMNS}
        return frames, {str(name): str(digest) for name, digest in current["dumps"].items()}
    except (
        OSError,
        pl.exceptions.PolarsError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        Damaged,
    ) as error:
        raise BadInput(
            f"{folder}: the rows of earlier dumps cannot be read any more ({error}). {remedy}"
        ) from None


def with_compacted(new: DumpFrames, folder: Path, loaded: Mapping[str, str]) -> DumpFrames:
    """Add the rows of the compacted dumps in `folder` to those of its other dumps.

    Read them after the dumps: what was compacted meanwhile is then in them. Rows are left out if
    `loaded` (sha256 by name) has all dumps they come from.
    """
    frames, dumps = {kind: [frame] for kind, frame in new.frames.items()}, dict(new.dumps)
    for path in compacted_folders(folder):
        if set(compacted_dumps(path).values()) <= set(loaded.values()):
            continue
        rows, names = recall(path, COMPACTED_REMEDY)
        prefix = path.parent.relative_to(folder).as_posix()
        prefix = "" if prefix == "." else f"{prefix}/"
        dumps |= {prefix + name: digest for name, digest in names.items()}
        named = (pl.lit(prefix) + pl.col(FILE).cast(pl.String)).cast(pl.Categorical)
        for kind, frame in rows.items():
            frames[kind].append(frame.with_columns(named.alias(FILE)))
    return DumpFrames(
        {kind: pl.concat(parts) for kind, parts in frames.items()}, dumps, new.count_empty
    )


def compacted_dumps(folder: Path) -> Dumps:
    """The dumps (sha256 by name) whose rows are in a folder of compacted dumps. Raises
    `Damaged`."""
    if not (folder / CURRENT).exists():
        return {}
    dumps: Dumps = read_sealed(folder / CURRENT, COMPACTED_REMEDY)["dumps"]
    return dumps


def _read(path: Path, current: Mapping[str, Any], kind: str) -> pl.DataFrame:
    if kind in ADDED_KINDS and path.name not in current.get(FILES, {}):
        return pl.DataFrame(schema=schema(kind))
    frame = read_parquet(path, current, "")
    absent = [name for name in COLUMNS[kind] if name in ADDED and name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    return frame.select(*schema(kind)).cast({FILE: schema(kind)[FILE]})


def joined(old: Mapping[str, pl.DataFrame], new: DumpFrames) -> dict[str, pl.DataFrame]:
    """Join old and new rows; of rows with the same content, keep the one that was seen first."""
    frames = {}
    for kind, columns in COLUMNS.items():
        both = pl.concat([old[kind], new.frames[kind]]).sort(SEEN, FILE, ROW, maintain_order=True)
        frames[kind] = both.unique(columns, keep="first", maintain_order=True)
    return frames


def keep(folder: Path, frames: Mapping[str, pl.DataFrame], dumps: Dumps, erased: ErasedIds) -> None:
    """Replace the kept rows, all or nothing. `erased`: the buyers that the rows were freed of."""
    ordered = dict(sorted(dumps.items()))
    made_from = json.dumps([ordered, *erased.sha256().values()] if erased else ordered)
    name = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    new_folder = folder / name
    if (folder / CURRENT).exists() and read_sealed(folder / CURRENT, "").get("folder") == name:
        return
    shutil.rmtree(new_folder, ignore_errors=True)
    new_folder.mkdir(parents=True)
    for kind, frame in frames.items():
        frame.cast({FILE: pl.String}).write_parquet(new_folder / f"{kind}.parquet")
        sync(new_folder / f"{kind}.parquet")
    sync(new_folder)
    files = {file.name: file_sha256(file) for file in sorted(new_folder.iterdir())}
    write_json(folder / CURRENT, sealed({"folder": name, "dumps": ordered, FILES: files}))
    for former in folder.iterdir():
        if former.is_dir() and former.name != name:
            shutil.rmtree(former, ignore_errors=True)
