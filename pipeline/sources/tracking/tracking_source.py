"""Add the scans of tracking providers to the orders of any source, joined by tracking number.

A scan is known from when the first file that contains it was written or fetched, or its webhook was
sent. It is known from when it happened, plus `sources.tracking_delay_hours`, if the source's own
facts are known as they happened, or with the setting `history = "as_it_happened"`. The delay is
there because providers ask carriers only a few times a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from features.tables import TABLES
from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import regular_files
from pipeline.sources.aliexpress.answer_fields import NESTED
from pipeline.sources.corrections import quarantined
from pipeline.sources.csv_text import ROW
from pipeline.sources.erased_ids import NUMBER, ErasedIds
from pipeline.sources.instants import instant
from pipeline.sources.phrases import status_of
from pipeline.sources.reading.long_ids import TOO_LONG, is_too_long
from pipeline.sources.reading.rounded_ids import rounding_faults
from pipeline.sources.sheets import ENDS
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.scan_times import with_times
from pipeline.sources.tracking.tracking_rows import FILE, FOLDER, RECORD, SEEN, read_rows

BODIES = (".json", ".jsonl", ".ndjson", ".gz")
NO_ORDER = "no order has this tracking number"
# carriers reuse numbers after some months: a scan before the order belongs to another parcel
TOO_EARLY = "happened before its order was placed"


@dataclass(frozen=True)
class TrackingFiles:
    """All rows of the folder, and the faults with their `column` and `reason`.

    The reasons in `passed` are expected and do not count as faults.
    """

    rows: pl.DataFrame
    faults: pl.DataFrame
    name: str = "tracking-files.csv"
    passed: tuple[str, ...] = (NO_ORDER, TOO_EARLY)

    @property
    def count_rows(self) -> int:
        return self.rows.height

    @property
    def fault_share(self) -> float:
        """Share of faulty scans; other stores' parcels and records without a scan do not count."""
        own = self.faults.filter(
            ~pl.col("reason").is_in(self.passed) & (pl.col("column") != "record")
        )
        return own.height / max(self.rows.height, 1)

    def quarantine(self) -> pl.DataFrame:
        """One row per fault; `row` is the row of a sheet, or the position of the scan in a file."""
        rejected = quarantined(
            self.name,
            self.faults.select(ROW, "column", "reason"),
            [{"record": text} for text in self.faults[RECORD]],
        )
        return rejected.with_columns(file=self.faults[FILE])


def tracking_folder(context: SourceContext) -> Path | None:
    """The folder with the tracking provider's files, if there is one.

    Raises `BadInput` if the folder that the user named does not exist.
    """
    folder = context.side_files.tracking
    if folder is not None and not folder.is_dir():
        raise BadInput(
            f"{folder}: is not a folder. "
            "TRACKING names the folder with the tracking provider's files."
        )
    subfolder = context.folder / FOLDER
    return folder or (subfolder if subfolder.is_dir() else None)


def tracking_files(folder: Path) -> list[Path]:
    """The files that may hold scans, in the folder and its subfolders, sorted by path."""
    candidates = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in (*BODIES, *ENDS) and not path.name.startswith((".", "~$"))
    )
    return sorted(regular_files(candidates))


def with_tracking(data: StoreData, context: SourceContext) -> StoreData:
    """Return the data with the scans of the context's tracking folder, if it has one.

    `data` must already meet the contract.
    """
    folder = tracking_folder(context)
    if folder is None:
        return data
    paths = tracking_files(folder)
    read = read_rows(folder, paths)
    numbers = _numbers(data, context.erased)
    scans, faults = _checked(read.rows, numbers, data.frames["orders"], context)
    good = _facts(scans, context, data.is_known_late)
    before = data.frames.get("tracking", TABLES["tracking"].empty()).select(
        *TABLES["tracking"].schema
    )
    joined = pl.concat([before, good]).unique("scan_id", keep="first", maintain_order=True)
    notes = [
        f"tracking: {read.rows.height:,} scans in {len(paths):,} files, "
        f"{good.height:,} of them for known orders"
    ]
    if read.unknown_statuses:
        most = sorted(read.unknown_statuses.items(), key=lambda item: -item[1])[:5]
        counts = ", ".join(f"{status!r} {count:,}" for status, count in most)
        notes.append(f"tracking: unknown statuses, kept as InTransit: {counts}")
    return replace(
        data,
        frames={**data.frames, "tracking": joined},
        files=[*data.files, TrackingFiles(read.rows, faults)],
        notes=(*data.notes, *notes),
    )


def _numbers(data: StoreData, erased: ErasedIds) -> pl.DataFrame:
    """The source's tracking numbers in upper case: `number, parcel_order_id, parcel`. Those of
    forgotten buyers are replaced, as they are in the scans.

    `parcel` is the number as the source writes it, which is also the shipment's id.
    """
    parts = [pl.DataFrame(schema={"number": pl.String, "order_id": pl.String})]
    if data.numbers is not None:
        parts.append(data.numbers.select("number", "order_id"))
    for name in ("shipments", "tracking"):
        if name in data.frames:
            parts.append(
                data.frames[name].select(pl.col("shipment_id").alias("number"), "order_id")
            )
    numbers = pl.concat(parts).drop_nulls().rename({"order_id": "parcel_order_id"})
    numbers = numbers.with_columns(
        number=pl.col("number").str.strip_chars().str.to_uppercase(), parcel="number"
    )
    replaced = _replaced(numbers["number"], erased)
    numbers = numbers.with_columns(pl.col("number").replace(replaced))
    return numbers.unique("number", keep="first", maintain_order=True)


