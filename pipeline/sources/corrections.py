"""Corrections that a person made in the quarantine; they override the text in the source's files.

A correction belongs to one row of one file by the row's content, not by its position. So it still
applies when the file comes again with more rows, and no longer applies once the source itself
fixes the row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pipeline.output.safe_text import neutral
from pipeline.sources.csv_text import ROW

Record = Mapping[str, Any]


def record_text(record: Record) -> str:
    """The row as the JSON text that the quarantine shows."""
    return json.dumps(record, ensure_ascii=False, default=str)


def record_ids(texts: Iterable[str]) -> list[str]:
    """One id per row: a hash of its text as the quarantine shows it, without harmful characters."""
    shown = pl.DataFrame({"text": list(texts)}, schema={"text": pl.String}).select(
        text=neutral(pl.col("text"))
    )["text"]
    return [hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16] for text in shown]


def quarantined(name: str, faults: pl.DataFrame, records: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """`faults` with their source records, in the columns of the quarantine.

    `faults` has one row per fault (`ROW, column, reason`); `records` has its source row at the
    same position.
    """
    values = [record.get(column) for record, column in zip(records, faults["column"], strict=True)]
    texts = [record_text(record) for record in records]
    return pl.DataFrame(
        {
            "file": [name] * faults.height,
            "row": faults[ROW],
            "column": faults["column"],
            "value": [None if value is None else str(value) for value in values],
            "reason": faults["reason"],
            "record": texts,
            "record_id": record_ids(texts),
        },
        schema={
            "file": pl.String,
            "row": pl.Int64,
            "column": pl.String,
            "value": pl.String,
            "reason": pl.String,
            "record": pl.String,
            "record_id": pl.String,
        },
    )


@dataclass(frozen=True)
class Corrections:
    """By file (or kind of record), the corrected record for each id of a faulty record."""

    records: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.records.values())

    def apply(self, name: str, table: pl.DataFrame) -> tuple[pl.DataFrame, set[int]]:
        """Return the file's rows with corrections applied, and the `ROW` of each corrected row."""
        corrected = self.records.get(name)
        if not corrected:
            return table, set()
        rows = table.drop(ROW).to_dicts()
        changed = {
            index: corrected[key]
            for index, key in enumerate(record_ids(map(record_text, rows)))
            if key in corrected
        }
        if not changed:
            return table, set()
        for index, record in changed.items():
            rows[index] = {column: _cell(record.get(column)) for column in rows[index]}
        fresh = pl.DataFrame(rows, schema=table.drop(ROW).schema, orient="row").insert_column(
            0, table[ROW]
        )
        return fresh, {table[ROW][index] for index in changed}

    def one(self, name: str, record: Record) -> Record:
        """Return the record's correction, or the record itself if it has none."""
        corrected = self.records.get(name)
        if not corrected:
            return record
        return corrected.get(record_ids([record_text(record)])[0], record)


def _cell(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
