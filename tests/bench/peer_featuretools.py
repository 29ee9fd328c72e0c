"""A peer: featuretools with cutoff times, on whole nights in random order until the time is up.

The nights are the cutoff times, and the lookbacks are the training windows. All rows of a night are
computed together, which is fastest: one by one, featuretools makes about 90 rows per second. The
finished rows are written to `chosen.npy`, so that ours can be made for the same rows and compared.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from contest import CHOSEN, KEYS, LOOKBACKS, MEASURES, report_run, total

warnings.simplefilter("ignore")
import featuretools as ft  # noqa: E402

EPOCH, SEED = pd.Timestamp("2024-01-01"), 3


def make(folder: Path) -> dict[str, np.ndarray]:
    """The totals of as many nights as the seconds in the second argument allow; at least one."""
    facts, rows = (
        pd.read_parquet(folder / "facts.parquet"),
        pd.read_parquet(folder / "rows.parquet"),
    )
    store = entity_set(facts, rows)
    until = time.perf_counter() + float(sys.argv[2])
    positions, totals = [], []
    for night in np.random.default_rng(SEED).permutation(rows["as_of_day"].unique()):
        chosen = np.flatnonzero(rows["as_of_day"] == night)
        cut = pd.DataFrame({"row": chosen, "time": EPOCH + pd.Timedelta(days=int(night))})
        by_lookback = [totals_of(store, cut, lookback) for lookback in LOOKBACKS]
        totals.append(pd.concat(by_lookback, axis=1))
        positions.append(chosen)
        if time.perf_counter() > until:
            break
    np.save(folder / CHOSEN, np.concatenate(positions))
    return {name: values.to_numpy(dtype=np.int64) for name, values in pd.concat(totals).items()}


def entity_set(facts: pd.DataFrame, rows: pd.DataFrame) -> ft.EntitySet:
    """Facts and rows are children of each key; a fact's time is its day, and a row has none."""
    store = ft.EntitySet()
    facts = facts.assign(known_day=EPOCH + pd.to_timedelta(facts["known_day"], unit="D"))
    store.add_dataframe(
        dataframe_name="facts",
        dataframe=facts,
        index="fact",
        make_index=True,
        time_index="known_day",
    )
    store.add_dataframe(
        dataframe_name="rows", dataframe=rows[list(KEYS)], index="row", make_index=True
    )
    for key in KEYS:
        numbers = pd.DataFrame({key: np.arange(max(facts[key].max(), rows[key].max()) + 1)})
        store.add_dataframe(dataframe_name=key, dataframe=numbers, index=key)
        store.add_relationship(key, key, "facts", key)
        store.add_relationship(key, key, "rows", key)
    return store


def features(store: ft.EntitySet, lookback: int) -> list[ft.Feature]:
    """One feature per key and measure: the sum over the facts of the row's key."""
    sums = []
    for key in KEYS:
        for measure in MEASURES:
            key_sum = ft.Feature(
                store["facts"].ww[measure], parent_dataframe_name=key, primitive=ft.primitives.Sum
            )
            sums.append(
                ft.Feature(key_sum, dataframe_name="rows").rename(total(key, measure, lookback))
            )
    return sums


def totals_of(store: ft.EntitySet, cut: pd.DataFrame, lookback: int) -> pd.DataFrame:
    """One row per row of `cut`, in its order: the `lookback` days before the night, without it."""
    matrix = ft.calculate_feature_matrix(
        features(store, lookback),
        store,
        cutoff_time=cut,
        training_window=f"{lookback} days",
        include_cutoff_time=False,
    )
    return matrix.loc[cut["row"]].fillna(0)


if __name__ == "__main__":
    report_run(make)
