"""The orders: who orders what and when, and what the seller promises. Arrays have one entry per
order unless noted; times are in days since the store's first day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, ROAD, SHOPPING
from pipeline.simulation.world.calendar import Calendar, draw_calendar
from pipeline.simulation.world.catalogue import Catalogue, draw_catalogue
from pipeline.simulation.world.draws import Draws, pick
from pipeline.simulation.world.markets import COUNTRIES, SERVICES


@dataclass(frozen=True)
class World:
    """What all orders share. `count_orders`, `seed`, `first_day` and `days` fully determine a
    world."""

    count_orders: int
    seed: int
    first_day: date
    days: int
    draws: Draws
    calendar: Calendar
    catalogue: Catalogue
    day_edges: np.ndarray


@dataclass(frozen=True)
class Orders:
    """Orders, numbered by the time they were placed.

    `products`, `quantity` and `price_usd` have one column for each of the two possible lines;
    quantity 0 means no second line. `risks` (orders, 4) is the higher risk of the order's products.

    Latent: `temper_x` (the buyer's readiness to dispute), `is_habitual`, `patience_days`, `risks`.
    """

    number: np.ndarray
    placed: np.ndarray
    buyer: np.ndarray
    country: np.ndarray
    service: np.ndarray
    products: np.ndarray
    quantity: np.ndarray
    price_usd: np.ndarray
    shipping_usd: np.ndarray
    total_usd: np.ndarray
    dispatch_promise_days: np.ndarray
    delivery_promise: np.ndarray
    handling_median: np.ndarray
    temper_x: np.ndarray
    is_habitual: np.ndarray
    patience_days: np.ndarray
    risks: np.ndarray

    def take(self, index: np.ndarray) -> Orders:
        """The orders at `index`, which may repeat."""
        return Orders(**{name: column[index] for name, column in vars(self).items()})


def build_world(*, count_orders: int, seed: int, first_day: date, days: int) -> World:
    """The world of `count_orders` orders placed in `days` days from `first_day`.

    Raises
    ------
    ValueError
        If `count_orders` or `days` is below 1.
    """
    if count_orders < 1 or days < 1:
        raise ValueError(
            f"count_orders and days must be at least 1, not {count_orders} and {days}."
        )
    draws = Draws(seed)
    calendar = draw_calendar(draws, first_day, days)
    edges = np.concatenate([[0.0], np.cumsum(calendar.demand)])
    return World(
        count_orders,
        seed,
        first_day,
        days,
        draws,
        calendar,
        draw_catalogue(draws, calendar, count_orders),
        edges / edges[-1],
    )


def draw_orders(world: World, number: np.ndarray) -> Orders:
    """The orders with these numbers, 0 to `count_orders` - 1. Each order is the same whichever
    others are drawn with it."""
    draws, catalogue = world.draws, world.catalogue
    # of N orders, the n-th is placed in the n-th of N equal parts of the demand, so that orders are
    # numbered by time
    placed = np.interp(
        (number + draws.uniform("placed", number)) / world.count_orders,
        world.day_edges,
        np.arange(world.days + 1.0),
    )
    buyer = _buyers(world, number, placed)
    country = pick(draws.uniform("country", buyer), [c.share for c in COUNTRIES])
    service = pick(draws.uniform("service", number), [s.share for s in SERVICES])
    products, quantity = _baskets(world, number, placed)
    price = catalogue.price_at(draws, world.calendar, products, placed[:, None])
    shipping = np.array([s.shipping_usd for s in SERVICES])[service]
    first_supplier = catalogue.supplier[products[:, 0]]
    is_habitual = draws.uniform("habitual", buyer) < SHOPPING.share_habitual
    temper = draws.lognormal(1.0, SHOPPING.temper_sigma, "temper", buyer) * np.where(
        is_habitual, SHOPPING.habitual_x, 1.0
    )
    patience = np.array([c.patience_x for c in COUNTRIES])[country]
    return Orders(
        number=number,
        placed=placed,
        buyer=buyer,
        country=country,
        service=service,
        products=products,
        quantity=quantity,
        price_usd=price,
        shipping_usd=shipping,
        total_usd=np.round((price * quantity).sum(axis=1) + shipping, 2),
        dispatch_promise_days=catalogue.dispatch_promise_days[first_supplier],
        delivery_promise=placed + promised_days(service, country),
        handling_median=catalogue.handling_median_days[first_supplier],
        temper_x=temper,
        is_habitual=is_habitual,
        patience_days=draws.lognormal(patience, SHOPPING.patience_sigma, "patience", buyer),
        risks=order_risks(catalogue, products, quantity, placed),
    )


def lane_median_days(service: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Median transit days of each lane on an ordinary day."""
    days: np.ndarray = (
        np.array([s.median_days for s in SERVICES])[service]
        * np.array([c.transit_x for c in COUNTRIES])[country]
    )
    return days


def promised_days(service: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Days from the order to the promised day of delivery, by lane."""
    slack = np.array([s.promise_x for s in SERVICES])[service]
    days = np.ceil(lane_median_days(service, country) * slack) + ROAD.promised_handling_days
    return np.asarray(np.minimum(days, ROAD.longest_promise_days))


def _baskets(world: World, number: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`products` and `quantity` of both lines, (orders, 2) each."""
    draws = world.draws
    products = np.stack(
        [_products(world, placed, draws.uniform("product", number, line)) for line in (0, 1)],
        axis=1,
    )
    has_second = (draws.uniform("second line", number) < SHOPPING.share_second_line) & (
        products[:, 0] != products[:, 1]
    )
    # the number of units after the first is geometric
    next_unit_share = SHOPPING.extra_units_mean / (1.0 + SHOPPING.extra_units_mean)
    quantity = 1.0 + np.floor(
        np.log(draws.uniform("units", number[:, None], np.arange(2))) / np.log(next_unit_share)
    )
    quantity[:, 1] *= has_second
    return products, quantity


def _products(world: World, placed: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Products drawn by their shares of the day's sales. Adding the day's number to its shares lets
    one search serve all days."""
    edges = world.catalogue.sales_edges
    day = np.minimum(placed.astype(np.int64), world.days - 1)
    edges_of_all_days = (edges + np.arange(world.days)[:, None]).ravel()
    row = np.searchsorted(edges_of_all_days, day + uniform, side="right")
    return np.asarray(np.clip(row - day * edges.shape[1], 0, edges.shape[1] - 1))


def order_risks(
    catalogue: Catalogue, products: np.ndarray, quantity: np.ndarray, placed: np.ndarray
) -> np.ndarray:
    """(orders, reasons): the higher risk of the order's products. An improved product has a lower
    risk of bad quality."""
    risks = catalogue.risks[products].copy()
    risks[..., 0] *= np.where(
        placed[:, None] >= catalogue.improved_at[products], np.exp(-QUARREL.improved_by), 1.0
    )
    has_second = (quantity[:, 1] > 0)[:, None]
    return np.asarray(np.where(has_second, np.maximum(risks[:, 0], risks[:, 1]), risks[:, 0]))


def _buyers(world: World, number: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Scrambled buyer numbers, which do not show how often a buyer comes.

    Some orders are placed by one of the store's regulars, whose number grows over time.
    """
    draws, regulars = world.draws, max(int(SHOPPING.regulars_x * world.count_orders), 1)
    current = np.maximum(regulars * (0.15 + 0.85 * placed / world.days), 1.0)
    power = draws.uniform("regular", number) ** SHOPPING.regulars_power
    regular = np.floor(power * current).astype(np.int64)
    is_returning = draws.uniform("returning", number) < SHOPPING.share_returning
    plain = np.where(is_returning, regular, number + regulars).astype(np.uint64)
    count = np.uint64(world.count_orders + regulars)
    # multiplying by a prime keeps the numbers different
    return (plain * np.uint64(2_654_435_761) % count).astype(np.int64)
