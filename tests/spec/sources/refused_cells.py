"""What the readers refused, for the specifications."""

from __future__ import annotations

import polars as pl

from pipeline.sources.store_data import StoreData


def refused(data: StoreData) -> set[tuple[str, str]]:
    """(column, reason) of the rows in quarantine, without what follows from other faults."""
    faults = pl.concat(
        [file.quarantine().select("column", "reason") for file in data.files], how="vertical"
    )
    return {row for row in faults.rows() if "in quarantine" not in row[1]}
