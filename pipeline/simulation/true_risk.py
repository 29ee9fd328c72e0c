"""The truth of a simulated store. Only evaluation may read it; code that scores, trains or decides
must not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from features.clock import day_number
from pipeline.settings.errors import BadInput
from pipeline.simulation.attainable_risk import attainable_risk, foresight_risk
from pipeline.simulation.knowable_risk import knowable_risk
from pipeline.simulation.world.markets import CAUSES
from pipeline.simulation.world.order_life import HAZARD_UNIT, OrderDays
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.simulation.world.simulated_store import draw_piece
from pipeline.simulation.world.truth import order_truth
from pipeline.workspace.workspace import Workspace, read_json

# futures drawn for the attainable chance: each row's mean is then within about 7 % of the mean over
# all futures
COPIES = 32
# futures drawn for the knowable chance, which varies more between futures: within about 4 %
KNOWABLE_COPIES = 64
DAY_COLUMNS = [
    "order_number",
    "day",
    *(f"hazard_{cause}_e9" for cause in CAUSES),
    "contact_factor",
    "state",
]


@dataclass(frozen=True)
class Truth:
    """`orders`: as in `world/truth.py`, by order number. `days`: their order-days, with calendar
    days instead of days of the world."""

    orders: pl.DataFrame
    days: OrderDays

    @property
    def effects(self) -> np.ndarray:
        """(orders, causes): as in `simulated_contact.draw_effects`."""
        return self.orders.select(f"effect_{cause}" for cause in CAUSES).to_numpy()


def has_truth(workspace: Workspace) -> bool:
    return (workspace.folder / "truth" / "world.json").exists()


def read_world(workspace: Workspace) -> World:
    """The simulated world, built again from the four numbers in `truth/world.json`.

    Raises
    ------
    BadInput
        If the workspace has no simulated store, or the file is damaged.
    """
    if not has_truth(workspace):
        raise BadInput(
            f"{workspace.folder}: this is not a simulated store, so its true risks are unknown. "
            f"Simulate a store: make simulate WORKSPACE={workspace.folder}"
        )
    path = workspace.folder / "truth" / "world.json"
    try:
        numbers = read_json(path)
        return build_world(
            count_orders=int(numbers["count_orders"]),
            seed=int(numbers["seed"]),
            first_day=date.fromisoformat(numbers["first_day"]),
            days=int(numbers["days"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _other_world(workspace, path) from None


def read_truth(workspace: Workspace) -> Truth:
    """The truth files of a simulated store.

    Raises
    ------
    BadInput
        If the workspace has no simulated store, or its truth files do not belong to it.
    """
    world, folder = read_world(workspace), workspace.folder / "truth"
    try:
        orders = pl.read_parquet(folder / "orders.parquet")
        # an older program wrote no `state`
        days = pl.read_parquet(folder / "order_days.parquet", columns=DAY_COLUMNS)
    except (OSError, pl.exceptions.PolarsError):
        raise _other_world(workspace, folder) from None
    truth = Truth(orders, _order_days(days, orders.height))
    sample = np.arange(min(world.count_orders, 200))
    expected = order_truth(world, draw_piece(world, sample))
    if orders.height != world.count_orders or not expected.equals(orders[: len(sample)]):
        raise _other_world(workspace, folder)
    return truth


def _order_days(days: pl.DataFrame, count_orders: int) -> OrderDays:
    order = days["order_number"].to_numpy().astype(np.int64) - 1
    hazard = days.select(f"hazard_{cause}_e9" for cause in CAUSES).to_numpy() * HAZARD_UNIT
    first = np.searchsorted(order, np.arange(count_orders + 1))
    day, state = (days[name].to_numpy().astype(np.int64) for name in ("day", "state"))
    factor = days["contact_factor"].to_numpy().astype(np.float64)
    return OrderDays(order, day, first, hazard, factor, state)


def order_number(workspace: Workspace, order_id: pl.Series, count_orders: int) -> np.ndarray:
    """The simulator's number of each order, from 0.

    Raises
    ------
    BadInput
        If an order is not one of the simulated store's `count_orders` orders.
    """
    number = order_id.str.strip_prefix("o-").cast(pl.Int64, strict=False)
    if not number.is_between(1, count_orders).fill_null(False).all():
        raise _other_world(workspace, workspace.folder / "truth")
    return number.to_numpy() - 1


def true_risk(workspace: Workspace, rows: pl.DataFrame, horizon_days: int) -> pl.DataFrame:
    """One row per row of `rows` (`order_id, as_of_day`), in the same order: the chance of a dispute
    within the horizon, without seeing the future (`true_risk`) and with it
    (`true_risk_with_foresight`)."""
    world = read_world(workspace)
    number = order_number(workspace, rows["order_id"], world.count_orders)
    as_of = rows["as_of_day"].to_numpy() - day_number(world.first_day)
    foresight = foresight_risk(world, number, as_of, horizon_days)
    _check_same_world(workspace, world, number, as_of, foresight, horizon_days)
    return pl.DataFrame(
        {
            "true_risk": attainable_risk(world, number, as_of, horizon_days, COPIES),
            "true_risk_with_foresight": foresight,
        }
    )


def knowable(workspace: Workspace, rows: pl.DataFrame, horizon_days: int) -> pl.Series:
    """The chance without seeing the buyers' tempers (`knowable_risk.py`): one value per row of
    `rows`."""
    world = read_world(workspace)
    number = order_number(workspace, rows["order_id"], world.count_orders)
    as_of = rows["as_of_day"].to_numpy() - day_number(world.first_day)
    return pl.Series(
        "knowable_risk", knowable_risk(world, number, as_of, horizon_days, KNOWABLE_COPIES)
    )


def _check_same_world(
    workspace: Workspace,
    world: World,
    number: np.ndarray,
    as_of: np.ndarray,
    foresight: np.ndarray,
    horizon: int,
) -> None:
    """The rebuilt world must be that of the files: another version of this program may build
    another world."""
    path = workspace.folder / "truth" / "order_days.parquet"
    sample = np.unique(number)[:200]
    is_sampled = np.isin(number, sample)
    in_sample = pl.col("order_number").is_in((sample + 1).tolist())
    days = pl.scan_parquet(path).filter(in_sample).collect()
    start = as_of[is_sampled] + day_number(world.first_day)
    rows = pl.DataFrame({"order_number": number[is_sampled] + 1, "as_of_day": start})
    joined = (
        rows.with_row_index()
        .with_columns(pl.col("order_number").cast(pl.UInt32))
        .join(days, on="order_number", how="left")
    )
    ahead = joined.filter(
        (pl.col("day") >= pl.col("as_of_day")) & (pl.col("day") < pl.col("as_of_day") + horizon)
    )
    total = (
        pl.sum_horizontal(f"hazard_{cause}_e9" for cause in CAUSES).cast(pl.Float64) * HAZARD_UNIT
    )
    sums = ahead.group_by("index").agg(total.sum().alias("total"))
    hazard = (
        rows.with_row_index().join(sums, on="index", how="left")["total"].fill_null(0.0).to_numpy()
    )
    if not np.allclose(-np.expm1(-hazard), foresight[is_sampled], atol=1e-6):
        raise _other_world(workspace, path)


def _other_world(workspace: Workspace, path: Path) -> BadInput:
    return BadInput(
        f"{path}: does not belong to this store, or another version of this program wrote it. "
        f"Simulate the store again: make simulate WORKSPACE={workspace.folder}"
    )
