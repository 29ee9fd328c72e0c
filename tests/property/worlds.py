"""Small stores for the property tests, and a way to disturb facts that are not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache

import polars as pl

from features.tables import Tables, create_tables
from pipeline.simulation.world.simulated_store import simulate_store
from pipeline.training import perturb as disturbance

FIRST_DAY, DAYS = date(2025, 1, 1), 150
ZONE = "Asia/Shanghai"


@cache
def small_store() -> Mapping[str, pl.DataFrame]:
    """About 400 orders over 150 days."""
    return simulate_store(count_orders=400, seed=36, first_day=FIRST_DAY, days=DAYS)


def as_tables(frames: Mapping[str, pl.DataFrame], *, has_partial_outcomes: bool = False) -> Tables:
    return create_tables(frames, zone=ZONE, has_partial_outcomes=has_partial_outcomes)


def disturb(
    frames: Mapping[str, pl.DataFrame], cutoff: datetime, seed: int
) -> dict[str, pl.DataFrame]:
    """Alter, delete and add facts with `known_at >= cutoff` in every table; earlier facts stay the
    same."""
    return disturbance.disturb(frames, cutoff, seed).frames
