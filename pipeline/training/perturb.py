"""A changed future: alter, delete and add facts that a night could not know.

Only `make leak-proof` and tests use this module, never a step that produces results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from features.clock import is_earlier
from features.tables import INSTANT, TABLES

SHARE_DELETED, SHARE_ADDED, SHARE_AT_CUTOFF = 0.3, 0.5, 0.34
LATEST_DAYS, OLDEST_DAYS = 40, 60


# what a listing that changes later says
_NEW_LISTING = {
    name: pl.lit(9e4)
    for name in ("weight_g", "count_title_letters", "count_description_letters", "length_cm")
}


@dataclass(frozen=True)
class Disturbed:
    """`frames`, in which only facts with `known_at >= cutoff` differ, and the `counts` of changes.

    `counts` has one row per table: `table, altered, deleted, added`.
    """

    frames: dict[str, pl.DataFrame]
    counts: pl.DataFrame


def disturb(frames: Mapping[str, pl.DataFrame], cutoff: datetime, seed: int) -> Disturbed:
    """Alter, delete and add facts with `known_at >= cutoff` in every table.

    Facts from before the cutoff do not change. A third of the changed and added facts is stamped
    exactly at the cutoff. `frames` must have the canonical columns.
    """
    rng = np.random.default_rng(seed)
    disturbed, counts = {}, []
    for name, table in TABLES.items():
        disturbed[name], count = _disturb(frames[name], table.key, cutoff, rng)
        counts.append({"table": name, **count})
    return Disturbed(disturbed, pl.DataFrame(counts))


def _disturb(
    frame: pl.DataFrame, key: tuple[str, ...], cutoff: datetime, rng: np.random.Generator
) -> tuple[pl.DataFrame, dict[str, int]]:
    is_past = is_earlier(pl.col("known_at"), pl.lit(cutoff))
    past, future = frame.filter(is_past), frame.filter(~is_past)
    kept = future.filter(pl.Series(rng.random(future.height) > SHARE_DELETED))
    altered = _shuffle(kept, [c for c in frame.columns if c not in key], rng)
    copies = frame.sample(fraction=SHARE_ADDED, seed=int(rng.integers(1 << 30)))
    renamed = copies.with_columns(pl.concat_str(pl.lit("new-"), pl.col(key[-1])).alias(key[-1]))
    if key == ("product_id",):
        # a listing that changes later is a new fact about the same product
        renamed = pl.concat(
            [renamed, copies.with_columns(category=pl.lit("changed"), **_NEW_LISTING)]
        )
    added = _shuffle(renamed, [c for c in frame.columns if c.endswith("_usd")], rng)
    # half of them link what was not linked: an old order to another product, a scan to another
    # order
    ids = [c for c in frame.columns if c.endswith("_id") and c not in key]
    half = added.height // 2
    added = pl.concat([added[:half], _shuffle(added[half:], ids, rng)])
    late = pl.concat([_restamp(altered, cutoff, rng), _restamp(added, cutoff, rng)])
    whole = pl.concat([past, late]).sample(
        fraction=1.0, shuffle=True, seed=int(rng.integers(1 << 30))
    )
    return whole, {
        "altered": altered.height,
        "deleted": future.height - kept.height,
        "added": added.height,
    }


def _shuffle(frame: pl.DataFrame, columns: list[str], rng: np.random.Generator) -> pl.DataFrame:
    return frame.with_columns(frame[c].gather(rng.permutation(frame.height)) for c in columns)


def _restamp(frame: pl.DataFrame, cutoff: datetime, rng: np.random.Generator) -> pl.DataFrame:
    """New times: known at the cutoff or up to `LATEST_DAYS` later, happened up to `OLDEST_DAYS`
    before that."""
    day = 86_400
    is_at = rng.random(frame.height) < SHARE_AT_CUTOFF
    after = np.where(is_at, 0, rng.integers(0, LATEST_DAYS * day, frame.height)) * 1_000_000
    before = rng.integers(0, OLDEST_DAYS * day, frame.height) * 1_000_000
    known = pl.lit(cutoff).cast(INSTANT) + pl.lit(pl.Series(after)).cast(pl.Duration("us"))
    return frame.with_columns(
        occurred_at=(known - pl.lit(pl.Series(before)).cast(pl.Duration("us"))).cast(INSTANT),
        known_at=known.cast(INSTANT),
    )


@dataclass(frozen=True)
class Single:
    """One made-up fact, and the feature of the target row that must move once it is known."""

    table: str
    values: Mapping[str, object]
    about: str  # the target's own order, another order of its product or buyer, or its product
    must_move: str


SINGLES = (
    Single(
        "orders",
        {"country": "US", "currency": "USD", "total_usd": 9.0, "total_source": 9.0},
        "new order of buyer",
        "buyer_count_orders_365d",
    ),
    Single(
        "order_lines",
        {"quantity": 3.0, "unit_price_usd": 5.0, "shipping_usd": 0.0},
        "order",
        "order_count_units",
    ),
    Single(
        "products", {"category": "changed", "weight_g": 77_777.0}, "product", "product_weight_g"
    ),
    Single("promises", {"kind": "delivery"}, "order", "logistics_days_to_promise"),
    Single("order_events", {"event": "paid"}, "order", "order_days_since_paid"),
    Single("shipments", {}, "order not shipped", "logistics_handling_days"),
    Single("tracking", {"status": "Exception"}, "order", "logistics_count_exceptions"),
    Single(
        "disputes",
        {"step": "opened", "cause": "other", "amount_usd": 1.0},
        "other order of product",
        "product_dispute_share_365d",
    ),
    Single(
        "messages", {"sender": "buyer", "topic": "parcel"}, "order", "conversation_count_questions"
    ),
    Single(
        "messages",
        {"sender": "buyer", "intent": "threatens_dispute"},
        "order",
        "conversation_count_demands",
    ),
    Single("contacts", {}, "order", "conversation_count_contacts"),
    Single("reviews", {"score": 1.0}, "other order of product", "product_stars_365d"),
)


def add_single(
    frames: Mapping[str, pl.DataFrame],
    single: Single,
    target: Mapping[str, object],
    known_at: datetime,
) -> dict[str, pl.DataFrame]:
    """`frames` with one more fact, known at `known_at`, which happened an hour before.

    `target` has the ids that the fact needs: `order_id`, `buyer_id`, `store_id`, `product_id`.
    """
    table = TABLES[single.table]
    row: dict[str, object] = dict.fromkeys(table.schema) | {
        key: f"single-{key}" for key in table.key
    }
    row |= {name: value for name, value in target.items() if name in row} | dict(single.values)
    row |= {
        name: "single"
        for name in ("shipment_id", "dispute_id", "supplier_id")
        if name in row and not row[name]
    }
    if "promised_at" in row:
        row["promised_at"] = known_at + timedelta(days=77)
    row |= {"known_at": known_at, "occurred_at": known_at - timedelta(hours=1)}
    return {
        **frames,
        single.table: pl.concat([frames[single.table], pl.DataFrame([row], schema=table.schema)]),
    }
