"""What people read is plain English: words that no one says stay rare in docs and messages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# a reader stumbles over them; the plain words are next to, no one, known, is, learned, fix, who,
# expensive
ODD = re.compile(
    r"\b(beside|nobody|told|stands|learnt|mend|mends|mended|mending|whom|dear|befall|lest)\b", re.I
)
PER_WORDS, MOST = 10_000, 1.0


def docs() -> Iterator[str]:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").glob("*.md")]
    for path in sorted(pages):
        yield path.read_text(encoding="utf-8")


def templates() -> Iterator[str]:
    """English texts that are not code: pages, catalogues, drafts, the Makefile's help."""
    pipeline = ROOT / "pipeline"
    paths = [
        *(pipeline / "pages").rglob("*.html"),
        *(pipeline / "pages").rglob("*.js"),
        *(pipeline / "pages" / "locale" / "en").rglob("*.po"),
        *(pipeline / "drafts").rglob("en/*.txt"),
        *(pipeline / "drafts" / "answers").glob("*.txt"),
        *(pipeline / "settings" / "policies").glob("*.toml"),
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
    ]
    for path in sorted(paths):
        yield path.read_text(encoding="utf-8")


def code() -> Iterator[str]:
    """Strings, docstrings and comments of the three packages."""
    for package in ("features", "models", "pipeline"):
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
            for token in tokenize.generate_tokens(io.StringIO(source).readline):
                if token.type == tokenize.COMMENT:
                    yield token.string


def frequencies(text: str) -> dict[str, float]:
    """Word -> times per 10,000 words, for the odd words in `text`."""
    words = max(len(re.findall(r"\w+", text)), PER_WORDS)
    counts = Counter(word.lower() for word in ODD.findall(text))
    return {word: count * PER_WORDS / words for word, count in counts.items()}


def test_an_odd_word_is_counted_per_10000_words() -> None:
    assert frequencies("It stands beside the box. " * 2) == {"stands": 2.0, "beside": 2.0}
    assert frequencies("The standard is outside; amended, whomever.") == {}


@pytest.mark.parametrize("kind", [docs, templates, code], ids=lambda kind: kind.__name__)
def test_odd_words_are_rare(kind: object) -> None:
    assert callable(kind)
    often = {w: f for w, f in frequencies("\n".join(kind())).items() if f > MOST}
    assert not often
