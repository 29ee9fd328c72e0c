"""Read files to see whether they still hold a buyer, whatever their format."""

from __future__ import annotations

import gzip
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import StillHeld
from pipeline.workspace.progress import say
from pipeline.workspace.workspace import Workspace

# lines of one file that are listed
MOST_LINES = 20
LOCKS = (".lock", ".users")
LOGS = ("log.jsonl", "log.1.jsonl")


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


def loaded_folders(workspace: Workspace) -> Iterator[Path]:
    """The folders that steps in the log have read source files from, as far as they exist."""
    for name in LOGS:
        path = workspace.folder / name
        lines = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        for line in lines.splitlines():
            if '"begin"' not in line:
                continue
            try:
                arguments = [str(text) for text in json.loads(line).get("arguments", [])]
            except (ValueError, AttributeError, TypeError):
                continue
            for option, value in zip(arguments, arguments[1:], strict=False):
                if option in ("--raw", "--tracking") and Path(value).is_dir():
                    yield Path(value).resolve()


def report_what_is_left(
    workspace: Workspace, traces: BuyerTraces, raw: list[Path], *, is_dry: bool
) -> None:
    """Name every file that still holds the buyer. Raises `StillHeld` if there is one."""
    folder, count = workspace.folder, 0
    if not is_dry:
        for path in remaining(folder, traces):
            count += 1
            say(f"still holds the buyer; this step does not change it: {path.relative_to(folder)}")
    for source in raw:
        # the search of the workspace covers what was pulled
        if source.resolve().is_relative_to((folder / "pulled").resolve()):
            continue
        for traced in trace_lines(source, traces):
            count += 1
            lines = ", ".join(map(str, traced.lines))
            more = "" if traced.count <= len(traced.lines) or not traced.lines else ", ..."
            where = f"lines {lines}{more}" if lines else f"{traced.count} cells"
            say(f"still holds the buyer: {one_line(str(traced.path), 300)}: {where}")
    if count and not is_dry:
        raise StillHeld(
            f"The buyer is erased from the workspace, but {count} other files still hold them or "
            "their orders; they are listed above. This program never changes source files: "
            "remove these lines yourself. A load that reads them again brings nothing back."
        )
    if not raw:
        say("the folders of the source files are not known: name them with RAW= to search them")
