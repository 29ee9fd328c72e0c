"""Read a folder of dumps of the Open Platform's answers into rows of text by kind.

Each row has the dump it was read from and the time when the dump was taken.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import regular_files
from pipeline.sources.aliexpress.answer_names import EMPTY_ANSWER
from pipeline.sources.aliexpress.answer_shapes import Request, find_records
from pipeline.sources.aliexpress.order_sheet import ENDS as SHEET_ENDS
from pipeline.sources.aliexpress.order_sheet import sheet_files, sheet_rows
from pipeline.sources.aliexpress.record_columns import COLUMNS, LINES, REQUIRED, UNREAD, Row
from pipeline.sources.aliexpress.record_tables import rows_of
from pipeline.sources.corrections import record_text
from pipeline.sources.csv_text import ROW
from pipeline.sources.json_text import read_pieces

ENDS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
FILE, SEEN = "__file__", "__seen__"
# rows of one kind that are held as Python objects before they become a frame
AT_ONCE = 20_000
# characters kept of a record that could not be read; the dump has the rest
KEPT = 20_000
TRACKING = "tracking"
# rows of dumps that are gone, in a folder next to the dumps; `seen_rows` reads them
COMPACTED = "compacted-rows"
# files and subfolders that other modules read
SHEETS = PRODUCTS, LIABILITY = "products.csv", "liability.csv"
OTHER_FILES = (*SHEETS, TRACKING)
_DAY = re.compile(
    r"(20\d\d)-?([01]\d)-?([0-3]\d)(?:[T_-]?([0-2]\d)[:-]?([0-5]\d)(?:[:-]?([0-5]\d))?)?"
)


@dataclass
class DumpFrames:
    """The rows of new dumps by kind; `ROW` is the record's position in its dump, from 1.

    `dumps`: sha256 by file name. `count_empty`: the number of answers without any record.
    """

    frames: dict[str, pl.DataFrame]
    dumps: dict[str, str] = field(default_factory=dict)
    count_empty: int = 0


def schema(kind: str) -> dict[str, pl.DataType]:
    """The columns of one kind; `FILE` is categorical, so that a name is stored only once."""
    return {FILE: pl.Categorical(), ROW: pl.Int64(), SEEN: pl.Int64()} | dict.fromkeys(
        COLUMNS[kind], pl.String()
    )


def dump_inputs(folder: Path) -> list[Path]:
    """The dumps, the rows of compacted ones, and the sheets that other modules read. Raises
    `BadInput` if there is no dump."""
    compacted = (path for rows in compacted_folders(folder) for path in sorted(rows.rglob("*")))
    sheets = [folder / name for name in SHEETS if (folder / name).exists()]
    return [*dump_files(folder), *filter(Path.is_file, compacted), *sheets]


def dump_files(folder: Path) -> list[Path]:
    """The dumps in the folder and its subfolders, sorted by path, then the order sheets.

    Raises `BadInput` if there are none, and no rows of compacted dumps either.
    """
    # os.walk skips subfolders that disappear meanwhile or cannot be opened
    subfolders = ((Path(subfolder), names) for subfolder, _, names in os.walk(folder))
    # another module reads a tracking provider's files
    candidates = (
        subfolder / name
        for subfolder, names in subfolders
        if TRACKING not in subfolder.relative_to(folder).parts[:1]
        and COMPACTED not in subfolder.relative_to(folder).parts
        for name in names
    )
    named = (path for path in candidates if path.name.lower().endswith(ENDS))
    dumps = sorted(regular_files(named))
    files = dumps + sheet_files(folder, OTHER_FILES)
    if not files and not compacted_folders(folder):
        raise BadInput(
            f"{folder}: holds no dump ({', '.join(ENDS)}) and no order sheet "
            f"({', '.join(SHEET_ENDS)}). Put the platform's answers, or the downloaded order "
            "sheets, into this folder without changing them."
        )
    return files


def compacted_folders(folder: Path) -> list[Path]:
    """The folders with rows of compacted dumps in the folder and its subfolders, sorted by path."""
    subfolders = (Path(subfolder) / COMPACTED for subfolder, _, _ in os.walk(folder))
    return sorted(path for path in subfolders if path.is_dir())


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_dumps(folder: Path, known: Mapping[str, str], sheet_zone: str = "UTC") -> DumpFrames:
    """Read the dumps whose content is not in `known` (sha256 by file name).

    Files with the same content are read once. `sheet_zone`: time zone of the order sheets.
    """
    return read_files(folder, dump_files(folder), known, sheet_zone)


def read_files(
    folder: Path, paths: Iterable[Path], known: Mapping[str, str], sheet_zone: str = "UTC"
) -> DumpFrames:
    """Like `read_dumps`, for some files in the folder. A file that was compacted since it was
    listed is left out."""
    builders = {kind: _FrameBuilder(kind) for kind in COLUMNS}
    new = DumpFrames({})
    loaded = set(known.values())
    for path in paths:
        if (path.parent / COMPACTED).is_dir() and not path.exists():
            continue
        digest = sha256(path)
        if digest in loaded:
            continue
        loaded.add(digest)
        name = path.relative_to(folder).as_posix()
        new.dumps[name] = digest
        is_dump = path.name.lower().endswith(ENDS)
        rows = _dump_rows(path, new) if is_dump else _sheet_rows(path, sheet_zone)
        for kind, row in _located_rows(rows, name):
            builders[kind].add(row)
    new.frames = {kind: builders.pop(kind).frame() for kind in COLUMNS}
    return new


class _FrameBuilder:
    """Collect the rows of one kind from many dumps; one frame per dump would need more memory."""

    def __init__(self, kind: str) -> None:
        self.schema = schema(kind)
        self.rows: list[tuple[Any, ...]] = []
        self.parts = [pl.DataFrame(schema=self.schema)]

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows.append(row)
        if len(self.rows) == AT_ONCE:
            self._pack()

    def _pack(self) -> None:
        texts = {**self.schema, FILE: pl.String()}
        self.parts.append(
            pl.DataFrame(self.rows, schema=texts, orient="row").cast({FILE: self.schema[FILE]})
        )
        self.rows = []

    def frame(self) -> pl.DataFrame:
        self._pack()
        return pl.concat(self.parts)


def _located_rows(
    rows: Iterator[tuple[int, int, Row]], name: str
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield (kind, row by `schema`) of the dump `name`."""
    try:
        for position, taken_at, (kind, texts, value, fault) in rows:
            if fault := fault or _missing(kind, texts):
                if kind == LINES and any(texts):
                    # the record is kept whole, and its order is known to lack a line
                    yield kind, (name, position, taken_at, *texts)
                kind, texts = UNREAD, (_shown(value), fault)
            yield kind, (name, position, taken_at, *texts)
    except (OSError, EOFError) as error:
        raise BadInput(
            f"{name}: cannot be read ({error}). Fetch it again, or remove it. "
            "The tables already loaded are unchanged."
        ) from None


