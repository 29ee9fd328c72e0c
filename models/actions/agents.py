"""Who writes: an agent's languages and time of one night."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Agent:
    """`minutes` is the agent's time of one night, at the pace for which the actions' minutes are
    stated. An agent who needs twice as long has half as many."""

    name: str
    languages: frozenset[str]
    minutes: float
