"""Checked reading of one CSV file: every row ends up either in the result or in quarantine with a
reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.corrections import record_ids, record_text
from pipeline.sources.csv_text import ROW, read_text_table
from pipeline.sources.instants import instant
from pipeline.sources.source_context import SourceContext


@dataclass
class CheckedFile:
    """The rows of one file, as text and as parsed columns, and what is wrong with which of them.

    `rows` keeps the text columns as they came; `parsed` columns are added under their own names.
    `ROW` is the row as a spreadsheet shows it: the header is row 1. A row with a fault leaves with
    `good_rows`. `table`: the canonical table that its rows are, one for one.
    """

    name: str
    rows: pl.DataFrame
    source: pl.DataFrame
    faults: list[pl.DataFrame] = field(default_factory=list)
    cascaded: list[pl.DataFrame] = field(default_factory=list)
    table: str | None = None

    def reject(
        self, is_bad: pl.Expr, column: str, reason: str, *, is_cascade: bool = False
    ) -> None:
        """Quarantine the rows for which `is_bad` is true. A cascade is a fault of another file's
        row, not of this."""
        bad = self.rows.filter(is_bad.fill_null(False)).select(
            pl.col(ROW), column=pl.lit(column), reason=pl.lit(reason)
        )
        (self.cascaded if is_cascade else self.faults).append(bad)

    def reject_rows(self, found: pl.DataFrame) -> None:
        """The same for rows that others found: `ROW, column, reason, is_cascade`."""
        for is_cascade, kept in ((False, self.faults), (True, self.cascaded)):
            kept.append(found.filter(is_cascade=is_cascade).select(ROW, "column", "reason"))

    def require(self, *columns: str) -> None:
        """Every value must be there."""
        for column in columns:
            self.reject(pl.col(column).is_null(), column, "empty; a value is required")

    def unique(self, *key: str) -> None:
        """The key may occur once: the first row that has it and no other fault is kept. So ask this
        last."""
        repeated = self.good_rows().filter(pl.int_range(pl.len()).over(*key) > 0)[ROW]
        is_repeated = pl.col(ROW).is_in(repeated.implode())
        self.reject(
            is_repeated, key[-1], f"duplicate key ({', '.join(key)}); the first good row is kept"
        )

    def choose(self, column: str, choices: Sequence[str]) -> None:
        self.reject(
            ~pl.col(column).is_in(choices), column, f"unknown value; allowed: {', '.join(choices)}"
        )

    def number(
        self, column: str, *, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        """Parse a decimal number; empty stays null."""
        value = pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)
        value = pl.when(value.is_finite()).then(value)
        self._parse(column, value, "not a number; write it like 1234.50")
        if minimum is not None:
            self.reject(
                pl.col(column) < minimum, column, f"below {minimum:g}, the smallest value allowed"
            )
        if maximum is not None:
            self.reject(
                pl.col(column) > maximum, column, f"above {maximum:g}, the largest value allowed"
            )

    def instant(
        self, column: str, zone: str, *, has_offsets: bool = False, has_epochs: bool = False
    ) -> None:
        """Parse a time into UTC; without an offset it is local to `zone`. Empty stays null."""
        value = instant(pl.col(column), zone, has_offsets=has_offsets, has_epochs=has_epochs)
        self._parse(column, value, "not a date and time; write it like 2026-05-03 14:00:00")

    def not_before(self, later: str, earlier: str, words: str) -> None:
        self.reject(pl.col(later) < pl.col(earlier), later, words)

    def known(self, column: str, others: pl.Series, rejected: pl.Series, what: str) -> None:
        """The id must be one of `others`; one that was itself rejected only cascades."""
        is_rejected = pl.col(column).is_in(rejected.implode())
        is_unknown = pl.col(column).is_not_null() & ~pl.col(column).is_in(others.implode())
        self.reject(
            is_unknown & is_rejected, column, f"its {what} is in quarantine", is_cascade=True
        )
        self.reject(is_unknown & ~is_rejected, column, f"unknown {what}")

    def _parse(self, column: str, value: pl.Expr, reason: str) -> None:
        parsed = self.rows.with_columns(value.alias(column))
        is_bad = parsed[column].is_null() & self.rows[column].is_not_null()
        self.reject(pl.lit(is_bad), column, reason)
        self.rows = parsed

    def good_rows(self) -> pl.DataFrame:
        return self.rows.join(self.bad_rows(), on=ROW, how="anti", maintain_order="left")

    def rejected(self, column: str) -> pl.Series:
        """The values of `column` on rejected rows."""
        return self.rows.join(self.bad_rows(), on=ROW, how="semi")[column].drop_nulls()

    def bad_rows(self) -> pl.DataFrame:
        return pl.concat(
            [
                self.rows.select(ROW).clear(),
                *(f.select(ROW) for f in [*self.faults, *self.cascaded]),
            ]
        )

    @property
    def count_rows(self) -> int:
        return self.rows.height

    @property
    def fault_share(self) -> float:
        """Share of the file's rows that are faulty themselves."""
        rows = {row for fault in self.faults for row in fault[ROW]}
        return len(rows) / max(self.rows.height, 1)

    def quarantine(self) -> pl.DataFrame:
        """One row per fault: `file, row, column, value, reason, record` (the whole source row as
        JSON), `record_id`."""
        empty = pl.DataFrame(schema={ROW: pl.Int64, "column": pl.String, "reason": pl.String})
        faults = pl.concat([empty, *self.faults, *self.cascaded]).sort(ROW, maintain_order=True)
        rows = (
            faults.select(ROW)
            .join(self.source, on=ROW, how="left", maintain_order="left")
            .drop(ROW)
        )
        return quarantined(self.name, faults, rows.to_dicts())


def quarantined(name: str, faults: pl.DataFrame, records: Sequence[dict]) -> pl.DataFrame:
    """`faults` (`ROW, column, reason`; a row a fault) beside their source records, as the
    quarantine shows them."""
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


def open_checked(
    context: SourceContext, name: str, columns: Sequence[str], *, optional: Sequence[str] = ()
) -> CheckedFile:
    """Read a file of the context's folder; its `columns` must be there, the `optional` ones are
    added empty, others are ignored."""
    table, undecodable = read_text_table(context.folder / name)
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise BadInput(
            f"{name}: column {', '.join(missing)} is missing. Found: {', '.join(table.columns[1:])}. "
            "Add the column, or name it so. The former tables stay in place."
        )
    table, mended = context.corrections.apply(name, table)
    absent = [
        pl.lit(None, pl.String).alias(column) for column in optional if column not in table.columns
    ]
    kept = table.with_columns(absent).select(ROW, *columns, *optional)
    checked = CheckedFile(name, kept, table)
    for row, column, reason in undecodable:
        if row not in mended:
            checked.faults.append(
                pl.DataFrame({ROW: [row], "column": [column], "reason": [reason]})
            )
    return checked
