"""Messages: no gap when a fact is missing, the buyer's language, and no hostile text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.stage import STAGES_AND_UNKNOWN as STAGES
from pipeline.drafts.action_texts import CONDITIONS, FACTS, SHIPPED, message_template
from pipeline.drafts.draft_messages import draft_message, message_facts
from pipeline.drafts.text_templates import fill, read_template
from pipeline.settings.action_files import load_actions
from pipeline.settings.errors import BadInput
from pipeline.settings.languages import LANGUAGES, message_language

FILES = sorted(SHIPPED.rglob("*.txt"))
AS_OF = date(2026, 5, 20)
ROW = {
    "order_id": "o-1",
    "message_language": "en",
    "country": "US",
    "currency": "USD",
    "stage": "in_transit",
    "likely_cause": "not_received",
    "offer_usd": None,
    "total_usd": 40.0,
    "total_source": 40.0,
    "shipment_id": "RX1",
    "carrier": "Post",
    "last_status": "InTransit",
    "sent_at": datetime(2026, 5, 1, tzinfo=UTC),
    "last_scan_at": datetime(2026, 5, 15, tzinfo=UTC),
    "promised_at": datetime(2026, 6, 1, tzinfo=UTC),
    "ship_by_at": datetime(2026, 5, 3, tzinfo=UTC),
    "placed_at": datetime(2026, 4, 28, tzinfo=UTC),
    "delivered_at": None,
    "logistics_expected_days_left": 4.0,
    "logistics_expected_late_days": -8.0,
    "logistics_road_rank": 0.4,
    "logistics_days_since_news": 5.0,
    "conversation_days_unanswered": None,
}


def read(language: str, name: str) -> Any:
    return message_template(Path("nowhere"), language, name)


def message(sentence: str | None = None, **changed: Any) -> str:
    row = {**ROW, **changed}
    return draft_message(row, message_facts(row, AS_OF), read, sentence)


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
    template = read_template(path, FACTS, CONDITIONS)
    used = sorted({name for _, names in template for name in names})
    for count in range(len(used) + 1):
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
            assert text == " ".join(line.format(**facts) for line in whole)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", STAGES)
def test_each_language_states_the_same_facts(language: str, stage: str) -> None:
    used = {name for _, names in read(language, stage) for name in names}
    assert used == {name for _, names in read("en", stage) for name in names}


def test_a_message_reads_like_this() -> None:
    assert message() == (
        "Hello! We are writing about your order o-1. The tracking number is RX1 (Post). It was "
        "handed to the carrier on May 1, 2026. Its last scan was on May 15, 2026. It is due by "
        "June 1, 2026. Based on other parcels on this route, we expect it around May 24, 2026. "
        "This is an estimate. If it has arrived, or if you have a question, please write to us "
        "here."
    )


def test_a_delay_is_stated_and_not_promised_again() -> None:
    late = message(promised_at=datetime(2026, 5, 10, tzinfo=UTC))
    assert "It was due by May 10, 2026. If it has not arrived, we are sorry for the delay." in late
    missed = message(
        promised_at=datetime(2026, 5, 22, tzinfo=UTC), logistics_expected_late_days=2.0
    )
    assert "around May 24, 2026, after the promised date (May 22, 2026). We are sorry." in missed
    assert "It is due by" not in late + missed


def test_an_order_that_was_never_sent_gets_an_apology() -> None:
    unsent = {
        "stage": "before_shipment",
        "sent_at": None,
        "last_scan_at": None,
        "last_status": None,
    }
    assert "should have left by May 3, 2026" in message(**unsent)
    assert "handed to the carrier by May 22" in message(
        **unsent, ship_by_at=datetime(2026, 5, 22, tzinfo=UTC)
    )
    assert "You ordered on April 28, 2026, and it has not left yet" in message(
        **unsent, ship_by_at=None
    )
    assert "ordered on" not in message(
        **unsent, ship_by_at=None, placed_at=datetime(2026, 5, 18, tzinfo=UTC)
    )


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
        stage="delivered",
        offer_usd=3.1,
        currency="BRL",
        total_source=130.0,
        message_language="pt",
        country="BR",
        delivered_at=datetime(2026, 5, 19, tzinfo=UTC),
    )
    assert "gostaríamos de devolver R$\xa010,08" in text.replace("R$ ", "R$\xa0")
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
    assert "1 мая 2026" in text
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
    for wrong in ("{order}", "{order_id!r}", "{0}", "{order_id", "{order_id.__class__}"):
        own.write_text(wrong)
        with pytest.raises(BadInput, match="in_transit.txt, line 1"):
            message_template(tmp_path, "en", "in_transit")
