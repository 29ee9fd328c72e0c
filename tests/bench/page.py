"""The night's page with a long list and a long history: seconds to make, size, and waiting times.

    python tests/bench/page.py [--rows 5000] [--nights 365]

The list of a small simulated store is repeated to `rows` rows, and `nights` matured nights come
before it. The page is opened in Chromium (if it is installed), searched, filtered and sorted.
Targets: opens in 2 s, filters in 0.1 s, 5 MB. Seconds depend on the machine.
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
from pipeline.workspace.checksums import reseal
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
  time("search for one", "#search", "input", LAST);
  time("search for many", "#search", "input", "o-");
  time("search without a match", "#search", "input", "no such thing");
  time("clear the search", "#search", "input", "");
  time("filter", "[data-filter=stage]", "change", "in_transit");
  time("filter off", "[data-filter=stage]", "change", "");
  time("sort by number", "#sort", "change", "probability down");
  time("sort by text", "#sort", "change", "order_id down");
  return out;
}"""


def make_store(folder: Path, rows: int, nights: int) -> Workspace:
    """A store whose night has `rows` listed orders, after `nights` matured nights."""
    workspace = Workspace(folder)
    raw = simulate(workspace, load_config(folder), Progress(), orders=6000, first=FIRST, days=300)
    (folder / "config.toml").write_text(
        "min_training_disputes = 5\nactions = {least_worth_usd = 0.0}\n"
    )
    for night in (OLD, NIGHT):
        nightly(
            workspace,
            load_config(folder),
            Progress(),
            as_of=night,
            source="canonical",
            raw=raw,
            is_forced=False,
        )
    run = workspace.latest(NIGHT)
    assert run is not None
    listed = pl.read_parquet(run / "contact_list.parquet")
    ids = workspace.table_files().read_placed()["order_id"].sort().head(rows)
    long = pl.concat([listed] * (rows // listed.height + 1)).head(ids.len())
    former, rank = long["order_id"], pl.int_range(1, ids.len() + 1, dtype=pl.UInt32)
    drafts = [
        text.replace(old, new)
        for text, old, new in zip(long["draft_message"], former, ids, strict=True)
    ]
    long = long.with_columns(order_id=ids, rank=rank, draft_message=pl.Series(drafts))
    long.write_parquet(run / "contact_list.parquet")
    reseal(run)
    add_history(workspace, nights)
    return workspace


def add_history(workspace: Workspace, nights: int) -> None:
    """Copy the old night to the dates before it."""
    old = workspace.latest(OLD)
    assert old is not None
    facts = json.loads((old / "manifest.json").read_text())
    for back in range(1, nights):
        folder = workspace.folder / "runs" / (OLD - timedelta(days=back)).isoformat()
        shutil.copytree(old, folder / "copy")
        manifest = facts | {"model": facts["model"] | {"trained_as_of": "2024-01-01"}}
        (folder / "copy" / "manifest.json").write_text(json.dumps(manifest))
        reseal(folder / "copy")
        (folder / "latest").symlink_to("copy")


def time_in_browser(page: Path, last: str) -> None:
    """Open the page and time what a reader does; `last`: the id of the last listed order."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:
        say("Chromium is not installed: the page was not opened")
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        tab = browser.new_page()
        started = time.perf_counter()
        tab.goto(page.resolve().as_uri())
        judge("open, with the list", time.perf_counter() - started, OPEN_SECONDS)
        tab.wait_for_selector("body[data-charts=drawn]")
        say(f"{'every chart drawn':<22} {time.perf_counter() - started:7.3f} s")
        for name, seconds in tab.evaluate(TIMED.replace("LAST", json.dumps(last))).items():
            judge(name, seconds, FILTER_SECONDS)
        browser.close()


def judge(name: str, measured: float, target: float, unit: str = "s") -> None:
    verdict = "met" if measured <= target else "MISSED"
    say(f"{name:<22} {measured:7.3f} {unit}   target {target:g} {unit}: {verdict}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--nights", type=int, default=365)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_store(Path(folder) / "store", options.rows, options.nights)
        run = workspace.latest(NIGHT)
        assert run is not None
        listed = pl.read_parquet(run / "contact_list.parquet")
        started = time.perf_counter()
        page = report(workspace, load_config(workspace.folder), Progress(), as_of=NIGHT) / PAGE
        say(
            f"page of {listed.height:,} rows after {options.nights} nights: "
            f"{time.perf_counter() - started:.1f} s to make"
        )
        judge("size", page.stat().st_size / 1e6, MOST_MB, "MB")
        time_in_browser(page, listed["order_id"][-1])


if __name__ == "__main__":
    main()
