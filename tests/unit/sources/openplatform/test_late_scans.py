"""Scans and receipts that come long after the end of their order are not asked for, and nothing
else is missing."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline.sources.openplatform.pull_jobs import LATE_SCANS
from tests.unit.nights import ROOT
from tests.unit.sources.openplatform.asked_calls import Pull
from tests.unit.sources.openplatform.asked_dumps import (
    DETAILS,
    DOCUMENTED_LATE_SCANS,
    RECEIPTS,
    SCANS,
    AskedDumps,
)
from tests.unit.sources.openplatform.conftest import StoreNight
from tests.unit.sources.openplatform.fake_platform import fake_platform
from tests.unit.sources.openplatform.fake_store import FakeStore, read_store
from tests.unit.sources.openplatform.loaded_tables import assert_same_tables, load_dumps
from tests.unit.sources.openplatform.store_changes import STAMP, StoreChanges

# the order ends on the first of these days; its last scan is its delivery
END, SOON, LATE = date(2025, 3, 25), date(2025, 4, 8), date(2025, 4, 11)


def at_noon(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)


def with_late_scans(raw: Path, folder: Path) -> tuple[Path, str]:
    """The store with scans on `SOON` and `LATE` for one order that was sent and ended, after a
    dispute say, on `END`. Returns the folder and the order."""
    shutil.copytree(raw, folder)
    tables = {
        path.stem: pl.read_csv(path, infer_schema=False) for path in sorted(folder.glob("*.csv"))
    }
    scans, events = tables["tracking"], tables["order_events"]
    ends = events.filter(pl.col("event") == "closed", pl.col("known_at") < "2025-03-20")
    is_sent = pl.col("order_id").is_in(scans["order_id"].implode())
    order_id = str(ends.filter(is_sent).sort("order_id")["order_id"][-1])
    is_it = pl.col("order_id") == order_id
    is_end = is_it & (pl.col("event") == "closed")
    ended_at = pl.lit(at_noon(END).strftime(STAMP))
    tables["order_events"] = events.with_columns(
        pl.when(is_end).then(ended_at).otherwise(pl.col(name)).alias(name)
        for name in ("occurred_at", "known_at")
    )
    last = scans.filter(is_it, pl.col("status") == "Delivered").head(1)
    assert last.height == 1
    late = [
        last.with_columns(
            scan_id=pl.lit(f"t-late-{day}"),
            status=pl.lit(status),
            sub_status=pl.lit(f"{status}_Other"),
            occurred_at=pl.lit(at_noon(day).strftime(STAMP)),
            known_at=pl.lit(at_noon(day).strftime(STAMP)),
        )
        for day, status in ((SOON, "InTransit"), (LATE, "Delivered"))
    ]
    others = scans.filter(~(is_it & (pl.col("status") == "Delivered")))
    tables["tracking"] = pl.concat([others, *late])
    for name in ("tracking", "order_events"):
        tables[name].write_csv(folder / f"{name}.csv")
    return folder, order_id


def test_only_late_scans_and_receipts_are_missing(
    store_nights: list[StoreNight], pull: Pull, dumps: Path, tmp_path: Path
) -> None:
    raw, order_id = with_late_scans(store_nights[-1].raw, tmp_path / "raw")
    own, store, moments = tmp_path / "own", FakeStore(), []
    own.mkdir()
    with fake_platform(store) as platform:
        for night in StoreChanges(raw, tmp_path).nights([END, SOON, LATE]):
            store.merge(read_store(night.dumps))
            platform.seconds = night.moment.timestamp
            assert not pull(platform.url, night.moment).left
            moments.append(night.moment)
            for path in night.dumps.iterdir():
                shutil.move(path, own / path.name)
    shutil.copy(own / "products.csv", dumps)
    asked = AskedDumps(tmp_path / "asked")
    asked.add_all(own, moments)
    pulled, expected = load_dumps(dumps, tmp_path / "w"), load_dumps(asked.folder, tmp_path / "w-a")
    assert_same_tables(pulled, expected)
    # the carrier's scan, and the receipt in the detail
    assert asked.unasked == {SCANS: 1, DETAILS: 1, RECEIPTS: 1}
    number = str(80 * 10**14 + int(order_id.removeprefix("o-")) * 10 + 9)
    shown = pulled["tracking"].filter(order_id=number)
    assert shown["occurred_at"].dt.date().max() == SOON
    assert "Delivered" not in shown["status"].to_list()


def test_the_reference_says_for_how_long_the_pull_asks() -> None:
    assert LATE_SCANS == DOCUMENTED_LATE_SCANS
    text = " ".join((ROOT / "docs/reference/aliexpress-fields.md").read_text().split())
    assert f"more than {LATE_SCANS.days} days after an order's last change" in text
