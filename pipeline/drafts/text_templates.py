"""Text templates that a seller can edit: one sentence per line, with facts in braces.

A line whose facts are not all known is left out, so that no text has a gap. A line that rests on
something that it does not show starts with its name: `{?unscanned}The first scan ...`.

An empty line starts a paragraph; a paragraph without a sentence is left out. `\\n` within a line is
a line break.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Collection, Mapping
from pathlib import Path

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import require_regular

# the lines of a template, each with the names of the facts and conditions that it needs
Template = tuple[tuple[str, tuple[str, ...]], ...]
# an empty line: a paragraph ends
PARAGRAPH: tuple[str, tuple[str, ...]] = ("", ())
# the value of a condition that holds
HOLDS = "yes"
_CONDITIONS = re.compile(r"(?:\{\?\w*\}\s*)+")


def read_template(path: Path, facts: Collection[str], conditions: Collection[str] = ()) -> Template:
    """The lines of the file; an empty one is `PARAGRAPH`. Nothing for a file without a sentence.

    Raises `BadInput` for a line with a fact that is not in `facts`, a condition that is neither in
    `conditions` nor a fact, or a stray brace.
    """
    require_regular(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text ({error}).") from None
    template = tuple(
        _read_line(line.strip(), f"{path}, line {number}", facts, conditions)
        if line.strip()
        else PARAGRAPH
        for number, line in enumerate(lines, 1)
    )
    return template if sentences(template) else ()


def sentences(template: Template) -> Template:
    """The lines of a template without the ends of paragraphs."""
    return tuple(line for line in template if line != PARAGRAPH)


def _read_line(
    line: str, where: str, facts: Collection[str], conditions: Collection[str]
) -> tuple[str, tuple[str, ...]]:
    start = _CONDITIONS.match(line)
    named = re.findall(r"\w*(?=\})", start.group()) if start else []
    needed = tuple(name for name in named if name)
    allowed = (*conditions, *facts)
    if unknown := [name for name in needed if name not in allowed]:
        raise BadInput(
            f"{where}: {{?{unknown[0]}}} is not a condition. Allowed: {', '.join(allowed)}."
        )
    text = (line[start.end() :] if start else line).replace("\\n", "\n")
    return text, (*needed, *_facts_of(text, where, facts))


def _facts_of(line: str, where: str, facts: Collection[str]) -> tuple[str, ...]:
    try:
        parts = list(string.Formatter().parse(line))
    except ValueError as error:
        raise BadInput(f"{where}: {error}. Write a literal brace twice: {{{{ }}}}.") from None
    names = tuple(name for _, name, _, _ in parts if name is not None)
    wrong = [name for name in names if name not in facts]
    if wrong or any(spec or conversion for _, _, spec, conversion in parts):
        raise BadInput(
            f"{where}: {{{(wrong or ['...'])[0]}}} is not a fact. Allowed: {', '.join(facts)}."
        )
    return names


def fill(template: Template, facts: Mapping[str, str | None], joined_by: str = " ") -> str:
    """The text of the lines whose facts are all known and whose conditions all hold, with an empty
    line between two paragraphs."""
    paragraphs: list[list[str]] = [[]]
    for line, names in template:
        if (line, names) == PARAGRAPH:
            paragraphs.append([])
        elif all(facts.get(name) for name in names):
            paragraphs[-1].append(line.format(**facts))
    text = "\n\n".join(joined_by.join(lines) for lines in paragraphs if lines)
    return re.sub(r" *\n *", "\n", text)


def files_sha256(folder: Path) -> str:
    """One digest of the names and contents of all text files below a folder; without any file,
    always the same."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.txt")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
