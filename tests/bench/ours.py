"""Ours: the 60 totals by `features.asof.totals_of`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from contest import CHOSEN, KEYS, LOOKBACKS, MEASURES, told

from features.asof import totals_of

ASKED = dict.fromkeys(MEASURES, LOOKBACKS)


def make(folder: Path) -> dict[str, np.ndarray]:
    facts, rows = pl.read_parquet(folder / "facts.parquet"), pl.read_parquet(folder / "rows.parquet")
    if (folder / CHOSEN).exists():
        rows = rows[np.load(folder / CHOSEN)]
    found = {}
    for key in KEYS:
        totals = totals_of(rows[key], rows["as_of_day"], facts.select(key, "known_day", *MEASURES), key, ASKED)
        found |= {f"{key}_{column.name}": column.to_numpy() for column in totals}
    return found


if __name__ == "__main__":
    told(make)
