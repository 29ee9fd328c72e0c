"""The whole simulated store, made in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from features.tables import TABLES
from pipeline.simulation.world.journey import Chance, Journey, Realised, travel
from pipeline.simulation.world.order_life import Life, live
from pipeline.simulation.world.scans import Scans, scan
from pipeline.simulation.world.simulated_disputes import Disputes, settle_disputes
from pipeline.simulation.world.simulated_facts import order_frames, product_frame
from pipeline.simulation.world.simulated_orders import Orders, World, build_world, draw_orders

ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class StorePart:
    """Some orders with everything that happens to them, also after the store's last day."""

    orders: Orders
    journey: Journey
    scans: Scans
    life: Life
    disputes: Disputes


def draw_piece(world: World, number: np.ndarray) -> StorePart:
    """The orders with these numbers and everything that happens to them."""
    orders = draw_orders(world, number)
    chance: Chance = Realised(world.draws, number)
    journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    life = live(world, orders, journey, scans)
    return StorePart(
        orders, journey, scans, life, settle_disputes(world.draws, orders, journey, life)
    )


def draw_pieces(world: World, chunk_orders: int) -> Iterator[StorePart]:
    """All orders, in pieces. The orders do not depend on the size of the pieces."""
    for start in range(0, world.count_orders, chunk_orders):
        yield draw_piece(world, np.arange(start, min(start + chunk_orders, world.count_orders)))


def piece_frames(world: World, piece: StorePart) -> dict[str, pl.DataFrame]:
    """One frame per canonical table that has facts of orders, as known at the end of the last
    day."""
    return order_frames(world, piece.orders, piece.journey, piece.scans, piece.life, piece.disputes)


def simulate_store(
    *, count_orders: int, seed: int, first_day: date, days: int
) -> dict[str, pl.DataFrame]:
    """The canonical tables of "store-1" as exported at the end of the last day: one frame per table
    name.

    Orders are placed in [first_day, first_day + days) in the store's time zone. The frames contain
    only facts known before the end of this period, so the newest orders are still open. `contacts`
    is empty: the seller sent no message first. The same arguments give the same frames.
    """
    world = build_world(count_orders=count_orders, seed=seed, first_day=first_day, days=days)
    frames = piece_frames(world, draw_piece(world, np.arange(count_orders))) | {
        "products": product_frame(world)
    }
    return {name: frames.get(name, table.empty()) for name, table in TABLES.items()}
