"""The true dispute rate of each product of a simulated store, to evaluate product reviews.

A product's true rate is the expected chance that an order with this product is ever disputed, over
the lanes and buyers that it is sold to. In this world lanes and buyers do not depend on the
product. So for each order of the product, `copies` order lines from about the same day are copied
with their buyer, country, service, units and other line. The product replaces the one in the copied
line, and the parcel's journey is drawn again. The chance of a copy is 1 - exp(-sum of its true
hazards). The rate is the mean over copies, then over the product's orders. A quarrelsome buyer, a
lost parcel or a few orders that happened to use a slow service therefore do not count against the
product; its supplier's handling, its price and its time on sale do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from pipeline.simulation.true_risk import order_number, read_world
from pipeline.simulation.world.buyer_messages import write_messages
from pipeline.simulation.world.journey import Realised, travel
from pipeline.simulation.world.order_life import open_days, order_days
from pipeline.simulation.world.scans import scan
from pipeline.simulation.world.simulated_orders import Orders, World, draw_orders, order_risks
from pipeline.workspace.workspace import Workspace

# copies per order, at least
COPIES = 8
# the first orders of a product get more copies (this number / rank), so that the rates of products
# with few orders are precise too
COPIES_IN_ALL = 200
ROWS_AT_ONCE = 20_000
# copied order lines are at most this many lines earlier or later
NEAR = 300


def true_order_chances(workspace: Workspace, rows: pl.DataFrame) -> np.ndarray:
    """One value per row of `rows` (`order_id, product_id`): the chance that such an order is ever
    disputed, as defined above.

    Raises
    ------
    BadInput
        If the workspace has no simulated store, or an order is not one of its orders.
    """
    world = read_world(workspace)
    number = order_number(workspace, rows["order_id"], world.count_orders)
    product = rows["product_id"].str.strip_prefix("p-").cast(pl.Int64).to_numpy() - 1
    nth = rows.select(pl.int_range(pl.len()).over("product_id")).to_series().to_numpy()
    copies = np.maximum(COPIES, COPIES_IN_ALL // (nth + 1))
    row = np.repeat(np.arange(len(number)), copies)
    new_number = world.count_orders * 4 + np.arange(len(row))
    # orders are numbered by the time they were placed
    by_time = np.argsort(number, kind="stable")
    time_rank = np.empty(len(number), dtype=np.int64)
    time_rank[by_time] = np.arange(len(number))
    shift = np.rint((2.0 * world.draws.uniform("donor", new_number) - 1.0) * NEAR).astype(np.int64)
    donor = by_time[np.clip(time_rank[row] + shift, 0, len(number) - 1)]
    parts = np.array_split(np.arange(len(row)), len(row) // ROWS_AT_ONCE + 1)
    chance = np.concatenate(
        [
            _chance(world, number[donor[p]], product[donor[p]], product[row[p]], new_number[p])
            for p in parts
        ]
    )
    return np.asarray(np.bincount(row, chance, len(number)) / copies)


def _chance(
    world: World,
    donor: np.ndarray,
    donor_product: np.ndarray,
    product: np.ndarray,
    new_number: np.ndarray,
) -> np.ndarray:
    """Chance of a dispute of the orders `donor` when `product` replaces `donor_product` and the
    journeys are drawn again with the order numbers `new_number`."""
    orders = _with_product(world, draw_orders(world, donor), donor_product, product, new_number)
    chance = Realised(world.draws, new_number)
    journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    order, day, first = open_days(journey.starts[:, 0], journey.closed)
    messages = write_messages(world, orders, journey, scans, order, day)
    hazard = order_days(orders, journey, scans, messages, order, day, first).hazard.sum(axis=1)
    return np.asarray(-np.expm1(-np.bincount(order, hazard, len(new_number))))


def _with_product(
    world: World,
    orders: Orders,
    donor_product: np.ndarray,
    product: np.ndarray,
    new_number: np.ndarray,
) -> Orders:
    catalogue = world.catalogue
    products = orders.products.copy()
    line = np.where(products[:, 0] == donor_product, 0, 1)
    products[np.arange(len(line)), line] = product
    price = catalogue.price_at(world.draws, world.calendar, products, orders.placed[:, None])
    return replace(
        orders,
        number=new_number,
        products=products,
        price_usd=price,
        total_usd=np.round((price * orders.quantity).sum(axis=1) + orders.shipping_usd, 2),
        dispatch_promise_days=catalogue.dispatch_promise_days[catalogue.supplier[products[:, 0]]],
        handling_median=catalogue.handling_median_days[catalogue.supplier[products[:, 0]]],
        risks=order_risks(catalogue, products, orders.quantity, orders.placed),
    )
