"""Random numbers by name: each is a function of the seed, a purpose and the numbers of what it is
drawn for.

Order 12,345 draws the same whether it is made alone, in a chunk of ten thousand or with all others,
so a store of any size is made piece by piece and a piece of it again later. A common generator
counts its draws and cannot do that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Draws:
    """`numbers` are whole numbers or arrays of them (order, leg, day, ...), broadcast against each
    other."""

    seed: int

    def uniform(self, purpose: str, *numbers: np.ndarray | int) -> np.ndarray:
        """In (0, 1), float64: SplitMix64 (Steele, Lea & Flood 2014) over the purpose and the
        numbers in turn."""
        digest = hashlib.blake2b(f"{self.seed}:{purpose}".encode(), digest_size=8).digest()
        state = np.array([int.from_bytes(digest, "big")], dtype=np.uint64)
        for number in numbers:
            state = _mix(state + np.atleast_1d(number).astype(np.uint64) * _GOLDEN)
        return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, purpose: str, *numbers: np.ndarray | int) -> np.ndarray:
        return np.asarray(ndtri(self.uniform(purpose, *numbers)))

    def between(
        self, ends: tuple[float, float], purpose: str, *numbers: np.ndarray | int
    ) -> np.ndarray:
        return ends[0] + (ends[1] - ends[0]) * self.uniform(purpose, *numbers)

    def exponential(
        self, mean: float | np.ndarray, purpose: str, *numbers: np.ndarray | int
    ) -> np.ndarray:
        return -mean * np.log(self.uniform(purpose, *numbers))

    def lognormal(
        self, median: float | np.ndarray, sigma: float, purpose: str, *numbers: np.ndarray | int
    ) -> np.ndarray:
        return median * np.exp(sigma * self.normal(purpose, *numbers))


def pick(uniform: np.ndarray, shares: np.ndarray | list[float]) -> np.ndarray:
    """Which of several, with chances in proportion to `shares`."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, uniform, side="right"), len(edges) - 1)


def _mix(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
