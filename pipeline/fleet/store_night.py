"""What the process of one store does: the step `nightly`, with its output in a file."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.pages.html import use_chart_library

# imported before the processes are made, so that none of them waits for it. Importing one of these
# starts no thread, or a copied process could hang.
IMPORTED_ONCE = (
    "pipeline.fleet.store_night",
    "pipeline.cli.app",
    "pipeline.load.ingest",
    "pipeline.night.nightly",
    "pipeline.pages.report",
    "pipeline.deliver.targets.deliver_night",
    "pipeline.deliver.bulk.sent_contacts",
)


def do_night(arguments: Sequence[str], log: Path, chart_library: str) -> None:
    """Run `nightly` with these arguments; what it prints goes to the end of the file `log`. Ends
    the process with the exit code of the step."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(handle, stream.fileno())
    use_chart_library(chart_library)
    sys.argv = ["pipeline", "nightly", *arguments]
    # as `python -m pipeline` would
    runpy.run_module("pipeline.__main__", run_name="__main__", alter_sys=True)
