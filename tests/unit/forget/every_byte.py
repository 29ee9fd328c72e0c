"""Search every byte of a folder, also what is compressed inside it."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl


def hits(folder: Path, needles: list[str]) -> dict[str, list[str]]:
    """The files in which a needle is, with the needles."""
    every = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            contents = list(_contents(path))
            if inside := [n for n in needles if any(n.encode() in c for c in contents)]:
                every[path.relative_to(folder).as_posix()] = inside
    return every


def _contents(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    yield content
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        yield "\n".join(str(v) for name in texts for v in frame[name].drop_nulls()).encode()
        yield str(pl.read_parquet_metadata(path)).encode()
    elif path.suffix == ".gz":
        yield gzip.decompress(content)
    elif content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
