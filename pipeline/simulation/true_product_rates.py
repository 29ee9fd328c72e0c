"""The true dispute rate of each product of a simulated store: what its reviews are judged by.

A product's true rate: the expected chance that an order of it is disputed in the end, over the
lanes and buyers that it is sold to. In this world these do not depend on the product, so: for each
of its orders, `copies` order lines of the store of about the same day are taken as they are (buyer,
country, service, units, what else is in the order), the product put in the place of theirs, and the
parcel's way drawn anew. A copy's chance is 1 - exp(-all its true hazards); the rate is the mean
over copies, then over the product's orders. So neither a quarrelsome buyer, nor a lost parcel, nor
three orders that happened to go by a slow service count as the product's; its supplier's handling,
its price and its weeks on sale do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from pipeline.simulation.true_risk import order_number, read_world
from pipeline.simulation.world.journey import Realised, travel
from pipeline.simulation.world.order_life import open_days, order_days, write_messages
from pipeline.simulation.world.scans import scan
from pipeline.simulation.world.simulated_orders import Orders, World, _risks, draw_orders
from pipeline.workspace.workspace import Workspace

COPIES = 8
# the first orders of a product are placed again more often: a rate over few orders needs as many
COPIES_IN_ALL = 200
ROWS_AT_ONCE = 20_000
# donors lie within so many order lines, before or after
NEAR = 300


def true_order_chances(workspace: Workspace, rows: pl.DataFrame) -> np.ndarray:
    """Per row of `rows` (`order_id, product_id`): the chance that such an order is disputed in the
    end."""
    world = read_world(workspace)
    number = order_number(workspace, rows["order_id"], world.count_orders)
    product = rows["product_id"].str.strip_prefix("p-").cast(pl.Int64).to_numpy() - 1
    nth = rows.select(pl.int_range(pl.len()).over("product_id")).to_series().to_numpy()
    copies = np.maximum(COPIES, COPIES_IN_ALL // (nth + 1))
    row = np.repeat(np.arange(len(number)), copies)
    fresh = world.count_orders * 4 + np.arange(len(row))
    # orders are numbered by the time they were placed
    by_time = np.argsort(number, kind="stable")
    place = np.empty(len(number), dtype=np.int64)
    place[by_time] = np.arange(len(number))
    shift = np.rint((2.0 * world.draws.uniform("donor", fresh) - 1.0) * NEAR).astype(np.int64)
    donor = by_time[np.clip(place[row] + shift, 0, len(number) - 1)]
    parts = np.array_split(np.arange(len(row)), len(row) // ROWS_AT_ONCE + 1)
    chance = np.concatenate(
        [
            _chance(world, number[donor[p]], product[donor[p]], product[row[p]], fresh[p])
            for p in parts
        ]
    )
    return np.asarray(np.bincount(row, chance, len(number)) / copies)


def _chance(
    world: World, donor: np.ndarray, theirs: np.ndarray, product: np.ndarray, fresh: np.ndarray
) -> np.ndarray:
    """Orders `donor`, with `product` in place of `theirs`, on other journeys, drawn by the numbers
    `fresh`."""
    orders = _with_product(world, draw_orders(world, donor), theirs, product, fresh)
    chance = Realised(world.draws, fresh)
    journey = travel(world, orders, chance)
    scans = scan(world, orders, journey, chance)
    order, day, first = open_days(journey.starts[:, 0], journey.closed)
    messages = write_messages(world, orders, journey, scans, order, day)
    hazard = order_days(orders, journey, scans, messages, order, day, first).hazard.sum(axis=1)
    return np.asarray(-np.expm1(-np.bincount(order, hazard, len(fresh))))


def _with_product(
    world: World, orders: Orders, theirs: np.ndarray, product: np.ndarray, fresh: np.ndarray
) -> Orders:
    catalogue = world.catalogue
    products = orders.products.copy()
    line = np.where(products[:, 0] == theirs, 0, 1)
    products[np.arange(len(line)), line] = product
    price = catalogue.price_at(world.draws, world.calendar, products, orders.placed[:, None])
    risks = _risks(catalogue, products, orders.placed)
    has_second = (orders.quantity[:, 1] > 0)[:, None]
    return replace(
        orders,
        number=fresh,
        products=products,
        price_usd=price,
        total_usd=np.round((price * orders.quantity).sum(axis=1) + orders.shipping_usd, 2),
        dispatch_promise_days=catalogue.dispatch_promise_days[catalogue.supplier[products[:, 0]]],
        handling_median=catalogue.handling_median_days[catalogue.supplier[products[:, 0]]],
        risks=np.where(has_second, np.maximum(risks[:, 0], risks[:, 1]), risks[:, 0]),
    )
