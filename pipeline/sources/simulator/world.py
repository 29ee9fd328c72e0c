"""One small store over some months: catalogue, orders and parcels, before anybody complains.

All times are floats: days since the first day, UTC; infinity is "never". Every array has one entry per order unless
said otherwise. What really happens is drawn first, to its end; `facts.py` then keeps what is known by the last day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipeline.sources.simulator.assumptions import ASSUMED, CATEGORIES, COUNTRIES, MILESTONES, SERVICES
from pipeline.sources.simulator.facts import build_frames
from pipeline.sources.simulator.life import live
from pipeline.sources.simulator.state import Catalogue, Orders, Parcels

NEVER = np.inf


@dataclass(frozen=True)
class Season:
    """The calendar: which days are in the Nov-Jan peak, which service collapses and when."""

    is_peak: np.ndarray
    collapsed_service: int
    collapse_starts: float


def simulate_store(*, count_orders: int, seed: int, first_day: date, days: int) -> dict[str, pl.DataFrame]:
    """The canonical tables of "store-1" as exported at the end of the last day: one frame per table name.

    Orders are placed in [first_day, first_day + days), UTC; only facts known before its end are returned, so the
    youngest orders are still open. The same arguments give the same frames.
    """
    if count_orders < 1 or days < 1:
        raise ValueError(f"count_orders and days must be at least 1, not {count_orders} and {days}.")
    rng = np.random.default_rng(seed)
    months = np.array([(first_day + timedelta(days=day)).month for day in range(days)])
    season = Season(
        is_peak=np.isin(months, ASSUMED.peak_months),
        collapsed_service=int(rng.integers(len(SERVICES))),
        collapse_starts=float(rng.uniform(0.2, 0.7) * days),
    )
    catalogue = _draw_catalogue(rng, days)
    orders = _draw_orders(rng, catalogue, season, count_orders)
    parcels = _draw_parcels(rng, orders, season)
    life = live(rng, orders, parcels)
    return build_frames(rng, catalogue, orders, parcels, life, first_day=first_day, days=days)


def _draw_catalogue(rng: np.random.Generator, days: int) -> Catalogue:
    """Products with a latent `badness`, shared in part by category and by supplier.

    It is shifted so that the average unit sold has the hazard of the assumptions whatever the seed.
    """
    count, suppliers = ASSUMED.count_products, ASSUMED.count_suppliers
    category, supplier = rng.integers(len(CATEGORIES), size=count), rng.integers(suppliers, size=count)
    supplier_risk, category_risk = rng.normal(size=suppliers), rng.normal(size=len(CATEGORIES))
    sales = rng.lognormal(0.0, ASSUMED.sales_sigma, count)
    badness = 0.8 * rng.normal(size=count) + 0.4 * category_risk[category] + 0.45 * supplier_risk[supplier]
    hazard_x = np.exp(ASSUMED.badness_x * badness)
    is_new = rng.random(count) < ASSUMED.share_new_products
    is_new[0] = False
    low, high = ASSUMED.dispatch_promise_days
    return Catalogue(
        category=category,
        supplier=supplier,
        badness=badness - np.log(np.average(hazard_x, weights=sales)) / ASSUMED.badness_x,
        price_usd=np.round(rng.lognormal(np.log(ASSUMED.price_median_usd), ASSUMED.price_sigma, count), 2),
        weight_g=np.round(rng.lognormal(np.log(250.0), 0.8, count)),
        count_photos=rng.integers(1, 9, count).astype(float),
        sales_share=sales / sales.sum(),
        listed_at=np.where(is_new, rng.uniform(0.1, 0.8, count) * days, rng.uniform(-300.0, -1.0, count)),
        handling_median_days=rng.uniform(*ASSUMED.handling_median_days, suppliers),
        dispatch_promise_days=rng.integers(low, high + 1, suppliers).astype(float),
    )


def _draw_orders(rng: np.random.Generator, catalogue: Catalogue, season: Season, count: int) -> Orders:
    weights = np.where(season.is_peak, ASSUMED.peak_orders_x, 1.0)
    placed = np.sort(rng.choice(len(weights), size=count, p=weights / weights.sum()) + rng.random(count))
    buyer = _draw_buyers(rng, count)
    country_of_buyer = rng.choice(len(COUNTRIES), size=count, p=[c.share for c in COUNTRIES])
    service = rng.choice(len(SERVICES), size=count, p=[s.share for s in SERVICES])
    products = np.stack([_draw_products(rng, catalogue, placed) for _ in range(2)], axis=1)
    has_second = (rng.random(count) < ASSUMED.share_second_line) & (products[:, 0] != products[:, 1])
    quantity = 1.0 + rng.poisson(0.15, (count, 2))
    quantity[:, 1] *= has_second
    shipping = np.array([s.shipping_usd for s in SERVICES])[service]
    country = country_of_buyer[buyer]
    transit = np.ceil(_median_transit(service, country) * np.array([s.promise_x for s in SERVICES])[service])
    promised_days = np.minimum(transit + ASSUMED.promised_handling_days, ASSUMED.longest_promise_days)
    paid = placed + rng.lognormal(np.log(0.02), 1.2, count)
    supplier = catalogue.supplier[products[:, 0]]
    badness = catalogue.badness[products]
    return Orders(
        placed=placed,
        paid=paid,
        buyer=buyer,
        buyer_temper=rng.lognormal(0.0, ASSUMED.buyer_sigma, count)[buyer],
        country=country,
        service=service,
        products=products,
        quantity=quantity,
        shipping_usd=shipping,
        total_usd=np.round((catalogue.price_usd[products] * quantity).sum(axis=1) + shipping, 2),
        badness=np.where(has_second, badness.max(axis=1), badness[:, 0]),
        handling_median=catalogue.handling_median_days[supplier],
        dispatch_promise=paid + catalogue.dispatch_promise_days[supplier],
        delivery_promise=placed + promised_days,
    )


def _draw_buyers(rng: np.random.Generator, count: int) -> np.ndarray:
    """Buyer numbers in the order of placing: most are new, the others one of the earlier ones."""
    is_new = rng.random(count) >= ASSUMED.share_returning_buyers
    is_new[0] = True
    count_so_far = np.cumsum(is_new)
    return np.where(is_new, count_so_far - 1, (rng.random(count) * count_so_far).astype(int))


def _draw_products(rng: np.random.Generator, catalogue: Catalogue, placed: np.ndarray) -> np.ndarray:
    """By heavy-tailed sales; an order placed before its product is listed takes an established one."""
    product = rng.choice(len(catalogue.sales_share), size=len(placed), p=catalogue.sales_share)
    established = np.flatnonzero(catalogue.listed_at < 0.0)
    share = catalogue.sales_share[established] / catalogue.sales_share[established].sum()
    return np.where(catalogue.listed_at[product] < placed, product, rng.choice(established, size=len(placed), p=share))


def _median_transit(service: np.ndarray, country: np.ndarray) -> np.ndarray:
    median, country_x = np.array([s.median_days for s in SERVICES]), np.array([c.transit_x for c in COUNTRIES])
    days: np.ndarray = median[service] * country_x[country]
    return days


def _draw_parcels(rng: np.random.Generator, orders: Orders, season: Season) -> Parcels:
    count = len(orders.placed)
    is_peak = season.is_peak[orders.placed.astype(int)]
    handling = rng.lognormal(np.log(orders.handling_median), ASSUMED.handling_sigma)
    handling *= np.where(is_peak, ASSUMED.peak_handling_x, 1.0)
    handling *= np.where(rng.random(count) < ASSUMED.share_very_slow, ASSUMED.very_slow_x, 1.0)
    # a parcel not handed over by then is cancelled by the platform, so the others made it
    cancelled = orders.dispatch_promise + ASSUMED.cancelled_days_after_dispatch_promise
    handed_over = np.minimum(orders.paid + handling, cancelled - rng.uniform(0.1, 2.0, count))
    handed_over = np.where(rng.random(count) < ASSUMED.share_never_shipped, NEVER, handed_over)
    transit = _median_transit(orders.service, orders.country)
    transit *= rng.lognormal(0.0, np.array([s.sigma for s in SERVICES])[orders.service])
    transit *= np.where(is_peak, ASSUMED.peak_transit_x, 1.0)
    days_into_collapse = handed_over - season.collapse_starts
    is_hit = (days_into_collapse >= 0.0) & (days_into_collapse < ASSUMED.collapse_days)
    transit *= np.where(is_hit & (orders.service == season.collapsed_service), ASSUMED.collapse_x, 1.0)
    loss = np.array([s.loss_share for s in SERVICES])[orders.service]
    fate = rng.random(count)
    is_lost = fate < loss * np.array([c.loss_x for c in COUNTRIES])[orders.country]
    is_returned = ~is_lost & (fate > 1.0 - ASSUMED.share_returned)
    return _draw_scans(rng, handed_over, transit, is_lost, is_returned)


def _draw_scans(
    rng: np.random.Generator, handed_over: np.ndarray, transit: np.ndarray, is_lost: np.ndarray, is_returned: np.ndarray
) -> Parcels:
    """Scans, one column per milestone and one for the exception (held, returning or reported lost), if any."""
    count = len(transit)
    shares = rng.uniform([m.earliest for m in MILESTONES], [m.latest for m in MILESTONES], (count, len(MILESTONES)))
    # a lost parcel stops anywhere on the way; a returned one shortly before the door
    stops = np.where(is_lost, rng.uniform(0.05, 0.95, count), np.where(is_returned, 0.9, NEVER))
    is_held = (rng.random(count) < ASSUMED.share_customs_hold) & ~is_lost & ~is_returned
    held_days = np.where(is_held, rng.uniform(*ASSUMED.customs_hold_days, count), 0.0)
    scans = handed_over[:, None] + shares * transit[:, None] + np.where(shares > 0.77, held_days[:, None], 0.0)
    is_made = rng.random(scans.shape) < [m.chance for m in MILESTONES]
    scans = np.where(is_made & (shares < stops[:, None]), scans, NEVER)
    reported_after = transit + rng.uniform(10.0, 30.0, count)
    is_reported = is_lost & (rng.random(count) < ASSUMED.share_lost_reported)
    exception = np.select([is_held, is_returned, is_reported], [0.77 * transit, transit, reported_after], NEVER)
    kind = np.select([is_held, is_returned, is_reported], [0, 1, 2], -1)
    return Parcels(
        handed_over=handed_over,
        delivered=scans[:, -1],
        is_gone=is_lost | is_returned,
        scans=np.concatenate([scans, (handed_over + exception)[:, None]], axis=1),
        exception_kind=kind,
    )
