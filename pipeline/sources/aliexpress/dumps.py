"""A folder of dumps of the Open Platform's answers, as rows of text by kind, each with where and
when it was seen."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress import record_tables
from pipeline.sources.aliexpress.answer_shapes import Request, find_records
from pipeline.sources.aliexpress.order_sheet import ENDS as SHEET_ENDS
from pipeline.sources.aliexpress.order_sheet import sheet_files, sheet_rows
from pipeline.sources.corrections import record_text
from pipeline.sources.csv_text import ROW
from pipeline.sources.json_text import read_pieces

ENDS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
FILE, SEEN = "__file__", "__seen__"
# rows of one kind that are held as Python objects before they become a frame
AT_ONCE = 20_000
# of what could not be read, only so much is kept; the dump has the rest
KEPT = 20_000
TRACKING = "tracking"
# what may lie in the folder and is read by itself
SHEETS = PRODUCTS, LIABILITY = "products.csv", "liability.csv"
BESIDE = (*SHEETS, TRACKING)
NOTHING_FOUND = "the platform found nothing"
_DAY = re.compile(
    r"(20\d\d)-?([01]\d)-?([0-3]\d)(?:[T_-]?([0-2]\d)[:-]?([0-5]\d)(?:[:-]?([0-5]\d))?)?"
)
COLUMNS: Mapping[str, tuple[str, ...]] = {
    **record_tables.COLUMNS,
    record_tables.UNREAD: ("what", "reason"),
}

REQUIRED = {
    record_tables.ORDERS: ("order_id", "placed_at"),
    record_tables.LINES: ("order_id", "line_id", "product_id"),
    record_tables.PARCELS: ("order_id",),
    record_tables.SCANS: ("scanned_at",),
    record_tables.DISPUTES: ("line_id", "order_id", "opened_at"),
    record_tables.STEPS: ("line_id", "order_id", "opened_at", "stepped_at"),
    record_tables.UNREAD: (),
}


@dataclass
class Seen:
    """Rows by kind, `ROW` being a record's place in its dump; `empty`: answers that said there is
    nothing."""

    frames: dict[str, pl.DataFrame]
    dumps: dict[str, str] = field(default_factory=dict)
    empty: int = 0


def schema(kind: str) -> dict[str, pl.DataType]:
    """The name of a dump is held once, not in each of its rows."""
    return {FILE: pl.Categorical(), ROW: pl.Int64(), SEEN: pl.Int64()} | dict.fromkeys(
        COLUMNS[kind], pl.String()
    )


def dump_files(folder: Path) -> list[Path]:
    """In the order of their names, those in folders inside too; then the order sheets."""
    # a folder inside that goes away meanwhile, or is closed to us, is passed over
    places = ((Path(place), names) for place, _, names in os.walk(folder))
    # a tracking provider's files are read by themselves
    every = (
        place / name
        for place, names in places
        if TRACKING not in place.relative_to(folder).parts[:1]
        for name in names
    )
    found = sorted(path for path in every if path.name.lower().endswith(ENDS)) + sheet_files(
        folder, BESIDE
    )
    if not found:
        raise BadInput(
            f"{folder}: holds no dump ({', '.join(ENDS)}) and no order sheet ({', '.join(SHEET_ENDS)}). Put the "
            "platform's answers, or the orders as downloaded, there as they came."
        )
    return found


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_dumps(folder: Path, known: Mapping[str, str], sheet_zone: str = "UTC") -> Seen:
    """All rows of the dumps whose content is not among `known` (sha256 by file name); the same
    content is read once."""
    gathered = {kind: _Gathered(kind) for kind in COLUMNS}
    seen = Seen({})
    loaded = set(known.values())
    for path in dump_files(folder):
        digest = sha256(path)
        if digest in loaded:
            continue
        loaded.add(digest)
        name = path.relative_to(folder).as_posix()
        seen.dumps[name] = digest
        found = (
            _rows(path, seen) if path.name.lower().endswith(ENDS) else _sheet_rows(path, sheet_zone)
        )
        for kind, row in _told(found, name):
            gathered[kind].add(row)
    seen.frames = {kind: gathered.pop(kind).frame() for kind in COLUMNS}
    return seen


class _Gathered:
    """Rows of one kind, out of as many dumps as come: a frame for every small dump would take more
    than its rows."""

    def __init__(self, kind: str) -> None:
        self.schema = schema(kind)
        self.rows: list[tuple] = []
        self.parts = [pl.DataFrame(schema=self.schema)]

    def add(self, row: tuple) -> None:
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


def _told(
    found: Iterator[tuple[int, int, record_tables.Row]], name: str
) -> Iterator[tuple[str, tuple]]:
    try:
        for place, at, (kind, texts, value, fault) in found:
            if fault := fault or _missing(kind, texts):
                kind, texts = record_tables.UNREAD, (_shown(value), fault)
            yield kind, (name, place, at, *texts)
    except (OSError, EOFError) as error:
        raise BadInput(
            f"{name}: cannot be read ({error}). Fetch it again, or take it out. The former tables stay."
        ) from None


def _rows(path: Path, seen: Seen) -> Iterator[tuple[int, int, record_tables.Row]]:
    """(place in the dump, when it was taken, row)."""
    told = dump_time(path)
    for place, found in enumerate(find_records(read_pieces(path), Request()), 1):
        if found.fault == NOTHING_FOUND:
            seen.empty += 1
            continue
        at = _moment(found.request.fetched_at) or told
        yield from ((place, at, row) for row in record_tables.rows_of(found))


def _sheet_rows(path: Path, zone: str) -> Iterator[tuple[int, int, record_tables.Row]]:
    told = dump_time(path)
    yield from ((place, told, row) for place, row in sheet_rows(path, zone))


def _missing(kind: str, texts: tuple[str | None, ...]) -> str:
    """What a record lacks that it must have: then the record itself is kept, since its row would
    say nothing."""
    lacks = [
        column
        for column, text in zip(COLUMNS[kind], texts, strict=True)
        if text is None and column in REQUIRED[kind]
    ]
    return f"{kind.replace('_', ' ')}: {', '.join(lacks)} is missing" if lacks else ""


def _shown(value: object) -> str:
    return (value if isinstance(value, str) else record_text({"value": value}))[:KEPT]


def dump_time(path: Path) -> int:
    """When a dump was taken, microseconds since 1970 in UTC: the date in its name or else in its
    folder's (UTC, at the end of the day where no time is told), or else when the file was last
    written."""
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


def _moment(text: str | None) -> int | None:
    """A `fetched_at`: with an offset or in UTC, or milliseconds since 1970."""
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
