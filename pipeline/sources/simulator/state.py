"""What the simulated store consists of: plain bundles of arrays, passed from step to step.

Times are days since the first day, UTC; infinity is "never". One entry per order unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Catalogue:
    """One entry per product; the last two, one per supplier. `badness` is latent: no table has it."""

    category: np.ndarray
    supplier: np.ndarray
    badness: np.ndarray
    price_usd: np.ndarray
    weight_g: np.ndarray
    count_photos: np.ndarray
    sales_share: np.ndarray
    listed_at: np.ndarray
    handling_median_days: np.ndarray
    dispatch_promise_days: np.ndarray


@dataclass(frozen=True)
class Orders:
    """Orders in the order of placing. `products` and `quantity` have two columns; quantity 0 is no second line.

    `buyer_temper` and `badness` (the worst product of the order) are latent.
    """

    placed: np.ndarray
    paid: np.ndarray
    buyer: np.ndarray
    buyer_temper: np.ndarray
    country: np.ndarray
    service: np.ndarray
    products: np.ndarray
    quantity: np.ndarray
    shipping_usd: np.ndarray
    total_usd: np.ndarray
    badness: np.ndarray
    handling_median: np.ndarray
    dispatch_promise: np.ndarray
    delivery_promise: np.ndarray


@dataclass(frozen=True)
class Parcels:
    """`scans`: one column per milestone, the last one an exception of `exception_kind` (-1: none)."""

    handed_over: np.ndarray
    delivered: np.ndarray
    is_gone: np.ndarray
    scans: np.ndarray
    exception_kind: np.ndarray


@dataclass(frozen=True)
class Message:
    """A buyer's message, one entry each: which order, when, about the parcel or the product, when answered."""

    order: np.ndarray
    written_at: np.ndarray
    is_about_parcel: np.ndarray
    answered_at: np.ndarray


@dataclass(frozen=True)
class Life:
    """How each order went on: `opened` (never: no dispute), `cause` (-1: none), `closed` had there been no dispute."""

    opened: np.ndarray
    cause: np.ndarray
    closed: np.ndarray
    messages: Message
