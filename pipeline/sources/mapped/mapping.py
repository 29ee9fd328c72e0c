"""The mapping file: which files hold the facts of which table, and which of their columns hold what
(docs/reference/mapping.md)."""

from __future__ import annotations

from collections.abc import Mapping as Names
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from features.tables import TABLES
from pipeline.settings.toml_model import TomlSection, load_toml
from pipeline.sources.mapped.mapping_cells import Cell, Several, Values, as_cell, zone_name

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
    # product_id becomes line_id if exactly one line of the order, or lines of one supplier, have
    # the product; currency: of the amount, if it may differ from that of the order
    "disputes": ("product_id", "currency"),
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
        if column.name not in {*money.values(), "total_source", "voucher_usd"}
    ]
    return (*own, *money, *HELPER_COLUMNS.get(table, ()))


MOST_FACTS = 200
MOST_HOURS = 87_600


class Join(TomlSection):
    """Columns of another file, added to the rows of a fact's file."""

    file: Several = Field(
        min_length=1, description="a file name, or a pattern like payments-*.csv, or several"
    )
    match: dict[str, str] = Field(
        min_length=1, description="column of this file -> column of the other file, equal in both"
    )
    columns: dict[str, str] = Field(
        min_length=1, description="name of the new column -> column of the other file"
    )
    strip: str = Field(default="", description="remove this at the start of the matched texts")


class Packed(TomlSection):
    """Several items in one cell, such as `name:Mug|quantity:2;name:Tee|quantity:1`. Each item
    becomes a row; its fields become columns, with `prefix` before their names."""

    column: Several = Field(min_length=1, description="# is a number: line_item_#")
    items: str = Field(default=";", description="between the items of a cell; empty: one item")
    fields: str = Field(default="|", min_length=1, description="between the fields of an item")
    value: str = Field(default=":", min_length=1, description="between the name and the value")
    prefix: str = Field(default="item ", min_length=1)


class Fact(TomlSection):
    """Rows of files that are facts of one table."""

    table: str
    file: Several = Field(
        min_length=1, description="a file name, or a pattern like orders-*.csv, or several"
    )
    per: Several = Field(
        default=(),
        description="rows with equal values in these columns are one fact; the first filled cell "
        "of each column counts",
    )
    where: dict[str, Values] = Field(
        default={},
        description="only rows with one of these values in that column; * is any filled cell",
    )
    where_not: dict[str, Values] = Field(
        default={}, description="not the rows with one of these values in that column"
    )
    decimal: Literal[".", ","] | None = Field(
        default=None, description="the decimal sign of this file; default: that of the store"
    )
    known_after_hours: float = Field(
        default=0.0,
        ge=0,
        le=MOST_HOURS,
        description="hours from the event until you could have known of it",
    )
    join: tuple[Join, ...] = Field(
        default=(), description="columns of other files, such as the order of a payment"
    )
    packed: Packed | None = None
    numbered: dict[str, str] = Field(
        default={},
        description="new column -> columns with a number for #, such as Item # SKU: one row per "
        "number",
    )
    columns: dict[str, Annotated[Cell, BeforeValidator(as_cell)]]

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
        if self.packed and self.numbered:
            raise ValueError("has both packed and numbered; use one of them")
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
