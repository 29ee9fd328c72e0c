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


@dataclass(frozen=True)
class JoinGuess:
    """A guess for one `[[fact.join]]` of the mapping."""

    file: tuple[str, ...]
    match: Names[str, str]
    columns: Names[str, str]


@dataclass
class FactGuess:
    """A guess for one `[[fact]]` of the mapping.

    `settings`: its other entries, such as `where` and `packed`. `joins`: the columns that it takes
    from other files.
    """

    table: str
    file: str
    columns: list[Guess]
    per: str = ""
    note: str = ""
    settings: Names[str, object] = field(default_factory=dict)
    joins: tuple[JoinGuess, ...] = ()


@dataclass
class Proposal:
    """A proposed mapping.

    `unused`: by file, the columns that the mapping does not use. `causes`: the reasons of disputes,
    and the causes that they seem to mean. `rows`: by file, the number of rows. `patterns`: by file,
    the patterns of its name. `names`: by file, the names of the files with the same columns.
    `kinds`: by file, the preset that it fits. `hints`: what a user should know first.
    """

    facts: list[FactGuess] = field(default_factory=list)
    unused: dict[str, list[str]] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    currency: str = ""
    decimal: str = "."
    has_offsets: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    patterns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Key:
    """The column of a sheet with the order ids, and the prefix to strip from each id (`#`). `join`:
    the file that has the column, if it is another."""

    column: str
    strip: str
    sure: float
    join: JoinGuess | None = None

    @property
    def joins(self) -> tuple[JoinGuess, ...]:
        """The joins that a fact with this key needs."""
        return (self.join,) if self.join else ()

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
    """The mapping cell for a column, with its time format if it needs one. If several formats fit
    and differ, all are given: then each such row is refused until one format is chosen."""
    forms = [form for form in (profile.format, *profile.rivals) if form]
    if not forms:
        return {"column": profile.name}
    return {"column": profile.name, "format": forms if len(forms) > 1 else forms[0]}


def time_guess(name: str, profile: Profile, score: float) -> Guess:
    """The guess for a time column. It is less sure if the format is ambiguous."""
    note = "a date without a time of day" if profile.is_day_only else ""
    if profile.rivals:
        note = f"may also be {profile.rivals[0]}: LOOK, does the day or the month come first?"
    return Guess(name, cell_of(profile), 0.5 * score + (0.2 if profile.rivals else 0.5), note)
