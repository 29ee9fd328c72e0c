"""SOURCE=aliexpress: a folder of dumps of the Open Platform's answers, night after night
(docs/sources.md)."""

from __future__ import annotations

from functools import partial

import polars as pl

from features.tables import TABLES
from pipeline.sources.aliexpress import record_tables
from pipeline.sources.aliexpress.dispute_records import dispute_frame
from pipeline.sources.aliexpress.dumps import LIABILITY, PRODUCTS, read_dumps
from pipeline.sources.aliexpress.order_records import Known, after_placing, happenings, order_frames
from pipeline.sources.aliexpress.order_sheet import FROM_SHEET, KNOWN
from pipeline.sources.aliexpress.record_checks import Rows, Unread, check, good
from pipeline.sources.aliexpress.seen_rows import joined, keep, recall
from pipeline.sources.checked_file import CheckedFile, open_checked
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import Checked, StoreData


def read_aliexpress(context: SourceContext) -> StoreData:
    """The canonical tables of all dumps so far: those in the folder and those that were loaded
    before."""
    state = context.state / "aliexpress" if context.state else None
    old, loaded = recall(state)
    new = read_dumps(context.folder, loaded, context.settings.export_zone)
    frames, dumps = joined(old, new), {**loaded, **new.dumps}
    files = check(frames, context.settings, context.usd_per)
    sheet, liability, beside = _sheets(context)
    rows = _without_twins(good(files))
    parcels = rows[record_tables.PARCELS]
    tables, unknown = _canonical(rows, context, sheet, liability)
    unread = Unread(frames[record_tables.UNREAD])
    every: list[Checked] = [*files, unread, *beside]
    notes = [f"{len(new.dumps):,} new dumps, {len(loaded):,} loaded before"]
    if new.empty:
        notes.append(f"{new.empty:,} answers say that the platform found nothing")
    said = (
        rows[record_tables.ORDERS]
        .filter(~pl.col("status").is_in(KNOWN))["status"]
        .value_counts(sort=True, name="n")
    )
    if said.height:
        words = ", ".join(f"{word!r} {count:,}" for word, count in said.head(5).rows())
        notes.append(f"statuses of orders that are in no list, kept as they are: {words}")
    if unknown:
        notes.append(
            f"{unknown:,} disputes with a reason that is in no list: their cause is unknown"
        )
    return StoreData(
        tables,
        context.settings.store_zone,
        False,
        every,
        input_sha256=dumps,
        keep=partial(keep, state, frames, dumps) if state else None,
        notes=tuple(notes),
        numbers=parcels.filter(pl.col("number").is_not_null()).select("number", "order_id"),
        is_known_late=True,
    )


def _without_twins(rows: Rows) -> Rows:
    """A line that a sheet tells of an order counts where no dump tells its lines."""
    lines = rows[record_tables.LINES]
    is_sheet = pl.col("line_id").str.starts_with(FROM_SHEET)
    told = lines.filter(~is_sheet)["order_id"].unique()
    return {
        **rows,
        record_tables.LINES: lines.filter(~(is_sheet & pl.col("order_id").is_in(told.implode()))),
    }


def _canonical(
    rows: Rows, context: SourceContext, sheet: pl.DataFrame, liability: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], int]:
    rows = {
        **rows,
        record_tables.ORDERS: after_placing(
            rows[record_tables.ORDERS], context.settings.platform_zone
        ),
    }
    known = Known.of(rows, context.settings)
    disputes, unknown = dispute_frame(rows, known, context.usd_per, liability)
    made = {
        **order_frames(rows, known, context.usd_per, sheet),
        **happenings(rows, known),
        "disputes": disputes,
    }
    return {name: _shaped(name, frame) for name, frame in made.items()}, unknown


def _shaped(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The table's columns, those that a source has not being empty."""
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
    """What a seller may put beside the dumps, by hand: each is checked as any other file."""
    empty = pl.DataFrame(
        schema={
            "product_id": pl.String,
            "category": pl.String,
            "supplier_id": pl.String,
            "weight_g": pl.Float64,
        }
    )
    files = []
    if (context.folder / PRODUCTS).exists():
        file = open_checked(
            context, PRODUCTS, ("product_id",), optional=("category", "supplier_id", "weight_g")
        )
        file.require("product_id")
        file.number("weight_g", minimum=0.0)
        file.unique("product_id")
        files.append(file)
        empty = file.good_rows().select(*empty.columns)
    liability = pl.DataFrame(schema={"order_id": pl.String, "liable": pl.String})
    if (context.folder / LIABILITY).exists():
        file = open_checked(context, LIABILITY, ("order_id", "liable"))
        file.require("order_id", "liable")
        file.choose("liable", ("seller", "buyer"))
        file.unique("order_id")
        files.append(file)
        liability = file.good_rows().select(*liability.columns)
    return empty, liability, files
