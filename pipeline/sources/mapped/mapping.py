"""The mapping file: which files hold the facts of which table, and which of their columns hold what
(docs/reference/mapping.md)."""

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
# amounts that a mapping gives in the money of the source, and the columns in USD that they fill
MONEY: Names[str, Names[str, str]] = {
    "orders": {"total": "total_usd", "shipping": "shipping_usd"},
    "order_lines": {
        "unit_price": "unit_price_usd",
        "line_total": "unit_price_usd",
        "shipping": "shipping_usd",
    },
    "disputes": {"amount": "amount_usd"},
}
# not columns of the table, but used to fill one
HELPER_COLUMNS: Names[str, tuple[str, ...]] = {
    "orders": ("service",),
    "order_lines": ("title",),
    "products": ("supplier",),
    # becomes line_id if exactly one line of the order, or lines of one supplier, have the product
    "disputes": ("product_id",),
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
    """The columns that a mapping may give for a table. Amounts have their names in the money of the
    source instead of those in USD."""
    money = MONEY.get(table, {})
    own = [
        column.name
        for column in TABLES[table].columns
        if column.name not in {*money.values(), "total_source"}
    ]
    return (*own, *money, *HELPER_COLUMNS.get(table, ()))


def zone_name(name: str | None) -> str | None:
    """The name, if it is a time zone or None. Raises `ValueError` otherwise."""
    try:
        if name is not None:
            # polars supports fewer names than zoneinfo
            pl.select(pl.lit(EARLIEST).dt.replace_time_zone(ZoneInfo(name).key))
        return name
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError):
        raise ValueError("is not a time zone; write it like Asia/Shanghai") from None


def _many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# each column and format is a step of the calculation, so thousands of them would take hours
Several = Annotated[tuple[str, ...], Field(max_length=100), BeforeValidator(_many)]
Values = Annotated[tuple[str, ...], Field(max_length=100_000), BeforeValidator(_many)]
MOST_FACTS = 200
MOST_HOURS = 87_600


class Cell(TomlSection):
    """Where a value comes from. `column`: several columns; the first filled one counts."""

    column: Several = ()
    value: str | None = Field(default=None, description="the same value for every row")
    default: str | None = Field(default=None, description="the value where the cell is empty")
    words: dict[str, str] = Field(
        default={},
        description="word of the file -> our word (empty: no fact); case does not matter",
    )
    otherwise: str | None = Field(
        default=None, description="for any other word; without it such a row is refused"
    )
    strip: str = Field(default="", description="remove this at the start of the text")
    plus: Several = Field(default=(), description="numbers: add these columns")
    minus: Several = Field(default=(), description="numbers: subtract these columns")
    rows: Literal["first", "sum"] | None = Field(
        default=None,
        description="total, shipping: one amount per row is added up, or the first counts",
    )
    plus_days: float = Field(default=0.0, ge=-3650, le=3650, description="times: add these days")
    format: Several = Field(default=(), description="times: formats of strptime")
    zone: str | None = Field(default=None, description="times: the zone if the text has no offset")

    @field_validator("format")
    @classmethod
    def _is_format(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            try:
                shown = pl.Series([EARLIEST]).dt.replace_time_zone("UTC").dt.strftime(form)[0]
                if form != "epoch" and shown == form:
                    raise ValueError(
                        f"{form!r} has no time fields; write it like %d/%m/%Y %H:%M, or epoch"
                    )
            except pl.exceptions.PolarsError:
                raise ValueError(
                    f"{form!r} is not a time format; write it like %d/%m/%Y %H:%M, or epoch"
                ) from None
        return formats

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, name: str | None) -> str | None:
        return zone_name(name)

    @model_validator(mode="after")
    def _has_a_source(self) -> Cell:
        if not self.column and self.value is None:
            raise ValueError('has neither column nor value; write it like {column = "Created at"}')
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the file that the cell uses."""
        return (*self.column, *self.plus, *self.minus)


def _cell(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | list) else value


class Fact(TomlSection):
    """Rows of files that are facts of one table."""

    table: str
    file: str = Field(min_length=1, description="a file name, or a pattern like orders-*.csv")
    per: Several = Field(
        default=(),
        description="rows with equal values in these columns are one fact; the first filled cell "
        "of each column counts",
    )
    where: dict[str, Values] = Field(
        default={}, description="only rows with one of these values in that column"
    )
    known_after_hours: float = Field(
        default=0.0,
        ge=0,
        le=MOST_HOURS,
        description="hours from the event until you could have known of it",
    )
    columns: dict[str, Annotated[Cell, BeforeValidator(_cell)]]

    @field_validator("per")
    @classmethod
    def _names_each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names {', '.join(repeated)} twice")
        return names

    @field_validator("table")
    @classmethod
    def _is_table(cls, name: str) -> str:
        if name not in TABLES:
            raise ValueError(f"{name!r} is not a table; allowed: {', '.join(TABLES)}")
        return name

    @model_validator(mode="after")
    def _fits_the_table(self) -> Fact:
        names = allowed(self.table)
        if unknown := [name for name in self.columns if name not in names]:
            raise ValueError(
                f"{self.table} has no column {', '.join(unknown)}; allowed: {', '.join(names)}"
            )
        if missing := [name for name in REQUIRED[self.table] if name not in self.columns]:
            raise ValueError(f"{self.table} needs {', '.join(missing)} among its columns")
        for name, cell in self.columns.items():
            if cell.rows and (self.table != "orders" or name not in MONEY["orders"]):
                raise ValueError(f"{name} has rows, which only total and shipping of orders have")
        return self


class Store(TomlSection):
    """What holds for the whole store."""

    name: str = Field(default="store", min_length=1)
    zone: str = Field(description="the days of the contact list are days in this zone")
    currency: str = Field(default="USD", description="the currency of amounts without one")
    times_in: str | None = Field(
        default=None, description="the zone of times without an offset; default: zone"
    )
    decimal: Literal[".", ","] = "."
    country: str = Field(
        default="unknown", description="the destination country if the files have none"
    )

    tracking_numbers: bool | None = Field(
        default=None,
        description="shipment_id is the carriers' tracking number; default: if its column says so",
    )

    @field_validator("zone", "times_in")
    @classmethod
    def _is_zone(cls, name: str | None) -> str | None:
        return zone_name(name)


class FileForm(TomlSection):
    """How to read a file, if this cannot be detected."""

    file: str = Field(min_length=1)
    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | None = None


class Mapping(TomlSection):
    """The whole mapping file."""

    store: Store
    fact: tuple[Fact, ...] = Field(min_length=1, max_length=MOST_FACTS)
    form: tuple[FileForm, ...] = Field(default=(), max_length=MOST_FACTS)
    causes: dict[str, Literal["not_received", "not_as_described", "other", "unknown"]] = Field(
        default={}, description="reason of a dispute in the files -> cause"
    )

    @model_validator(mode="after")
    def _has_orders(self) -> Mapping:
        if all(fact.table != "orders" for fact in self.fact):
            raise ValueError('no [[fact]] has table = "orders"; orders are required')
        return self


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises `BadInput` with the position in the file."""
    missing = f"make map RAW={path.parent} proposes one; or use your own: MAPPING=file.toml"
    return load_toml(path, Mapping, missing=missing, shown_in="docs/reference/mapping.md")
