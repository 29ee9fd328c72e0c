"""Read files to see whether they still hold a buyer, whatever their format."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.forget.buyer_traces import BuyerTraces

# lines of one file that are listed
MOST_LINES = 20
LOCKS = (".lock", ".users")


@dataclass(frozen=True)
class TraceLines:
    """A file that holds the buyer: its first lines with a trace, and how many there are. A file
    without lines, such as a workbook, has none."""

    path: Path
    lines: tuple[int, ...]
    count: int


def texts_of(path: Path) -> Iterator[str]:
    """The text in a file: the cells of a table, the parts of an archive, or all bytes."""
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            for name, dtype in frame.schema.items():
                if dtype in (pl.String, pl.Categorical):
                    yield "\n".join(frame[name].cast(pl.String).drop_nulls().unique())
            return
        if path.suffix == ".gz":
            yield gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
            return
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield archive.read(name).decode("utf-8", "replace")
            return
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, pl.exceptions.PolarsError):
        # damaged: its bytes are all there is
        pass
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield content.decode("utf-16", "replace")


def holds_traces(path: Path, traces: BuyerTraces) -> bool:
    """Whether an id of the buyer is in the file."""
    return any(traces.are_in(text) for text in texts_of(path))


def trace_lines(folder: Path, traces: BuyerTraces) -> Iterator[TraceLines]:
    """The files of a folder that hold the buyer or an order of theirs, and where."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        is_lined = path.suffix not in (".parquet",) and not zipfile.is_zipfile(path)
        numbers = [
            number
            for text in texts_of(path)
            for number, line in enumerate(text.splitlines(), 1)
            if traces.concern(line)
        ]
        if numbers:
            lines = tuple(dict.fromkeys(numbers))[:MOST_LINES] if is_lined else ()
            yield TraceLines(path, lines, len(numbers))


def remaining(folder: Path, traces: BuyerTraces) -> list[Path]:
    """The files of a workspace that still hold an id of the buyer."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
    return [p for p in files if not p.name.startswith(LOCKS) and holds_traces(p, traces)]
