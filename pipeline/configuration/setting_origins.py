"""The value of every setting of a workspace, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.configuration.setting_list import ANY_NAME, Section, Setting, entry_model, sections
from pipeline.settings.config import TUNED, load_config
from pipeline.settings.delivery.delivery_section import SecretSource
from pipeline.settings.errors import BadInput
from pipeline.settings.toml_model import read_toml

CONFIG, DEFAULT = "config.toml", "default"
# the one section of tuned.toml that config.toml completes key by key; it replaces all others
MERGED = "booster"


@dataclass(frozen=True)
class EffectiveSetting:
    """A setting as a run uses it. `key` is its path: `decide.capacity`; `origin` is `default` or
    the name of a file."""

    key: str
    value: str
    origin: str


def effective_settings(workspace: Path) -> list[EffectiveSetting]:
    """Every setting of the workspace, in the order of the program.

    Raises `BadInput` if the files of the settings are not usable.
    """
    config = load_config(workspace)
    files = {
        name: read_toml(workspace / name) for name in (CONFIG, TUNED) if (workspace / name).exists()
    }
    return [
        EffectiveSetting(".".join(path), value, _origin(path, files))
        for path, value in _leaves((), config)
    ]


def explained(key: str) -> tuple[Section, Setting]:
    """The setting called `key`, with its section; a name that the user gave stands for any.

    Raises `BadInput` for a key that does not exist, with those that look like it.
    """
    known = {
        f"{section.path}.{setting.name}".lstrip("."): (section, setting)
        for section in sections()
        for setting in section.settings
    }
    for name, answer in known.items():
        if _is_same(key.split("."), name.split(".")):
            return answer
    within = [name for name in known if name.startswith(f"{key}.")]
    close = within or get_close_matches(key, known, n=3, cutoff=0.5)
    close = close or [name for name in known if name.split(".")[-1] == key.split(".")[-1]]
    hint = f"Did you mean {', '.join(close[:12])}?" if close else "config show lists all settings."
    raise BadInput(f"there is no setting {key!r:.100}. {hint}")


def _is_same(given: list[str], known: list[str]) -> bool:
    return len(given) == len(known) and all(
        part in (name, ANY_NAME) if name != ANY_NAME else bool(part)
        for part, name in zip(given, known, strict=True)
    )


def _leaves(path: tuple[str, ...], section: BaseModel) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, field in type(section).model_fields.items():
        value, here = getattr(section, name), (*path, name)
        if isinstance(value, BaseModel) and not isinstance(value, SecretSource):
            yield from _leaves(here, value)
        elif entry_model(field):
            for entry, inner in value.items():
                yield from _leaves((*here, entry), inner)
        else:
            yield here, shown(value)


def shown(value: object) -> str:
    """A value as text; a secret is shown as where it is, never by itself."""
    if isinstance(value, SecretSource):
        return f"(secret: in {value})"
    if value is None:
        return "(empty)"
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _origin(path: tuple[str, ...], files: Mapping[str, Mapping[str, Any]]) -> str:
    is_replaced = path[0] in files.get(CONFIG, {}) and path[0] != MERGED
    for name in (CONFIG,) if is_replaced else (CONFIG, TUNED):
        if _has(files.get(name, {}), path):
            return name
    return DEFAULT


def _has(content: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(content, Mapping) or part not in content:
            return False
        content = content[part]
    return True
