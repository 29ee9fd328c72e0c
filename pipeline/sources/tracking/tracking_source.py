"""Scans of tracking providers, joined to the orders of any source by tracking number.

A scan is known since the first file that shows it was written or fetched, or its webhook sent; with
the setting `history = "as_it_happened"`, or a source whose own facts are known as they happened,
what the first files show counts as known when it was scanned (`sources.tracking_delay_hours` later:
providers ask carriers a few times a day).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from features.tables import TABLES
from pipeline.settings.errors import BadInput
from pipeline.sources.aliexpress.answer_shapes import NESTED
from pipeline.sources.aliexpress.dumps import dump_time
from pipeline.sources.checked_file import quarantined
from pipeline.sources.corrections import record_text
from pipeline.sources.csv_text import ROW
from pipeline.sources.instants import instant
from pipeline.sources.json_text import read_pieces
from pipeline.sources.phrases import status_of
from pipeline.sources.sheets import ENDS, read_any_table
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_bodies import COLUMNS, Scan, scans_of, scans_of_table
from pipeline.sources.tracking.tracking_statuses import state_of

FOLDER = "tracking"
BODIES = (".json", ".jsonl", ".ndjson", ".gz")
FILE, SEEN, RECORD = "__file__", "__seen__", "__record__"
KEPT = 20_000
SCHEMA = {
    FILE: pl.String,
    ROW: pl.Int64,
    SEEN: pl.Int64,
    **dict.fromkeys(COLUMNS, pl.String),
    "status": pl.String,
    "sub_status": pl.String,
    RECORD: pl.String,
    "fault": pl.String,
}
NO_ORDER = "no order has this tracking number"
# numbers are used again after some months: what is before the order is another parcel's way
TOO_EARLY = "happened before its order was placed"


@dataclass(frozen=True)
class TrackingFiles:
    """All rows of the folder with `column` and `reason` of what is wrong; `passed`: reasons that
    are no faults."""

    rows: pl.DataFrame
    faults: pl.DataFrame
    name: str = "tracking-files.csv"
    passed: tuple[str, ...] = (NO_ORDER, TOO_EARLY)

    @property
    def count_rows(self) -> int:
        return self.rows.height

    @property
    def fault_share(self) -> float:
        """Parcels of other stores, and what is no scan at all, are no faults of the scans."""
        own = self.faults.filter(
            ~pl.col("reason").is_in(self.passed) & (pl.col("column") != "record")
        )
        return own.height / max(self.rows.height, 1)

    def quarantine(self) -> pl.DataFrame:
        told = quarantined(
            self.name,
            self.faults.select(ROW, "column", "reason"),
            [{"record": text} for text in self.faults[RECORD]],
        )
        return told.with_columns(file=self.faults[FILE])


@dataclass
class _Read:
    rows: list[tuple] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    files: int = 0


def tracking_folder(context: SourceContext) -> Path | None:
    folder = context.side_files.tracking
    if folder is not None and not folder.is_dir():
        raise BadInput(
            f"{folder}: is not a folder. TRACKING names the folder with the tracking provider's files."
        )
    own = context.folder / FOLDER
    return folder or (own if own.is_dir() else None)


def tracking_files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in (*BODIES, *ENDS))
    return sorted(
        path for path in found if path.is_file() and not path.name.startswith((".", "~$"))
    )


def with_tracking(data: StoreData, context: SourceContext) -> StoreData:
    """The data, held to the contract already, with the scans of the context's tracking folder, if it
    has one."""
    folder = tracking_folder(context)
    if folder is None:
        return data
    read = _read_all(folder)
    rows = pl.DataFrame(read.rows, schema=SCHEMA, orient="row")
    scans, faults = _checked(rows, _numbers(data), data.frames["orders"], context)
    files = TrackingFiles(rows, faults)
    good = _facts(scans, context, data.is_known_late)
    before = data.frames.get("tracking", TABLES["tracking"].empty()).select(
        *TABLES["tracking"].schema
    )
    joined = pl.concat([before, good]).unique("scan_id", keep="first", maintain_order=True)
    notes = [
        f"tracking: {rows.height:,} scans in {read.files:,} files, {good.height:,} of them of known orders"
    ]
    if read.unknown:
        most = sorted(read.unknown.items(), key=lambda each: -each[1])[:5]
        said = ", ".join(f"{word!r} {count:,}" for word, count in most)
        notes.append(
            f"tracking: statuses that are in no list are kept as signs of life (InTransit): {said}"
        )
    return replace(
        data,
        frames={**data.frames, "tracking": joined},
        files=[*data.files, files],
        notes=(*data.notes, *notes),
    )


def _read_all(folder: Path) -> _Read:
    read = _Read()
    for path in tracking_files(folder):
        name = f"{FOLDER}/{path.relative_to(folder).as_posix()}"
        read.files += 1
        told = dump_time(path)
        for place, scan in _scans(path):
            read.rows.append(_row(name, place, told, scan, read.unknown))
    return read


def _scans(path: Path) -> Iterator[tuple[int, Scan]]:
    nothing = (None,) * len(COLUMNS)
    if path.suffix.lower() in ENDS:
        try:
            table, damaged = read_any_table(path)
        except BadInput as error:
            yield 1, Scan(nothing, "", str(error))
            return
        broken = {row: reason for row, _, reason in damaged}
        for place, scan in scans_of_table(table):
            yield place, Scan(scan.texts, scan.record, broken.get(place, scan.fault))
        return
    place = 0
    try:
        for piece in read_pieces(path):
            # a large answer comes in parts, the last of which says how the question went
            is_paging = isinstance(piece.value, dict) and piece.path and not piece.value
            for scan in (
                ()
                if is_paging
                else scans_of(piece.value)
                if not piece.fault
                else [Scan(nothing, piece.value, piece.fault)]
            ):
                place += 1
                yield place, scan
    except (OSError, EOFError) as error:
        yield place + 1, Scan(nothing, "", f"cannot be read ({error}); fetch it again")


def _row(name: str, place: int, told: int, scan: Scan, unknown: dict[str, int]) -> tuple:
    fault, state = scan.fault, None
    texts = dict(zip(COLUMNS, scan.texts, strict=True))
    if not fault:
        state = state_of(texts["told_sub"], texts["told"])
        word = texts["told_sub"] or texts["told"]
        if state is None and word and not word.startswith(NESTED):
            unknown[word[:40]] = unknown.get(word[:40], 0) + 1
            state = ("InTransit", None)
    status, sub = state or (None, None)
    record = scan.record if isinstance(scan.record, str) else record_text({"value": scan.record})
    return (name, place, told, *scan.texts, status, sub or texts["told_sub"], record[:KEPT], fault)


def _numbers(data: StoreData) -> pl.DataFrame:
    """`number, of_parcel, parcel`: the source's parcels by their numbers in capitals, their orders,
    their ids."""
    parts = [pl.DataFrame(schema={"number": pl.String, "order_id": pl.String})]
    if data.numbers is not None:
        parts.append(data.numbers.select("number", "order_id"))
    for name in ("shipments", "tracking"):
        if name in data.frames:
            parts.append(
                data.frames[name].select(pl.col("shipment_id").alias("number"), "order_id")
            )
    every = pl.concat(parts).drop_nulls().rename({"order_id": "of_parcel"})
    every = every.with_columns(
        number=pl.col("number").str.strip_chars().str.to_uppercase(), parcel="number"
    )
    return every.unique("number", keep="first", maintain_order=True)


def _checked(
    rows: pl.DataFrame, numbers: pl.DataFrame, orders: pl.DataFrame, context: SourceContext
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The scans of known orders, and what is wrong with the others: one fault a row."""
    zone = context.settings.tracking_zone
    at = instant(pl.col("scanned_at"), zone, has_offsets=True, has_epochs=True)
    sent = instant(pl.col("seen_at"), "UTC", has_offsets=True, has_epochs=True)
    rows = rows.with_columns(
        occurred_at=at,
        sent=sent,
        number=pl.col("number").str.strip_chars().str.to_uppercase(),
        order_ref=pl.col("order_ref").str.strip_chars(),
        place=pl.int_range(pl.len()),
    ).join(numbers, on="number", how="left", maintain_order="left")
    told = pl.when(pl.col("order_ref").is_in(orders["order_id"].implode())).then("order_ref")
    placed = orders.select("order_id", placed_at="occurred_at")
    rows = rows.with_columns(order_id=pl.coalesce("of_parcel", told))
    rows = rows.join(placed, on="order_id", how="left", maintain_order="left")
    status, sub = status_of(pl.col("words"))
    is_said = (
        pl.col("told").is_null() & pl.col("told_sub").is_null() & pl.col("words").is_not_null()
    )
    rows = rows.with_columns(
        status=pl.when(is_said).then(status).otherwise("status"),
        sub_status=pl.when(is_said).then(sub).otherwise("sub_status"),
    )
    checks: Mapping[str, tuple[pl.Expr, pl.Expr]] = {
        "record": (pl.col("fault") != "", pl.col("fault")),
        "number": (
            pl.col("number").is_null() | pl.col("number").str.starts_with(NESTED),
            pl.lit("no tracking number"),
        ),
        "scanned_at": (pl.col("occurred_at").is_null(), pl.lit("no date and time of the scan")),
        "status": (pl.col("status").is_null(), pl.lit("no status")),
        "order_id": (pl.col("placed_at").is_null(), pl.lit(NO_ORDER)),
        "occurred_at": (pl.col("occurred_at") < pl.col("placed_at"), pl.lit(TOO_EARLY)),
    }
    none = pl.lit(None, pl.String)
    column = pl.coalesce(
        *[pl.when(bad).then(pl.lit(name)) for name, (bad, _) in checks.items()], none
    )
    reason = pl.coalesce(*[pl.when(bad).then(words) for bad, words in checks.values()], none)
    rows = rows.with_columns(column=column, reason=reason)
    faults = rows.filter(pl.col("reason").is_not_null()).select(
        FILE, ROW, "column", "reason", RECORD
    )
    return rows.filter(pl.col("reason").is_null()), faults


