"""What a column of a mapping may be: where a value comes from, and how it is read
(docs/reference/mapping.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.settings.toml_model import TomlSection
from pipeline.sources.instants import EARLIEST


def zone_name(name: str | None) -> str | None:
    """The name, if it is a time zone or None. Raises `ValueError` otherwise."""
    try:
        if name is not None:
            # polars supports fewer names than zoneinfo
            pl.select(pl.lit(EARLIEST).dt.replace_time_zone(ZoneInfo(name).key))
        return name
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError):
        raise ValueError("is not a time zone; write it like Asia/Shanghai") from None


def many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# each column and format is a step of the calculation, so thousands of them would take hours
Several = Annotated[tuple[str, ...], Field(max_length=100), BeforeValidator(many)]
Values = Annotated[tuple[str, ...], Field(max_length=100_000), BeforeValidator(many)]


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
    time: Several = Field(
        default=(), description="times: the time of day, if `column` has only the date"
    )
    zone_column: str | None = Field(
        default=None, description="times: the column that names the zone of each row"
    )
    days: str | None = Field(
        default=None, description="times: add the number of days in this column"
    )

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
        others = (name for name in (self.zone_column, self.days) if name is not None)
        return (*self.column, *self.time, *self.plus, *self.minus, *others)


def as_cell(value: Any) -> Any:
    return {"column": value} if isinstance(value, str | list) else value
