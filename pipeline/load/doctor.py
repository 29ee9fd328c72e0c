"""The step `doctor`: read a whole source without writing anything, and report what would be loaded,
what would be refused and why, and what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from features.clock import seconds_between
from features.tables import TABLES
from pipeline.load.known_sources import read_source, warn_of_links
from pipeline.load.open_tonight import open_lines
from pipeline.load.pulling.pull_lines import pull_lines
from pipeline.load.quarantine import count_rows, reason_lines
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles, SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_source import with_tracking
from pipeline.workspace.progress import say

# what is not possible when a table has no rows
MISSING_TABLE = {
    "order_lines": "no product, supplier or category features, and no product reviews",
    "products": "no category features; products are compared with their supplier only",
    "promises": "no ship-by dates, and no order is ever late: the strongest signals for "
    "'not received' are missing",
    "order_events": "payment delays and closed orders are unknown: an order stays open until its "
    "window ends, also if it was cancelled",
    "shipments": "the stage of an undelivered order is unknown unless it was scanned on its way; "
    "handling times are unknown",
    "tracking": "no scans: lateness depends on the promised date only, and deliveries are unknown",
    "disputes": "no model can be trained and no indicator computed; the list uses fixed rules "
    "until there are enough",
    "messages": "no conversation features: unanswered buyers are not visible",
    "contacts": "earlier contacts are unknown until you load the filled-in lists: make contacts",
    "reviews": "no product ratings",
}
# table, column, the value that means "unknown", what is not possible without it
UNKNOWN = (
    ("orders", "country", "unknown", "no features by country or lane"),
    ("order_lines", "supplier_id", "unknown", "no features or reviews of suppliers"),
    ("products", "category", "unknown", "no features or reviews of categories"),
    ("disputes", "cause", "unknown", "no likely cause, and no advice that depends on it"),
)
STALE, LATE = timedelta(days=2), timedelta(days=30)


def examine(
    config: Config, *, source: str, raw: Path, side_files: SideFiles = NO_SIDE_FILES
) -> None:
    """Print the report. Raises `BadInput` if `ingest` would refuse the files."""
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. Set RAW to the folder with the source's files.")
    with tempfile.TemporaryDirectory() as state_folder:
        context = SourceContext(
            raw, config.usd_per, config.sources, state=Path(state_folder), side_files=side_files
        )
        warn_of_links(source, context)
        data = with_tracking(enforce_contract(read_source(source, context)), context)
    say(f"{'table':<14}{'rows':>12}  first        last         (dates of the events)")
    for name in TABLES:
        frame = data.frames.get(name)
        if frame is not None and frame.height:
            first, last = frame["occurred_at"].min(), frame["occurred_at"].max()
            say(f"{name:<14}{frame.height:>12,}  {str(first)[:10]}   {str(last)[:10]}")
    for note in data.notes:
        say(note)
    for section in (
        _refused_lines(data),
        _missing_lines(data, config.min_training_disputes),
        _time_lines(data),
    ):
        for line in section:
            say(line)
    _check_usable(data, config.max_fault_share)
    for line in open_lines(data, config):
        say(line)
    for line in pull_lines(raw):
        say(line)
    say("nothing was written; make ingest loads these files")


def _refused_lines(data: StoreData) -> Iterator[str]:
    faults = [file.quarantine() for file in data.files]
    count = sum(count_rows(file_faults) for file_faults in faults)
    yield f"would go to quarantine: {count:,} rows" if count else "every row would be loaded"
    for file, file_faults in zip(data.files, faults, strict=True):
        if file_faults.height:
            yield f"  {file.name}: {count_rows(file_faults):,} of {file.count_rows:,}"
            yield from (f"      {line}" for line in reason_lines(file_faults))


def _missing_lines(data: StoreData, least_disputes: int) -> Iterator[str]:
    empty = pl.DataFrame(schema={"x": pl.Int8})
    for name, consequence in MISSING_TABLE.items():
        if not data.frames.get(name, empty).height:
            yield f"no {name.replace('_', ' ')}: {consequence}"
    for name, column, word, consequence in UNKNOWN:
        frame = data.frames.get(name, empty)
        if frame.height and (share := float((frame[column] == word).mean() or 0.0)) > 0:  # type: ignore[arg-type]
            yield (
                f"{share:.0%} of the {name.replace('_', ' ')} have no "
                f"{column.removesuffix('_id')}: {consequence}"
            )
    opened = data.frames.get("disputes", TABLES["disputes"].empty()).filter(step="opened").height
    if 0 < opened < least_disputes:
        yield (
            f"{opened} disputes: too few to train a model ({least_disputes} with a final "
            "outcome are needed, min_training_disputes in config.toml); until then the list "
            "uses fixed rules"
        )


def _time_lines(data: StoreData) -> Iterator[str]:
    every = pl.concat([frame.select("known_at") for frame in data.frames.values()])["known_at"]
    newest = every.max()
    if not isinstance(newest, datetime):
        return
    age = datetime.now(UTC) - newest
    stale = "; a list for today would use old data: load a newer export" if age > STALE else ""
    yield f"newest fact: {newest:%Y-%m-%d %H:%M} UTC, {max(age.days, 0)} days ago{stale}"
    orders = data.frames["orders"]
    delay = seconds_between(pl.col("occurred_at"), pl.col("known_at"))
    late = orders.filter(delay > LATE.total_seconds()).height
    if late:
        yield (
            f"{late / orders.height:.0%} of the orders became known over a month after they were "
            "placed, so earlier nights cannot learn from them."
        )
        yield "If you could have seen them in time, set this in config.toml:"
        yield 'sources = {history = "as_it_happened"}'


def _check_usable(data: StoreData, limit: float) -> None:
    if data.frames["orders"].is_empty():
        raise BadInput("there is no usable order. make ingest would refuse these files.")
    for file in data.files:
        if file.fault_share > limit:
            raise BadInput(
                f"{file.name}: {file.fault_share:.1%} of its rows are faulty; at most {limit:.0%} "
                "are allowed (max_fault_share in config.toml). "
                "make ingest would refuse these files."
            )