def _facts(scans: pl.DataFrame, context: SourceContext, is_known_late: bool) -> pl.DataFrame:
    seen = pl.from_epoch(pl.col(SEEN), time_unit="us").dt.replace_time_zone("UTC")
    late = timedelta(hours=context.settings.tracking_delay_hours)
    as_it_happened = not is_known_late or context.settings.history == "as_it_happened"
    first = pl.max_horizontal(pl.coalesce("sent", seen), "occurred_at")
    known = pl.col("occurred_at") + late if as_it_happened else first
    if context.settings.history != "as_it_happened":
        # a webhook says when it told
        known = pl.when(pl.col("sent").is_not_null()).then(first).otherwise(known)
    rows = scans.with_columns(known_at=known).sort("known_at", FILE, ROW, maintain_order=True)
    once = rows.unique(
        ["number", "occurred_at", "status", "sub_status"], keep="first", maintain_order=True
    )
    stamp = pl.col("occurred_at").dt.epoch("s").cast(pl.String)
    named = pl.concat_str(
        pl.lit("t"), "number", stamp, "status", pl.col("sub_status").fill_null(""), separator="-"
    )
    made = once.with_columns(scan_id=named, shipment_id=pl.coalesce("parcel", "number"))
    return made.select(pl.col(name).cast(kind) for name, kind in TABLES["tracking"].schema.items())
