"""A peer: featuretools with cutoff times, on whole nights in a random order until the time is up.

The nights are the cutoff times and the lookbacks the training windows. A night's rows are asked for
together, which is the kindest way: one by one it does some 90 of them a second. The rows it got to
are written into `chosen.npy`, so that ours can be made for the same rows and compared.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from contest import CHOSEN, KEYS, LOOKBACKS, MEASURES, told, total

warnings.simplefilter("ignore")
import featuretools as ft  # noqa: E402

EPOCH, SEED = pd.Timestamp("2024-01-01"), 3


def make(folder: Path) -> dict[str, np.ndarray]:
    """The totals of as many nights as the seconds given as second argument allow; at least one."""
    facts, rows = (
        pd.read_parquet(folder / "facts.parquet"),
        pd.read_parquet(folder / "rows.parquet"),
    )
    store = entity_set(facts, rows)
    until = time.perf_counter() + float(sys.argv[2])
    places, found = [], []
    for night in np.random.default_rng(SEED).permutation(rows["as_of_day"].unique()):
        chosen = np.flatnonzero(rows["as_of_day"] == night)
        cut = pd.DataFrame({"row": chosen, "time": EPOCH + pd.Timedelta(days=int(night))})
        found.append(pd.concat([totals_of(store, cut, lookback) for lookback in LOOKBACKS], axis=1))
        places.append(chosen)
        if time.perf_counter() > until:
            break
    np.save(folder / CHOSEN, np.concatenate(places))
    return {name: values.to_numpy(dtype=np.int64) for name, values in pd.concat(found).items()}


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
    """Per key and measure: the sum over the key's facts, as seen from a row."""
    sums = []
    for key in KEYS:
        for measure in MEASURES:
            of_key = ft.Feature(
                store["facts"].ww[measure], parent_dataframe_name=key, primitive=ft.primitives.Sum
            )
            sums.append(
                ft.Feature(of_key, dataframe_name="rows").rename(total(key, measure, lookback))
            )
    return sums


def totals_of(store: ft.EntitySet, cut: pd.DataFrame, lookback: int) -> pd.DataFrame:
    """One row per row of `cut`, in its order; strictly before the night, and from `lookback` days
    before on."""
    found = ft.calculate_feature_matrix(
        features(store, lookback),
        store,
        cutoff_time=cut,
        training_window=f"{lookback} days",
        include_cutoff_time=False,
    )
    return found.loc[cut["row"]].fillna(0)


if __name__ == "__main__":
    told(make)
