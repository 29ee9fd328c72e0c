"""Sentences for people: English text that remembers its id and its parameters, for translation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

# a noun after a number: "1 day", "3 days"
_NOUN = re.compile(r"(?<![\d.,])([\d.,]+%?) (\w+)\(s\)")


class Sentence(str):
    """An English sentence with the id and the values that a translation needs.

    It is a plain string wherever text is expected. Pages translate it by `key`: the id selects a
    template in the reader's language, and the values fill its placeholders. A value may itself be a
    sentence.
    """

    id: str
    values: Mapping[str, str]

    def __new__(cls, text: str, id: str, values: Mapping[str, str]) -> Self:
        made = super().__new__(cls, text)
        made.id, made.values = id, dict(values)
        return made

    def __getnewargs__(self) -> tuple[str, str, Mapping[str, str]]:  # type: ignore[override]
        return str(self), self.id, self.values

    @property
    def key(self) -> list[Any]:
        """`[id, values]` as JSON; a value that is a sentence is its own key."""
        return [self.id, {name: key_of(value) for name, value in self.values.items()}]


NO_SENTENCE = Sentence("", "", {})


def sentence(id: str, template: str, **values: str) -> Sentence:
    """Fill the {placeholders} of an English template.

    `(s)` after a noun that follows a number becomes the right ending: "{n} day(s)".
    """
    return Sentence(with_plurals(template.format(**values)), id, values)


def with_plurals(text: str) -> str:
    """The text with each `(s)` resolved by the number before its noun."""
    resolved = _NOUN.sub(
        lambda match: f"{match[1]} {match[2]}" if match[1] == "1" else f"{match[1]} {match[2]}s",
        text,
    )
    return resolved.replace("(s)", "s")


def key_of(text: str) -> Any:
    """The key of a sentence, or the text itself if it is not one."""
    return text.key if isinstance(text, Sentence) and text.id else str(text)
