"""A linear classifier of texts by the concepts they name: intent, urgency and sentiment.

Words of many languages share one concept, so what is learned in one language holds in all. The
inputs are the concepts and their pairs (`models.texts.concepts`); per head, their weights are added
up to log odds (softmax regression). Letter groups were tried and dropped: they learn sentences
rather than words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.tables import INTENTS, SENTIMENTS, URGENCIES
from models.texts.concepts import Concepts

# of two intents in a text, the later one counts
HEADS = {"intent": INTENTS, "urgency": URGENCIES, "sentiment": SENTIMENTS}
COUNT_CLASSES = sum(map(len, HEADS.values()))
# a pair of concepts is a weaker sign than a concept
PAIR = 0.5
# texts in memory at a time
BATCH = 2_000


@dataclass(frozen=True)
class TextClassifier:
    """`weights` (columns of `concepts`, classes) and `bias` (classes), log odds. The classes are
    those of `HEADS`, one head after the other."""

    concepts: Concepts
    weights: np.ndarray
    bias: np.ndarray

    def log_odds(self, texts: Sequence[str]) -> np.ndarray:
        """(texts, classes) float64. Each row depends on its own text only."""
        rows = [np.zeros((0, COUNT_CLASSES))]
        for start in range(0, len(texts), BATCH):
            rows.append(text_matrix(self.concepts, texts[start : start + BATCH]) @ self.weights)
        return np.asarray(np.concatenate(rows) + self.bias)

    def labels(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """The class with the highest log odds, one per text, by the name of the head."""
        odds, first = self.log_odds(texts), 0
        labels = {}
        for head, classes in HEADS.items():
            best = odds[:, first : first + len(classes)].argmax(axis=1)
            labels[head] = [classes[i] for i in best]
            first += len(classes)
        return labels


def text_matrix(concepts: Concepts, texts: Sequence[str]) -> np.ndarray:
    """(texts, columns) float64: 1 for a concept, `PAIR` for a pair, 0 if the text lacks it."""
    matrix = concepts.present(texts).astype(np.float64)
    matrix[:, len(concepts.names) :] *= PAIR
    return matrix
