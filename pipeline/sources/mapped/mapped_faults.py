"""Facts of a mapping that break the contract, and the rows of the files rejected for it."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.contract import find_faults
from pipeline.sources.csv_text import ROW
from pipeline.sources.enforce_contract import FILE
from pipeline.sources.mapped.incomplete_orders import (
    IS_OF_LINES,
    reject_incomplete,
    with_refused_line,
)
from pipeline.sources.mapped.order_amounts import FIRST
from pipeline.sources.row_contract import INDEX

# the tables without some rows (`FILE`, `ROW`), and how many of their facts are in several files
TablesWithout = Callable[[pl.DataFrame], tuple[dict[str, pl.DataFrame], int]]
SAME_ORDER = "another row of the same order is in quarantine"


def without_faults(
    tables_without: TablesWithout,
    files: dict[str, CheckedFile],
    members: pl.DataFrame,
    columns: dict[str, dict[str, str]],
) -> tuple[dict[str, pl.DataFrame], int, pl.Series]:
    """The frames without the rows that break the contract, how many facts were in several files,
    and the ids of the orders with a refused line. The row of the file goes to quarantine, with all
    facts made from it; another file's row of the same fact then counts.
    """
    by_name = {file.name: file for file in files.values()}
    members = members.filter(pl.col(ROW) != pl.col(FIRST)).unique()
    bad = _reject_members(by_name, members)
    frames, count_repeated = tables_without(bad)
    while True:
        while reject_incomplete(by_name, frames, bad):
            bad = _reject_members(by_name, members)
        bad_indices = {name: _bad_indices(frame, bad) for name, frame in frames.items()}
        incomplete = with_refused_line(frames["order_lines"], bad)
        faults = find_faults(frames, bad_indices, incomplete)
        if not faults:
            good = {
                name: frame.join(bad, on=[FILE, ROW], how="anti", maintain_order="left")
                for name, frame in frames.items()
            }
            good["orders"] = good["orders"].drop(IS_OF_LINES)
            return _without_unsold(good), count_repeated, incomplete
        file_faults = pl.concat(
            [_with_file_rows(name, frames[name], rows) for name, rows in faults.items()]
        )
        # a row with a fault of its own is not reported again for what follows from that fault
        own = file_faults.filter(~pl.col("is_cascade")).select(FILE, ROW)
        is_repeated = pl.struct(FILE, ROW).is_in(own.to_struct().implode())
        file_faults = file_faults.filter(~pl.col("is_cascade") | ~is_repeated)
        for (file,), part in file_faults.group_by(FILE, maintain_order=True):
            table_column = pl.concat_str("table", pl.lit("."), "column")
            names = table_column.replace_strict(
                columns.get(str(file), {}), default=pl.col("column")
            )
            by_name[str(file)].reject_rows(part.with_columns(column=names))
        bad = _reject_members(by_name, members)
        if count_repeated:
            frames, count_repeated = tables_without(bad)


def _without_unsold(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The frames without the products that were made for lines which are now refused."""
    sold = frames["order_lines"]["product_id"].implode()
    is_kept = pl.col(ROW).is_not_null() | pl.col("product_id").is_in(sold)
    return {**frames, "products": frames["products"].filter(is_kept)}


def _reject_members(by_name: dict[str, CheckedFile], members: pl.DataFrame) -> pl.DataFrame:
    """Rows that form one fact are rejected together. Returns `FILE, ROW` of all rejected rows."""
    bad = pl.concat(
        [
            file.bad_rows().unique().select(pl.lit(file.name).alias(FILE), ROW)
            for file in by_name.values()
        ]
    )
    others = members.join(bad, left_on=[FILE, FIRST], right_on=[FILE, ROW], how="semi")
    others = others.join(bad, on=[FILE, ROW], how="anti").unique([FILE, ROW]).sort(FILE, ROW)
    for (file,), part in others.group_by(FILE, maintain_order=True):
        column = pl.lit(by_name[str(file)].rows.columns[1])
        by_name[str(file)].cascaded.append(
            part.select(ROW, column=column, reason=pl.lit(SAME_ORDER))
        )
    return pl.concat([bad, others.select(FILE, ROW)])


def _with_file_rows(name: str, frame: pl.DataFrame, faults: pl.DataFrame) -> pl.DataFrame:
    """The faults of a table with the `FILE` and `ROW` of the faulty rows."""
    rows = frame[faults[INDEX]].select(FILE, ROW)
    located = pl.concat([rows, faults.drop(INDEX)], how="horizontal")
    located = located.with_columns(table=pl.lit(name))
    if located[FILE].has_nulls():
        raise ValueError(
            f"{name}: a row that comes from no file breaks the contract: "
            f"{located.filter(pl.col(FILE).is_null())}"
        )
    return located


def _bad_indices(frame: pl.DataFrame, bad: pl.DataFrame) -> pl.Series:
    """The positions in `frame` of the rejected rows."""
    rows = frame.select(FILE, ROW).with_row_index(INDEX).cast({INDEX: pl.Int64})
    return rows.join(bad, on=[FILE, ROW], how="semi")[INDEX]
