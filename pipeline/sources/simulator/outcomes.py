"""How disputes end: withdrawn, agreed, or escalated and ruled; with or without money back."""

from __future__ import annotations

import numpy as np

from pipeline.sources.simulator.assumptions import ASSUMED, CAUSES
from pipeline.sources.simulator.state import Life, Orders

Step = tuple[str, np.ndarray, np.ndarray]


def build_steps(rng: np.random.Generator, orders: Orders, life: Life) -> tuple[list[Step], np.ndarray]:
    """The steps (name, when, amount in USD) with one entry per order, infinity where it does not happen; and when
    the dispute is settled.

    A withdrawn dispute costs nothing. An agreed one is refunded in part or whole. An escalated one is ruled within
    days: for the buyer, with a refund, or for the seller, without.
    """
    count = len(orders.placed)
    claimed = _claims(rng, orders, life)
    fate = rng.random(count)
    is_withdrawn = fate < ASSUMED.share_withdrawn
    # dear orders are fought over more
    value_x = (orders.total_usd / np.median(orders.total_usd)) ** 0.3
    is_escalated = fate > 1.0 - np.minimum(ASSUMED.share_escalated * value_x, 0.5)
    is_by_itself = rng.random(count) < ASSUMED.share_escalated_by_itself
    waited = np.where(is_by_itself, ASSUMED.escalated_by_itself_days, rng.uniform(*ASSUMED.escalated_days, count))
    escalated = life.opened + np.where(is_escalated, waited, np.inf)
    ruled = escalated + rng.uniform(2.0, 10.0, count)
    withdrawn = life.opened + np.where(is_withdrawn, rng.uniform(0.5, 12.0, count), np.inf)
    is_liable = rng.random(count) < ASSUMED.share_seller_liable
    agreed = life.opened + rng.uniform(0.5, 13.0, count)
    paid_after_ruling = np.where(is_liable, ruled + rng.uniform(0.1, 2.0, count), np.inf)
    refunded = np.select([is_withdrawn, is_escalated], [np.inf, paid_after_ruling], agreed)
    share = np.where(is_escalated, 1.0, rng.uniform(0.4, 1.0, count))
    nothing = np.full(count, np.nan)
    awarded = np.round(np.where(is_liable, claimed, 0.0), 2)
    steps = [
        ("opened", life.opened, claimed),
        ("withdrawn", withdrawn, nothing),
        ("escalated", escalated, nothing),
        ("ruled", ruled, awarded),
        ("refunded", refunded, np.round(claimed * share, 2)),
    ]
    settled = np.select([is_withdrawn, is_escalated & ~is_liable], [withdrawn, ruled], refunded)
    return steps, settled


def _claims(rng: np.random.Generator, orders: Orders, life: Life) -> np.ndarray:
    """USD asked for: everything when nothing came, else a part as often as not."""
    is_part = (rng.random(len(orders.placed)) < 0.5) & (life.cause != CAUSES.index("not_received"))
    share = np.where(is_part, rng.uniform(0.2, 0.9, len(orders.placed)), 1.0)
    return np.round(orders.total_usd * share, 2)
