"""What all dumps so far showed: each distinct row once, with the moment and the dump that showed it
first.

The platform tells how things stand, not when the store could have known. So a row counts as known
when the first dump that has it was taken, and a field that changed is another row: what a dump said
is never forgotten, also where a later one no longer says it (a finished order loses the time it was
sent).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress.dumps import COLUMNS, FILE, SEEN, Seen, schema
from pipeline.sources.csv_text import ROW
from pipeline.workspace.workspace import read_json, sync, write_json

# names the folder that counts and the dumps behind it; replaced in one step
CURRENT = "current.json"
Dumps = dict[str, str]


def recall(folder: Path | None) -> tuple[dict[str, pl.DataFrame], Dumps]:
    """The rows by kind, and the dumps (sha256 by name) they came from; nothing where nothing was
    kept."""
    if folder is None or not (folder / CURRENT).exists():
        return {kind: pl.DataFrame(schema=schema(kind)) for kind in COLUMNS}, {}
    try:
        told = read_json(folder / CURRENT)
        place = folder / Path(str(told["folder"])).name
        frames = {
            kind: pl.read_parquet(place / f"{kind}.parquet", columns=list(schema(kind)))
            for kind in COLUMNS
        }
        frames = {kind: frame.cast({FILE: schema(kind)[FILE]}) for kind, frame in frames.items()}
        return frames, {str(name): str(digest) for name, digest in told["dumps"].items()}
    except (
        OSError,
        pl.exceptions.PolarsError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise BadInput(
            f"{folder}: what earlier dumps showed cannot be read any more ({error}). Put the folder back from a copy; "
            "or remove it, and load all dumps again with their dates in their names."
        ) from None


def joined(old: Mapping[str, pl.DataFrame], new: Seen) -> dict[str, pl.DataFrame]:
    """Old and new rows, each that says the same once: as it was seen first."""
    frames = {}
    for kind, columns in COLUMNS.items():
        both = pl.concat([old[kind], new.frames[kind]]).sort(SEEN, FILE, ROW, maintain_order=True)
        frames[kind] = both.unique(columns, keep="first", maintain_order=True)
    return frames


def keep(folder: Path, frames: Mapping[str, pl.DataFrame], dumps: Dumps) -> None:
    """Replace what is kept, whole or not at all."""
    ordered = dict(sorted(dumps.items()))
    name = hashlib.sha256(json.dumps(ordered).encode()).hexdigest()[:16]
    place = folder / name
    if (folder / CURRENT).exists() and read_json(folder / CURRENT).get("folder") == name:
        return
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for kind, frame in frames.items():
        frame.cast({FILE: pl.String}).write_parquet(place / f"{kind}.parquet")
        sync(place / f"{kind}.parquet")
    sync(place)
    write_json(folder / CURRENT, {"folder": name, "dumps": ordered})
    for former in folder.iterdir():
        if former.is_dir() and former.name != name:
            shutil.rmtree(former, ignore_errors=True)
