"""The parts of a proposed mapping, and how to choose a column of a file for one of ours."""

from __future__ import annotations

from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.sources.mapped.column_profile import Profile, Sheet
from pipeline.sources.proposing.column_guesses import name_fit


@dataclass(frozen=True)
class Guess:
    """A guess for one of our columns: its cell in the mapping, the confidence `sure` in [0, 1], and
    a comment."""

    name: str
    cell: Names[str, object]
    sure: float
    note: str = ""


@dataclass
class FactGuess:
    """A guess for one `[[fact]]` of the mapping."""

    table: str
    file: str
    columns: list[Guess]
    per: str = ""
    note: str = ""


@dataclass
class Proposal:
    """A proposed mapping.

    `unused`: by file, the columns that the mapping does not use. `causes`: the reasons of disputes,
    and the causes that they seem to mean. `rows`: by file, the number of rows.
    """

    facts: list[FactGuess] = field(default_factory=list)
    unused: dict[str, list[str]] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    currency: str = ""
    decimal: str = "."
    has_offsets: bool = False
    rows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """The column of a sheet with the order ids, and the prefix to strip from each id (`#`)."""

    column: str
    strip: str
    sure: float

    def cell(self) -> dict[str, object]:
        """The mapping cell for the order id."""
        return {"column": self.column, **({"strip": self.strip} if self.strip else {})}


def best_column(
    sheet: Sheet, patterns: Sequence[str], kind: str, taken: Sequence[str] = ()
) -> tuple[Profile | None, float]:
    """The column of this kind (`time`, `number`, `text`) whose name fits best, and how well, from 0
    to 1. Columns in `taken` are not considered."""
    best: tuple[Profile | None, float] = (None, 0.0)
    for profile in sheet.columns.values():
        if profile.name in taken or not profile.filled or not _has_kind(profile, kind):
            continue
        score = name_fit(profile.words, patterns)
        if score > best[1]:
            best = (profile, score)
    return best


def _has_kind(profile: Profile, kind: str) -> bool:
    """Any column can be text."""
    return {"time": profile.is_time, "number": profile.is_number}.get(kind, True)


def as_list(value: object) -> list[object]:
    """A list of the values of a cell entry: none, one or several."""
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def cell_of(profile: Profile) -> dict[str, object]:
    """The mapping cell for a column, with its time format if it needs one."""
    return {"column": profile.name, **({"format": profile.format} if profile.format else {})}


def time_guess(name: str, profile: Profile, score: float) -> Guess:
    """The guess for a time column. It is less sure if the format is ambiguous."""
    note = "a date without a time of day" if profile.is_day_only else ""
    if profile.rivals:
        note = f"may also be {profile.rivals[0]}: LOOK, does the day or the month come first?"
    return Guess(name, cell_of(profile), 0.5 * score + (0.2 if profile.rivals else 0.5), note)
