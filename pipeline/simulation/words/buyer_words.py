"""Sentences of simulated buyers, chosen by how heated a buyer is when the message is written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
FALLBACK = "en"
# by topic and intent: log odds of a buyer without heat, and what each unit of heat adds; the
# intents of a topic share the messages (softmax). Assumptions
WANTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "parcel": {
        "where_is_it": (2.5, 0.0),
        "wants_refund": (-0.5, 0.8),
        "threatens_dispute": (-1.8, 1.1),
        "thanks": (-0.8, -0.8),
        "other": (0.0, 0.0),
    },
    "product": {
        "wrong_item": (0.7, 0.4),
        "broken": (0.7, 0.4),
        "wants_refund": (-0.2, 0.8),
        "threatens_dispute": (-1.4, 1.1),
        "thanks": (0.3, -0.8),
        "other": (0.2, -0.3),
    },
}
# log odds of adding an urgent and an upset sentence: without heat, by heat (assumptions)
URGENT, UPSET = (-1.4, 0.7), (-1.2, 0.9)
# buyers who thank are neither in a hurry nor upset
CALM = ("thanks",)
# random numbers of a message: which intent, whether a sentence is added, and which sentences
COUNT_CHANCES = 6


@dataclass(frozen=True)
class Words:
    """Sentences of one language: by topic and intent, and those that are added."""

    wants: Mapping[str, Mapping[str, Sequence[str]]]
    urgent: Sequence[str]
    upset: Sequence[str]


@cache
def words_of(language: str | None) -> Words:
    """The sentences of a language; English if there are none in it."""
    path = FOLDER / f"{language}.toml"
    if not path.exists():
        return words_of(FALLBACK)
    lists = tomllib.loads(path.read_text(encoding="utf-8"))
    wants = {
        topic: {intent: lines.strip().splitlines() for intent, lines in lists[topic].items()}
        for topic in WANTS
    }
    return Words(wants, lists["urgent"].strip().splitlines(), lists["upset"].strip().splitlines())


def buyer_text(language: str | None, topic: str, heat: float, chances: Sequence[float]) -> str:
    """A message: what the buyer wants, perhaps with an urgent and an upset sentence.

    `chances`: `COUNT_CHANCES` uniform random numbers. `heat`: 0 is a usual buyer; one unit is about
    one standard deviation of the buyers' tempers and of chance together.
    """
    words = words_of(language)
    want, pick_want, is_urgent, pick_urgent, is_upset, pick_upset = chances
    intent = _intent(topic, heat, want)
    sentences = [_pick(words.wants[topic][intent], pick_want)]
    if intent not in CALM and is_urgent < _chance(URGENT, heat):
        sentences.append(_pick(words.urgent, pick_urgent))
    if intent not in CALM and is_upset < _chance(UPSET, heat):
        sentences.append(_pick(words.upset, pick_upset))
    return " ".join(sentences)


def _intent(topic: str, heat: float, chance: float) -> str:
    wants = WANTS[topic]
    weights = np.exp([base + by_heat * heat for base, by_heat in wants.values()])
    edges = np.cumsum(weights) / weights.sum()
    return list(wants)[min(int(np.searchsorted(edges, chance)), len(wants) - 1)]


def _chance(odds: tuple[float, float], heat: float) -> float:
    return float(1.0 / (1.0 + np.exp(-odds[0] - odds[1] * heat)))


def _pick(lines: Sequence[str], chance: float) -> str:
    return lines[int(chance * len(lines))]
