"""What a copy-editor of each language would mark in a draft."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pipeline.drafts.action_texts import SHIPPED
from pipeline.drafts.draft_answers import SHIPPED as SHIPPED_ANSWERS
from pipeline.drafts.parcel_status import FACT_OF, PICKUP, STOPPED
from pipeline.settings.languages import LANGUAGES
from tests.unit.drafts.order_rows import DELIVERED, STORE, answer, day, message, read
from tests.unit.drafts.rendered_drafts import ACTIONS, STATUSES, drafts, own, scanned

BY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
# where a sentence ends, or a clause before a semicolon; not the full stop of a German "12. Mai"
ENDS = r"(?<!\d)[.!?;؛؟](?=\s|$)|[。！？；]|\n"
SORRY = {
    "en": "sorry",
    "es": "lo sentimos|lamentamos",
    "pt": "pedimos desculpas|lamentamos",
    "fr": "désolés",
    "ru": "приносим извинения|нам жаль",
    "de": r"\bleid\b",
    "ar": "نعتذر|نأسف",
    "ko": "죄송",
    "zh": "很抱歉|非常抱歉|深表歉意",
}
# how one speaks to a friend or a child, and so never to a buyer
FAMILIAR = {
    "es": r"\b(tú|tus?|te|ti|vosotr[oa]s|vuestr\w+)\b",
    "pt": r"\b(tu|te|ti|teus?|tuas?|vós)\b",
    "fr": r"\b(tu|te|toi|ton|ta|tes)\b|\bt’",
    "ru": r"\b(ты|тебя|тебе|тобой|тво\w+)\b",
    "de": r"\b(du|dir|dich|dein\w*|euch|euer|eure\w*)\b",
    "ar": r"\b(طلبك|رسالتك|إليك|لديك|لك|عليك)\b",
    "zh": "你",
}
HANGUL, HAN = "[\uac00-\ud7a3]", "[\u4e00-\u9fff]"
ENGLISH_DAY = r"\b[A-Z][a-z]+ \d{1,2}, \d{4}"


def test_every_language_is_proofread() -> None:
    assert set(SORRY) == set(LANGUAGES)
    assert set(FAMILIAR) == set(LANGUAGES) - {"en", "ko"}


@BY_LANGUAGE
def test_a_draft_has_two_to_six_paragraphs(language: str) -> None:
    for about, text in drafts(language):
        assert 2 <= len(text.split("\n\n")) <= 6, about


@BY_LANGUAGE
def test_no_mark_is_doubled_and_none_has_a_space_before_it(language: str) -> None:
    for about, text in drafts(language):
        assert not re.search(r"[.,;:!?،؛؟。，；：！？]{2}", text.replace("ر.س.", "")), about
        assert not re.search(r" [.,;:!?،؛؟。，；：！？)»”]", text), about


@BY_LANGUAGE
def test_nothing_is_said_twice(language: str) -> None:
    for about, text in drafts(language):
        said = [part.strip() for part in re.split(ENDS, text)]
        twice = [part for part, n in Counter(said).items() if part and n > 1]
        assert not twice, (about, twice)


@BY_LANGUAGE
def test_a_draft_apologises_once_and_once_more_for_a_late_answer(language: str) -> None:
    waited = read(language, "opening")[-1][0]
    for about, text in drafts(language):
        rest = text.replace(waited, "")
        assert len(re.findall(SORRY[language], rest, re.IGNORECASE)) <= 1, about


@pytest.mark.parametrize("language", FAMILIAR)
def test_the_buyer_is_spoken_to_politely(language: str) -> None:
    for about, text in drafts(language):
        words = re.sub(r"\bMug\b|Blue Star", "", text)
        assert not re.search(FAMILIAR[language], words, re.IGNORECASE), (about, words)


def test_korean_sentences_end_politely() -> None:
    for about, text in drafts("ko"):
        lines = [line for line in text.splitlines()[:-1] if not line.startswith("- ")]
        for sentence in re.findall(f"{HANGUL}+(?=[.!])", "\n".join(lines)):
            assert sentence.endswith(("니다", "세요")), (about, sentence)


def test_no_korean_particle_hangs_on_the_sound_of_a_fact() -> None:
    """을 or 를, 이 or 가 and so on depend on the last sound, which a template does not know."""
    hanging = rf"\}}(?:을|를|은|는|이|가|과|와|으로|로|아|야)(?!{HANGUL})"
    for folder in (SHIPPED, SHIPPED_ANSWERS):
        for path in sorted((folder / "ko").iterdir()):
            text = re.sub(r"\{\?\w+\}", "", path.read_text(encoding="utf-8"))
            assert not re.search(hanging, text), path


def test_chinese_has_full_width_marks_and_no_space_in_a_sentence() -> None:
    for about, text in drafts("zh"):
        assert not re.search(rf"{HAN} |(?<!-) {HAN}|\(|\)", text), about


def test_french_has_its_apostrophe() -> None:
    assert not [about for about, text in drafts("fr") if "'" in text]


def test_an_english_day_with_a_year_ends_a_clause() -> None:
    """In "May 1, 2026" the year would need a second comma, which "1 May 2026" must not have."""
    for about, text in drafts("en"):
        for rest in re.split(ENGLISH_DAY, text)[1:]:
            assert re.match(r"[.,):\n]|$| \([\w, ]+\)[.,]", rest), (about, rest[:30])


def test_a_day_in_words_has_no_zero_before_it() -> None:
    assert "delivered on 1 May 2026" in message(
        **{**DELIVERED, "country": "ZA", "delivered_at": day(1)}
    )


@pytest.mark.parametrize(
    ("language", "country", "currency", "amount"),
    [
        ("es", "MX", "USD", "USD\xa040.00"),
        ("es", "MX", "MXN", "$40.00"),
        ("de", "CH", "CHF", "CHF\xa040.00"),
        ("fr", "FR", "EUR", "40,00\xa0€"),
        ("ar", "SA", "SAR", "40.00\xa0ر.س"),
    ],
)
def test_an_amount_is_written_as_in_the_country(
    language: str, country: str, currency: str, amount: str
) -> None:
    paid = {"message_language": language, "country": country, "currency": currency}
    assert f"({amount})" in message("offer_full_refund", **paid, **DELIVERED, offer_usd=40.0)


@BY_LANGUAGE
def test_no_line_breaks_within_an_amount(language: str) -> None:
    for about, text in drafts(language):
        assert not re.search(r"\d (?:€|₽|US\$|MXN|ر\.س|\d)|(?:R|US|MX)\$ \d", text), about


@pytest.mark.parametrize(
    ("language", "name"), [("zh", "（“Mug”等）"), ("ko", "(‘Mug’ 외)"), ("ar", "(«Mug»، …)")]
)
def test_more_products_are_named_in_the_words_of_the_language(language: str, name: str) -> None:
    assert name in message(None, STORE, **own(language), count_products=2)


@BY_LANGUAGE
def test_a_buyer_is_not_asked_to_wait_for_a_parcel_that_does_not_come(language: str) -> None:
    waits = [
        line.split("{")[0]
        for offer in ("offer_resend", "offer_full_refund")
        for line, names in read(language, offer)
        if "coming" in names
    ]
    assert len(waits) == 2
    for status in STATUSES:
        is_stopped = FACT_OF[status] in STOPPED
        for offer, line in zip(("offer_resend", "offer_full_refund"), waits, strict=True):
            text = message(offer, STORE, **own(language), **scanned(status))
            assert (line in text) is not is_stopped, (status, text)


@BY_LANGUAGE
def test_a_buyer_who_gets_an_offer_is_not_sent_to_look_for_the_parcel(language: str) -> None:
    row = {**own(language), **DELIVERED, "likely_cause": "not_received"}
    looked, offered = message(None, STORE, **row), message("offer_full_refund", STORE, **row)
    lines = read(language, "delivered_not_received")
    search = [line for line, names in lines if "no_offer" in names]
    instead = [line for line, names in lines if "offer" in names and line != "{offer}"]
    assert (len(search), len(instead)) == (2, 1)
    assert all(line in looked and line not in offered for line in search)
    assert all(line in offered and line not in looked for line in instead)


@BY_LANGUAGE
def test_a_buyer_is_only_asked_to_wait_for_a_parcel_that_is_underway(language: str) -> None:
    extend = read(language, "offer_extend_protection")[0][0]
    for status in STATUSES:
        row = {**own(language), **scanned(status)}
        is_underway = FACT_OF[status] not in (*STOPPED, PICKUP)
        drafts_of_it = (
            message("offer_extend_protection", STORE, **row),
            answer("not_received_in_transit", None, STORE, **row),
        )
        assert [extend in text for text in drafts_of_it] == [is_underway] * 2, status


def test_each_action_sent_to_buyers_is_proofread() -> None:
    about = {name for name, _ in drafts("en")}
    for status in STATUSES:
        assert {f"{status} {action}" for action in ACTIONS} <= about
