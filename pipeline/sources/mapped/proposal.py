"""What a proposed mapping is made of, and how a column is found for a purpose."""

from __future__ import annotations

from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.sources.mapped.column_guesses import fit
from pipeline.sources.mapped.column_profile import Profile, Sheet


@dataclass(frozen=True)
class Guess:
    """A column of ours: the cell as it stands in a mapping, how sure, and what is to be said of
    it."""

    name: str
    cell: Names[str, object]
    sure: float
    note: str = ""


@dataclass
class FactGuess:
    table: str
    file: str
    columns: list[Guess]
    per: str = ""
    note: str = ""


@dataclass
class Proposal:
    """`unused`: by file, the columns that nothing is taken from. `causes`: reasons and what they
    seem to mean."""

    facts: list[FactGuess] = field(default_factory=list)
    unused: dict[str, list[str]] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    currency: str = ""
    decimal: str = "."
    has_offsets: bool = False
    rows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """The column of a sheet that holds order ids, and what stands before each (`#`)."""

    column: str
    strip: str
    sure: float

    def cell(self) -> dict[str, object]:
        return {"column": self.column, **({"strip": self.strip} if self.strip else {})}


def best(
    sheet: Sheet, patterns: Sequence[str], kind: str, taken: Sequence[str] = ()
) -> tuple[Profile | None, float]:
    """The column that fits best by name and is of the kind (`time`, `number`, `text`), and how
    well, 0 to 1."""
    found: tuple[Profile | None, float] = (None, 0.0)
    for profile in sheet.columns.values():
        if profile.name in taken or not profile.filled or not _is(profile, kind):
            continue
        score = fit(profile.words, patterns)
        if score > found[1]:
            found = (profile, score)
    return found


def _is(profile: Profile, kind: str) -> bool:
    return profile.is_time if kind == "time" else profile.is_number if kind == "number" else True


def listed(value: object) -> list[object]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def cell_of(profile: Profile) -> dict[str, object]:
    return {"column": profile.name, **({"format": profile.format} if profile.format else {})}


def time_guess(name: str, profile: Profile, score: float) -> Guess:
    note = "a day without a time of day" if profile.is_day_only else ""
    if profile.rivals:
        note = f"may also be {profile.rivals[0]}: LOOK whether day or month comes first"
    return Guess(name, cell_of(profile), 0.5 * score + (0.2 if profile.rivals else 0.5), note)
