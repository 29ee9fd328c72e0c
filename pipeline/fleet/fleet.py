"""The step `fleet`: the nights of all stores in a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pipeline.fleet.fleet_stores import OWN_FOLDER, RAW, FleetStore, find_stores
from pipeline.fleet.fleet_summary import (
    PAGE,
    TABLE,
    last_line,
    summary_of,
    summary_sentence,
    write_summary,
)
from pipeline.fleet.run_fleet import DONE, FleetRules, StoreResult, run_fleet
from pipeline.pages.html import chart_library
from pipeline.settings.errors import FleetIncomplete
from pipeline.workspace.progress import say, warn


def fleet(
    folder: Path, rules: FleetRules, *, as_of: date, source: str | None, options: Sequence[str]
) -> Path:
    """Make the night of `as_of` of every store in `folder`; returns the folder of the summary.

    `source`: the format of the files in the folder `raw` of each store; without it, or without that
    folder, the store's tables are used as they are, or what its platforms give. `options` go to
    each night. Raises `BadInput` without a store, and `FleetIncomplete` at the end if a store is
    not done.
    """
    stores = find_stores(folder)
    summary = folder / OWN_FOLDER / as_of.isoformat()
    summary.mkdir(parents=True, exist_ok=True)
    count_ended = 0

    def arguments(store: FleetStore) -> list[str]:
        given = ["--workspace", str(store.folder), "--as-of", as_of.isoformat(), *options]
        raw = store.folder / RAW
        return [*given, "--source", source, "--raw", str(raw)] if source and raw.is_dir() else given

    def log(store: FleetStore) -> Path:
        return summary / f"{store.name}.log"

    def on_end(result: StoreResult) -> None:
        nonlocal count_ended
        count_ended += 1
        head = f"{count_ended:,} of {len(stores):,}  {result.store.name}: {result.state}"
        if result.state == DONE:
            say(f"{head} ({result.seconds:.1f} s)")
        else:
            warn(f"{head}. {last_line(log(result.store))}")

    for store in stores:
        log(store).unlink(missing_ok=True)
    results = run_fleet(stores, rules, arguments, log, chart_library(), on_end)
    table = summary_of(results, as_of, summary, summary)
    write_summary(table, as_of, summary)
    says = summary_sentence(table)
    say(f"{says}: {summary / PAGE}, as a table: {summary / TABLE}, with the output of each store")
    if any(result.state != DONE for result in results):
        raise FleetIncomplete(
            f"{as_of}: {says}. {summary / TABLE} says why. The others are published. Run the same "
            "command again: a night that is done is not repeated."
        )
    return summary


def default_jobs() -> int:
    """As many stores at a time as there are processors for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
