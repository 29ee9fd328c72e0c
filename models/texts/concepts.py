"""What a text is about, in any of several languages: which concepts its words belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from models.texts.plain_text import ASKS, EAGER, LOUD, plain_text

# languages in which a part of a word counts, because words are not parted or joined to others
ANYWHERE = ("ko", "zh")
# what may stand before a word's beginning: and, then, in, for, like, the
PREFIXES = {"ar": ("", "و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "لل")}
# how a text is written, as further concepts: the mark of the plain text by name
MARKS = {"mark_asks": ASKS, "mark_eager": EAGER, "mark_loud": LOUD, "mark_question": "?"}
_NO_LETTERS = "[!?\ue000-\ue0ff]"


@dataclass(frozen=True)
class Concepts:
    """`words`: names of the concepts, sorted. `parts`: one row per part of a word (`part`) and
    number of its concept (`concept`)."""

    words: tuple[str, ...]
    parts: pl.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """The concepts of words, then those of `MARKS`."""
        return (*self.words, *MARKS)

    @property
    def count_columns(self) -> int:
        """One column per concept, and one per pair of concepts."""
        return len(self.names) * (len(self.names) + 1) // 2

    def present(self, texts: Sequence[str]) -> np.ndarray:
        """Whether each text has each concept, then whether it has both of each pair: (texts,
        `count_columns`) bool. Each row depends on its own text only."""
        plain = pl.Series([plain_text(text) for text in texts], dtype=pl.String)
        wanted = self.parts["part"].unique(maintain_order=True).to_list()
        matches = plain.str.replace_all(_NO_LETTERS, " ").str.extract_many(wanted, overlapping=True)
        rows = pl.DataFrame({"part": matches}).with_row_index("text").explode("part")
        rows = rows.join(self.parts, on="part")
        has = np.zeros((len(texts), len(self.names)), dtype=bool)
        has[rows["text"].to_numpy(), rows["concept"].to_numpy()] = True
        for number, mark in enumerate(MARKS.values(), len(self.words)):
            has[:, number] = plain.str.contains(mark, literal=True).to_numpy()
        left, right = map(list, zip(*combinations(range(has.shape[1]), 2), strict=True))
        return np.concatenate([has, has[:, left] & has[:, right]], axis=1)


def read_concepts(lists: Mapping[str, Mapping[str, str]]) -> Concepts:
    """Concepts from beginnings of words by concept and language, separated by `|`: see the note at
    the head of `text_concepts.toml`.

    Examples
    --------
    >>> concepts = read_concepts({"money": {"en": "money|pay_"}, "where": {"en": "where_"}})
    >>> concepts.present(["Where is my MONEY"])[0, :2].tolist()
    [True, True]
    """
    words = tuple(sorted(lists))
    rows = {
        (part, number)
        for number, name in enumerate(words)
        for language, beginnings in lists[name].items()
        for beginning in beginnings.split("|")
        for part in _parts(beginning, language)
    }
    schema = {"part": pl.String, "concept": pl.Int64}
    return Concepts(words, pl.DataFrame(sorted(rows), schema=schema, orient="row"))


def _parts(beginning: str, language: str) -> list[str]:
    """What is searched: with a space before it at the start of a word, after it at its end."""
    core = plain_text(beginning.strip("*_")).strip() + (" " if beginning.endswith("_") else "")
    if language in ANYWHERE or beginning.startswith("*"):
        return [core]
    return [f" {prefix}{core}" for prefix in PREFIXES.get(language, ("",))]