def _replaced(numbers: pl.Series, erased: ErasedIds) -> dict[str, str]:
    """What replaces the numbers of forgotten buyers, in upper case as the numbers."""
    return {number: other.upper() for number, other in erased.mapping(NUMBER, numbers).items()}


def _checked(
    rows: pl.DataFrame, numbers: pl.DataFrame, orders: pl.DataFrame, context: SourceContext
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the scans of known orders, and one fault for each other row."""
    replaced = _replaced(rows["number"].str.strip_chars().str.to_uppercase(), context.erased)
    rows = _joined(rows, numbers, orders, context.settings.tracking_zone, replaced)
    rows = rows.with_columns(wrong_id=_wrong_numbers(rows["number"], rows[FILE]))
    number, wrong_id = pl.col("number"), pl.col("wrong_id")
    checks: Mapping[str, tuple[pl.Expr, pl.Expr]] = {
        "record": (pl.col("fault") != "", pl.col("fault")),
        "number": (
            number.is_null() | number.str.starts_with(NESTED) | wrong_id.is_not_null(),
            wrong_id.fill_null("no tracking number"),
        ),
        "scanned_at": (pl.col("occurred_at").is_null(), pl.lit("no date and time of the scan")),
        "status": (pl.col("status").is_null(), pl.lit("no status")),
        "order_id": (pl.col("placed_at").is_null(), pl.lit(NO_ORDER)),
        "occurred_at": (pl.col("occurred_at") < pl.col("placed_at"), pl.lit(TOO_EARLY)),
    }
    none = pl.lit(None, pl.String)
    column = pl.coalesce(
        *[pl.when(is_bad).then(pl.lit(name)) for name, (is_bad, _) in checks.items()], none
    )
    reason = pl.coalesce(*[pl.when(is_bad).then(text) for is_bad, text in checks.values()], none)
    rows = rows.with_columns(column=column, reason=reason)
    faults = rows.filter(pl.col("reason").is_not_null()).select(
        FILE, ROW, "column", "reason", RECORD
    )
    return rows.filter(pl.col("reason").is_null()), faults


def _wrong_numbers(numbers: pl.Series, files: pl.Series) -> pl.Series:
    """Why each tracking number is refused as rounded or too long; null if it is not."""
    too_long = pl.when(is_too_long(numbers)).then(pl.lit(TOO_LONG))
    return pl.select(pl.coalesce(rounding_faults(numbers, files), too_long)).to_series()


def _joined(
    rows: pl.DataFrame,
    numbers: pl.DataFrame,
    orders: pl.DataFrame,
    zone: str,
    replaced: Mapping[str, str],
) -> pl.DataFrame:
    """The rows with parsed times, the order they belong to, and a status from their words.

    `replaced`: numbers of forgotten buyers, as the source's own parcels have them now.
    """
    sent = instant(pl.col("seen_at"), "UTC", has_offsets=True, has_epochs=True)
    rows = (
        with_times(rows, zone)
        .with_columns(
            sent=sent,
            number=pl.col("number").str.strip_chars().str.to_uppercase(),
            order_ref=pl.col("order_ref").str.strip_chars(),
        )
        .with_columns(pl.col("number").replace(replaced))
        .join(numbers, on="number", how="left", maintain_order="left")
    )
    is_order = pl.col("order_ref").is_in(orders["order_id"].implode())
    order_id = pl.coalesce("parcel_order_id", pl.when(is_order).then("order_ref"))
    placed = orders.select("order_id", placed_at="occurred_at")
    rows = rows.with_columns(order_id=order_id).join(
        placed, on="order_id", how="left", maintain_order="left"
    )
    status, sub_status = status_of(pl.col("words"))
    has_only_words = (
        pl.col("status_text").is_null()
        & pl.col("sub_status_text").is_null()
        & pl.col("words").is_not_null()
    )
    return rows.with_columns(
        status=pl.when(has_only_words).then(status).otherwise("status"),
        sub_status=pl.when(has_only_words).then(sub_status).otherwise("sub_status"),
    )


def _facts(scans: pl.DataFrame, context: SourceContext, is_known_late: bool) -> pl.DataFrame:
    """The rows of the table `tracking`, each scan once, as it was first known."""
    seen = pl.from_epoch(pl.col(SEEN), time_unit="us").dt.replace_time_zone("UTC")
    delay = timedelta(hours=context.settings.tracking_delay_hours)
    as_it_happened = not is_known_late or context.settings.history == "as_it_happened"
    first = pl.max_horizontal(pl.coalesce("sent", seen), "occurred_at")
    known = pl.col("occurred_at") + delay if as_it_happened else first
    if context.settings.history != "as_it_happened":
        # a webhook has the time when it was sent
        known = pl.when(pl.col("sent").is_not_null()).then(first).otherwise(known)
    rows = scans.with_columns(known_at=known).sort("known_at", FILE, ROW, maintain_order=True)
    distinct = rows.unique(
        ["number", "occurred_at", "status", "sub_status"], keep="first", maintain_order=True
    )
    stamp = pl.col("occurred_at").dt.epoch("s").cast(pl.String)
    scan_id = pl.concat_str(
        pl.lit("t"), "number", stamp, "status", pl.col("sub_status").fill_null(""), separator="-"
    )
    shipment_id = pl.coalesce("parcel", "number")
    facts = distinct.with_columns(scan_id=scan_id, shipment_id=shipment_id)
    return facts.select(pl.col(name).cast(kind) for name, kind in TABLES["tracking"].schema.items())
