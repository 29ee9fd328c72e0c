"""The presets: what the exports of well-known shop systems and payment providers contain.

`pipeline/sources/mapped/presets/*.toml` has one file per export. An export is recognised by its
headers; case and punctuation do not matter.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.sources import mapped
from pipeline.sources.mapped.column_profile import plain

FOLDER = Path(mapped.__file__).parent / "presets"


@dataclass(frozen=True)
class PresetFact:
    """A `[[fact]]` of a preset. `is_weak`: used only if no other file has facts of this table."""

    table: str
    columns: Mapping[str, Mapping[str, Any]]
    per: str
    settings: Mapping[str, Any]
    is_weak: bool


@dataclass(frozen=True)
class Preset:
    """The export of one system. `headers`: all must be there; `A|B` is one of them."""

    name: str
    source: str
    headers: tuple[str, ...]
    facts: tuple[PresetFact, ...]


@cache
def presets() -> tuple[Preset, ...]:
    """All presets, by the names of their files."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def _read(path: Path) -> Preset:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    facts = []
    for each in content["fact"]:
        entry = dict(each)
        columns = {
            name: cell if isinstance(cell, dict) else {"column": cell}
            for name, cell in entry.pop("columns").items()
        }
        table, per, is_weak = (
            entry.pop("table"),
            entry.pop("per", ""),
            bool(entry.pop("weak", False)),
        )
        facts.append(PresetFact(table, columns, per, entry, is_weak))
    return Preset(content["name"], content["source"], tuple(content["headers"]), tuple(facts))


def header(names: Iterable[str], wanted: str) -> str | None:
    """The column that is called `wanted`, or one of its alternatives `A|B`; None without one."""
    by_letters = {_letters(name): name for name in reversed(list(names))}
    alternatives = (by_letters.get(_letters(word)) for word in wanted.split("|"))
    return next((name for name in alternatives if name is not None), None)


def _letters(name: str) -> str:
    return plain(name).replace(" ", "")


def recognised(names: Iterable[str]) -> Preset | None:
    """The preset with the most headers of those that fit the columns; None if none fits."""
    columns = list(names)
    fitting = [
        preset
        for preset in presets()
        if all(header(columns, wanted) is not None for wanted in preset.headers)
    ]
    return max(fitting, key=lambda preset: len(preset.headers), default=None)
