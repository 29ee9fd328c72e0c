"""What a night's agents can write: each has languages and hours, and nobody's hours are counted
twice.

Which messages can be written together is a transversal matroid (Edmonds & Fulkerson 1965): each
message takes one of an agent's places, and an agent has as many as go into the minutes. In a
matroid the best set is what a greedy finds that takes the most valuable first and asks each time
whether all taken so far can still be written (Rado 1957). Hall's theorem answers that exactly: they
can if for every set of languages there are no more messages in it than places of the agents who
write any of it. This holds because a message takes the same minutes whatever its language; an agent
who is slower in one of them is two agents who share the hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow


@dataclass(frozen=True)
class Agent:
    """`messages`: so many go into the agent's hours of one night."""

    name: str
    languages: frozenset[str]
    messages: int


class Room:
    """What is left of the agents' hours; without agents there is room for everything.

    Keeps a number for every set of languages, 511 for nine: enough for the languages that drafts
    are written in.
    """

    def __init__(self, agents: Iterable[Agent]) -> None:
        agents = list(agents)
        self.is_endless = not agents
        known = sorted(frozenset().union(*(agent.languages for agent in agents)))
        bit = {language: 1 << n for n, language in enumerate(known)}
        sets = np.arange(2 ** len(known))
        self._left = np.zeros(len(sets), dtype=np.int64)
        for agent in agents:
            self._left += agent.messages * (
                (sets & sum(bit[language] for language in agent.languages)) > 0
            )
        self._with = {language: np.flatnonzero(sets & bit[language]) for language in known}

    def has(self, language: str) -> bool:
        """Whether one more message in it can be written beside all that were taken."""
        if self.is_endless:
            return True
        return language in self._with and bool(self._left[self._with[language]].min() > 0)

    def take(self, language: str) -> None:
        if not self.is_endless:
            self._left[self._with[language]] -= 1


def take_best(
    languages: Sequence[str], is_free: Sequence[bool], capacity: int, room: Room
) -> tuple[list[int], list[bool]]:
    """For each message, the most valuable first: how many were taken before it, and whether there
    was room for it then.

    Those that are free and have room are taken, up to `capacity`; the others are only asked for.
    `room` is used up.
    """
    count, before, has_room = 0, [], []
    closed: set[str] = set()  # what has no room gets none again
    for language, free in zip(languages, is_free, strict=True):
        fits = count < capacity and language not in closed and room.has(language)
        before.append(count)
        has_room.append(fits)
        if not fits:
            closed.add(language)
        elif free:
            room.take(language)
            count += 1
    return before, has_room


def share_out(languages: Iterable[str], agents: Sequence[Agent]) -> dict[str, dict[str, int]]:
    """agent -> language -> messages: one way in which the agents write all of these within their
    hours."""
    asked = Counter(languages)
    names, first = list(asked), 2 + len(asked)
    # from 0 to each language to those who write it to 1
    places = np.zeros((first + len(agents),) * 2, dtype=np.int32)
    for n, name in enumerate(names, start=2):
        places[0, n] = asked[name]
        for a, agent in enumerate(agents, start=first):
            places[n, a] = asked[name] if name in agent.languages else 0
    places[first:, 1] = [min(agent.messages, asked.total()) for agent in agents]
    flow = maximum_flow(csr_array(places), 0, 1).flow.toarray()
    written: Mapping[str, dict[str, int]] = {
        agent.name: {
            name: int(flow[n, a]) for n, name in enumerate(names, start=2) if flow[n, a] > 0
        }
        for a, agent in enumerate(agents, start=first)
    }
    return {agent: each for agent, each in written.items() if each}
