"""Who orders what, when, and what is promised. One entry per order unless said otherwise; times in
days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, ROAD, SHOPPING
from pipeline.simulation.world.calendar import Calendar, draw_calendar
from pipeline.simulation.world.catalogue import Catalogue, draw_catalogue
from pipeline.simulation.world.draws import Draws, pick
from pipeline.simulation.world.markets import COUNTRIES, SERVICES

CENTS = 100.0


@dataclass(frozen=True)
class World:
    """What all orders share. A world is its four arguments: the same ones give the same world."""

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
    """Orders by the number they were placed in. `products`, `quantity`, `price_usd` have a column
    for each of the two possible lines; quantity 0 is no second line. `risks` (orders, 4): of the
    worst of its products.

    Latent: `temper_x` (a buyer's readiness to quarrel), `is_habitual`, `patience_days`, `risks`.
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
        """Some of the orders, as often as asked for."""
        return Orders(**{name: column[index] for name, column in vars(self).items()})


def build_world(*, count_orders: int, seed: int, first_day: date, days: int) -> World:
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
    """The orders of these numbers, 0 .. count_orders - 1."""
    draws, catalogue = world.draws, world.catalogue
    # the n-th of N orders falls into the n-th N-th of the demand, so numbers and times have one
    # order
    placed = np.interp(
        (number + draws.uniform("placed", number)) / world.count_orders,
        world.day_edges,
        np.arange(world.days + 1.0),
    )
    buyer = _buyers(world, number, placed)
    country = pick(draws.uniform("country", buyer), [c.share for c in COUNTRIES])
    service = pick(draws.uniform("service", number), [s.share for s in SERVICES])
    products = np.stack(
        [_products(world, placed, draws.uniform("product", number, line)) for line in (0, 1)],
        axis=1,
    )
    has_second = (draws.uniform("second line", number) < SHOPPING.share_second_line) & (
        products[:, 0] != products[:, 1]
    )
    # a geometric number of units beyond the first
    more = SHOPPING.extra_units_mean / (1.0 + SHOPPING.extra_units_mean)
    quantity = 1.0 + np.floor(
        np.log(draws.uniform("units", number[:, None], np.arange(2))) / np.log(more)
    )
    quantity[:, 1] *= has_second
    price = catalogue.price_at(draws, world.calendar, products, placed[:, None])
    shipping = np.array([s.shipping_usd for s in SERVICES])[service]
    first_supplier = catalogue.supplier[products[:, 0]]
    risks = _risks(catalogue, products, placed)
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
        risks=np.where(has_second[:, None], np.maximum(risks[:, 0], risks[:, 1]), risks[:, 0]),
    )


def lane_median_days(service: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Median transit days of a lane on an ordinary day."""
    days: np.ndarray = (
        np.array([s.median_days for s in SERVICES])[service]
        * np.array([c.transit_x for c in COUNTRIES])[country]
    )
    return days


def promised_days(service: np.ndarray, country: np.ndarray) -> np.ndarray:
    slack = np.array([s.promise_x for s in SERVICES])[service]
    days = np.ceil(lane_median_days(service, country) * slack) + ROAD.promised_handling_days
    return np.minimum(days, ROAD.longest_promise_days)


def _products(world: World, placed: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """By the day's shares of sales: one search for all days, each day's shares being lifted by its
    number."""
    edges = world.catalogue.sales_edges
    day = np.minimum(placed.astype(np.int64), world.days - 1)
    lifted = (edges + np.arange(world.days)[:, None]).ravel()
    found = np.searchsorted(lifted, day + uniform, side="right") - day * edges.shape[1]
    return np.clip(found, 0, edges.shape[1] - 1)


def _risks(catalogue: Catalogue, products: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """(orders, lines, reasons): an improved product disappoints less in quality."""
    risks = catalogue.risks[products].copy()
    risks[..., 0] *= np.where(
        placed[:, None] >= catalogue.improved_at[products], np.exp(-QUARREL.improved_by), 1.0
    )
    return risks


def _buyers(world: World, number: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """A buyer's number, scrambled: it tells nothing about how often the buyer will come.

    Some orders are by one of the store's regulars, of whom there are the more the longer it is
    open.
    """
    draws, regulars = world.draws, max(int(SHOPPING.regulars_x * world.count_orders), 1)
    known = np.maximum(regulars * (0.15 + 0.85 * placed / world.days), 1.0)
    regular = np.floor(draws.uniform("regular", number) ** SHOPPING.regulars_power * known).astype(
        np.int64
    )
    is_returning = draws.uniform("returning", number) < SHOPPING.share_returning
    plain = np.where(is_returning, regular, number + regulars).astype(np.uint64)
    count = np.uint64(world.count_orders + regulars)
    return (plain * np.uint64(2_654_435_761) % count).astype(
        np.int64
    )  # a prime, so no two share a number
