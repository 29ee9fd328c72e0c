"""Convert the values from database drivers to text columns, as in any other file. The mapping says
what they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from pipeline.sources.reading.rounded_ids import LARGEST_EXACT
from pipeline.sources.sheets import as_text

PLAIN = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64, date: pl.Date}


def text_columns(names: Sequence[str], rows: Sequence[Sequence[object]]) -> pl.DataFrame:
    """One row per row, one `String` column per name. Empty texts are null."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    frame = pl.DataFrame(
        [_column(name, values) for name, values in zip(names, columns, strict=True)]
    )
    filled = pl.col(pl.String)
    return frame.with_columns(pl.when(filled.str.len_bytes() > 0).then(filled))


def _column(name: str, values: Sequence[object]) -> pl.Series:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pl.Series(name, values, pl.String)
    kind = kinds.pop() if len(kinds) == 1 else object
    dtype = _dtype(kind, values)
    if dtype is not None:
        try:
            series = pl.Series(name, values, dtype)
            return series.to_frame().select(as_text(pl.col(name), dtype))[name]
        except (pl.exceptions.PolarsError, OverflowError, TypeError, ValueError):
            pass  # a number is too large or a time out of range: convert value by value
    return pl.Series(name, [None if value is None else _text(value) for value in values], pl.String)


def _dtype(kind: type, values: Sequence[object]) -> pl.DataType | None:
    if kind is datetime:
        first = next(value for value in values if isinstance(value, datetime))
        return pl.Datetime("us", "UTC" if first.tzinfo else None)
    plain = PLAIN.get(kind)
    return plain() if plain else None


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return (
            value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if value.tzinfo else str(value)
        )
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        # a larger number is not exact, and must not look like an exact id
        return f"{value:.0f}" if abs(value) <= LARGEST_EXACT else f"{value:e}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    # replace lone surrogates, which no file can hold
    return str(value).encode(errors="replace").decode()
