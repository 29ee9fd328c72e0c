"""Every setting of `config.toml` with its default, its bounds and its meaning.

The reference page and `config explain` say the same, because both read it from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.settings.config import Config

# in a key, for the name that the user gives to an entry: deliver.email.NAME.to
ANY_NAME = "NAME"


@dataclass(frozen=True)
class Setting:
    """One setting. `allowed` and `meaning` may be empty."""

    name: str
    default: str
    allowed: str
    meaning: str


@dataclass(frozen=True)
class Section:
    """One section of config.toml; `path` is empty for the top level."""

    path: str
    about: str
    settings: tuple[Setting, ...]


def sections(path: str = "", model: type[BaseModel] = Config) -> Iterator[Section]:
    """The sections in the order of the program, each before the sections inside it."""
    settings, inner_sections = [], []
    for name, field in model.model_fields.items():
        entry = entry_model(field)
        inner: Any = entry or field.annotation
        # a required model is one value of its section, such as where a secret is
        is_model = isinstance(inner, type) and issubclass(inner, BaseModel)
        if is_model and not field.is_required():
            suffix = f"{ANY_NAME}." if entry else ""
            inner_sections += list(sections(f"{path}{name}.{suffix}", inner))
        else:
            meaning = field.description or ""
            settings.append(Setting(name, str(default_of(field)), bounds_of(field), meaning))
    about = "" if not path else " ".join((model.__doc__ or "").split())
    yield Section(path[:-1], about, tuple(settings))
    yield from inner_sections


def entry_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of the entries of a setting whose keys the user names, such as deliver.email."""
    entry: Any = get_args(field.annotation)[1] if get_origin(field.annotation) is dict else None
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) else None


def default_of(field: FieldInfo) -> object:
    """The default as text for people: a text in quotes."""
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=True)
    return "(empty)" if value is None else repr(value) if isinstance(value, str) else value


def bounds_of(field: FieldInfo) -> str:
    """The bounds of a number or the choices of a text, as they are checked."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in signs.items()
        if getattr(rule, name, None) is not None
    ]
    choices = getattr(field.annotation, "__args__", ())
    if not bounds and choices and all(isinstance(choice, str) for choice in choices):
        return ", ".join(f"`{choice}`" for choice in choices)
    return ", ".join(bounds)
