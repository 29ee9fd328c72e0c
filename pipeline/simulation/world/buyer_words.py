"""What buyers write: sentences in their language, chosen by their state when they write.

All draws have purposes of their own, so no other fact of the world depends on them. The sentences
are in `words`; none is shared with the texts that the classifier of messages is trained on.

What a buyer wants depends on a *heat* that is not stored: the logarithm of the temper, plus lateness
(until delivery) or the logarithm of the product's risk (after it), plus chance. It knows nothing of the
future: temper, lateness and risk also drive the hazard of a dispute.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from features.calendars_and_countries import language_of
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.markets import COUNTRIES
from pipeline.simulation.world.simulated_orders import Orders

FOLDER = Path(__file__).with_name("words")
FALLBACK = "en"
HEAT_NOISE, LATE_HEAT, RISK_HEAT = 1.0, 0.8, 0.7
# by topic and intent: log odds of a buyer without heat, and what each unit of heat adds
# (assumptions)
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
# people who thank are neither in a hurry nor upset
CALM = ("thanks",)


@dataclass(frozen=True)
class Words:
    """Sentences of one language: by topic and intent, and those that are added."""

    wants: Mapping[str, Mapping[str, Sequence[str]]]
    urgent: Sequence[str]
    upset: Sequence[str]


@cache
def words_of(language: str) -> Words:
    """The sentences of a language."""
    found = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    wants = {
        topic: {intent: lines.strip().splitlines() for intent, lines in found[topic].items()}
        for topic in WANTS
    }
    return Words(wants, found["urgent"].strip().splitlines(), found["upset"].strip().splitlines())


def written_texts(
    draws: Draws,
    orders: Orders,
    order: np.ndarray,
    written: np.ndarray,
    is_about_parcel: np.ndarray,
) -> pl.Series:
    """One text per message. `order`: index of its order; `written`: its time in days."""
    keys = (orders.number[order], np.floor(written).astype(np.int64))
    heat = _heat(draws, orders, order, written, is_about_parcel)
    chances = [draws.uniform(f"words {name}", *keys) for name in ("want", "urgent", "upset")]
    choices = [draws.uniform(f"words {name} choice", *keys) for name in ("want", "urgent", "upset")]
    languages = _languages(orders, order)
    texts = []
    for n, language in enumerate(languages):
        words = words_of(language)
        topic = "parcel" if is_about_parcel[n] else "product"
        intent = _intent(topic, float(heat[n]), float(chances[0][n]))
        sentences = [_pick(words.wants[topic][intent], choices[0][n])]
        for number, (odds, lines) in enumerate(((URGENT, words.urgent), (UPSET, words.upset)), 1):
            if intent not in CALM and chances[number][n] < _chance(odds, float(heat[n])):
                sentences.append(_pick(lines, choices[number][n]))
        texts.append(" ".join(sentences))
    return pl.Series(texts, dtype=pl.String)


def _heat(
    draws: Draws,
    orders: Orders,
    order: np.ndarray,
    written: np.ndarray,
    is_about_parcel: np.ndarray,
) -> np.ndarray:
    keys = (orders.number[order], np.floor(written).astype(np.int64))
    late = LATE_HEAT * (written > orders.delivery_promise[order])
    risk = RISK_HEAT * np.log(orders.risks[order].sum(axis=1))
    state = np.where(is_about_parcel, late, risk)
    noise = HEAT_NOISE * draws.normal("words heat", *keys)
    return np.asarray(np.log(orders.temper_x[order]) + state + noise)


def _intent(topic: str, heat: float, chance: float) -> str:
    """The intent at `chance` (0 to 1) of the shares of the intents, which follow from the heat."""
    wants = WANTS[topic]
    weights = np.exp([base + by_heat * heat for base, by_heat in wants.values()])
    edges = np.cumsum(weights) / weights.sum()
    return list(wants)[min(int(np.searchsorted(edges, chance)), len(wants) - 1)]


def _chance(odds: tuple[float, float], heat: float) -> float:
    return float(1.0 / (1.0 + np.exp(-odds[0] - odds[1] * heat)))


def _pick(lines: Sequence[str], chance: float) -> str:
    return lines[int(chance * len(lines))]


def _languages(orders: Orders, order: np.ndarray) -> list[str]:
    """The language of each buyer's country; English if no sentences are in it."""
    codes = pl.DataFrame({"country": [country.code for country in COUNTRIES]})
    spoken = codes.select(language_of(pl.col("country")).fill_null(FALLBACK)).to_series().to_list()
    written = {path.stem for path in FOLDER.glob("*.toml")}
    by_country = [name if name in written else FALLBACK for name in spoken]
    return [by_country[country] for country in orders.country[order]]
