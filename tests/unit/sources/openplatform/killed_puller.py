"""Pull once in a process of its own, which a test kills."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from pipeline.connections.store_folders import StoreFolders
from pipeline.sources.openplatform.pull_store import pull_store
from tests.unit.sources.openplatform.conftest import NightClock, store_settings

if __name__ == "__main__":
    url, moment, state, dumps = sys.argv[1:]
    pull_store(
        "main",
        store_settings(url),
        StoreFolders(Path(state), Path(dumps)),
        lambda text: None,
        NightClock(datetime.fromisoformat(moment)),
    )
