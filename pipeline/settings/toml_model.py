"""Reads a TOML file that a person wrote into a checked model; errors name the entry in the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.settings.errors import BadInput


class TomlSection(BaseModel):
    """One section of such a file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Model = TypeVar("Model", bound=BaseModel)


def load_toml(path: Path, model: type[Model], *, missing: str, shown_in: str) -> Model:
    """Read the file into `model`.

    `missing`: what to do if the file does not exist; `shown_in`: the document that explains it.

    Raises `BadInput` with the faulty entries.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file. {missing}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise BadInput(
            f"{path}: this is not TOML ({error}). {shown_in} shows an example."
        ) from None
    try:
        return model(**content)
    except ValidationError as error:
        faults = "; ".join(f"{_entry(e['loc'], content)}: {e['msg']}" for e in error.errors())
        raise BadInput(f"{path}: {faults}. {shown_in} explains what is allowed.") from None


def _entry(location: tuple[int | str, ...], content: dict[str, Any]) -> str:
    """`[[fact]] 2 (orders).columns.total` for what pydantic calls fact.1.columns.total."""
    names = list(map(str, location))
    if len(location) > 1 and isinstance(location[1], int):
        part = content[str(location[0])][location[1]]
        name = (part.get("table") or part.get("name")) if isinstance(part, dict) else None
        suffix = f" ({name})" if isinstance(name, str) else ""
        names[:2] = [f"[[{location[0]}]] {location[1] + 1}{suffix}"]
    return ".".join(names)
