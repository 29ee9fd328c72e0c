"""The data that a source returns to `ingest`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl


class Checked(Protocol):
    """The rows of a file, or the records of one kind, with their faults."""

    @property
    def name(self) -> str:
        """The name of its file in the quarantine."""

    @property
    def count_rows(self) -> int: ...

    @property
    def fault_share(self) -> float:
        """Share of the rows with a fault of their own, in [0, 1]."""

    def quarantine(self) -> pl.DataFrame:
        """One row per fault: `file, row, column, value, reason, record, record_id`."""


@dataclass(frozen=True)
class StoreData:
    """Canonical frames (some tables may be absent), the store's time zone and the checked files.

    `has_partial_outcomes`: an order without an outcome is unlabelled, not good. `input_sha256`:
    the hashes of the inputs, if these are not simply the files by name. `keep` is called just
    before the tables are replaced; a source with a state writes it then. `notes` are shown to the
    user. `numbers` (`number, order_id`): tracking numbers that are not shipment ids.
    `tracking_numbers`: whether shipment ids are the carriers' tracking numbers; None: not known.
    `is_known_late`: a fact is known from the first file that contains it, not from when it
    happened. `incomplete`: the ids of orders with a line that the source refused; the others may
    add up to less than the order's total. `delivered_weight`: how many orders of the market one
    delivered order stands for, if the source has only a sample of them; None: not said.
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
    tracking_numbers: bool | None = None
    incomplete: pl.Series | None = None
    delivered_weight: float | None = None
