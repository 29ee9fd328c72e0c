"""Named random numbers: each is a function of the seed, a purpose and the numbers of its subject.

Order 12,345 gets the same numbers whether it is made alone, in a chunk of ten thousand orders or
with all others. A store of any size can therefore be made piece by piece, and a piece can be made
again later. A usual generator cannot do that, because each draw depends on the draws before it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Draws:
    """Random numbers of one seed.

    In all methods, `numbers` are integers or arrays of integers (order, leg, day, ...), which are
    broadcast against each other. The result has the broadcast shape, at least one-dimensional.
    Changing the name of a purpose changes its numbers, and so the store of every seed.
    """

    seed: int

    def uniform(self, purpose: str, *numbers: np.ndarray | int) -> np.ndarray:
        """Uniform in (0, 1), float64: SplitMix64 (Steele, Lea & Flood 2014) applied to the purpose
        and then to each of the numbers."""
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
        return np.asarray(-mean * np.log(self.uniform(purpose, *numbers)))

    def lognormal(
        self, median: float | np.ndarray, sigma: float, purpose: str, *numbers: np.ndarray | int
    ) -> np.ndarray:
        return median * np.exp(sigma * self.normal(purpose, *numbers))


def pick(uniform: np.ndarray, shares: np.ndarray | list[float]) -> np.ndarray:
    """Index of the option that each uniform number selects; options have chances in proportion to
    `shares`."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, uniform, side="right"), len(edges) - 1)


def _mix(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))
