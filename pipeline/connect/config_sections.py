"""Change one section of config.toml, and keep everything else as a person wrote it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.settings.toml_model import faults_of, read_toml
from pipeline.workspace.workspace import write_whole


def changed_config(path: Path, sections: Mapping[tuple[str, ...], Mapping[str, Any]]) -> str:
    """The text of config.toml with these values in its sections; a value of None removes the key.

    Every other setting and every comment stays. The text is read again before it is returned: the
    library that keeps the comments misplaces some tables that are out of order. Raises `BadInput`
    if the file cannot be changed, or would no longer be allowed.
    """
    path = path.resolve()
    content = read_toml(path) if path.exists() else {}
    # as it is, with the ends of lines of another system
    text = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    for section, values in sections.items():
        wanted = _merged(content, section, values)
        made = (_edited(text, section, values), _appended(text, section, values))
        fitting = next((t for t in made if t is not None and _parsed(t) == wanted), None)
        if fitting is None:
            raise BadInput(
                f"{path}: the section [{'.'.join(section)}] cannot be written into this file "
                "without changing the rest of it. Add these lines by hand: "
                f"{_lines(section, values)!r}"
            )
        text, content = fitting, wanted
    _require_allowed(path, content)
    return text


def write_config(path: Path, text: str) -> None:
    """Replace config.toml, whole. A link stays a link."""
    write_whole(path.resolve(), text)


def _merged(
    content: Mapping[str, Any], section: Sequence[str], values: Mapping[str, Any]
) -> dict[str, Any]:
    merged = deepcopy(dict(content))
    part = merged
    for name in section:
        part = part.setdefault(name, {})
        if not isinstance(part, dict):
            raise BadInput(f"config.toml: {name} must be a table, written as [{'.'.join(section)}]")
    for key, value in values.items():
        part.pop(key, None)
        if value is not None:
            part[key] = dict(value) if isinstance(value, Mapping) else value
    return merged


def _edited(text: str, section: Sequence[str], values: Mapping[str, Any]) -> str | None:
    """The text, changed in place."""
    with suppress(TOMLKitError, ValueError, TypeError, AttributeError):
        document = tomlkit.parse(text)
        part: Any = document
        for depth, name in enumerate(section, 1):
            if name not in part:
                # a table that only holds tables needs no header of its own
                part.append(name, tomlkit.table(is_super_table=depth < len(section)))
            part = part[name]
        for key, value in values.items():
            if value is None:
                part.pop(key, None)
            elif part.get(key) != value:
                part[key] = _toml_value(value)
        return tomlkit.dumps(document)
    return None


def _toml_value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline


def _appended(text: str, section: Sequence[str], values: Mapping[str, Any]) -> str:
    """The text with a new section at its end."""
    gap = "\n" if text and not text.endswith("\n") else ""
    return f"{text}{gap}\n{_lines(section, values)}"


def _lines(section: Sequence[str], values: Mapping[str, Any]) -> str:
    lines = [f"[{'.'.join(section)}]"]
    for key, value in values.items():
        if isinstance(value, Mapping):
            ((name, inner),) = value.items()
            lines.append(f"{key} = {{ {name} = {json.dumps(inner, ensure_ascii=False)} }}")
        elif value is not None:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _require_allowed(path: Path, content: Mapping[str, Any]) -> None:
    try:
        Config.model_validate(content)
    except ValidationError as error:
        raise BadInput(f"{path}: {faults_of(error)}. Nothing was changed.") from None
