"""Tables that describe a simulated store: the outcomes of up to 100,000 of its orders.

The tables use the truth: they follow orders to their end, even after the store's last day. Shares
are computed over *matured* orders, which were placed so long before the last day that even the
slowest has ended by then. Whether an order is matured depends only on the day of purchase; using
closed orders instead would select the fast ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.simulation.world.assumptions import QUARREL, ROAD
from pipeline.simulation.world.journey import CUSTOMS, LAST_MILE, ORIGIN, Journey
from pipeline.simulation.world.markets import CATEGORIES, CAUSES, COUNTRIES, SERVICES
from pipeline.simulation.world.simulated_disputes import Disputes
from pipeline.simulation.world.simulated_orders import Orders, World
from pipeline.simulation.world.simulated_store import StorePart, draw_piece

MAX_ORDERS = 100_000
# orders in memory at a time, each with about fifty order-days
PIECE_ORDERS = 20_000
LONGEST_LIFE_DAYS = int(
    ROAD.longest_promise_days
    + QUARREL.closes_days_after_promise
    + QUARREL.closes_days_after_delivery
)
PEAK_MONTHS = (11, 12, 1)
LEGS = ("origin", "international", "customs", "last_mile")
LATE_NEWS_DAYS = 1.0


@dataclass(frozen=True)
class Sample:
    """`orders`: one row per sampled order, sorted by time of purchase. Times are in days since the
    first day; null: never.

    `days`: one row per (clock, day). The clock "placed" counts days from the purchase, "promised"
    from the promised day of delivery. `count_open` is the number of matured orders that are open
    and undisputed at the start of the day (and, on the clock "promised", not delivered); the other
    columns are the disputes they open on that day, by cause.

    `news`: one row per (service, week): the scans of that week, and how many of them became known
    more than `LATE_NEWS_DAYS` later. `step`: one in `step` orders is in the sample.
    """

    orders: pl.DataFrame
    days: pl.DataFrame
    news: pl.DataFrame
    step: int

    @property
    def matured(self) -> pl.DataFrame:
        return self.orders.filter("is_matured")


def draw_sample(world: World, max_orders: int = MAX_ORDERS) -> Sample:
    """A sample of every n-th order of the world, so that all days are represented in proportion."""
    step = -(-world.count_orders // max_orders)
    number = np.arange(0, world.count_orders, step)
    orders, days, news = [], [], []
    for part in np.array_split(number, -(-len(number) // PIECE_ORDERS)):
        piece = draw_piece(world, part)
        frame = order_rows(world, piece)
        orders.append(frame)
        days.append(_day_counts(piece, frame["is_matured"].to_numpy()))
        news.append(_news_counts(world, piece))
    return Sample(
        orders=pl.concat(orders),
        days=pl.concat(days).group_by("clock", "day").agg(pl.all().sum()).sort("clock", "day"),
        news=pl.concat(news)
        .group_by("service", "week")
        .agg(pl.all().sum())
        .sort("service", "week"),
        step=step,
    )


# infinity minus infinity is NaN, and becomes null
@np.errstate(invalid="ignore")
def order_rows(world: World, piece: StorePart) -> pl.DataFrame:
    """The rows of `Sample.orders` for the orders of `piece`."""
    orders, journey, catalogue = piece.orders, piece.journey, world.catalogue
    weight = (catalogue.weight_g[orders.products] * orders.quantity).sum(axis=1)
    legs = {
        f"{leg}_days": np.diff(journey.starts, axis=1)[:, ORIGIN + i] for i, leg in enumerate(LEGS)
    }
    frame = pl.DataFrame(
        {
            "placed": orders.placed,
            "placed_on": _dates(world, orders.placed),
            "country": np.array([c.code for c in COUNTRIES])[orders.country],
            "service": np.array([s.name for s in SERVICES])[orders.service],
            "category": np.array([c.name for c in CATEGORIES])[
                catalogue.category[orders.products[:, 0]]
            ],
            "total_usd": orders.total_usd,
            "weight_g": weight,
            "dispatch_promise_days": orders.dispatch_promise_days,
            "promised": orders.delivery_promise,
            "delivered": journey.delivered,
            "handling_days": journey.handed_over - journey.paid,
            "transit_days": journey.delivered - journey.handed_over,
            **legs,
            "is_matured": orders.placed < world.days - LONGEST_LIFE_DAYS,
            "is_handed_over": np.isfinite(journey.handed_over),
            "has_reached_customs": np.isfinite(journey.starts[:, CUSTOMS]),
            "is_held": journey.held_days > 0.0,
            "is_lost": np.isfinite(journey.lost_at),
            "is_returned": np.isfinite(journey.returned_at),
            "is_peak": _is_peak(world, journey.handed_over),
            "is_ordinary": _is_ordinary(world, orders, journey),
            "count_scans": np.isfinite(piece.scans.occurred).sum(axis=1),
            **_dispute_columns(piece.disputes, len(orders.number)),
        }
    )
    numbers = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    return frame.with_columns(pl.when(pl.col(n).is_finite()).then(pl.col(n)) for n in numbers)


def _dates(world: World, time: np.ndarray) -> np.ndarray:
    """Calendar days of times; the first day for events that never happen."""
    day = np.floor(np.where(np.isfinite(time), time, 0.0)).astype("timedelta64[D]")
    return np.asarray(np.datetime64(world.first_day, "D") + day)


def _is_peak(world: World, time: np.ndarray) -> np.ndarray:
    month = _dates(world, time).astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.isin(month, PEAK_MONTHS)


def _is_ordinary(world: World, orders: Orders, journey: Journey) -> np.ndarray:
    """Whether no leg was slowed by the peak season, holidays, a carrier's collapse or a border, and
    customs did not hold the parcel."""
    calendar, is_ordinary = world.calendar, journey.held_days == 0.0
    usual = np.array([c.customs_x for c in COUNTRIES])[orders.country]
    for leg in range(ORIGIN, LAST_MILE + 1):
        day = calendar.day(journey.starts[:, leg])
        is_ordinary = is_ordinary & (calendar.road_x[orders.service, day] == 1.0)
        if leg == ORIGIN:
            is_ordinary = is_ordinary & (calendar.origin_x[day] == 1.0)
        if leg == CUSTOMS:
            is_ordinary = is_ordinary & (calendar.customs_x[orders.country, day] == usual)
    return np.asarray(is_ordinary)


def _dispute_columns(disputes: Disputes, count: int) -> dict[str, np.ndarray | pl.Series]:
    """Columns about disputes with one entry per order; null or false for undisputed orders."""

    def spread(values: np.ndarray, empty: object = np.nan) -> np.ndarray:
        column = np.full(count, empty)
        column[disputes.order] = values
        return column

    is_escalated = np.isfinite(disputes.escalated)
    # calendar days; the day of filing is day 1
    escalation_day = (
        np.where(is_escalated, np.floor(disputes.escalated), np.inf)
        - np.floor(disputes.opened)
        + 1.0
    )
    escalated_by = np.where(disputes.is_by_itself, "platform", "buyer")[is_escalated]
    return {
        "is_disputed": spread(np.ones(len(disputes.order), dtype=bool), False),
        "cause": pl.Series([None] * count, dtype=pl.String).scatter(
            disputes.order, np.array(CAUSES)[disputes.cause]
        ),
        "opened": spread(disputes.opened),
        "is_withdrawn": spread(np.isfinite(disputes.withdrawn), False),
        "is_escalated": spread(is_escalated, False),
        "escalated_by": pl.Series([None] * count, dtype=pl.String).scatter(
            disputes.order[is_escalated], escalated_by
        ),
        "escalation_day": spread(escalation_day),
        "is_liable": spread(disputes.is_liable & is_escalated, False),
        "is_refunded": spread(np.isfinite(disputes.refunded), False),
    }


def _day_counts(piece: StorePart, is_matured: np.ndarray) -> pl.DataFrame:
    """The rows of `Sample.days` for the orders of `piece`."""
    life, orders = piece.life, piece.orders
    order, day = life.days.order, life.days.day
    opened = life.opened_day[order]
    is_at_risk = is_matured[order] & ((opened < 0) | (day <= opened))
    clocks = {
        "placed": (np.floor(orders.placed), is_at_risk),
        "promised": (
            np.floor(orders.delivery_promise),
            is_at_risk & (piece.journey.delivered[order] > day),
        ),
    }
    counts = []
    for clock, (start, is_counted) in clocks.items():
        row = np.flatnonzero(is_counted)
        counted = pl.DataFrame(
            {
                "day": (day - start[order])[row].astype(np.int64),
                "cause": np.where(opened == day, life.cause[order], -1)[row],
            }
        )
        by_cause = [
            (pl.col("cause") == i).sum().cast(pl.Int64).alias(name) for i, name in enumerate(CAUSES)
        ]
        counts.append(
            counted.group_by("day")
            .agg(pl.len().cast(pl.Int64).alias("count_open"), *by_cause)
            .select(pl.lit(clock).alias("clock"), pl.all())
        )
    return pl.concat(counts)


def _news_counts(world: World, piece: StorePart) -> pl.DataFrame:
    """The rows of `Sample.news` for the orders of `piece`: scans made before the end of the last
    day."""
    scans = piece.scans
    order, slot = np.nonzero(scans.occurred < world.days)
    occurred, known = scans.occurred[order, slot], scans.known[order, slot]
    frame = pl.DataFrame(
        {
            "service": np.array([s.name for s in SERVICES])[piece.orders.service[order]],
            "week": _dates(world, occurred),
            "is_late": known - occurred > LATE_NEWS_DAYS,
        }
    )
    counts = (
        pl.len().cast(pl.Int64).alias("count_scans"),
        pl.col("is_late").sum().cast(pl.Int64).alias("count_late"),
    )
    return frame.group_by("service", pl.col("week").dt.truncate("1w")).agg(*counts)
