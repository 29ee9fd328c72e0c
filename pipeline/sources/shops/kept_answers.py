"""Read the kept answers of a service, in the order in which they arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class KeptAnswer:
    """An answer: what was asked for and when, when it arrived, and its content."""

    arrived: datetime
    asked: datetime
    request: Mapping[str, Any]
    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What was asked for: `orders`, `disputes`."""
        return str(self.request.get("kind", ""))


def kept_answers(folder: Path) -> Iterator[KeptAnswer]:
    """Yield the answers in the folder. Lines that are no answer are left out: `make pull` writes
    none, and a file that was damaged should not hide the others."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if (answer := _answer(line)) is not None:
                    yield answer


def _answer(line: str) -> KeptAnswer | None:
    try:
        content = json.loads(line)
        request = content.pop("request")
        arrived = parsed_time(content.pop("fetched_at"))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    if arrived is None or not isinstance(request, dict):
        return None
    asked = parsed_time(request.get("asked_at")) or arrived
    return KeptAnswer(arrived, asked, request, content)


def parsed_time(value: object) -> datetime | None:
    """A time of an answer in UTC: ISO 8601, in UTC if it has no offset, or seconds since 1970. None
    for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def cell_time(value: object) -> str:
    """The time as a cell of a table; empty if there is none."""
    moment = parsed_time(value) if value not in (None, "") else None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def value_of(content: object, *names: str) -> object:
    """What is at a path of names in an answer; None if there is nothing."""
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def texts_of(content: object, *names: str) -> str:
    """The text or number at a path of names in an answer; empty if there is none."""
    value = value_of(content, *names)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def rows_of(content: object, *names: str) -> list[dict[str, Any]]:
    """The list of objects at a path of names in an answer; without anything that is no object."""
    rows = value_of(content, *names)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
