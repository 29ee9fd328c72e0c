"""Read dates as a spreadsheet writes them: 20.12.2025 09:30, 12/20/2025 9:30 AM, 2025/12/20, or the
number of a day. Two readings are kept apart where a date alone does not say which one is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

_CLOCK = r"(?:[ T,]+(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:\.\d+)?)?(?: ?([ap])\.?m\.?)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})日?{_CLOCK}", re.I)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}|\d\d){_CLOCK}", re.I)
_SERIAL = re.compile(r"(\d{5})(?:[.,](\d+))?")
# day 1 of a spreadsheet is 1900-01-01, and it counts a 29 February 1900 that never was
_DAY_0 = datetime(1899, 12, 30)
# days 36,526 to 73,050 are those of the years 2000 to 2099
_FIRST_DAY, _LAST_DAY = 36_526, 73_050
AMBIGUOUS = (
    "may be day/month or month/day, and no other date of the file decides it; "
    "write it like 2026-05-03 14:00"
)


class Readings(NamedTuple):
    """A text read with the day before the month, and with the month before the day, each as
    `YYYY-MM-DD HH:MM:SS`; None where that reading is no date. Both are equal for a text that has
    one meaning."""

    day_first: str | None
    month_first: str | None

    @property
    def is_ambiguous(self) -> bool:
        return None not in self and self.day_first != self.month_first

    def chosen(self, is_day_first: bool | None) -> str | None:
        """The reading of this order; None for an ambiguous text if the order is not known."""
        if self.is_ambiguous:
            return None if is_day_first is None else self[0 if is_day_first else 1]
        return self.day_first or self.month_first


def readings(text: str) -> Readings:
    """The readings of one cell; (None, None) if it is not a date of a kind known here."""
    text = re.sub(r"[\s\u00a0\u202f]+", " ", text).strip()
    if match := _SERIAL.fullmatch(text):
        return _same(_of_serial(match[1], match[2] or ""))
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day, *clock = match.groups()
        return _same(_moment(year, month, day, clock))
    if match := _YEAR_LAST.fullmatch(text):
        first, mark, second, year, *clock = match.groups()
        year = year if len(year) == 4 else f"20{year}"
        day_first = _moment(year, second, first, clock)
        # no spreadsheet writes the month first with dots
        return Readings(
            day_first, day_first if mark == "." else _moment(year, first, second, clock)
        )
    return Readings(None, None)


def orders_of(cells: Iterable[Readings]) -> set[bool]:
    """Which orders the dates of a file prove: True for the day before the month, False for the
    month first. Empty if no date has only one reading; both if the dates contradict each other."""
    return {
        cell.day_first is not None
        for cell in cells
        if (cell.day_first is None) != (cell.month_first is None)
    }


def _same(moment: str | None) -> Readings:
    return Readings(moment, moment)


def _moment(year: str, month: str, day: str, clock: list[str | None]) -> str | None:
    hour, minute, second, half = clock
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    try:
        moment = datetime(
            int(year), int(month), int(day), hours, int(minute or 0), int(second or 0)
        )
    except ValueError:
        return None
    return moment.isoformat(" ")


def _of_serial(days: str, fraction: str) -> str | None:
    if not _FIRST_DAY <= int(days) <= _LAST_DAY:
        return None
    seconds = round(float(f"0.{fraction or 0}") * 86_400)
    return (_DAY_0 + timedelta(days=int(days), seconds=seconds)).isoformat(" ")
