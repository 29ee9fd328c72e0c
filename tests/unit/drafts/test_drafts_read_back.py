"""Every draft of every language, rendered and read back: language x template x fact."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from pipeline.drafts import action_texts, answer_facts
from pipeline.drafts.parcel_status import FACT_OF
from pipeline.drafts.text_templates import read_template
from pipeline.settings.languages import LANGUAGES
from tests.unit.drafts.order_rows import ASKED, STORE, day, message
from tests.unit.drafts.rendered_drafts import STATUSES, drafts, own, scanned

# the twelfth of May, in the words of each language
TWELFTH = {
    "en": "May 12, 2026",
    "es": "12 de mayo de 2026",
    "pt": "12 de maio de 2026",
    "fr": "12 mai 2026",
    "ru": "12 мая 2026 года",
    "de": "12. Mai 2026",
    "ar": "12 مايو 2026",
    "ko": "2026년 5월 12일",
    "zh": "2026年5月12日",
}
# names, numbers and money that a draft may show as they are
NAMES = r"o-1|Mug|RX1|Post|Blue Star|Leipzig, DE|R\$|US\$|MX\$|USD|MXN|SAR"
ENGLISH = re.compile(
    r"\b(?:the|you|your|we|our|order|parcel|please|sorry|tracking|carrier|hello|thank|since|"
    r"January|February|March|April|May|June|July|August|October|December)\b",
    re.IGNORECASE,
)
# words that are spelled as English ones
SAME = {"de": {"april"}}
END = {"ko": r"[.!:]$", "zh": r"[。！：]$", "ar": r"[.!:؟]$"}
BY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


@BY_LANGUAGE
def test_every_draft_has_whole_paragraphs_in_the_buyers_language(language: str) -> None:
    for about, text in drafts(language):
        paragraphs = text.split("\n\n")
        assert all(part.strip() == part and part for part in paragraphs), about
        assert not re.search(r"[{}]|None|\\|\?\w|  | \n|\n ", text), about
        # one stop per sentence
        assert not re.search(r"\.\.|。。|,,|[;؛；] *[.。]|،،", text), about
        assert paragraphs[-1].endswith(("Blue Star", "Blue Star 드림")), about
        for part in paragraphs[:-1]:
            ends = part.splitlines()[-1]
            assert ends.startswith("- ") or re.search(END.get(language, r"[.!?:]$"), ends), about


@BY_LANGUAGE
def test_no_english_word_is_left_in_another_language(language: str) -> None:
    for about, text in drafts(language):
        words = re.sub(NAMES, "", text)
        if language in ("ar", "ko", "ru", "zh"):
            assert not re.search("[A-Za-z]", words), (about, words)
        elif language != "en":
            foreign = {word.lower() for word in ENGLISH.findall(words)}
            assert not foreign - SAME.get(language, set()), (about, words)


@BY_LANGUAGE
def test_paragraphs_run_in_the_direction_of_the_language(language: str) -> None:
    expected = {"R", "AL"} if language == "ar" else {"L"}
    for about, text in drafts(language):
        # the signature ends with the store's name
        for line in text.splitlines()[:-1]:
            strong = [d for d in map(unicodedata.bidirectional, line) if d in ("L", "R", "AL")]
            assert not strong or strong[0] in expected, (about, line)
        # sheets and pages take such marks out
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", text), about


@BY_LANGUAGE
def test_punctuation_is_that_of_the_language(language: str) -> None:
    for about, text in drafts(language):
        words = re.sub(NAMES, "", text)
        if language == "es":
            for start, end in ("¡!", "¿?"):
                assert len(re.findall(f"{start}[^{start}{end}]+{end}", words)) == words.count(end)
                assert words.count(start) == words.count(end), about
        elif language == "fr":
            assert not re.search("[^\u00a0][!?;:»]|«[^\u00a0]", words), about
        elif language == "ar":
            assert not re.search("[;?,]", words), about
        elif language == "zh":
            assert not re.search(r"[,.;:!?](?!\d)", words), about
        elif language == "de":
            assert not re.search("“[^“]*”", words), about


@BY_LANGUAGE
def test_days_are_in_the_words_of_the_language(language: str) -> None:
    text = message(None, STORE, **own(language), **ASKED)
    assert TWELFTH[language] in text
    for about, draft in drafts(language):
        assert not re.search(r"\d{4}-\d\d-\d\d|\d+/\d+/\d+", draft), about


@BY_LANGUAGE
def test_each_status_of_a_parcel_is_named_with_its_day_and_city(language: str) -> None:
    calm = message(None, STORE, **own(language))
    seen = set()
    for status in STATUSES:
        at = {
            **scanned(status),
            "last_scan_at": day(12),
            "status_since_at": day(12),
            "news_at": day(12),
        }
        text = message(None, STORE, **own(language), **at, last_location="Leipzig, DE")
        assert TWELFTH[language] in text, status
        assert "Leipzig, DE" in text, status
        assert text != calm
        seen.add(text)
    assert len(seen) == len(set(FACT_OF.values()))


@BY_LANGUAGE
@pytest.mark.parametrize("kind", ["messages", "answers"])
def test_every_sentence_is_used_in_some_draft(language: str, kind: str) -> None:
    """A sentence that no order can get is dead text, or its condition is wrong."""
    every = "\n".join(text for _, text in drafts(language))
    for path in sorted((Path(action_texts.__file__).parent / kind / language).iterdir()):
        module = action_texts if kind == "messages" else answer_facts
        for line, _ in read_template(path, module.FACTS, module.CONDITIONS):
            if line and not re.fullmatch(r"\{\w+\}", line):
                parts = re.split(r"\{\w+\}", line.strip("\n"))
                pattern = r"[^\n]{1,80}?".join(map(re.escape, parts))
                assert re.search(pattern, every), (path, line)
