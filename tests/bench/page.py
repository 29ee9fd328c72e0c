"""The morning's page of a long list and a long history: seconds to make it, its size, and what a
reader waits for.

    python tests/bench/page.py [--rows 5000] [--nights 365]

A small simulated store's night, its list repeated to so many rows, and so many matured nights
before it. The page is opened in Chromium (where there is one), searched, filtered and sorted.
Targets: opens in 2 s, filters in 0.1 s, 5 MB. Seconds are this machine's.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipeline.night.nightly import nightly
from pipeline.pages.report import PAGE, report
from pipeline.settings.config import load_config
from pipeline.simulation.simulate import simulate
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST, OLD, NIGHT = date(2025, 1, 1), date(2025, 7, 10), date(2025, 9, 1)
OPEN_SECONDS, FILTER_SECONDS, MOST_MB = 2.0, 0.1, 5.0
TIMED = """() => {
  const out = {}, time = (name, id, event, value) => {
    const part = document.querySelector(id), start = performance.now();
    part.value = value; part.dispatchEvent(new Event(event)); document.body.offsetHeight;
    out[name] = (performance.now() - start) / 1000;
  };
  time("search for one", "#search", "input", LAST); time("search for many", "#search", "input", "o-");
  time("search for nothing", "#search", "input", "no such thing"); time("all again", "#search", "input", "");
  time("filter", "[data-filter=stage]", "change", "in_transit");
  time("filter off", "[data-filter=stage]", "change", "");
  time("sort by number", "#sort", "change", "probability down");
  time("sort by text", "#sort", "change", "order_id down");
  return out;
}"""


def make_store(folder: Path, rows: int, nights: int) -> Workspace:
    """A store whose night has so many listed rows, after so many nights that have matured."""
    place = Workspace(folder)
    raw = simulate(place, load_config(folder), Progress(), orders=6000, first=FIRST, days=300)
    (folder / "config.toml").write_text(
        "min_training_disputes = 5\ndecide = {contact_cost_usd = 0.05}\n"
    )
    for night in (OLD, NIGHT):
        nightly(
            place,
            load_config(folder),
            Progress(),
            as_of=night,
            source="canonical",
            raw=raw,
            is_forced=False,
        )
    run = place.latest(NIGHT)
    assert run is not None
    listed = pl.read_parquet(run / "contact_list.parquet")
    ids = place.table_files().read_placed()["order_id"].sort().head(rows)
    long = pl.concat([listed] * (rows // listed.height + 1)).head(ids.len())
    former, rank = long["order_id"], pl.int_range(1, ids.len() + 1, dtype=pl.UInt32)
    drafts = [
        text.replace(old, new)
        for text, old, new in zip(long["draft_message"], former, ids, strict=True)
    ]
    long = long.with_columns(order_id=ids, rank=rank, draft_message=pl.Series(drafts))
    long.write_parquet(run / "contact_list.parquet")
    add_history(place, nights)
    return place


def add_history(place: Workspace, nights: int) -> None:
    """Copies of the old night under the dates before it."""
    old = place.latest(OLD)
    assert old is not None
    facts = json.loads((old / "manifest.json").read_text())
    for back in range(1, nights):
        folder = place.folder / "runs" / (OLD - timedelta(days=back)).isoformat()
        shutil.copytree(old, folder / "copy")
        told = facts | {"model": facts["model"] | {"trained_as_of": "2024-01-01"}}
        (folder / "copy" / "manifest.json").write_text(json.dumps(told))
        (folder / "latest").symlink_to("copy")


def read_as_one_does(page: Path, last: str) -> None:
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    if not found:
        say("no Chromium: not opened")
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found)
        tab = browser.new_page()
        started = time.perf_counter()
        tab.goto(page.resolve().as_uri())
        judge("open, with the list", time.perf_counter() - started, OPEN_SECONDS)
        tab.wait_for_selector("body[data-charts=drawn]")
        say(f"{'every chart drawn':<22} {time.perf_counter() - started:7.3f} s")
        for name, seconds in tab.evaluate(TIMED.replace("LAST", json.dumps(last))).items():
            judge(name, seconds, FILTER_SECONDS)
        browser.close()


def judge(name: str, got: float, target: float, unit: str = "s") -> None:
    say(
        f"{name:<22} {got:7.3f} {unit}   target {target:g} {unit}: {'met' if got <= target else 'MISSED'}"
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--nights", type=int, default=365)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = make_store(Path(folder) / "store", asked.rows, asked.nights)
        run = place.latest(NIGHT)
        assert run is not None
        listed = pl.read_parquet(run / "contact_list.parquet")
        started = time.perf_counter()
        made = report(place, load_config(place.folder), Progress(), as_of=NIGHT) / PAGE
        say(
            f"page of {listed.height:,} rows after {asked.nights} nights: {time.perf_counter() - started:.1f} s to make"
        )
        judge("size", made.stat().st_size / 1e6, MOST_MB, "MB")
        read_as_one_does(made, listed["order_id"][-1])


if __name__ == "__main__":
    main()
