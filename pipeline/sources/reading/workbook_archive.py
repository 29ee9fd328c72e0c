"""Check the archive of a workbook before its parts are unpacked, and describe one that is too
large."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.settings.errors import BadInput
from pipeline.sources.reading.input_limits import SHEET, UNPACKED, check_bytes

# a workbook unpacks to 5 to 50 times its size, a bomb to 1,000 times
MOST_TIMES, SMALL = 300, 50_000_000
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]{0,400}?\br=[\"'](\d{1,30})[\"']")
_BLOCK, _OVERLAP = 1 << 20, 600
SAVE_AGAIN = "Save it again in a spreadsheet, or as CSV."


def check_archive(path: Path) -> None:
    """Raise `BadInput` if the workbook is too large when unpacked, declares its own entities, has a
    part twice, or has rows that are not in order: openpyxl would leave rows out."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if len({part.filename for part in parts}) < len(parts):
            raise BadInput(f"{path.name}: has two parts of the same name. {SAVE_AGAIN}")
        count = sum(part.file_size for part in parts)
        check_bytes(f"{path.name}, unpacked,", count, UNPACKED)
        packed = max(path.stat().st_size, 1)
        if count > SMALL and count > MOST_TIMES * packed:
            raise BadInput(
                f"{path.name}: has {packed:,} bytes but unpacks to {count:,}, "
                f"{count // packed:,} times as many; at most {MOST_TIMES} times are read. "
                f"{SAVE_AGAIN}"
            )
        for part in parts:
            with archive.open(part) as file:
                # no spreadsheet writes this, and it can make a small file fill the memory
                if b"<!DOCTYPE" in file.read(_BLOCK if part.file_size < _BLOCK else 2_000):
                    raise BadInput(f"{path.name}: declares XML entities. {SAVE_AGAIN}")
        for part in parts:
            former = 0
            for number in _row_numbers(archive, part):
                if number <= former:
                    raise BadInput(
                        f"{path.name}: row {number:,} comes after row {former:,}, which is no "
                        f"order of a spreadsheet. {SAVE_AGAIN}"
                    )
                former = number


def missing_rows(path: Path) -> BadInput:
    """The error for a sheet with a row number that no sheet can have."""
    with zipfile.ZipFile(path) as archive:
        gap, before, number = max(
            (_largest_gap(archive, part) for part in archive.infolist()), default=(0, 0, 0)
        )
    return BadInput(
        f"{path.name}: the row after row {before:,} says that it is row {number:,}, so {gap:,} "
        f"rows are missing; a sheet has at most {SHEET.rows:,} rows. The file has "
        f"{path.stat().st_size:,} bytes and may be damaged. {SAVE_AGAIN}"
    )


def _largest_gap(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[int, int, int]:
    """(missing rows, number of the row before them, number of the row after them)."""
    largest, former = (0, 0, 0), 0
    for number in _row_numbers(archive, part):
        largest = max(largest, (number - former - 1, former, number))
        former = number
    return largest


def _row_numbers(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[int]:
    """The numbers that the rows of a sheet state, in the order of the file."""
    if not part.filename.startswith("xl/worksheets/"):
        return
    with archive.open(part) as file:
        rest = b""
        while block := file.read(_BLOCK):
            text = rest + block
            end = 0
            for match in _ROW.finditer(text):
                end = match.end()
                yield int(match[1])
            rest = text[max(end, len(text) - _OVERLAP) :]
