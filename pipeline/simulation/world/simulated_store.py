"""The whole simulated store, made piece by piece."""

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
    """Some orders with all that happens to them, to its end."""

    orders: Orders
    journey: Journey
    scans: Scans
    life: Life
    disputes: Disputes


def draw_piece(world: World, number: np.ndarray) -> StorePart:
    orders = draw_orders(world, number)
    chance: Chance = Realised(world.draws, number)
    journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    life = live(world, orders, journey, scans)
    return StorePart(
        orders, journey, scans, life, settle_disputes(world.draws, orders, journey, life)
    )


def draw_pieces(world: World, chunk_orders: int) -> Iterator[StorePart]:
    """All orders, in pieces; the same orders whatever the size of the pieces."""
    for start in range(0, world.count_orders, chunk_orders):
        yield draw_piece(world, np.arange(start, min(start + chunk_orders, world.count_orders)))


def piece_frames(world: World, piece: StorePart) -> dict[str, pl.DataFrame]:
    return order_frames(world, piece.orders, piece.journey, piece.scans, piece.life, piece.disputes)


def simulate_store(
    *, count_orders: int, seed: int, first_day: date, days: int
) -> dict[str, pl.DataFrame]:
    """The canonical tables of "store-1" as exported at the end of the last day: one frame per table
    name.

    Orders are placed in [first_day, first_day + days), in the store's zone; only facts known before
    its end are there, so the youngest orders are still open. `contacts` is empty: nobody wrote
    first. Same arguments, same frames.
    """
    world = build_world(count_orders=count_orders, seed=seed, first_day=first_day, days=days)
    frames = piece_frames(world, draw_piece(world, np.arange(count_orders))) | {
        "products": product_frame(world)
    }
    return {name: frames.get(name, table.empty()) for name, table in TABLES.items()}
