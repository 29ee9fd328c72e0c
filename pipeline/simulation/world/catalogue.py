"""Suppliers and products: what the store lists, when and at what price, and how likely each product
is to disappoint. No table of the store shows these risks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, ROAD, SHOPPING
from pipeline.simulation.world.calendar import Calendar
from pipeline.simulation.world.draws import Draws, pick
from pipeline.simulation.world.markets import CATEGORIES


@dataclass(frozen=True)
class Catalogue:
    """One entry per product; in the last two arrays, one entry per supplier.

    Latent: `risks` (products, 4), factors of the "not as described" hazard by reason (quality,
    dishonest listing, size, fragile), and `improved_at`, the time from which the quality is better.
    """

    category: np.ndarray
    supplier: np.ndarray
    price_usd: np.ndarray
    weight_g: np.ndarray
    count_photos: np.ndarray
    listed_at: np.ndarray
    retired_at: np.ndarray
    improved_at: np.ndarray
    risks: np.ndarray
    sales_edges: np.ndarray  # (days, products): running share of the day's sales
    handling_median_days: np.ndarray
    dispatch_promise_days: np.ndarray

    def price_at(
        self, draws: Draws, calendar: Calendar, product: np.ndarray, time: np.ndarray
    ) -> np.ndarray:
        """USD per unit. The list price changes in steps and is reduced on sale days."""
        step = np.floor(time / SHOPPING.price_step_days).astype(np.int64)
        moved = self.price_usd[product] * draws.lognormal(
            1.0, SHOPPING.price_step_sigma, "price step", product, step
        )
        cut = np.where(calendar.is_sale[calendar.day(time)], SHOPPING.sale_discount, 1.0)
        return np.asarray(np.round(np.maximum(moved * cut, 0.5), 2))


def draw_catalogue(draws: Draws, calendar: Calendar, count_orders: int) -> Catalogue:
    days = len(calendar.demand)
    count = max(int(SHOPPING.products_x * np.sqrt(count_orders)), 40)
    product = np.arange(count)
    supplier_count = max(int(count / SHOPPING.products_a_supplier), 6)
    suppliers = np.arange(supplier_count)
    category = pick(draws.uniform("category", product), [c.share for c in CATEGORIES])
    supplier = pick(draws.uniform("supplier", product), np.ones(supplier_count))
    is_later = (draws.uniform("listed later", product) < SHOPPING.share_listed_later) & (
        product > 0
    )
    listed = np.where(
        is_later,
        draws.between((0.02, 0.95), "listed", product) * days,
        draws.between((-500.0, -1.0), "listed", product),
    )
    retired = (
        np.maximum(listed, 0.0)
        + 60.0
        + draws.exponential(SHOPPING.retired_after_days, "retired", product)
    )
    retired[0] = np.inf
    is_improved = draws.uniform("improved", product) < SHOPPING.share_improved
    sales = draws.lognormal(1.0, SHOPPING.sales_sigma, "sales", product)
    price_x = np.array([c.price_x for c in CATEGORIES])[category]
    weight = np.array([float(c.weight_g) for c in CATEGORIES])[category]
    low, high = ROAD.dispatch_promise_days
    edges = _sales_edges(sales, listed, retired, days)
    return Catalogue(
        category=category,
        supplier=supplier,
        price_usd=draws.lognormal(
            SHOPPING.price_median_usd * price_x, SHOPPING.price_sigma, "price", product
        ),
        weight_g=np.round(draws.lognormal(weight, 0.4, "weight", product)),
        count_photos=np.floor(draws.between((1.0, 9.0), "photos", product)),
        listed_at=listed,
        retired_at=retired,
        improved_at=np.where(
            is_improved, listed + draws.between((60.0, 500.0), "improved day", product), np.inf
        ),
        risks=_draw_risks(
            draws, category, supplier, np.diff(edges, axis=1, prepend=0.0).mean(axis=0)
        ),
        sales_edges=edges,
        handling_median_days=draws.between(ROAD.handling_median_days, "handling median", suppliers),
        dispatch_promise_days=np.floor(
            draws.between((low, high + 1.0), "dispatch promise", suppliers)
        ),
    )


def _draw_risks(
    draws: Draws, category: np.ndarray, supplier: np.ndarray, sales: np.ndarray
) -> np.ndarray:
    """Risk by reason (products, 4), scaled so that the risks of the average unit sold add up to 1
    for every seed."""
    product = np.arange(len(category))
    product_sigma, supplier_sigma, category_sigma = QUARREL.quality_sigma
    quality = np.exp(
        product_sigma * draws.normal("quality", product)
        + supplier_sigma * draws.normal("supplier quality", supplier)
        + category_sigma * draws.normal("category quality", category)
    )
    honesty = draws.lognormal(1.0, 2.0 * QUARREL.honesty_sigma, "honesty", product)
    fit = np.array([c.fit_risk for c in CATEGORIES])[category] * draws.lognormal(
        1.0, 0.6, "fit", product
    )
    fragile = np.array([c.fragility for c in CATEGORIES])[category] * draws.lognormal(
        1.0, 0.6, "fragile", product
    )
    risks = np.stack(
        [0.9 * quality, 0.4 * quality**0.5 * honesty, 0.8 * fit, 0.9 * fragile], axis=1
    )
    return np.asarray(risks / np.average(risks.sum(axis=1), weights=sales))


def _sales_edges(
    sales: np.ndarray, listed: np.ndarray, retired: np.ndarray, days: int
) -> np.ndarray:
    """Running shares of each day's sales (days, products). Products sell while they are listed; the
    sales of a new one grow over its first weeks."""
    day = np.arange(days)[:, None]
    age = day - listed
    weight = (
        sales
        * np.clip((age + 1.0) / SHOPPING.ramp_days, 0.05, 1.0)
        * ((age >= 0.0) & (day + 1.0 <= retired))
    )
    edges = np.cumsum(weight, axis=1)
    return np.asarray(edges / edges[:, -1:])
