"""SOURCE=aliexpress: nightly dumps of the Open Platform's answers in a folder
(docs/reference/aliexpress-fields.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from features.tables import TABLES
from pipeline.sources.aliexpress.dispute_records import dispute_frame
from pipeline.sources.aliexpress.dumps import LIABILITY, PRODUCTS, DumpFrames, read_dumps
from pipeline.sources.aliexpress.order_records import KnownAtRule, after_placing, order_frames
from pipeline.sources.aliexpress.order_sheet import SHEET_LINE_PREFIX
from pipeline.sources.aliexpress.order_timeline import timeline_frames
from pipeline.sources.aliexpress.record_checks import Rows, Unread, check, good
from pipeline.sources.aliexpress.record_columns import LINES, ORDERS, PARCELS, UNREAD
from pipeline.sources.aliexpress.seen_rows import joined, keep, recall, with_compacted
from pipeline.sources.aliexpress.sheet_vocabulary import PLATFORM_STATUSES
from pipeline.sources.checked_file import CheckedFile, open_checked
from pipeline.sources.erasure.erased_rows import erase_rows
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import Checked, StoreData


def read_aliexpress(context: SourceContext) -> StoreData:
    """Read the canonical tables from all dumps: those in the folder and those loaded earlier.

    Raises `BadInput` if the folder has no dump, or a file or the state cannot be read.
    """
    state = context.state / "aliexpress" if context.state else None
    old, loaded = recall(state)
    new = read_dumps(context.folder, loaded, context.settings.export_zone)
    new = with_compacted(new, context.folder, loaded)
    frames, dumps = erase_rows(joined(old, new), context.erased), {**loaded, **new.dumps}
    checked_rows = check(frames, context.settings, context.usd_per)
    catalogue, liability, sheets = _sheets(context)
    rows = _without_sheet_lines(good(checked_rows))
    tables, count_unknown = _canonical(rows, context, catalogue, liability)
    files: list[Checked] = [*checked_rows, Unread(frames[UNREAD]), *sheets]
    parcels = rows[PARCELS]
    return StoreData(
        tables,
        context.settings.store_zone,
        False,
        files,
        input_sha256=dumps,
        keep=partial(keep, state, frames, dumps, context.erased) if state else None,
        notes=tuple(_notes(new, len(loaded), rows, count_unknown)),
        numbers=parcels.filter(pl.col("number").is_not_null()).select("number", "order_id"),
        is_known_late=True,
        tracking_numbers=True,
    )


def _notes(new: DumpFrames, count_loaded: int, rows: Rows, count_unknown: int) -> Iterator[str]:
    """Yield the notes for the user about what was read."""
    yield f"{len(new.dumps):,} new dumps, {count_loaded:,} loaded before"
    if new.count_empty:
        yield f"{new.count_empty:,} empty answers: the platform found nothing"
    unlisted = (
        rows[ORDERS]
        .filter(~pl.col("status").is_in(PLATFORM_STATUSES))["status"]
        .value_counts(sort=True, name="n")
    )
    if unlisted.height:
        counts = ", ".join(f"{status!r} {count:,}" for status, count in unlisted.head(5).rows())
        yield f"unknown order statuses, kept unchanged: {counts}"
    if count_unknown:
        yield f"{count_unknown:,} disputes with an unknown reason: their cause is unknown"


def _without_sheet_lines(rows: Rows) -> Rows:
    """Drop the lines from order sheets of orders whose lines are in a dump."""
    lines = rows[LINES]
    is_sheet = pl.col("line_id").str.starts_with(SHEET_LINE_PREFIX)
    in_dumps = lines.filter(~is_sheet)["order_id"].unique()
    is_dropped = is_sheet & pl.col("order_id").is_in(in_dumps.implode())
    return {**rows, LINES: lines.filter(~is_dropped)}


def _canonical(
    rows: Rows, context: SourceContext, catalogue: pl.DataFrame, liability: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], int]:
    """Return the canonical tables, and the number of disputes with an unknown cause."""
    rows = {**rows, ORDERS: after_placing(rows[ORDERS], context.settings.platform_zone)}
    rule = KnownAtRule.of(rows, context.settings)
    disputes, count_unknown = dispute_frame(rows, rule, context.usd_per, liability)
    frames = {
        **order_frames(rows, rule, context.usd_per, catalogue),
        **timeline_frames(rows, rule),
        "disputes": disputes,
    }
    return {name: _shaped(name, frame) for name, frame in frames.items()}, count_unknown


def _shaped(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the table's columns; absent ones are null."""
    schema = TABLES[name].schema
    absent = [
        pl.lit(None, kind).alias(column)
        for column, kind in schema.items()
        if column not in frame.columns
    ]
    return frame.with_columns(absent).select(
        pl.col(column).cast(kind) for column, kind in schema.items()
    )


def _sheets(context: SourceContext) -> tuple[pl.DataFrame, pl.DataFrame, list[CheckedFile]]:
    """Read the optional files next to the dumps: the product catalogue, and who was liable.

    Returns both frames and the checked files.
    """
    catalogue = pl.DataFrame(
        schema={
            "product_id": pl.String,
            "category": pl.String,
            "supplier_id": pl.String,
            "weight_g": pl.Float64,
        }
    )
    files = []
    if _is_given(context.folder / PRODUCTS):
        file = open_checked(
            context, PRODUCTS, ("product_id",), optional=("category", "supplier_id", "weight_g")
        )
        file.require("product_id")
        file.number("weight_g", minimum=0.0)
        file.unique("product_id")
        files.append(file)
        catalogue = file.good_rows().select(*catalogue.columns)
    liability = pl.DataFrame(schema={"order_id": pl.String, "liable": pl.String})
    if _is_given(context.folder / LIABILITY):
        file = open_checked(context, LIABILITY, ("order_id", "liable"))
        file.require("order_id", "liable")
        file.choose("liable", ("seller", "buyer"))
        file.unique("order_id")
        files.append(file)
        liability = file.good_rows().select(*liability.columns)
    return catalogue, liability, files


def _is_given(path: Path) -> bool:
    """Whether there is such a file, or a link to one that is gone, which reading it will refuse."""
    return path.exists() or path.is_symlink()
