"""Labelled made-up texts of buyers in nine languages: what the classifier is trained on, and what
it is judged on. No sentence is in both."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random

from features.tables import INTENTS
from pipeline.sources.conversation.message_labels import CONCEPTS

FOLDER = Path(__file__).parent
LANGUAGES = ("ar", "de", "en", "es", "fr", "ko", "pt", "ru", "zh")
UPSET = ("wrong_item", "broken", "wants_refund", "threatens_dispute")
ENDS = (". ", ". ", "! ", ", ", " ", "\n", "!!! ", "? ", "... ")


@dataclass(frozen=True)
class LabelledText:
    """A text with its three labels, as in `models.texts.text_classifier.HEADS`."""

    language: str
    intent: str
    urgency: str
    sentiment: str
    text: str


@dataclass(frozen=True)
class Phrases:
    """The phrases of one language: sentences by intent, and what may come with them."""

    language: str
    greetings: list[str]
    closings: list[str]
    urgent: list[str]
    calm: list[str]
    scolding: list[str]
    praise: list[str]
    intent: dict[str, list[str]]


def training_phrases(language: str) -> Phrases:
    """The phrases that the training texts of a language are made from."""
    path = FOLDER / "training" / f"{language}.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    intent = {name: lines.strip().splitlines() for name, lines in found.pop("intent").items()}
    return Phrases(language, intent=intent, **{k: v.strip().splitlines() for k, v in found.items()})


def training_sha256() -> str:
    """A hash of everything that the weights are trained from: phrases, and concepts by word."""
    digest = hashlib.sha256(CONCEPTS.read_bytes())
    for language in LANGUAGES:
        digest.update((FOLDER / "training" / f"{language}.toml").read_bytes())
        digest.update((FOLDER / "tuning" / f"{language}.txt").read_bytes())
    return digest.hexdigest()


def compose(phrases: Phrases, seed: int, repeats: int) -> list[LabelledText]:
    """Each sentence `repeats` times with a greeting, an urgent or calm phrase, scolding or praise
    around it by chance. Urgency is drawn apart from the intent, so that one does not give away the
    other. Of two intents in a text the later one of `INTENTS` counts."""
    rng = Random(f"{phrases.language}-{seed}")
    texts = []
    for intent, sentences in phrases.intent.items():
        for sentence in sentences:
            texts += [_compose_one(phrases, intent, sentence, rng) for _ in range(repeats)]
    for name, intent in (("praise", "thanks"), ("scolding", "other"), ("urgent", "other")):
        for sentence in getattr(phrases, name):
            texts += [
                _compose_one(phrases, intent, sentence, rng, name) for _ in range(repeats // 2)
            ]
    return texts


def _compose_one(
    phrases: Phrases, intent: str, sentence: str, rng: Random, kind: str = ""
) -> LabelledText:
    middle, is_urgent = [sentence], kind == "urgent"
    sentiment = "negative" if intent in UPSET or kind == "scolding" else "neutral"
    if intent == "thanks":
        sentiment = "positive"
    if not kind and intent != "thanks" and rng.random() < 0.25:
        middle.append(_weaker_sentence(phrases, intent, rng))
    mood = rng.random()
    if intent == "thanks" and not kind and mood < 0.4:
        middle.append(rng.choice(phrases.praise))
    elif intent != "thanks" and not kind and mood < 0.3:
        middle.append(rng.choice(phrases.scolding))
        sentiment = "negative"
    elif intent == "other" and not kind and mood < 0.4:
        middle.append(rng.choice(phrases.praise))
        sentiment = "positive"
    hurry = rng.random()
    if kind != "urgent" and hurry < (0.12 if intent == "thanks" else 0.42):
        middle.append(rng.choice(phrases.urgent))
        is_urgent = True
    elif kind != "urgent" and hurry > 0.85:
        middle.append(rng.choice(phrases.calm))
    rng.shuffle(middle)
    parts = [rng.choice(phrases.greetings)] if rng.random() < 0.35 else []
    parts += middle
    parts += [rng.choice(phrases.closings)] if rng.random() < 0.3 else []
    text = _typed(parts, rng, is_urgent=is_urgent)
    urgency = "urgent" if is_urgent else "can_wait"
    return LabelledText(phrases.language, intent, urgency, sentiment, text)


def _weaker_sentence(phrases: Phrases, intent: str, rng: Random) -> str:
    """A sentence of an earlier intent, or of the same if there is none."""
    earlier = [
        name
        for name in INTENTS[1 : INTENTS.index(intent)]
        if {name, intent} != {"wrong_item", "broken"} and name != "other"
    ]
    return rng.choice(phrases.intent[rng.choice(earlier or [intent])])


def _typed(parts: list[str], rng: Random, *, is_urgent: bool) -> str:
    """The parts with punctuation, and sometimes with typing errors or in capital letters."""
    text = "".join(part + rng.choice(ENDS) for part in parts).strip()
    if rng.random() < 0.15:
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(["", text[at] * 2]) + text[at + 1 :]
    how = rng.random()
    if how < (0.12 if is_urgent else 0.06):
        return text.upper()
    return text.lower() if how > 0.6 else text


def labelled_lines(folder: str, language: str) -> list[LabelledText]:
    """The texts of a language in `folder`, one per line: `intent urgency sentiment: text`.

    `held_out` was written after the concepts were final, and has changed nothing since. The errors
    in `tuning` led to more words in the concepts, and its texts are used for training too.
    """
    lines = (FOLDER / folder / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"(\w+) (\w+) (\w+): (.+)", line) for line in lines if line]
    assert all(found), "a line of held-out texts has another form"
    return [LabelledText(language, *match.groups()) for match in found if match]
