"""Pull in a process of its own, which a test kills: until nothing is left. Prints reports."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pipeline.connections.store_folders import StoreFolders
from pipeline.sources.openplatform.pull_store import pull_store
from tests.unit.sources.openplatform.night_clock import NightClock, store_settings


def main(url: str, moment: str, state: str, dumps: str, runs: str = "1", more: str = "{}") -> None:
    """`runs`: at most so many; `more`: settings as JSON."""
    settings, folders = (
        store_settings(url, **json.loads(more)),
        StoreFolders(Path(state), Path(dumps)),
    )
    for _ in range(int(runs)):
        clock = NightClock(datetime.fromisoformat(moment))
        report = pull_store("main", settings, folders, lambda text: None, clock)
        sys.stdout.write(f"{json.dumps(asdict(report))}\n")
        sys.stdout.flush()
        if not report.left:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
