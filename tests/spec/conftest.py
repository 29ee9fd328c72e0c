"""One simulated world with its hidden truth, for the specification tests of the simulation."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from pipeline.simulation.world.simulated_facts import product_frame
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.simulation.world.simulated_store import StorePart, draw_piece, piece_frames

COUNT = 40_000


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(count_orders=COUNT, seed=11, first_day=date(2024, 1, 1), days=731)


@pytest.fixture(scope="session")
def piece(world: World) -> StorePart:
    """All orders of the world with all their events. Shared: only read it."""
    return draw_piece(world, np.arange(COUNT))


@pytest.fixture(scope="session")
def store(world: World, piece: StorePart) -> dict[str, pl.DataFrame]:
    """The same orders as the store sees them on the last day."""
    return piece_frames(world, piece) | {"products": product_frame(world)}
