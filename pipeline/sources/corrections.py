"""Rows that a person mended in the quarantine: the corrected text goes before what the source's
file says.

A correction belongs to one row of one file by what the row said, not by its place: it holds when
the file comes again with more rows, and no longer when the source itself mends the row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.output.safe_text import neutral
from pipeline.sources.csv_text import ROW

Record = Mapping[str, Any]


def record_text(record: Record) -> str:
    """The row as the quarantine shows it."""
    return json.dumps(record, ensure_ascii=False, default=str)


def record_ids(texts: Iterable[str]) -> list[str]:
    """What names a row: a hash of its text as it stands in the quarantine, where marks that harm
    are gone."""
    shown = pl.DataFrame({"text": list(texts)}, schema={"text": pl.String}).select(
        text=neutral(pl.col("text"))
    )["text"]
    return [hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16] for text in shown]


@dataclass(frozen=True)
class Corrections:
    """By file, or kind of record: the corrected record by the id of the faulty one."""

    records: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.records.values())

    def apply(self, name: str, table: pl.DataFrame) -> tuple[pl.DataFrame, set[int]]:
        """The rows of the file with their corrections, and which rows these were."""
        mended = self.records.get(name)
        if not mended:
            return table, set()
        rows = table.drop(ROW).to_dicts()
        found = {
            place: mended[key]
            for place, key in enumerate(record_ids(map(record_text, rows)))
            if key in mended
        }
        if not found:
            return table, set()
        for place, record in found.items():
            rows[place] = {column: _cell(record.get(column)) for column in rows[place]}
        fresh = pl.DataFrame(rows, schema=table.drop(ROW).schema, orient="row").insert_column(
            0, table[ROW]
        )
        return fresh, {table[ROW][place] for place in found}

    def one(self, name: str, record: Record) -> Record:
        """The record, or its correction."""
        mended = self.records.get(name)
        return mended.get(record_ids([record_text(record)])[0], record) if mended else record


def _cell(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
