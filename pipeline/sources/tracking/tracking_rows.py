"""Read a tracking provider's files into rows of text, one row per scan or unreadable record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress.answer_fields import NESTED
from pipeline.sources.aliexpress.dumps import dump_time, fetch_time
from pipeline.sources.corrections import record_text
from pipeline.sources.csv_text import ROW
from pipeline.sources.json_text import JsonRecord, read_pieces
from pipeline.sources.sheets import ENDS, read_any_table
from pipeline.sources.tracking.tracking_bodies import COLUMNS, Scan, scans_of
from pipeline.sources.tracking.tracking_sheet import is_sheet, scans_of_table
from pipeline.sources.tracking.tracking_statuses import state_of

FOLDER = "tracking"
FILE, SEEN, RECORD = "__file__", "__seen__", "__record__"
# in the `request` of a kept line: the service that pushed it
PUSHED = "pushed_by"
# characters kept of a record in quarantine
KEPT = 20_000
SCHEMA = {
    FILE: pl.String,
    ROW: pl.Int64,
    SEEN: pl.Int64,
    **dict.fromkeys(COLUMNS, pl.String),
    "status": pl.String,
    "sub_status": pl.String,
    RECORD: pl.String,
    "fault": pl.String,
}
_NO_TEXTS = (None,) * len(COLUMNS)


@dataclass(frozen=True)
class TrackingRows:
    """The rows of all files by `SCHEMA`, and the counts of statuses that are in no list."""

    rows: pl.DataFrame
    unknown_statuses: dict[str, int]


def read_rows(folder: Path, paths: Sequence[Path]) -> TrackingRows:
    """Read the files at `paths`, which are in `folder`."""
    rows: list[tuple[Any, ...]] = []
    unknown: dict[str, int] = {}
    for path in paths:
        name = f"{FOLDER}/{path.relative_to(folder).as_posix()}"
        file_time = dump_time(path)
        for position, arrived_at, scan in _scans(path):
            seen = file_time if arrived_at is None else arrived_at
            rows.append((name, position, seen, *_row(scan, unknown)))
    return TrackingRows(pl.DataFrame(rows, schema=SCHEMA, orient="row"), unknown)


def _scans(path: Path) -> Iterator[tuple[int, int | None, Scan]]:
    """Yield (position, when the answer arrived if its line says it, scan). The position is the row
    of a sheet, or counts the scans from 1."""
    if path.suffix.lower() in ENDS:
        yield from ((position, None, scan) for position, scan in _sheet_scans(path))
        return
    position = 0
    try:
        for piece in read_pieces(path):
            arrived = _arrival(piece)
            for scan in _piece_scans(piece):
                position += 1
                yield position, fetch_time(arrived), _with_arrival(scan, piece, arrived)
    except BadInput as error:
        yield position + 1, None, Scan(_NO_TEXTS, "", str(error))
    except (OSError, EOFError) as error:
        yield position + 1, None, Scan(_NO_TEXTS, "", f"cannot be read ({error}); fetch it again")


def _arrival(piece: JsonRecord) -> str | None:
    """When a kept answer arrived: `fetched_at` in front of its own fields."""
    value = piece.value.get("fetched_at") if isinstance(piece.value, dict) else None
    return value if isinstance(value, str) else None


def _with_arrival(scan: Scan, piece: JsonRecord, arrived: str | None) -> Scan:
    """A push that was received is known since it arrived, even if it was sent much earlier."""
    request = piece.value.get("request") if arrived else None
    if not isinstance(request, dict) or PUSHED not in request or fetch_time(arrived) is None:
        return scan
    texts = dict(zip(COLUMNS, scan.texts, strict=True)) | {"seen_at": arrived}
    return replace(scan, texts=tuple(texts.values()))


def _sheet_scans(path: Path) -> Iterator[tuple[int, Scan]]:
    try:
        table, damaged = read_any_table(path, is_right=is_sheet)
    except BadInput as error:
        yield 1, Scan(_NO_TEXTS, "", str(error))
        return
    reasons = {row: reason for row, _, reason in damaged}
    for row_number, scan in scans_of_table(table):
        yield row_number, Scan(scan.texts, scan.record, reasons.get(row_number, scan.fault))


def _piece_scans(piece: JsonRecord) -> Iterator[Scan]:
    # a large answer comes in pieces; the last one has the answer's own fields, such as its code
    is_rest = isinstance(piece.value, dict) and piece.path and not piece.value
    if is_rest:
        return
    if piece.fault:
        yield Scan(_NO_TEXTS, piece.value, piece.fault)
    else:
        yield from scans_of(piece.value)


def _row(scan: Scan, unknown: dict[str, int]) -> tuple[Any, ...]:
    """The row's columns from `COLUMNS` on; counts a status that is in no list in `unknown`."""
    state = None
    texts = dict(zip(COLUMNS, scan.texts, strict=True))
    if not scan.fault:
        state = state_of(texts["sub_status_text"], texts["status_text"])
        word = texts["sub_status_text"] or texts["status_text"]
        if state is None and word and not word.startswith(NESTED):
            unknown[word[:40]] = unknown.get(word[:40], 0) + 1
            state = ("InTransit", None)
    status, sub_status = state or (None, None)
    record = scan.record if isinstance(scan.record, str) else record_text({"value": scan.record})
    sub_status = sub_status or texts["sub_status_text"]
    return (*scan.texts, status, sub_status, record[:KEPT], scan.fault)
