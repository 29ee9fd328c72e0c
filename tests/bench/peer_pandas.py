"""A peer: pandas. Running sums per key and day, and `merge_asof` for each end of a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from contest import KEYS, LOOKBACKS, MEASURES, report_run, total


def make(folder: Path) -> dict[str, np.ndarray]:
    facts, rows = (
        pd.read_parquet(folder / "facts.parquet"),
        pd.read_parquet(folder / "rows.parquet"),
    )
    columns: dict[str, np.ndarray] = {}
    for key in KEYS:
        running = running_sums(facts, key)
        keyed_rows = rows[[key, "as_of_day"]].sort_values("as_of_day")
        ever = sums_before(keyed_rows, running, key, 0)
        for lookback in LOOKBACKS:
            totals = ever - sums_before(keyed_rows, running, key, lookback)
            for measure, values in zip(MEASURES, totals.T, strict=True):
                column = np.empty(len(rows), dtype=np.int64)
                column[keyed_rows.index] = values
                columns[total(key, measure, lookback)] = column
    return columns


def running_sums(facts: pd.DataFrame, key: str) -> pd.DataFrame:
    """One row per key and day with facts: the sums of all measures up to the end of that day."""
    measures = list(MEASURES)
    daily = facts.groupby([key, "known_day"])[measures].sum()
    return daily.groupby(level=key).cumsum().reset_index().sort_values("known_day")


def sums_before(
    keyed_rows: pd.DataFrame, running: pd.DataFrame, key: str, lookback: int
) -> np.ndarray:
    """(rows of `keyed_rows`, measures): the sums known before the day `as_of_day - lookback`."""
    cut = keyed_rows.assign(known_day=keyed_rows["as_of_day"] - lookback)
    joined = pd.merge_asof(cut, running, on="known_day", by=key, allow_exact_matches=False)
    return joined[list(MEASURES)].fillna(0).to_numpy(dtype=np.int64)


if __name__ == "__main__":
    report_run(make)
