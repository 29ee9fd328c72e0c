"""Labels of buyers' messages: by their own text alone, whatever the text."""

from __future__ import annotations

import json
import time

import numpy as np
import polars as pl
import pytest

from features.tables import INTENTS, SENTIMENTS, URGENCIES
from models.texts.plain_text import MOST_LETTERS, plain_text
from models.texts.text_classifier import HEADS
from pipeline.simulation.words.buyer_words import FOLDER, words_of
from pipeline.sources.conversation.message_labels import WEIGHTS, shipped_classifier, with_labels
from pipeline.sources.conversation.message_topics import topic_of
from tests.texts.text_sets import (
    LANGUAGES,
    Phrases,
    labelled_lines,
    training_phrases,
    training_sha256,
)

# measured on texts that changed nothing: docs/experiments/2026-11-28-what-buyers-write.md
LEAST_RIGHT = {"intent": 0.70, "urgency": 0.94, "sentiment": 0.76}
HOSTILE = [
    "",
    " ",
    "\u200b\u202e\u2066\ufeff",
    "\U0010ffff\ue001\ue002\ud7ff",
    "\x00\x01\x1b[31m",
    "ﷺ" * 5_000,
    "a\u0301" * 50_000,
    "!" * 100_000,
    "refund " * 50_000,
    "𝓡𝓮𝓯𝓾𝓷𝓭 me",
    "rеfund mе",  # noqa: RUF001 - two letters are Cyrillic
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
]


def messages(*texts: str | None, sender: str = "buyer") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "message_id": [f"m{n}" for n in range(len(texts))],
            "sender": sender,
            "text": pl.Series(texts, dtype=pl.String),
        }
    )


@pytest.mark.parametrize(
    ("text", "intent", "urgency"),
    [
        ("Where is my parcel?", "where_is_it", "can_wait"),
        ("Wo ist mein Paket? Es ist dringend!", "where_is_it", "urgent"),
        ("Llegó roto", "broken", "can_wait"),
        ("Vous m'avez envoyé la mauvaise taille", "wrong_item", "can_wait"),
        ("Верните деньги немедленно", "wants_refund", "urgent"),
        ("سأفتح نزاعا", "threatens_dispute", "can_wait"),
        ("감사합니다", "thanks", "can_wait"),
        ("可以改收货地址吗", "other", "can_wait"),
        ("Obrigado, chegou tudo certo", "thanks", "can_wait"),
    ],
)
def test_plain_messages_in_nine_languages(text: str, intent: str, urgency: str) -> None:
    row = with_labels(messages(text)).row(0, named=True)
    assert (row["intent"], row["urgency"]) == (intent, urgency)


@pytest.mark.parametrize("head", HEADS)
def test_accuracy_on_texts_that_changed_nothing(head: str) -> None:
    texts = [text for name in LANGUAGES for text in labelled_lines("held_out", name)]
    labels = shipped_classifier().labels([each.text for each in texts])[head]
    right = np.mean([getattr(t, head) == label for t, label in zip(texts, labels, strict=True)])
    assert right >= LEAST_RIGHT[head]


def test_weights_were_trained_from_these_texts_and_words() -> None:
    """If this fails, run `PYTHONPATH=. python tests/bench/train_texts.py train`."""
    trained = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    assert trained["trained_from"] == training_sha256()


def lines_of(phrases: Phrases) -> set[str]:
    lists = [phrases.urgent, phrases.calm, phrases.scolding, phrases.praise]
    return {line for lines in [*lists, *phrases.intent.values()] for line in lines}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_in_two_sets(language: str) -> None:
    """What trains the labels, what they are judged on, and what simulated buyers write differ."""
    words = words_of(language)
    simulated = {*words.urgent, *words.upset}
    simulated |= {s for wants in words.wants.values() for lines in wants.values() for s in lines}
    held_out = {text.text for text in labelled_lines("held_out", language)}
    tuning = {text.text for text in labelled_lines("tuning", language)}
    trained = {plain_text(text).strip() for text in lines_of(training_phrases(language)) | tuning}
    for judged in (held_out, simulated):
        plain = {plain_text(text).strip() for text in judged}
        assert not plain & trained
    assert not held_out & simulated


def test_simulated_sentences_say_what_they_are_about() -> None:
    languages = {path.stem for path in FOLDER.glob("*.toml")}
    assert languages == set(LANGUAGES)
    rows = [
        (topic, " ".join((sentence, *added)))
        for language in LANGUAGES
        for topic, wants in words_of(language).wants.items()
        for lines in wants.values()
        for sentence in lines
        for added in [(), words_of(language).urgent, words_of(language).upset]
    ]
    frame = pl.DataFrame(rows, schema=["topic", "text"], orient="row")
    assert frame.filter(topic_of(pl.col("text")).ne_missing(pl.col("topic"))).is_empty()


def test_only_texts_of_buyers_get_labels() -> None:
    seller = with_labels(messages("We refund you", sender="seller"))
    silent = with_labels(messages(None, "", "  "))
    for frame in (seller, silent):
        assert frame.select(pl.col(*HEADS).is_null().all()).row(0) == (True,) * len(HEADS)


def test_labels_of_the_source_stay() -> None:
    given = messages("Where is my parcel?").with_columns(intent=pl.lit("thanks"))
    row = with_labels(given).row(0, named=True)
    assert (row["intent"], row["urgency"]) == ("thanks", "can_wait")


def test_messages_without_a_text_column_have_empty_labels() -> None:
    frame = with_labels(messages("x").drop("text"))
    assert frame.select(pl.col(*HEADS).is_null().all()).row(0) == (True,) * len(HEADS)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_bounded_and_gets_a_label_or_none(text: str) -> None:
    assert len(plain_text(text)) <= MOST_LETTERS + 10
    row = with_labels(messages(text)).row(0, named=True)
    allowed = (INTENTS, URGENCIES, SENTIMENTS)
    for head, choices in zip(HEADS, allowed, strict=True):
        assert row[head] is None or row[head] in choices


def test_hidden_and_lookalike_letters_change_nothing() -> None:
    plain = shipped_classifier().log_odds(["refund me"])
    hidden = ["re\u200bfu\u202end me", "REFUND\u2060 me", "rеfund me", "𝓻𝓮𝓯𝓾𝓷𝓭 me"]  # noqa: RUF001
    assert np.allclose(shipped_classifier().log_odds(hidden)[[0, 2, 3]], plain)


def test_a_text_moves_no_label_but_its_own() -> None:
    texts = ["Where is my parcel?", "Thank you", "It is broken"]
    alone = with_labels(messages(*texts)).select("text", *HEADS)
    among = with_labels(messages(*texts, *HOSTILE)).select("text", *HEADS)
    assert among.head(len(texts)).equals(alone)


def test_more_than_two_thousand_messages_a_second() -> None:
    texts = [text.text for name in LANGUAGES for text in labelled_lines("tuning", name)]
    long = [" ".join(texts[n : n + 5]) for n in range(len(texts))]
    model = shipped_classifier()
    model.labels(texts[:1])
    start = time.process_time()
    model.labels([*texts, *long] * 2)
    assert 4 * len(texts) / (time.process_time() - start) > 2_000
