"""doctor: read a source whole, write nothing, and say what would be loaded, what not and why, and
what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from features.tables import TABLES
from pipeline.load.known_sources import read_source
from pipeline.load.quarantine import count_rows, reason_lines
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles, SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.sources.tracking.tracking_source import with_tracking
from pipeline.workspace.progress import say

# what goes without when a table has no rows
COSTS = {
    "order_lines": "no product, supplier or category features, no product reviews",
    "products": "no category features; products are compared with their suppliers alone",
    "promises": "no day to ship by, nothing is ever late: the strongest signs of 'not received' are gone",
    "order_events": "payment delay and closed orders are unknown: an order stays open until its window ends",
    "shipments": "no order is ever in the dispatch or transit stage; handling times are unknown",
    "tracking": "no scans: lateness is told from the promise alone, and nobody knows what was delivered",
    "disputes": "nothing can be learnt, no indicator counted; the list is made by rules alone, until there are enough",
    "messages": "no conversation features: unanswered buyers are not seen",
    "contacts": "earlier contacts are unknown, until the sheets come back by make contacts",
    "reviews": "no ratings of products",
}
# values that say that nobody knows, and what that costs
UNKNOWN = (
    ("orders", "country", "unknown", "features of country and lane"),
    ("order_lines", "supplier_id", "unknown", "features and reviews of suppliers"),
    ("products", "category", "unknown", "features and reviews of categories"),
    ("disputes", "cause", "unknown", "the likely cause, and what to say about it"),
)
STALE, LATE = timedelta(days=2), timedelta(days=30)
ENOUGH_DISPUTES = 50


def examine(
    config: Config, *, source: str, raw: Path, side_files: SideFiles = NO_SIDE_FILES
) -> None:
    """Say it. Raises BadInput where `ingest` would refuse the files."""
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. RAW names the folder with the source's files.")
    with tempfile.TemporaryDirectory() as nowhere:
        context = SourceContext(
            raw, config.usd_per, config.sources, state=Path(nowhere), side_files=side_files
        )
        data = with_tracking(enforce_contract(read_source(source, context)), context)
    say(f"{'table':<14}{'rows':>12}  first        last         (by when it happened)")
    for name in TABLES:
        frame = data.frames.get(name)
        if frame is not None and frame.height:
            first, last = frame["occurred_at"].min(), frame["occurred_at"].max()
            say(f"{name:<14}{frame.height:>12,}  {str(first)[:10]}   {str(last)[:10]}")
    for note in data.notes:
        say(note)
    for section in (_refused(data), _missing(data), _time(data)):
        for line in section:
            say(line)
    _refuse(data, config.max_fault_share)
    say("nothing was written; make ingest loads it")


def _refused(data: StoreData) -> Iterator[str]:
    faults = [file.quarantine() for file in data.files]
    count = sum(count_rows(each) for each in faults)
    yield f"would go to quarantine: {count:,} rows" if count else "every row would be loaded"
    for file, found in zip(data.files, faults, strict=True):
        if found.height:
            yield f"  {file.name}: {count_rows(found):,} of {file.count_rows:,}"
            yield from (f"      {line}" for line in reason_lines(found))


def _missing(data: StoreData) -> Iterator[str]:
    empty = pl.DataFrame(schema={"x": pl.Int8})
    for name, cost in COSTS.items():
        if not data.frames.get(name, empty).height:
            yield f"no {name.replace('_', ' ')}: {cost}"
    for name, column, word, cost in UNKNOWN:
        frame = data.frames.get(name, empty)
        if frame.height and (share := float((frame[column] == word).mean() or 0.0)) > 0:  # type: ignore[arg-type]
            yield f"{share:.0%} of the {name.replace('_', ' ')} have no {column.removesuffix('_id')}: without {cost}"
    opened = data.frames.get("disputes", TABLES["disputes"].empty()).filter(step="opened").height
    if 0 < opened < ENOUGH_DISPUTES:
        yield f"{opened} disputes: too few to learn from (some {ENOUGH_DISPUTES} matured ones are needed); until"
        yield "then the list is made by rules alone"


def _time(data: StoreData) -> Iterator[str]:
    every = pl.concat([frame.select("known_at") for frame in data.frames.values()])["known_at"]
    newest = every.max()
    if not isinstance(newest, datetime):
        return
    age = datetime.now(UTC) - newest
    stale = (
        "; a list for today would be of an older store: load a newer export" if age > STALE else ""
    )
    yield f"newest fact: {newest:%Y-%m-%d %H:%M} UTC, {max(age.days, 0)} days ago{stale}"
    orders = data.frames["orders"]
    late = orders.filter(pl.col("known_at") - pl.col("occurred_at") > LATE).height
    if late:
        yield f"{late / orders.height:.0%} of the orders became known over a month after they were placed: nights"
        yield "before that learn nothing from them. If you could have seen them in time, say so in config.toml:"
        yield 'sources = {history = "as_it_happened"}'


def _refuse(data: StoreData, limit: float) -> None:
    if data.frames["orders"].is_empty():
        raise BadInput("no usable order: make ingest would refuse these files.")
    for file in data.files:
        if file.fault_share > limit:
            raise BadInput(
                f"{file.name}: {file.fault_share:.1%} of its rows are faulty; at most {limit:.0%} may be "
                "(max_fault_share in config.toml). make ingest would refuse these files."
            )
