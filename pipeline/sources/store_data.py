"""What a source hands to ingest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl


class Checked(Protocol):
    """Rows of a file, or records of a kind, that were read, and what is wrong with which of
    them."""

    @property
    def name(self) -> str:
        """Names its file in the quarantine."""

    @property
    def count_rows(self) -> int: ...

    @property
    def fault_share(self) -> float:
        """Share of the rows that are faulty themselves."""

    def quarantine(self) -> pl.DataFrame:
        """One row per fault: `file, row, column, value, reason, record, record_id`."""


@dataclass(frozen=True)
class StoreData:
    """Canonical frames (some tables may be absent), the store's zone, and the checked files they
    came from.

    `input_sha256`: what the frames were made from, where that is not simply the files by their
    names. `keep` is called when the tables are about to be replaced: a source that remembers what
    it saw writes it then. `notes` are told to the user. `numbers` (`number, order_id`): parcels,
    where they are not ids of shipments. `is_known_late`: facts are known since a file showed them,
    not as they happened.
    """

    frames: Mapping[str, pl.DataFrame]
    zone: str
    has_partial_outcomes: bool
    files: Sequence[Checked]
    input_sha256: Mapping[str, str] | None = None
    keep: Callable[[], None] | None = None
    notes: tuple[str, ...] = ()
    numbers: pl.DataFrame | None = None
    is_known_late: bool = False
