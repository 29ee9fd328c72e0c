"""The words of the pages, in each language: `words/<language>.toml`, the same keys in all of them.

A page is written in English and carries the other languages; a small script in it changes them. What the program says
of an order or of a gate (reasons, readings) is data and stays as it was written.
"""

from __future__ import annotations

import json
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
        language: {key: text for key, text in read_words(language).items() if key.split(".")[0] in parts}
        for language in LANGUAGES
    }


def said(key: str, **values: object) -> Markup:
    """A text of the page that follows its language; `values` fill its places."""
    text = read_words("en")[key].format(**values)
    filled = Markup(' data-v="{}"').format(json.dumps(values, ensure_ascii=False, default=str)) if values else Markup()
    return Markup('<span data-t="{}"{}>{}</span>').format(key, filled, text)


def named(part: str, code: object) -> Markup | str:
    """A code of ours (a stage, a cause) in words; what is none of ours, as it is."""
    key = f"{part}.{code}"
    return said(key) if key in read_words("en") else "-" if code is None or code == "" else str(code)


def attribute(name: str, key: str) -> Markup:
    """An attribute that follows the language, such as a placeholder or a label."""
    return Markup('{}="{}" data-ta="{}:{}"').format(Markup(name), read_words("en")[key], name, key)
