"""Every draft of every language, rendered and read back: language x template x fact."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from features.stage import STAGES_AND_UNKNOWN
from pipeline.drafts.draft_answers import CASES
from pipeline.drafts.parcel_status import FACT_OF
from pipeline.settings.action_files import load_actions
from pipeline.settings.languages import LANGUAGES
from tests.unit.drafts.order_rows import ASKED, DELIVERED, STORE, UNSENT, answer, day, message, read

COUNTRY = {
    "en": ("US", "USD"),
    "es": ("MX", "MXN"),
    "pt": ("BR", "BRL"),
    "fr": ("FR", "EUR"),
    "ru": ("RU", "RUB"),
    "de": ("DE", "EUR"),
    "ar": ("SA", "SAR"),
    "ko": ("KR", "KRW"),
    "zh": ("CN", "CNY"),
}
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
STATUSES = sorted(FACT_OF)
ACTIONS = [action.template for action in load_actions() if action.to == "buyer"]
BY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


def stage_row(stage: str) -> dict[str, Any]:
    """The order of `order_rows` at a stage."""
    unsent = {**UNSENT, "stage": stage}
    unscanned = {"stage": stage, "last_scan_at": None, "news_at": None, "last_status": None}
    return {
        "before_shipment": unsent,
        "unknown": unsent,
        "dispatch": {**unscanned, "last_sub_status": None},
        "in_transit": {"stage": stage},
        "delivered": DELIVERED,
    }[stage]


def own(language: str) -> dict[str, Any]:
    country, currency = COUNTRY[language]
    return {
        "message_language": language,
        "country": country,
        "currency": currency,
        "total_source": 200.0,
        "offer_usd": 8.0,
    }


@cache
def drafts(language: str) -> tuple[tuple[str, str], ...]:
    """What each draft is about, and the draft."""
    return tuple(_drafts(language))


def _drafts(language: str) -> Iterator[tuple[str, str]]:
    base = own(language)
    asked = {**ASKED, "topic": "product"}
    for stage in STAGES_AND_UNKNOWN:
        for cause in ("not_received", "not_as_described", "other"):
            row = {**base, **stage_row(stage), "likely_cause": cause}
            for action in ACTIONS:
                yield f"{stage} {cause} {action}", message(action, STORE, **row)
                yield f"asked {stage} {cause} {action}", message(action, STORE, **{**row, **asked})
    for promised in (10, 22):
        late = {"promised_at": day(promised), "logistics_expected_late_days": 2.0}
        for stage in STAGES_AND_UNKNOWN:
            yield f"late {stage}", message(None, STORE, **{**base, **stage_row(stage), **late})
    unsent = {**base, **stage_row("before_shipment")}
    yield "to ship", message(None, STORE, **{**unsent, "ship_by_at": day(22)})
    yield "ordered long ago", message(None, STORE, **{**unsent, "ship_by_at": None})
    yield "silent", message(None, STORE, **base, news_at=day(2))
    for status in STATUSES:
        at = {"last_status": status.split("_")[0], "last_sub_status": status}
        yield status, message(None, STORE, **base, **at, last_location="Leipzig, DE")
    first: dict[str, Any] = {}
    second = {"answered_at": day(17), "changed_at": day(18)}
    for step in (first, second, {**second, "escalated_at": day(19)}):
        for case in CASES:
            row = {**base, **step}
            yield f"{case} {len(step)}", answer(case, None, STORE, **row)
            yield f"{case} {len(step)} delivered", answer(case, None, STORE, **{**row, **DELIVERED})
            yield f"{case} {len(step)} unsent", answer(case, None, STORE, **{**row, **UNSENT})


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
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", text), about


@BY_LANGUAGE
def test_punctuation_is_that_of_the_language(language: str) -> None:
    for about, text in drafts(language):
        words = re.sub(NAMES, "", text)
        if language == "es":
            assert words.count("¡") == words.count("!"), about
            assert words.count("¿") == words.count("?"), about
        elif language == "fr":
            assert not re.search("[^\u00a0][!?;:»]|«[^\u00a0]", words), about
        elif language == "ar":
            assert not re.search("[;?]|,(?! …)", words), about
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
            "last_status": status.split("_")[0],
            "last_sub_status": status,
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
def test_every_sentence_of_the_shipped_messages_is_used_in_some_draft(language: str) -> None:
    """A sentence that no order can get is dead text, or its condition is wrong."""
    every = "\n".join(text for _, text in drafts(language))
    names = ("opening", "news", *STAGES_AND_UNKNOWN, "delivered_not_received", *ACTIONS)
    for name in names:
        for line, _ in (read(language, name) if name else None) or ():
            parts = re.split(r"\{\w+\}", line)
            pattern = r"[^\n]{1,80}?".join(map(re.escape, parts))
            assert re.search(pattern.replace(r"\n", r"\n"), every), (name, line)
