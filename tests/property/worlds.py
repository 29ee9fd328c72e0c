"""Small stores for the property tests, and a way to disturb facts that are not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache

import numpy as np
import polars as pl

from features.tables import PAYMENT_TYPES, Tables, create_tables
from pipeline.simulation.world.simulated_store import simulate_store
from pipeline.training import perturb as disturbance

FIRST_DAY, DAYS = date(2025, 1, 1), 150
ZONE = "Asia/Shanghai"


@cache
def small_store() -> Mapping[str, pl.DataFrame]:
    """About 400 orders over 150 days, with the columns that the simulation does not fill."""
    frames = simulate_store(count_orders=400, seed=36, first_day=FIRST_DAY, days=DAYS)
    rng = np.random.default_rng(5)

    def draw(count: int, *values: str | None) -> pl.Series:
        return pl.Series([values[n] for n in rng.integers(0, len(values), count)], dtype=pl.String)

    def numbers(count: int, most: int) -> pl.Series:
        return pl.Series(rng.integers(1, most, count), dtype=pl.Float64)

    orders, lines, products = (
        frames[name].height for name in ("orders", "order_lines", "products")
    )
    return {
        **frames,
        "orders": frames["orders"].with_columns(
            payment_type=draw(orders, *PAYMENT_TYPES, None),
            voucher_usd=numbers(orders, 9),
            buyer_country=draw(orders, "BR", "CN", None),
            buyer_postal_prefix=draw(orders, "01310", "01399", "13023", "SW1A", None),
        ),
        "order_lines": frames["order_lines"].with_columns(
            origin_country=draw(lines, "BR", "CN", None),
            supplier_postal_prefix=draw(lines, "01310", "20000", "SW1A", None),
        ),
        "products": frames["products"].with_columns(
            count_title_letters=numbers(products, 90),
            count_description_letters=numbers(products, 900),
            length_cm=numbers(products, 90),
            width_cm=numbers(products, 50),
            height_cm=numbers(products, 30),
        ),
    }


def as_tables(frames: Mapping[str, pl.DataFrame], *, has_partial_outcomes: bool = False) -> Tables:
    return create_tables(frames, zone=ZONE, has_partial_outcomes=has_partial_outcomes)


def disturb(
    frames: Mapping[str, pl.DataFrame], cutoff: datetime, seed: int
) -> dict[str, pl.DataFrame]:
    """Alter, delete and add facts with `known_at >= cutoff` in every table; earlier facts stay the
    same."""
    return disturbance.disturb(frames, cutoff, seed).frames
