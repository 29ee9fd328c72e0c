"""The spine: one (order_id, as_of) row for each open, undisputed order at the start of a day.

An order is open from the day after it became known until the first of these: a dispute is known,
the order is known to be closed or refunded before it was sent, or the period in which the buyer may
open a dispute is over.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.clock import is_visible, local_day, start_of_day
from features.closing_times import life_days, placed_day, refunded_before_sending
from features.tables import Tables


@dataclass(frozen=True)
class DisputeWindow:
    """How long a buyer may open a dispute, in days.

    `days_after_delivery`: 15, as stated in AliExpress's buyer help (after receipt or the end of the
    delivery time). `days_after_promise`: undelivered orders stay on the list for 60 days after the
    promised day. The 60 days are our choice: in the older rules a seller may promise up to 60 days,
    and most complaints about undelivered orders come in that period. `days_without_promise`: an
    order without a promised delivery day stays open so many days after it was placed; None: the
    store's own (`closing_times.life_days`).
    """

    days_after_delivery: int = 15
    days_after_promise: int = 60
    days_without_promise: int | None = None


DEFAULT_WINDOW = DisputeWindow()
# the columns from which `open_spells` is computed, by table
SPELL_COLUMNS = {
    "orders": ("occurred_at", "total_usd"),
    "order_events": ("event",),
    "promises": ("kind", "promised_at", "known_at"),
    "shipments": (),
    "tracking": ("status",),
    "disputes": ("step", "amount_usd"),
}
# the nights of this many orders are drawn at a time, to limit memory
ORDERS_AT_ONCE = 100_000


def first_known(facts: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row per order with a fact: its first `known_day`, which a later fact never changes."""
    return facts.group_by("order_id").agg(pl.col("known_day").min().alias(name))


def closings(tables: Tables, window: DisputeWindow = DEFAULT_WINDOW) -> pl.DataFrame:
    """One row per order: `closed_day`, the day on which it is known to be closed (null: not yet).

    A closing on day d depends only on facts known on or before d, so it is itself a fact that is
    known on d. For the same reason a closing that is reported after the computed end does not open
    the order again.
    """
    events = tables["order_events"].filter(pl.col("event").is_in(["closed", "outcome_observed"]))
    delivered = tables["tracking"].filter(pl.col("status") == "Delivered")
    parts = (
        first_known(events, "reported_day"),
        refunded_before_sending(tables),
        first_known(delivered, "delivered_day"),
        _promised(tables),
    )
    orders = tables["orders"].select("order_id", end_of_life=_end_of_life(tables, window))
    for part in parts:
        orders = orders.join(part, on="order_id", how="left")
    return orders.with_columns(promise_end_day=_end_of_promise(window)).select(
        "order_id",
        closed_day=pl.min_horizontal("reported_day", "refunded_day", _end_of_delivery(window)),
    )


def _promised(tables: Tables) -> pl.DataFrame:
    """One row per order with a delivery promise: `promise_known_day, promised_day` of the first."""
    return (
        tables["promises"]
        .filter(pl.col("kind") == "delivery")
        .sort("known_at", "promised_at")
        .group_by("order_id", maintain_order=True)
        .first()
        .select(
            "order_id",
            promise_known_day="known_day",
            promised_day=local_day(pl.col("promised_at"), tables.zone),
        )
    )


def _end_of_life(tables: Tables, window: DisputeWindow) -> pl.Expr:
    """The end of an order that nothing else ends."""
    placed = placed_day(tables)
    own_days = life_days(placed, tables.usual_life_days)
    days = pl.lit(window.days_without_promise) if window.days_without_promise else own_days
    return pl.max_horizontal(placed + days, pl.col("known_day"))


def _end_of_promise(window: DisputeWindow) -> pl.Expr:
    """The end of an order that was not delivered."""
    end_of_promise = pl.max_horizontal(
        pl.col("promised_day") + window.days_after_promise, pl.col("promise_known_day")
    )
    # a promise that becomes known after the order has ended does not open it again
    is_too_late = is_visible(pl.col("end_of_life"), pl.col("promise_known_day"))
    return (
        pl.when(pl.col("promised_day").is_null() | is_too_late)
        .then("end_of_life")
        .otherwise(end_of_promise)
    )


def _end_of_delivery(window: DisputeWindow) -> pl.Expr:
    """If delivered in time, the days after delivery count; otherwise the end of the promise, or of
    the order's life, closes the order."""
    end_of_delivery = pl.col("delivered_day") + window.days_after_delivery
    return (
        pl.when(is_visible(pl.col("promise_end_day"), pl.col("delivered_day")))
        .then("promise_end_day")
        .otherwise(pl.coalesce(end_of_delivery, pl.col("promise_end_day")))
    )


