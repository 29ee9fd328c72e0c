"""The mapping file: which file's rows are facts of which table, and which column says what.
docs/mapping.md."""

from __future__ import annotations

from collections.abc import Mapping as Names
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BeforeValidator, Field, field_validator, model_validator

from features.tables import TABLES
from pipeline.settings.toml_model import TomlSection, load_toml
from pipeline.sources.instants import EARLIEST

NAME = "mapping.toml"
# what a mapping says in the source's own money; ingest converts it
MONEY: Names[str, Names[str, str]] = {
    "orders": {"total": "total_usd", "shipping": "shipping_usd"},
    "order_lines": {
        "unit_price": "unit_price_usd",
        "line_total": "unit_price_usd",
        "shipping": "shipping_usd",
    },
    "disputes": {"amount": "amount_usd"},
}
# what is no column of the table, but helps to fill one
BESIDE: Names[str, tuple[str, ...]] = {
    "orders": ("service",),
    "order_lines": ("title",),
    "products": ("supplier",),
}
REQUIRED: Names[str, tuple[str, ...]] = {
    "orders": ("order_id", "occurred_at"),
    "order_lines": ("order_id", "product_id"),
    "products": ("product_id",),
    "promises": ("order_id", "kind", "promised_at"),
    "order_events": ("order_id", "event", "occurred_at"),
    "shipments": ("order_id", "occurred_at"),
    "tracking": ("order_id", "status", "occurred_at"),
    "disputes": ("order_id", "step", "occurred_at"),
    "messages": ("order_id", "sender", "occurred_at"),
    "contacts": ("order_id", "occurred_at"),
    "reviews": ("order_id", "score", "occurred_at"),
}


def allowed(table: str) -> tuple[str, ...]:
    """What may be told of a table: its columns, those in USD by their names in the source's
    money."""
    money = MONEY.get(table, {})
    own = [
        column.name
        for column in TABLES[table].columns
        if column.name not in {*money.values(), "total_source"}
    ]
    return (*own, *money, *BESIDE.get(table, ()))


def zone_name(name: str | None) -> str | None:
    try:
        if name is not None:
            # polars knows a few names less
            pl.select(pl.lit(EARLIEST).dt.replace_time_zone(ZoneInfo(name).key))
        return name
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError):
        raise ValueError("is not a time zone; write it like Asia/Shanghai") from None


def _many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_many)]


class Cell(TomlSection):
    """Where a value comes from. `column`: the first of these columns that is filled."""

    column: Several = ()
    value: str | None = Field(default=None, description="the same for every row")
    default: str | None = Field(default=None, description="where the cell is empty")
    words: dict[str, str] = Field(
        default={}, description="the file's word -> ours (empty: no fact); case does not matter"
    )
    otherwise: str | None = Field(
        default=None, description="for a word in none of `words`; without it: refused"
    )
    strip: str = Field(default="", description="leave this out at the start")
    plus: Several = Field(default=(), description="numbers: add these columns")
    minus: Several = Field(default=(), description="numbers: subtract these columns")
    plus_days: float = Field(default=0.0, ge=-3650, le=3650, description="times: so much later")
    format: Several = Field(default=(), description="times: as strptime writes it")
    zone: str | None = Field(default=None, description="times: whose, where the text has no offset")

    @field_validator("format")
    @classmethod
    def _is_format(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            try:
                shown = pl.Series([EARLIEST]).dt.replace_time_zone("UTC").dt.strftime(form)[0]
                if form != "epoch" and shown == form:
                    raise ValueError(
                        f"{form!r} names no part of a time; write it like %d/%m/%Y %H:%M, or epoch"
                    )
            except pl.exceptions.PolarsError:
                raise ValueError(
                    f"{form!r} is no format of times; write it like %d/%m/%Y %H:%M, or epoch"
                ) from None
        return formats

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, name: str | None) -> str | None:
        return zone_name(name)

    @model_validator(mode="after")
    def _says_something(self) -> Cell:
        if not self.column and self.value is None:
            raise ValueError('says neither column nor value; write it like {column = "Created at"}')
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.column, *self.plus, *self.minus)


def _cell(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | list) else value


class Fact(TomlSection):
    """Rows of files that are facts of one table."""

    table: str
    file: str = Field(min_length=1, description="a name, or a pattern like orders-*.csv")
    per: Several = Field(
        default=(),
        description="rows with the same of these are one fact; the first filled cells count",
    )
    where: dict[str, Several] = Field(
        default={}, description="only rows with one of these values in that column"
    )
    known_after_hours: float = Field(
        default=0.0, ge=0, description="so long after it happened you could have known it"
    )
    columns: dict[str, Annotated[Cell, BeforeValidator(_cell)]]

    @field_validator("table")
    @classmethod
    def _is_table(cls, name: str) -> str:
        if name not in TABLES:
            raise ValueError(f"{name!r} is no table; allowed: {', '.join(TABLES)}")
        return name

    @model_validator(mode="after")
    def _fits_the_table(self) -> Fact:
        may = allowed(self.table)
        if strange := [name for name in self.columns if name not in may]:
            raise ValueError(f"{self.table} has no {', '.join(strange)}; allowed: {', '.join(may)}")
        if missing := [name for name in REQUIRED[self.table] if name not in self.columns]:
            raise ValueError(f"{self.table} needs {', '.join(missing)} among its columns")
        return self


class Store(TomlSection):
    name: str = Field(default="store", min_length=1)
    zone: str = Field(description="a day of the contact list is a day in this zone")
    currency: str = Field(default="USD", description="of amounts without a currency of their own")
    times_in: str | None = Field(
        default=None, description="the zone of times without offset; default: zone"
    )
    decimal: Literal[".", ","] = "."
    country: str = Field(
        default="unknown", description="where the parcels go, if the files do not say"
    )

    @field_validator("zone", "times_in")
    @classmethod
    def _is_zone(cls, name: str | None) -> str | None:
        return zone_name(name)


class FileForm(TomlSection):
    """How files are to be read, where that is not seen from them."""

    file: str = Field(min_length=1)
    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | None = None


class Mapping(TomlSection):
    store: Store
    fact: tuple[Fact, ...] = Field(min_length=1)
    form: tuple[FileForm, ...] = ()
    causes: dict[str, Literal["not_received", "not_as_described", "other", "unknown"]] = Field(
        default={}, description="the reasons of disputes in your words -> the cause"
    )

    @model_validator(mode="after")
    def _has_orders(self) -> Mapping:
        if all(fact.table != "orders" for fact in self.fact):
            raise ValueError('no [[fact]] has table = "orders"; nothing works without orders')
        return self


def load_mapping(path: Path) -> Mapping:
    """Raises `BadInput` that names the place in the file."""
    missing = f"make map RAW={path.parent} proposes one; or name yours: MAPPING=file.toml"
    return load_toml(path, Mapping, missing=missing, shown_in="docs/mapping.md")
