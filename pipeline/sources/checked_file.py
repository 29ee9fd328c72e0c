"""Read one CSV file and check it: every row is either kept or goes to quarantine with a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl

from pipeline.settings.errors import BadInput
from pipeline.sources.corrections import quarantined
from pipeline.sources.csv_text import ROW, read_bytes, table_of_bytes
from pipeline.sources.instants import instant
from pipeline.sources.reading.long_ids import TOO_LONG, is_too_long
from pipeline.sources.reading.repeated_keys import repeated_rows
from pipeline.sources.reading.rounded_ids import NO_ID, ROUNDED, is_error, is_rounded, may_be_wrong
from pipeline.sources.source_context import SourceContext

# of an order whose total is the sum of its lines
INCOMPLETE = "a row of the same order is damaged, so what the order adds up to is not known"


@dataclass
class CheckedFile:
    """The rows of one file and their faults.

    `rows` has text columns until `number` or `instant` parses them; `source` is the text as read,
    or reads it again once a row is refused. Column `ROW` is the row number in a spreadsheet, where
    the header is row 1. `good_rows` leaves out rows with a fault. `table` names the canonical table
    if each row of the file is one row of that table. `sha256`: of the bytes, if they are at hand.
    """

    name: str
    rows: pl.DataFrame
    source: pl.DataFrame | Callable[[], pl.DataFrame]
    faults: list[pl.DataFrame] = field(default_factory=list)
    cascaded: list[pl.DataFrame] = field(default_factory=list)
    table: str | None = None
    sha256: str | None = None

    def reject(
        self, is_bad: pl.Expr, column: str, reason: str, *, is_cascade: bool = False
    ) -> None:
        """Quarantine the rows where `is_bad` is true.

        `is_cascade`: the fault is in a row of another file, not in this row.
        """
        bad = self.rows.select(ROW, is_bad=is_bad.fill_null(False)).filter("is_bad")
        if bad.is_empty():
            return
        faults = bad.select(ROW, column=pl.lit(column), reason=pl.lit(reason))
        (self.cascaded if is_cascade else self.faults).append(faults)

    def reject_rows(self, faults: pl.DataFrame) -> None:
        """Quarantine rows that failed a check elsewhere: `ROW, column, reason, is_cascade`."""
        for is_cascade, kept in ((False, self.faults), (True, self.cascaded)):
            rejected = faults.filter(is_cascade=is_cascade)
            if rejected.height:
                kept.append(rejected.select(ROW, "column", "reason"))

    def require(self, *columns: str) -> None:
        """Reject rows where one of the columns is empty."""
        for column in columns:
            self.reject(pl.col(column).is_null(), column, "empty; a value is required")

    def unique(self, *key: str) -> None:
        """Reject repeated keys, and keep the first row without any other fault.

        Call this after all other checks.
        """
        repeated = repeated_rows(self.good_rows(), key)[ROW]
        is_repeated = pl.col(ROW).is_in(repeated.implode())
        self.reject(
            is_repeated, key[-1], f"duplicate key ({', '.join(key)}); the first good row is kept"
        )

    def refuse_wrong_ids(self, *columns: str) -> None:
        """Reject ids that a spreadsheet has rounded, its errors in place of ids, and texts too long
        for an id."""
        for column in columns:
            ids = self.rows[column]
            if may_be_wrong(ids):
                for reason, is_bad in self.rounding(ids).items():
                    self.reject(pl.lit(is_bad), column, reason)
                self.reject(pl.lit(is_error(ids)), column, NO_ID)
            self.reject(pl.lit(is_too_long(ids)), column, TOO_LONG)

    def rounding(self, ids: pl.Series) -> dict[str, pl.Series]:
        """By reason, whether each of `ids`, a column of `rows`, was rounded."""
        return {ROUNDED: is_rounded(ids)}

    def choose(self, column: str, choices: Sequence[str]) -> None:
        """Reject values that are not in `choices`."""
        self.reject(
            ~pl.col(column).is_in(choices), column, f"unknown value; allowed: {', '.join(choices)}"
        )

    def number(
        self, column: str, *, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        """Parse a column of decimal numbers and check its range. Empty cells stay null."""
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
        """Parse a column of times into UTC. Empty cells stay null.

        Times without an offset are local to `zone`. `has_offsets` and `has_epochs` are described
        at `instants.instant`.
        """
        value = instant(pl.col(column), zone, has_offsets=has_offsets, has_epochs=has_epochs)
        self._parse(column, value, "not a date and time; write it like 2026-05-03 14:00:00")

    def not_before(self, later: str, earlier: str, reason: str) -> None:
        """Reject rows where the time in `later` is before the time in `earlier`."""
        self.reject(pl.col(later) < pl.col(earlier), later, reason)

    def refers_to(self, column: str, ids: pl.Series, rejected: pl.Series, entity: str) -> None:
        """Reject ids that are not in `ids`; an id in `rejected` counts as a cascade."""
        is_rejected = pl.col(column).is_in(rejected.implode())
        is_unknown = pl.col(column).is_not_null() & ~pl.col(column).is_in(ids.implode())
        self.reject(
            is_unknown & is_rejected, column, f"its {entity} is in quarantine", is_cascade=True
        )
        self.reject(is_unknown & ~is_rejected, column, f"unknown {entity}")

    def _parse(self, column: str, value: pl.Expr, reason: str) -> None:
        parsed = self.rows.with_columns(value.alias(column))
        is_bad = parsed[column].is_null() & self.rows[column].is_not_null()
        self.reject(pl.lit(is_bad), column, reason)
        self.rows = parsed

    def good_rows(self) -> pl.DataFrame:
        """The rows without a fault, in file order."""
        if not (self.faults or self.cascaded):
            return self.rows
        return self.rows.join(self.bad_rows(), on=ROW, how="anti", maintain_order="left")

    def rejected(self, column: str) -> pl.Series:
        """The values of `column` in rejected rows, without nulls."""
        return self.rows.join(self.bad_rows(), on=ROW, how="semi")[column].drop_nulls()

    def bad_rows(self) -> pl.DataFrame:
        """`ROW` of each fault; a row with several faults occurs several times."""
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
        """Share of the file's rows with a fault of their own, in [0, 1]; cascades do not count."""
        rows = {row for fault in self.faults for row in fault[ROW]}
        return len(rows) / max(self.rows.height, 1)

    def text(self) -> pl.DataFrame:
        """All rows as read. Raises `BadInput` if the file was changed since."""
        return self.source if isinstance(self.source, pl.DataFrame) else self.source()

    def quarantine(self) -> pl.DataFrame:
        """One row per fault: `file, row, column, value, reason, record, record_id`.

        `record` is the whole source row as JSON.
        """
        empty = pl.DataFrame(schema={ROW: pl.Int64, "column": pl.String, "reason": pl.String})
        faults = pl.concat([empty, *self.faults, *self.cascaded]).sort(ROW, maintain_order=True)
        if faults.is_empty():
            return quarantined(self.name, faults, [])
        rows = (
            faults.select(ROW)
            .join(self.text(), on=ROW, how="left", maintain_order="left")
            .drop(ROW)
        )
        return quarantined(self.name, faults, rows.to_dicts())