def _dump_rows(path: Path, new: DumpFrames) -> Iterator[tuple[int, int, Row]]:
    """Yield (position in the dump, time it was taken, row)."""
    file_time = dump_time(path)
    for position, record in enumerate(find_records(read_pieces(path), Request()), 1):
        if record.fault == EMPTY_ANSWER:
            new.count_empty += 1
            continue
        taken_at = fetch_time(record.request.fetched_at) or file_time
        yield from ((position, taken_at, row) for row in rows_of(record))


def _sheet_rows(path: Path, zone: str) -> Iterator[tuple[int, int, Row]]:
    file_time = dump_time(path)
    yield from ((position, file_time, row) for position, row in sheet_rows(path, zone))


def _missing(kind: str, texts: tuple[str | None, ...]) -> str:
    """The fault of a record without a required field; its row would be useless.

    A line that names its order is a row if anything else is known of it: without it the order is
    not complete.
    """
    known = {column for column, text in zip(COLUMNS[kind], texts, strict=True) if text is not None}
    # a line without a currency takes that of its order
    if kind == LINES and "order_id" in known and known - {"order_id", "currency"}:
        return ""
    missing = [column for column in REQUIRED[kind] if column not in known]
    return f"{kind.replace('_', ' ')}: {', '.join(missing)} is missing" if missing else ""


def _shown(value: object) -> str:
    return (value if isinstance(value, str) else record_text({"value": value}))[:KEPT]


def dump_time(path: Path) -> int:
    """When a dump was taken, in microseconds since 1970 UTC.

    The time is the date in the file's name, or else in its folder's name, or else the time of the
    last write. Dates in names are UTC; a date without a time means the end of that day.
    """
    for text in (path.name, path.parent.name):
        if match := _DAY.search(text):
            year, month, day, *clock = (int(part) if part else None for part in match.groups())
            hour, minute, second = (
                (23, 59, 59) if clock[0] is None else (clock[0], clock[1] or 0, clock[2] or 0)
            )
            try:
                return _microseconds(
                    datetime(year or 0, month or 0, day or 0, hour, minute, second, tzinfo=UTC)
                )
            except ValueError:
                continue
    return int(path.stat().st_mtime) * 1_000_000


def fetch_time(text: str | None) -> int | None:
    """A `fetched_at` in microseconds since 1970 UTC: a time with an offset or in UTC, or
    milliseconds since 1970. None if it is neither."""
    if not text:
        return None
    if text.isdigit() and len(text) == 13:
        return int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000
