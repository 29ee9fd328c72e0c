"""A TOML file that a person writes, as a checked model; what is wrong is told by its place in the
file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.settings.errors import BadInput


class TomlSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Model = TypeVar("Model", bound=BaseModel)


def load_toml(path: Path, model: type[Model], *, missing: str, shown_in: str) -> Model:
    """`missing`: what to do where the file is not; `shown_in`: the document that says what may
    stand in it.

    Raises `BadInput` that names the place in the file.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file. {missing}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise BadInput(f"{path}: is not TOML ({error}). {shown_in} shows one.") from None
    try:
        return model(**told)
    except ValidationError as error:
        faults = "; ".join(f"{_place(each['loc'], told)}: {each['msg']}" for each in error.errors())
        raise BadInput(f"{path}: {faults}. {shown_in} says what may stand there.") from None


def _place(where: tuple[int | str, ...], told: dict[str, Any]) -> str:
    """`[[fact]] 2 (orders).columns.total` of what pydantic calls fact.1.columns.total."""
    names = list(map(str, where))
    if len(where) > 1 and isinstance(where[1], int):
        part = told[str(where[0])][where[1]]
        name = (part.get("table") or part.get("name")) if isinstance(part, dict) else None
        of = f" ({name})" if isinstance(name, str) else ""
        names[:2] = [f"[[{where[0]}]] {where[1] + 1}{of}"]
    return ".".join(names)
