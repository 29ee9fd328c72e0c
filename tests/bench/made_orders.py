"""The orders that every contender reads: two parquet files of whole numbers, equal for equal seeds.

`facts.parquet`: one row per order, with a number from 0 for each of its five entities, the day on
which it became known (two years of days) and four measures. `rows.parquet`: half as many rows to
make features for; each is a random order and a night 1 to 60 days after it became known, so that
most windows have facts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from contest import KEYS

DAYS, SEED = 730, 7
# products and suppliers per order (at least 20 of each), and the number of categories and lanes;
# the sales of all of them have a heavy tail
PRODUCTS, SUPPLIERS, CATEGORIES, LANES = 0.05, 0.002, 300, 80
# buyers per order: most buyers order once or twice
BUYERS = 0.7


def write_orders(folder: Path, count: int) -> None:
    """Write `facts.parquet` (`count` rows) and `rows.parquet` (`count // 2` rows) into `folder`."""
    rng = np.random.default_rng(SEED)
    facts = made_facts(count, rng)
    drawn = facts[rng.integers(0, count, count // 2)].select(*KEYS, as_of_day="known_day")
    night = drawn["as_of_day"] + pl.Series(rng.integers(1, 61, drawn.height), dtype=pl.Int32)
    facts.write_parquet(folder / "facts.parquet")
    drawn.with_columns(as_of_day=night).write_parquet(folder / "rows.parquet")


def made_facts(count: int, rng: np.random.Generator) -> pl.DataFrame:
    product = heavy_tailed(max(20, int(count * PRODUCTS)), count, rng)
    # a product has one supplier and one category, so these have a heavy tail too
    supplier = rng.integers(0, max(20, int(count * SUPPLIERS)), product.max() + 1)
    category = rng.integers(0, CATEGORIES, product.max() + 1)
    columns = {
        "product": product,
        "category": category[product],
        "supplier": supplier[product],
        "lane": heavy_tailed(LANES, count, rng),
        "buyer": rng.integers(0, int(count * BUYERS), count),
        "known_day": rng.integers(0, DAYS, count),
        "count_orders": np.ones(count, dtype=np.int32),
        "count_disputes": rng.random(count) < 0.04,
        "sum_price_cents": rng.lognormal(7.5, 1.0, count),
        "sum_transit_hours": rng.gamma(8.0, 40.0, count),
    }
    return pl.DataFrame({name: values.astype(np.int32) for name, values in columns.items()})


def heavy_tailed(kinds: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` numbers in [0, kinds): the n-th most frequent is about 1/n as frequent as the first.

    The order of the numbers says nothing about their frequency.
    """
    rank = (kinds + 1.0) ** rng.random(count) - 1.0
    return rng.permutation(kinds)[rank.astype(np.int64)]