def open_checked(
    context: SourceContext, name: str, columns: Sequence[str], *, optional: Sequence[str] = ()
) -> CheckedFile:
    """Read a CSV file in the context's folder as text, with its corrections applied.

    Absent `optional` columns are added as null; columns that are not listed are ignored. Raises
    `BadInput` if the file cannot be read or one of `columns` is missing. Rows are rejected if an
    id, a column that ends in `_id`, was rounded by a spreadsheet or is too long.
    """
    path = context.folder / name
    data = read_bytes(path)
    table, undecodable = table_of_bytes(name, data)
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise BadInput(
            f"{name}: column {', '.join(missing)} is missing. "
            f"Found: {', '.join(table.columns[1:])}. Add the column, or rename an existing one. "
            "The tables already loaded are unchanged."
        )
    table, corrected = context.corrections.apply(name, table)
    absent = [
        pl.lit(None, pl.String).alias(column) for column in optional if column not in table.columns
    ]
    kept = table.with_columns(absent).select(ROW, *columns, *optional)
    digest = hashlib.sha256(data).hexdigest()
    source = table if corrected else partial(_read_again, path, digest)
    checked = CheckedFile(name, kept, source, sha256=digest)
    for row, column, reason in undecodable:
        if row not in corrected:
            checked.faults.append(
                pl.DataFrame({ROW: [row], "column": [column], "reason": [reason]})
            )
    checked.refuse_wrong_ids(*[name for name in kept.columns if name.endswith("_id")])
    return checked


def _read_again(path: Path, sha256: str) -> pl.DataFrame:
    """The text of a file that was not kept in memory: most files have no row that needs it."""
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BadInput(
            f"{path.name}: was changed while it was loaded. Load the files again; the tables "
            "already loaded are unchanged."
        )
    return table_of_bytes(path.name, data)[0]
