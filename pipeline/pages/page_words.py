"""The words of the pages, in each language: `words/<language>.toml`, the same keys in all of them.

A page is written in English and carries the other languages; a small script in it changes them.
What the program says of an order, a dispute or a gate is data: `words/<language>_sentences.toml`
has the same sentences in that language, and one that it does not have stays as it was written.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from markupsafe import Markup

LANGUAGES = {"en": "English", "zh": "中文"}
FOLDER = Path(__file__).parent / "words"


@cache
def read_words(language: str) -> Mapping[str, str]:
    """`part.key` -> text, with {places} for values."""
    parts = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{part}.{key}": text for part, words in parts.items() for key, text in words.items()}


def all_words(*parts: str) -> dict[str, dict[str, str]]:
    """Of each language the words of some parts, for the page's script."""
    return {
        language: {
            key: text for key, text in read_words(language).items() if key.split(".")[0] in parts
        }
        for language in LANGUAGES
    }


@cache
def read_sentences(language: str) -> list[tuple[str, str]]:
    """(regular expression, text) of each sentence; the groups of the one are the places of the
    other."""
    path = FOLDER / f"{language}_sentences.toml"
    told = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [(_pattern(english), text) for english, text in told.items()]


def _pattern(sentence: str) -> str:
    """Matches the sentence with any numbers in its {places}, one of a thing as well as many;
    {text...} is any text."""
    escaped = re.sub(r"[.*+?^$()|\[\]\\]", r"\\\g<0>", sentence)
    many = re.sub(
        r"\b(day|unit|product|scan|photo|time|supplier|exception|dispute|message|star)s\b",
        r"\1s?",
        escaped,
    )
    numbers = re.sub(r"\{(?!text)(\w+)\}", r"(?<\1>[-+]?[\\d.,]+%?)", many)
    return "^" + re.sub(r"\{(text\w*)\}", r"(?<\1>.*)", numbers) + "$"


def sentence(text: str) -> Markup:
    """A sentence of the program's in a page, to be put into its language by the script."""
    return Markup('<span data-s="{0}">{0}</span>').format(text)


def said(key: str, **values: object) -> Markup:
    """A text of the page that follows its language; `values` fill its places."""
    text = read_words("en")[key].format(**values)
    filled = (
        Markup(' data-v="{}"').format(json.dumps(values, ensure_ascii=False, default=str))
        if values
        else Markup()
    )
    return Markup('<span data-t="{}"{}>{}</span>').format(key, filled, text)


def named(part: str, code: object) -> Markup | str:
    """A code of ours (a stage, a cause) in words; what is none of ours, as it is."""
    key = f"{part}.{code}"
    return (
        said(key) if key in read_words("en") else "-" if code is None or code == "" else str(code)
    )


def attribute(name: str, key: str) -> Markup:
    """An attribute that follows the language, such as a placeholder or a label."""
    return Markup('{}="{}" data-ta="{}:{}"').format(Markup(name), read_words("en")[key], name, key)
