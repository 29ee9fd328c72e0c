"""Plain text files that a seller edits: a sentence a line, with facts in braces.

A line that asks for a fact nobody has is left out, so that no text has a hole; the others stay as
they are.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Collection, Mapping
from pathlib import Path

from pipeline.settings.errors import BadInput

# the lines of a template, each with the facts it asks for
Template = tuple[tuple[str, tuple[str, ...]], ...]


def read_template(path: Path, facts: Collection[str]) -> Template:
    """The lines of the file; raises `BadInput` for one that asks for something else than
    `facts`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text ({error}).") from None
    return tuple(
        (line.strip(), _facts_of(line, f"{path}, line {number}", facts))
        for number, line in enumerate(lines, 1)
        if line.strip()
    )


def _facts_of(line: str, where: str, facts: Collection[str]) -> tuple[str, ...]:
    try:
        parts = list(string.Formatter().parse(line))
    except ValueError as error:
        raise BadInput(f"{where}: {error}. A brace as text is written twice: {{{{ }}}}.") from None
    names = tuple(name for _, name, _, _ in parts if name is not None)
    wrong = [name for name in names if name not in facts]
    if wrong or any(spec or conversion for _, _, spec, conversion in parts):
        raise BadInput(
            f"{where}: {{{(wrong or ['...'])[0]}}} is no fact. There are: {', '.join(facts)}."
        )
    return names


def fill(template: Template, facts: Mapping[str, str | None], joined_by: str = " ") -> str:
    """The lines whose facts are all there."""
    return joined_by.join(
        line.format(**facts) for line, names in template if all(facts.get(name) for name in names)
    )


def files_sha256(folder: Path) -> str:
    """One digest of all text files in a folder and below, with their names; the same without
    any."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*.txt")):
        found.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()