def open_spells(
    tables: Tables, window: DisputeWindow = DEFAULT_WINDOW, closed: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One row per order: its first and last open night, `first_day` and `last_day`.

    `last_day` is null for an order that is still open. `closed`: the output of `closings`, if it
    has been computed already.
    """
    disputed = first_known(tables["disputes"].filter(pl.col("step") == "opened"), "disputed_day")
    spells = (
        tables["orders"]
        .select("order_id", "known_day")
        .join(closings(tables, window) if closed is None else closed, on="order_id", how="left")
        .join(disputed, on="order_id", how="left")
        .select(
            "order_id",
            first_day=pl.col("known_day") + 1,
            # a fact that becomes known on a day removes the order from the next day on
            last_day=pl.min_horizontal("closed_day", "disputed_day"),
        )
    )
    return spells.sort("order_id")


def build_spine(
    tables: Tables,
    as_of_days: list[int],
    window: DisputeWindow = DEFAULT_WINDOW,
    closed: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The orders that are open and undisputed at each of the days.

    Returns one row per (order_id, as_of_day), sorted: `order_id, as_of_day, as_of`. `closed`: the
    output of `closings`, if it has been computed already.
    """
    return spine_of(open_spells(tables, window, closed), as_of_days, tables.zone)


def spine_of(spells: pl.DataFrame, as_of_days: list[int], zone: str) -> pl.DataFrame:
    """`build_spine` from the output of `open_spells`."""
    days = sorted(set(as_of_days))
    spine = pl.concat([_open_at(spells, day) for day in days] or [_open_at(spells, 0).clear()])
    return _finish(spine, zone)


def sample_spine(
    tables: Tables,
    *,
    first_day: int,
    last_day: int,
    max_rows: int,
    seed: int,
    window: DisputeWindow = DEFAULT_WINDOW,
) -> pl.DataFrame:
    """A sample of about `max_rows` order-nights from `first_day` to `last_day`, both included.

    A hash of (order, night) decides whether a row is kept. All order-nights have the same chance,
    so the sample is unbiased, and it does not depend on the order of the input rows. The columns
    are those of `build_spine`.
    """
    return sample_of(
        open_spells(tables, window),
        tables.zone,
        first_day=first_day,
        last_day=last_day,
        max_rows=max_rows,
        seed=seed,
    )


def sample_of(
    spells: pl.DataFrame, zone: str, *, first_day: int, last_day: int, max_rows: int, seed: int
) -> pl.DataFrame:
    """`sample_spine` from the output of `open_spells`."""
    spells = spells.select(
        "order_id",
        first_day=pl.max_horizontal("first_day", pl.lit(first_day)),
        last_day=pl.min_horizontal("last_day", pl.lit(last_day)),
    )
    count = pl.col("last_day") - pl.col("first_day") + 1
    nights = spells.filter(count >= 1)
    total = int(nights.select(count.sum()).item())
    below = np.uint64(2**63 / total * max_rows) if total > max_rows else None
    slices = list(nights.iter_slices(ORDERS_AT_ONCE)) or [nights]
    return _finish(pl.concat([_draw(part, seed, below) for part in slices]), zone)


def _draw(nights: pl.DataFrame, seed: int, below: np.uint64 | None) -> pl.DataFrame:
    """`order_id, as_of_day` of each order's nights, first to last, whose hash is less than `below`;
    all of them without `below`."""
    spine = nights.select(
        "order_id",
        as_of_day=pl.int_ranges("first_day", pl.col("last_day") + 1, dtype=pl.Int32),
        order_hash=pl.Series(
            [_hash_text(order_id, seed) for order_id in nights["order_id"]], dtype=pl.UInt64
        ),
    ).explode("as_of_day")
    if below is not None:
        draw = _mix(spine["order_hash"].to_numpy(), spine["as_of_day"].to_numpy())
        spine = spine.filter(pl.Series(draw < below))
    return spine.select("order_id", "as_of_day")


def _open_at(spells: pl.DataFrame, day: int) -> pl.DataFrame:
    is_open = pl.lit(day).is_between("first_day", pl.coalesce("last_day", pl.lit(day)))
    return spells.filter(is_open).select("order_id", as_of_day=pl.lit(day, dtype=pl.Int32))


def _finish(spine: pl.DataFrame, zone: str) -> pl.DataFrame:
    return spine.sort("order_id", "as_of_day").with_columns(
        as_of=start_of_day(pl.col("as_of_day"), zone)
    )


def _hash_text(text: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{text}".encode(), digest_size=8).digest(), "big")


def _mix(order_hash: np.ndarray, day: np.ndarray) -> np.ndarray:
    """A uniform 63-bit number per (order, night): one round of SplitMix64 (Steele et al. 2014)."""
    z = order_hash + day.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((z ^ (z >> np.uint64(31))) >> np.uint64(1))
