"""The mapping of the tables that `make pull` writes: the presets of the exports, with the columns
of these tables. It is written anew by each pull until someone edits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pipeline.settings.errors import BadInput
from pipeline.sources.mapped.column_profile import Sheet, profile_tables, sound_rows
from pipeline.sources.mapped.mapping import NAME, load_mapping
from pipeline.sources.proposing.mapping_text import mapping_lines
from pipeline.sources.proposing.preset_facts import preset_facts
from pipeline.sources.proposing.presets import presets
from pipeline.sources.proposing.proposal import FactGuess, Key, Proposal
from pipeline.workspace.workspace import write_whole

OWN = "# make pull wrote this mapping, and replaces it as long as nothing above is edited: "


@dataclass(frozen=True)
class PulledTable:
    """A table that the pull wrote. `preset`: the export that it looks like; `order`: its column of
    order numbers; `is_better_for`: tables of ours that it gives instead of the other files."""

    file: str
    preset: str
    order: str
    is_better_for: tuple[str, ...] = ()


def write_mapping(
    folder: Path, tables: Sequence[PulledTable], zone: str, currency: str, *, has_disputes: bool
) -> str | None:
    """Write `mapping.toml` for the tables in `folder`. Returns what a person must know: that the
    mapping was edited and is left as it is. Refunds count as disputes without `has_disputes`: no
    account lists disputes."""
    path = folder / NAME
    if path.exists() and not _is_own(path):
        return f"{path}: was edited, and is left as it is"
    sheets = {table.file: _sheet(folder, table.file) for table in tables}
    proposal = Proposal(currency=currency, has_offsets=True)
    for table in tables:
        sheet = sheets[table.file]
        proposal.patterns[table.file] = (table.file,)
        proposal.names[table.file] = (table.file,)
        proposal.kinds[table.file] = table.preset
        proposal.rows[table.file] = sheet.whole.height
    proposal.facts = list(_facts(tables, sheets, has_disputes=has_disputes))
    lines = list(mapping_lines(proposal, list(sheets.values()), zone or None))
    lines = [line.replace("# Proposed by make map.", "# Written by make pull.") for line in lines]
    write_whole(path, "".join(f"{line}\n" for line in [*lines, OWN + _digest(lines)]))
    load_mapping(path)
    return None


def _sheet(folder: Path, file: str) -> Sheet:
    sheet = profile_tables([(file, sound_rows(folder / file))])
    sheet.patterns = sheet.names = (file,)
    return sheet


def _facts(
    tables: Sequence[PulledTable], sheets: Mapping[str, Sheet], *, has_disputes: bool
) -> Iterator[FactGuess]:
    """Yield the facts of all tables, those of orders first."""
    by_name = {preset.name: preset for preset in presets()}
    better = {name: table.file for table in tables for name in table.is_better_for}
    strong: list[FactGuess] = []
    weak: list[FactGuess] = []
    for table in tables:
        preset = by_name[table.preset]
        key = Key(table.order, "#", 1.0)
        for is_weak, facts in ((False, strong), (True, weak)):
            for fact in preset_facts(sheets[table.file], preset, key, is_weak=is_weak):
                if better.get(fact.table, table.file) == table.file:
                    facts.append(fact)
    yield from sorted(strong, key=lambda fact: fact.table != "orders")
    if not has_disputes:
        yield from weak


def _digest(lines: Sequence[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()


def _is_own(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}). Fix or remove it.") from None
    *lines, last = text.split("\n")[:-1] or [""]
    return last == OWN + _digest(lines)
