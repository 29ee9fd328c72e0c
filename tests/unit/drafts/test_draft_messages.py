"""Messages: no gap when a fact is missing, the buyer's language, and no hostile text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest

from features.stage import STAGES_AND_UNKNOWN as STAGES
from pipeline.drafts.action_texts import CONDITIONS, FACTS, SHIPPED, message_template
from pipeline.drafts.draft_messages import draft_message
from pipeline.drafts.message_facts import message_facts
from pipeline.drafts.text_templates import fill, read_template, sentences
from pipeline.settings.action_files import load_actions
from pipeline.settings.errors import BadInput
from pipeline.settings.languages import LANGUAGES, message_language
from tests.unit.drafts.order_rows import (
    AS_OF,
    ASKED,
    DELIVERED,
    ROW,
    STORE,
    UNSENT,
    day,
    message,
    read,
)

FILES = sorted(SHIPPED.rglob("*.txt"))


def test_every_language_has_every_template() -> None:
    names = {f"{stage}.txt" for stage in STAGES} | {
        f"{action.template}.txt"
        for action in load_actions()
        if action.to == "buyer" and action.template
    }
    for language in LANGUAGES:
        assert names < {path.name for path in (SHIPPED / language).iterdir()}
        assert {path.name for path in (SHIPPED / language).iterdir()} == {
            p.name for p in (SHIPPED / "en").iterdir()
        }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_subset_of_missing_facts_leaves_a_gap(path: Path) -> None:
    template = sentences(read_template(path, FACTS, CONDITIONS))
    used = sorted({name for _, names in template for name in names})
    sizes = range(len(used) + 1) if len(used) < 9 else (0, 1, len(used) - 1, len(used))
    for count in sizes:
        for known in combinations(used, count):
            facts: Mapping[str, str | None] = {
                name: f"<{name}>" if name in known else None for name in used
            }
            text = fill(template, facts)
            assert set(re.findall("<(.*?)>", text)) <= set(known)
            assert "{" not in text
            assert "None" not in text
            assert "  " not in text
            whole = [line for line, names in template if set(names) <= set(known)]
            lines = " ".join(line.format(**facts) for line in whole)
            assert text == re.sub(r" *\n *", "\n", lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", STAGES)
def test_each_language_states_the_same_facts(language: str, stage: str) -> None:
    used = {name for _, names in read(language, stage) for name in names}
    assert used == {name for _, names in read("en", stage) for name in names}


def test_a_message_reads_like_this() -> None:
    assert message(store_name=STORE) == (
        "Hello!\nWe are writing about your order o-1 (“Mug”).\n\n"
        "The parcel was handed to the carrier on May 1, 2026. The tracking number is RX1 (Post). "
        "The last scan of the parcel was on May 15, 2026.\n\n"
        "Your order is due by June 1, 2026. Based on other parcels on this route, we expect your "
        "order around May 24, 2026. This is an estimate.\n\n"
        "If your order has already arrived, or if you have a question, please write to us here.\n\n"
        "Kind regards,\nBlue Star"
    )


def test_an_open_message_is_answered_by_its_date_and_without_its_words() -> None:
    text = message(**ASKED, first_words="Where is it???")
    assert text.startswith(
        "Hello!\nThank you for your message about your order o-1 (“Mug”). We received it on "
        "May 12, 2026. We are sorry that you had to wait for an answer.\n\n"
    )
    assert "If this does not answer your message, please tell us what else you need." in text
    assert "We are writing" not in text
    assert "???" not in text
    # a message of yesterday is no long wait, and an answered one is not open
    assert "had to wait" not in message(**{**ASKED, "unanswered_since": day(19)})
    assert "We are writing" in message(**{**ASKED, "said_by": "seller", "unanswered_since": None})


def test_a_message_about_the_product_is_not_answered_with_a_search_for_the_parcel() -> None:
    product = {**DELIVERED, **ASKED, "topic": "product"}
    text = message("offer_answer_open_question", **product)
    assert "letter box" not in text
    assert "If something is wrong with the item, please send us two or three photos" in text
    assert "We hope" not in message(**{**product, "likely_cause": "other"})
    assert "letter box" in message(**DELIVERED)


def test_without_a_name_of_the_store_there_is_no_signature() -> None:
    assert "Kind regards" not in message()


def test_a_title_is_cut_and_cleaned_and_a_city_is_only_a_city() -> None:
    assert "o-1 (“Mug”, …)." in message(count_products=3)
    assert "your order o-1." in message(product_title=None)
    text = message(
        product_title='<b>Mug</b>\u202e {x}\n"best" https://evil.example/?a=1 ' + "y " * 60
    )
    name = re.search("“(.*?)”", text)
    assert name
    assert len(name[1]) <= 62
    assert name[1].startswith("b Mug /b x best y y")
    assert name[1].endswith("…")
    for location, shown in (
        ("Leipzig, DE", " (Leipzig, DE)."),
        ("US", "."),
        ("ISC New York (USPS) facility", "."),
        ("Customs, BR", "."),
        ("\u202eabc<script>", "."),
        ("12345", "."),
        ("x" * 100, "."),
    ):
        assert f"was on May 15, 2026{shown}" in message(last_location=location)


def test_a_parcel_that_comes_back_is_not_announced() -> None:
    text = message(last_status="Exception", last_sub_status="Exception_Returning")
    assert "On May 13, 2026, the carrier reported that the parcel is going back" in text
    assert "Please tell us which solution would suit you." in text
    for claim in ("estimate", "due by", "If your order has already arrived"):
        assert claim not in text
    # with an action, its sentence asks already
    offered = message("offer_resend", last_status="Exception", last_sub_status="Exception_Lost")
    assert "send your order again" in offered
    assert "suit you" not in offered


def test_a_parcel_out_for_delivery_is_not_expected_in_some_days() -> None:
    text = message(last_status="OutForDelivery", last_sub_status=None)
    assert "The parcel went out for delivery on May 15, 2026." in text
    assert "estimate" not in text


def test_a_silent_parcel_is_called_silent_and_nothing_is_promised() -> None:
    text = message(news_at=day(2), logistics_days_since_news=18.0)
    assert "There has been no news of the parcel since May 2, 2026. We are sorry." in text
    for claim in ("estimate", "due by", "last scan"):
        assert claim not in text


def test_a_delay_is_stated_and_not_promised_again() -> None:
    late = message(promised_at=day(10))
    assert "was due by May 10, 2026. If it has not arrived, we are sorry for the delay." in late
    missed = message(promised_at=day(22), logistics_expected_late_days=2.0)
    assert "around May 24, 2026. This is an estimate. It is later than the promised date" in missed
    assert "is due by" not in late + missed


def test_an_order_that_was_never_sent_gets_an_apology() -> None:
    assert "should have left by May 3, 2026" in message(**UNSENT)
    assert "handed to the carrier by May 22" in message(**{**UNSENT, "ship_by_at": day(22)})
    late = {**UNSENT, "ship_by_at": None}
    assert "You ordered on April 28, 2026, and your order has not left yet" in message(**late)
    assert "You ordered on" not in message(**{**late, "placed_at": day(18)})


def test_an_unsound_estimate_is_left_out() -> None:
    assert "estimate" in message()
    for unusual in (
        {"logistics_road_rank": 0.99},
        {"logistics_days_since_news": 30.0},
        {"logistics_expected_days_left": 0.0},
        {"logistics_expected_days_left": None},
        {"sent_at": None},
    ):
        assert "estimate" not in message(**unusual)


def test_the_offer_is_in_the_buyers_money() -> None:
    text = message(
        "offer_partial_refund",
        **DELIVERED,
        offer_usd=3.1,
        currency="BRL",
        total_source=130.0,
        message_language="pt",
        country="BR",
    )
    assert "gostaríamos de reembolsar R$\xa010,08;" in text
    assert "{" not in text


def test_an_offer_without_its_amount_is_left_out() -> None:
    assert "refund you" not in message("offer_partial_refund", stage="delivered", offer_usd=None)


@pytest.mark.parametrize(
    ("country", "currency", "language"),
    [
        ("BR", "USD", "pt"),
        ("KR", "USD", "ko"),
        ("SA", "USD", "ar"),
        ("CN", "CNY", "zh"),
        ("DE", "EUR", "de"),
        ("PL", "USD", "en"),
        ("XX", "USD", "en"),
        (None, "USD", "en"),
        # Brazilian states with the codes of Spain, Peru and Morocco: the currency decides
        ("ES", "BRL", "pt"),
        ("PE", "BRL", "pt"),
        ("MA", "BRL", "pt"),
    ],
)
def test_language(country: str | None, currency: str, language: str) -> None:
    rows = pl.DataFrame(
        {"country": [country], "currency": [currency]},
        {"country": pl.String, "currency": pl.String},
    )
    assert rows.select(message_language(())).item() == language


def test_russian_sentences_end_with_one_stop() -> None:
    text = message(message_language="ru", country="RU")
    assert "1 мая 2026 года." in text
    assert ".." not in text
    assert "г." not in text


def test_text_that_does_not_look_like_an_id_is_left_out() -> None:
    for hostile in (
        "=cmd|' /C calc'!A0",
        "<b>x</b>",
        "a\u202eb",
        "x" * 10_000,
        "../../etc",
        "\x00",
        "a b",
    ):
        text = message(shipment_id=hostile)
        assert hostile not in text
        assert "tracking number" not in text
    assert "RX1." in message(carrier="<script>")
    # a parcel with the number of its order has no number of its own
    assert "tracking number" not in message(shipment_id="o-1")


def test_a_sellers_own_file_is_preferred_and_checked(tmp_path: Path) -> None:
    own = tmp_path / "messages" / "en" / "in_transit.txt"
    own.parent.mkdir(parents=True)
    own.write_text("Hi, {order_id}!\n\nSent {sent_on}, {delivered_on}.\n", encoding="utf-8")
    facts = message_facts(ROW, AS_OF)
    assert draft_message(ROW, facts, lambda *name: message_template(tmp_path, *name)) == "Hi, o-1!"
    for wrong in ("{buyer}", "{order_id!r}", "{0}", "{order_id", "{order_id.__class__}"):
        own.write_text(wrong)
        with pytest.raises(BadInput, match="in_transit.txt, line 1"):
            message_template(tmp_path, "en", "in_transit")
