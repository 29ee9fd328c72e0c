"""The hold-out: buyers who never get an action, so that the effect of actions can be measured."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

# the arms of a night; lists of earlier versions also have "explored"
LISTED, HELD_OUT = "listed", "held_out"


def held_out_buyers(buyers: pl.Series, share: float, salt: str) -> list[str]:
    """Those of `buyers` who are held out: the same on every night and every machine."""
    return [buyer for buyer in buyers if uniform(salt, buyer) < share]


def uniform(*names: str) -> float:
    """A number in [0, 1) drawn from the names alone (BLAKE2b), so anyone can draw it again."""
    return int.from_bytes(blake2b("\0".join(names).encode(), digest_size=7).digest()) / 2.0**56
