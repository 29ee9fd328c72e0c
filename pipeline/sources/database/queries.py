"""The file database.toml: which database, and which queries (docs/reference/database-toml.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.settings.toml_model import TomlSection, load_toml
from pipeline.sources.mapped.mapping_cells import Several

NAME = "database.toml"
KINDS = ("postgresql", "mysql", "mariadb", "sqlite")
PASSWORDS = ("password", "passwd", "sslpassword")
OVERLAP_HOURS, OVERLAP_NUMBERS = 24.0, 10_000


def _sql(text: object) -> object:
    return text.strip().rstrip(";").rstrip() if isinstance(text, str) else text


class Query(TomlSection):
    """A query; its answer becomes the file `<name>.parquet`."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$",
        description="the name of the file with its answer",
    )
    sql: Annotated[str, BeforeValidator(_sql)] = Field(min_length=1)
    watermark: str | None = Field(
        default=None,
        description="a column that grows with every change of a row: a time or a number",
    )
    key: Several = Field(
        default=(), description="the columns that identify a row; the newest row of each key counts"
    )
    overlap: float | None = Field(
        default=None,
        ge=0,
        description="how far before the last watermark to read again: hours, or numbers",
    )

    @model_validator(mode="after")
    def _has_both(self) -> Query:
        if (self.watermark is None) != (not self.key):
            raise ValueError(
                "watermark and key go together; without both, the whole answer is read each time"
            )
        return self


class Database(TomlSection):
    """The address of the database and the queries to run there."""

    url: str | None = Field(
        default=None,
        description="without a password; default: the environment variable DATABASE_URL",
    )
    query: tuple[Query, ...] = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def _is_without_password(cls, text: str | None) -> str | None:
        if text is None:
            return None
        url = parse_url(text)
        if url.password is not None or any(name.lower() in PASSWORDS for name in url.query):
            raise ValueError(
                "contains a password, which must not be in a file. Remove it, and set the "
                "environment variable DATABASE_PASSWORD, or see docs/reference/database-toml.md"
            )
        return text

    @field_validator("query")
    @classmethod
    def _have_different_names(cls, queries: tuple[Query, ...]) -> tuple[Query, ...]:
        names = [query.name.lower() for query in queries]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two queries are named {', '.join(sorted(repeated))}")
        return queries


def parse_url(text: str) -> URL:
    """The address of a database. Raises `ValueError` with a message that does not repeat the text,
    which may contain a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(
            "is not the address of a database; write it like postgresql://reader@host/shop"
        ) from None
    if url.drivername not in KINDS:
        shown = re.sub(r"[^\w+]", "?", url.drivername)[:40]
        raise ValueError(f"{shown} is not a supported database; allowed: {', '.join(KINDS)}")
    return url


def load_database(folder: Path) -> Database:
    """Read the `database.toml` of a folder. Raises `BadInput` with the position in the file."""
    return load_toml(
        folder / NAME,
        Database,
        missing="docs/reference/database-toml.md shows how to write it",
        shown_in="docs/reference/database-toml.md",
    )
