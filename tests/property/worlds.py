"""Small stores for the property tests, and ways to disturb what a day cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from features.tables import INSTANT, TABLES, Tables, create_tables
from pipeline.sources.simulator import simulate_store

FIRST_DAY, DAYS = date(2025, 1, 1), 150
ZONE = "Asia/Shanghai"


@cache
def small_store() -> Mapping[str, pl.DataFrame]:
    """About 400 orders over 150 days."""
    return simulate_store(count_orders=400, seed=36, first_day=FIRST_DAY, days=DAYS)


def as_tables(frames: Mapping[str, pl.DataFrame], *, has_partial_outcomes: bool = False) -> Tables:
    return create_tables(frames, zone=ZONE, has_partial_outcomes=has_partial_outcomes)


def disturb(frames: Mapping[str, pl.DataFrame], cutoff: datetime, seed: int) -> dict[str, pl.DataFrame]:
    """Alter, delete and add facts with `known_at >= cutoff` in every table; the facts before stay as they are."""
    rng = np.random.default_rng(seed)
    return {name: _disturb(frames[name], TABLES[name].key, cutoff, rng) for name in TABLES}


def _disturb(frame: pl.DataFrame, key: tuple[str, ...], cutoff: datetime, rng: np.random.Generator) -> pl.DataFrame:
    is_past = pl.col("known_at") < cutoff
    past, future = frame.filter(is_past), frame.filter(~is_past)
    kept = future.filter(pl.Series(rng.random(future.height) > 0.3))
    altered = _shuffle(kept, [c for c in frame.columns if c not in key], rng)
    copies = frame.sample(fraction=0.5, seed=int(rng.integers(1 << 30)))
    renamed = copies.with_columns(pl.concat_str(pl.lit("new-"), pl.col(key[-1])).alias(key[-1]))
    if key == ("product_id",):
        # a listing that is changed later is a new fact about the same product
        renamed = pl.concat([renamed, copies.with_columns(category=pl.lit("changed"), weight_g=pl.lit(9e4))])
    added = _shuffle(renamed, [c for c in frame.columns if c.endswith("_usd")], rng)
    late = pl.concat([_restamp(altered, cutoff, rng), _restamp(added, cutoff, rng)])
    return pl.concat([past, late]).sample(fraction=1.0, shuffle=True, seed=int(rng.integers(1 << 30)))


def _shuffle(frame: pl.DataFrame, columns: list[str], rng: np.random.Generator) -> pl.DataFrame:
    return frame.with_columns(frame[c].gather(rng.permutation(frame.height)) for c in columns)


def _restamp(frame: pl.DataFrame, cutoff: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """Known at the cutoff itself, for every third fact, or up to 40 days later; happened any time before that."""
    after = np.where(rng.random(frame.height) < 0.34, 0, rng.integers(0, 40 * 86_400, frame.height))
    known = [cutoff + timedelta(seconds=int(s)) for s in after]
    happened = [
        k - timedelta(seconds=int(s)) for k, s in zip(known, rng.integers(0, 60 * 86_400, frame.height), strict=True)
    ]
    return frame.with_columns(occurred_at=pl.Series(happened, dtype=INSTANT), known_at=pl.Series(known, dtype=INSTANT))
