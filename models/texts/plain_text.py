"""A buyer's text in the form that the classifier reads."""

from __future__ import annotations

import re
import unicodedata

# letters of a text that are read; a longer one is read from both ends, because threats come last
MOST_LETTERS = 600
# added to the plain text: marks that folding would remove
LOUD, EAGER, ASKS = "\ue001", "\ue002", "\ue003"
# share of capital letters from which a text is loud, and the fewest letters for that
LOUD_SHARE, LOUD_LETTERS = 0.7, 8
_NOT_WORDS = re.compile(r"[^\w!?\ue000-\ue0ff]+|_+")
_REPEATED = re.compile(r"(.)\1{2,}")
_BOTH_SCRIPTS = re.compile(r"[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]")
_WORD = re.compile(r"\w+")
# letters of two alphabets that look alike
_LATIN, _CYRILLIC = "aeopcxykmtbhi", "аеорсхукмтвні"
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)


def plain_text(text: str) -> str:
    """Small letters and single spaces without accents, invisible and direction marks.

    Words that mix Latin and Cyrillic letters are written in the alphabet that has more of theirs.
    Private marks follow for a text in capital letters, for repeated exclamation marks and for
    repeated question marks. At most about `MOST_LETTERS` letters, whatever comes.

    Examples
    --------
    >>> plain_text("  Où EST\u200b mon\tcolis?  ")
    ' ou est mon colis? '
    """
    text = _bounded(text)
    letters = [letter for letter in text if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    marks = LOUD if len(letters) >= LOUD_LETTERS and capitals > LOUD_SHARE * len(letters) else ""
    decomposed = unicodedata.normalize("NFKD", text).casefold()[: 2 * MOST_LETTERS]
    kept = (c for c in decomposed if unicodedata.category(c) not in ("Mn", "Me", "Cf", "Cs", "Co"))
    folded = unicodedata.normalize("NFC", "".join(kept))[:MOST_LETTERS]
    marks += EAGER if "!!" in folded else ""
    marks += ASKS if "??" in folded else ""
    if _BOTH_SCRIPTS.search(folded):
        folded = _WORD.sub(_of_one_script, folded)
    folded = _REPEATED.sub(r"\1\1", folded)
    words = _NOT_WORDS.sub(" ", folded).strip()
    return f" {words} " + "".join(f"{mark} " for mark in marks)


def _bounded(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    half = MOST_LETTERS // 2
    return text[:half] + " " + text[-half:]


def _of_one_script(match: re.Match[str]) -> str:
    word = match.group()
    latin = sum("a" <= letter <= "z" for letter in word)
    cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in word)
    if not (latin and cyrillic):
        return word
    return word.translate(_TO_LATIN if latin >= cyrillic else _TO_CYRILLIC)
