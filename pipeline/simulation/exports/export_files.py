"""Read the raw files of a simulated store and write files of answers; shared by all exports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

Answer = dict[str, Any]
ZONE = "America/Los_Angeles"


def read_raw(raw: Path, name: str) -> pl.DataFrame:
    """A table of the store as it is in its file: all cells are text."""
    return pl.read_csv(raw / f"{name}.csv", infer_schema=False)


def taken_at(raw: Path) -> str:
    """The end of the last day with facts in the store, in the form used in names of dumps."""
    latest = (
        pl.scan_csv(path, infer_schema=False).select(pl.col("known_at").max()).collect().item()
        for path in raw.glob("*.csv")
    )
    return f"{max(str(known_at or '') for known_at in latest)[:10]}T2359"


def write_lines(path: Path, answers: Iterable[Answer]) -> None:
    """Write one answer per line, each as soon as it is made."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(answer, ensure_ascii=False)}\n" for answer in answers)


def utc(column: str) -> pl.Expr:
    """A time of the store's files as a datetime in UTC, without a time zone."""
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms")


def local(column: str) -> pl.Expr:
    """A time of the store's files as the platform writes it: in California, without an offset."""
    at = pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    return at.dt.convert_time_zone(ZONE).dt.strftime("%Y-%m-%d %H:%M:%S")


def first(frame: pl.DataFrame, name: str, column: str = "occurred_at") -> pl.DataFrame:
    """The earliest `column` of each order as local time: `order_id` and the column `name`."""
    return (
        frame.sort(column)
        .group_by("order_id", maintain_order=True)
        .agg(local(column).first().alias(name))
    )
