"""What buyers' messages say, labelled when they are loaded: intent, urgency and sentiment."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from models.texts.concepts import Concepts, read_concepts
from models.texts.text_classifier import HEADS, TextClassifier

CONCEPTS = Path(__file__).with_name("text_concepts.toml")
WEIGHTS = Path(__file__).with_name("text_weights.json")


@cache
def shipped_concepts() -> Concepts:
    """The concepts of `text_concepts.toml`."""
    return read_concepts(tomllib.loads(CONCEPTS.read_text(encoding="utf-8")))


@cache
def shipped_classifier() -> TextClassifier:
    """The classifier that ships with the program, as `tests/bench/train_texts.py` trained it."""
    trained = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    concepts = shipped_concepts()
    if tuple(trained["concepts"]) != concepts.names:
        raise ValueError(f"{WEIGHTS.name}: was trained with other concepts. Train it again.")
    return TextClassifier(concepts, np.array(trained["weights"]), np.array(trained["bias"]))


def with_labels(messages: pl.DataFrame) -> pl.DataFrame:
    """The messages with `intent`, `urgency` and `sentiment` (`features.tables`).

    Only messages of buyers with a text get labels. A label that the source gives stays. Each label
    depends on the message's own text alone.
    """
    absent = [pl.lit(None, pl.String).alias(head) for head in HEADS if head not in messages.columns]
    messages = messages.with_columns(absent)
    if "text" not in messages.columns:
        return messages
    is_read = (pl.col("sender") == "buyer") & (pl.col("text").str.strip_chars() != "")
    is_open = pl.any_horizontal(pl.col(head).is_null() for head in HEADS)
    texts = messages.filter(is_read & is_open)["text"].unique()
    if texts.is_empty():
        return messages
    by_text = {head: f"{head}_by_text" for head in HEADS}
    labels = pl.DataFrame({"text": texts, **shipped_classifier().labels(texts.to_list())})
    labelled = messages.join(labels.rename(by_text), on="text", how="left", maintain_order="left")
    return labelled.with_columns(
        pl.coalesce(head, pl.when(is_read).then(pl.col(name))).alias(head)
        for head, name in by_text.items()
    ).drop(by_text.values())
