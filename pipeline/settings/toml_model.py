"""Reads a TOML file that a person wrote into a checked model; errors name the entry in the file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import require_regular

MOST_BYTES = 2_000_000
# a name of 64 parts, like a.b.c: reading it takes the square of their number
_LONG_NAME = re.compile(r"(?<![\w-])(?:[\w-]{1,100}[ \t]?\.[ \t]?){64}")
# characters of the faults of one file that are shown
MOST_SHOWN = 2_000


class TomlSection(BaseModel):
    """One section of such a file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, advice: str = "") -> dict[str, Any]:
    """The content of a TOML file.

    Raises `BadInput` for a file that cannot be read, that is not TOML, or whose tables are nested
    too deeply.
    """
    require_regular(path)
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise BadInput(
                f"{path}: has {size:,} bytes; such a file has at most {MOST_BYTES:,}.{advice}"
            )
        text = path.read_text(encoding="utf-8-sig")
        if _LONG_NAME.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).{advice}") from None
    except RecursionError:
        raise BadInput(f"{path}: its values are nested too deeply.{advice}") from None
    except ValueError as error:
        # also a number with more digits than Python reads
        raise BadInput(f"{path}: this is not TOML ({error}).{advice}") from None


def faults_of(error: ValidationError) -> str:
    """The faulty keys with what is allowed and what came, each cut to one short line. What came in
    `[deliver]` or `[pull]` is not shown: it may be a secret that belongs elsewhere."""
    return "; ".join(
        f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
        + ("" if e["loc"][:1] in (("deliver",), ("pull",)) else f" (got {e['input']!r:.100})")
        for e in error.errors()
    )[:MOST_SHOWN]


def load_toml(path: Path, model: type[Model], *, missing: str, shown_in: str) -> Model:
    """Read the file into `model`.

    `missing`: what to do if the file does not exist; `shown_in`: the document that explains it.

    Raises `BadInput` with the faulty entries.
    """
    if not path.exists():
        raise BadInput(f"{path}: no such file. {missing}")
    content = read_toml(path, f" {shown_in} shows an example.")
    try:
        return model(**content)
    except ValidationError as error:
        faults = "; ".join(f"{_entry(e['loc'], content)}: {e['msg']}" for e in error.errors())
        shown = faults[:MOST_SHOWN]
        raise BadInput(f"{path}: {shown}. {shown_in} explains what is allowed.") from None


def _entry(location: tuple[int | str, ...], content: dict[str, Any]) -> str:
    """`[[fact]] 2 (orders).columns.total` for what pydantic calls fact.1.columns.total."""
    names = list(map(str, location))
    if len(location) > 1 and isinstance(location[1], int):
        part = content[str(location[0])][location[1]]
        name = (part.get("table") or part.get("name")) if isinstance(part, dict) else None
        suffix = f" ({name})" if isinstance(name, str) else ""
        names[:2] = [f"[[{location[0]}]] {location[1] + 1}{suffix}"]
    return ".".join(names)
