"""What a source hands to ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.sources.checks import CheckedFile


@dataclass(frozen=True)
class StoreData:
    """Canonical frames (some tables may be absent), the store's zone, and the checked files they came from."""

    frames: Mapping[str, pl.DataFrame]
    zone: str
    has_partial_outcomes: bool
    files: list[CheckedFile]
