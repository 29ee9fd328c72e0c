"""Nights until the monitor reports a supplier that became worse, and false alarms in quiet seasons.

A season is a simulated store without contacts. On each of 90 nights all suppliers and products are
judged with the facts known then, as `make monitor` and `make products` judge them. Quiet stores
have none of the simulator's shocks (collapses, customs, silences), but they have its seasons,
sales, growth, new products and products that got better. In planted stores, each order of one
supplier placed from night 20 on has five times the hazard of a dispute. The supplier is the one
with the most orders from then on whose share of them is at most the wanted one.

PYTHONPATH=. python tests/bench/changed_rates.py [QUIET_SEASONS=20] [ORDERS=30000]
    [PLANTED_SEEDS=4] [TIMES=5]
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from unittest import mock

import numpy as np
import polars as pl

FIRST, DAYS, SEASON, PLANTED_ON, LOOKBACK = date(2024, 1, 1), 620, 90, 20, 365
NEVER = 1e9
SHARES = (0.10, 0.05, 0.02)
LEVELS = ("watch", "act")
REVIEW_EVERY = 30
START = DAYS - SEASON + PLANTED_ON


@dataclass(frozen=True)
class Planted:
    """The supplier that becomes worse: its number, name and orders per day from then on."""

    number: int
    name: str
    orders_a_day: float


def made(orders: int, seed: int, worse: int | None, times: float, *, is_calm: bool = True):
    """The canonical tables of a store; `worse`: the number of the supplier, or None."""
    from pipeline.simulation.world import calendar
    from pipeline.simulation.world import order_life as life
    from pipeline.simulation.world.simulated_orders import build_world
    from pipeline.simulation.world.simulated_store import simulate_store

    world = build_world(count_orders=orders, seed=seed, first_day=FIRST, days=DAYS)
    calm = replace(
        calendar.ROAD, collapse_every_days=NEVER, border_every_days=NEVER, silence_every_days=NEVER
    )
    hazards = life.dispute_hazards

    def hazards_of_worse_batches(orders: object, journey: object, scans: object, order, *rest):
        bought = orders.products[order]
        is_bought = orders.quantity[order] > 0
        is_theirs = (is_bought & (world.catalogue.supplier[bought] == worse)).any(axis=1)
        is_worse = is_theirs & (orders.placed[order] >= START)
        return (
            hazards(orders, journey, scans, order, *rest) * np.where(is_worse, times, 1.0)[:, None]
        )

    with ExitStack() as stack:
        if is_calm:
            stack.enter_context(mock.patch.object(calendar, "ROAD", calm))
        if worse is not None:
            patched = mock.patch.object(life, "dispute_hazards", hazards_of_worse_batches)
            stack.enter_context(patched)
        return simulate_store(count_orders=orders, seed=seed, first_day=FIRST, days=DAYS)


def planted_supplier(orders: int, seed: int, share: float) -> Planted:
    """The supplier with the most orders after the change whose share is at most `share`."""
    from features.clock import day_number, local_day
    from pipeline.simulation.world.simulated_store import ZONE

    lines = made(orders, seed, None, 1.0)["order_lines"]
    day = local_day(pl.col("known_at"), ZONE) - day_number(FIRST)
    recent = lines.filter(day >= START)
    sizes = recent["supplier_id"].value_counts().sort("count", "supplier_id", descending=True)
    few = sizes.filter(pl.col("count") <= share * recent.height).row(0)
    return Planted(int(few[0].split("-")[-1]) - 1, few[0], few[1] / (DAYS - START))


@dataclass(frozen=True)
class Night:
    """What one night says: the monitor's findings, and whose rate seems to have risen in a review
    on this day."""

    findings: list
    suppliers: list[str]
    products: list[str]


def season(frames: dict[str, pl.DataFrame]) -> list[Night]:
    from features.clock import day_number
    from features.indicators.product_exposure import order_exposure, product_orders
    from features.tables import create_tables
    from models.product.changed_rates import rate_findings
    from models.product.product_table import review_products
    from pipeline.simulation.world.simulated_store import ZONE

    tables, first = create_tables(frames, zone=ZONE), day_number(FIRST) + DAYS - SEASON
    nights = []
    for night in range(first, first + SEASON):
        rows = product_orders(tables, order_exposure(tables, night, LOOKBACK), night)
        reviewed = review_products(rows, night)
        shown = [
            names.filter(changes["change"] != "fine").to_list()
            for names, changes in (
                (reviewed.supplier.names, reviewed.supplier_changes),
                (reviewed.product.names, reviewed.product_changes),
            )
        ]
        nights.append(Night(rate_findings(reviewed), *shown))
    return nights


def first_night(nights: list[Night], level: str, name: str = "") -> int | None:
    """The first night with a finding of at least this level, about anything or about `name`."""
    for number, night in enumerate(nights):
        for finding in night.findings:
            is_level = LEVELS.index(finding.level) >= LEVELS.index(level)
            if is_level and f"{name}:" in finding.says:
                return number
    return None


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def report_planted(orders: int, seed: int, share: float, times: float) -> None:
    started, worse = time.perf_counter(), planted_supplier(orders, seed, share)
    nights = season(made(orders, seed, worse.number, times))
    after = nights[PLANTED_ON:]
    shown = next((n for n, night in enumerate(after) if worse.name in night.suppliers), None)
    watch, act = (first_night(after, level, f"supplier {worse.name}") for level in LEVELS)
    early = sum(any(f.level == "act" for f in night.findings) for night in nights[:PLANTED_ON])
    say(
        f"x{times:g}, seed {seed}, {worse.name}, {worse.orders_a_day:.1f} orders a day: a review "
        f"shows it after {shown} nights, watch after {watch}, act after {act}; acts before: "
        f"{early} ({time.perf_counter() - started:.0f} s)"
    )


def report_quiet(orders: int, seeds: int, *, is_calm: bool) -> None:
    alarms, watched, reviews, suppliers, products = 0, 0, 0, 0, 0
    kind = "quiet" if is_calm else "usual (with collapses, customs and silences)"
    for seed in range(seeds):
        nights = season(made(orders, 300 + seed, None, 1.0, is_calm=is_calm))
        act = first_night(nights, "act")
        alarms += act is not None
        watched += sum(bool(night.findings) for night in nights)
        for night in nights[::REVIEW_EVERY]:
            reviews, suppliers = reviews + 1, suppliers + bool(night.suppliers)
            products += bool(night.products)
        if act is not None:
            first = next(f for f in nights[act].findings if f.level == "act")
            say(f"{kind} season {seed + 1}: act on night {act}: {first.says}")
    say(
        f"{kind}: act in {alarms} of {seeds} seasons; watch or act on {watched} of "
        f"{seeds * SEASON} nights; of {reviews} reviews, {suppliers} show a supplier and "
        f"{products} a product as possibly worse"
    )


def main(quiet: int, orders: int, seeds: int, times: int) -> None:
    say(f"{orders:,} orders in {DAYS} days, {SEASON} nights, change on night {PLANTED_ON}")
    for share in SHARES:
        for seed in range(seeds):
            report_planted(orders, 100 + seed, share, times)
    report_quiet(orders, quiet, is_calm=True)
    report_quiet(orders, quiet, is_calm=False)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [20, 30_000, 4, 5][len(given) :]))
