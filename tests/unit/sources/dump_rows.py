"""The rows that a load of a folder of dumps reads, and their comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from pipeline.sources.aliexpress.dumps import FILE, read_dumps
from pipeline.sources.aliexpress.seen_rows import joined, keep, recall, with_compacted
from pipeline.sources.erased_ids import NO_ERASED_IDS

DumpRows = tuple[dict[str, pl.DataFrame], dict[str, Any]]


def rows_of(folder: Path, state: Path | None = None) -> DumpRows:
    """The rows that a load reads, and the dumps they are from; kept in `state`, as a load does."""
    old, loaded = recall(state)
    new = with_compacted(read_dumps(folder, loaded), folder, loaded)
    frames, dumps = joined(old, new), {**loaded, **new.dumps}
    if state:
        state.mkdir(parents=True, exist_ok=True)
        keep(state, frames, dumps, NO_ERASED_IDS)
    return {kind: frame.cast({FILE: pl.String}) for kind, frame in frames.items()}, dumps


def assert_same_rows(left: DumpRows, right: DumpRows) -> None:
    assert left[1] == right[1]
    for kind, frame in left[0].items():
        assert_frame_equal(frame, right[0][kind], check_exact=True)
