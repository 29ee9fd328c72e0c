"""How many messages the agents of a night can write, given each agent's languages and hours.

The sets of messages that can be written together form a transversal matroid (Edmonds & Fulkerson
1965): each message takes one slot of an agent, and an agent has as many slots as messages fit into
the hours. In a matroid a greedy choice is optimal: take the most valuable message first, as long as
all messages taken so far can still be written (Rado 1957). Hall's theorem decides that exactly: for
every set of languages, there must be no more messages in it than slots of the agents who write any
of these languages. This holds because a message takes the same number of minutes in every language.
Model an agent who is slower in one language as two agents who share the hours.
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
    """`messages` is the number of messages that fit into the agent's hours of one night.

    `minutes` is the agent's time of one night for actions that take different times, at the pace
    for which the actions' minutes are stated. An agent who needs twice as long has half as many.
    """

    name: str
    languages: frozenset[str]
    messages: int
    minutes: float | None = None


class RemainingSlots:
    """The agents' remaining slots; without agents there is no limit.

    Keeps one number per set of languages: 511 for nine languages, enough for the languages in which
    drafts are written.
    """

    def __init__(self, agents: Iterable[Agent]) -> None:
        agents = list(agents)
        self.is_unlimited = not agents
        known = sorted(frozenset().union(*(agent.languages for agent in agents)))
        bit = {language: 1 << n for n, language in enumerate(known)}
        sets = np.arange(2 ** len(known))
        self._slots = np.zeros(len(sets), dtype=np.int64)
        for agent in agents:
            self._slots += agent.messages * (
                (sets & sum(bit[language] for language in agent.languages)) > 0
            )
        self._sets_with = {language: np.flatnonzero(sets & bit[language]) for language in known}

    def has(self, language: str) -> bool:
        """Whether one more message in this language can be written."""
        if self.is_unlimited:
            return True
        return language in self._sets_with and bool(
            self._slots[self._sets_with[language]].min() > 0
        )

    def take(self, language: str) -> None:
        """Use one slot for a message in this language."""
        if not self.is_unlimited:
            self._slots[self._sets_with[language]] -= 1


def take_best(
    languages: Sequence[str], is_free: Sequence[bool], capacity: int, slots: RemainingSlots
) -> tuple[list[int], list[bool]]:
    """Take the most valuable messages that can be written, up to `capacity`.

    `languages` and `is_free` describe the messages, the most valuable first. Only messages that are
    free and have a slot are taken; for the others the answer is only computed. Return two lists
    with one value per message: how many messages were taken before it, and whether there was a slot
    for it at that point. `slots` is used up.
    """
    count, taken_before, has_slot = 0, [], []
    closed: set[str] = set()  # a language without a slot never gets one again
    for language, free in zip(languages, is_free, strict=True):
        fits = count < capacity and language not in closed and slots.has(language)
        taken_before.append(count)
        has_slot.append(fits)
        if not fits:
            closed.add(language)
        elif free:
            slots.take(language)
            count += 1
    return taken_before, has_slot


def share_out(languages: Iterable[str], agents: Sequence[Agent]) -> dict[str, dict[str, int]]:
    """agent -> language -> number of messages: one way for the agents to write all messages.

    `languages` has one entry per message. No agent exceeds the agent's hours.
    """
    wanted = Counter(languages)
    names, first = list(wanted), 2 + len(wanted)
    # a flow from node 0 to the languages, on to the agents who write them, and to node 1
    slots = np.zeros((first + len(agents),) * 2, dtype=np.int32)
    for n, name in enumerate(names, start=2):
        slots[0, n] = wanted[name]
        for a, agent in enumerate(agents, start=first):
            slots[n, a] = wanted[name] if name in agent.languages else 0
    slots[first:, 1] = [min(agent.messages, wanted.total()) for agent in agents]
    flow = maximum_flow(csr_array(slots), 0, 1).flow.toarray()
    written: Mapping[str, dict[str, int]] = {
        agent.name: {
            name: int(flow[n, a]) for n, name in enumerate(names, start=2) if flow[n, a] > 0
        }
        for a, agent in enumerate(agents, start=first)
    }
    return {agent: by_language for agent, by_language in written.items() if by_language}
