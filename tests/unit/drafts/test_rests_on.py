"""Every sentence of every template, in every language, names the fact or setting it rests on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.drafts import action_texts, answer_facts
from pipeline.drafts.buyer_facts import tracking_number
from pipeline.drafts.draft_messages import draft_message
from pipeline.drafts.message_facts import message_facts
from pipeline.drafts.text_templates import Template, fill, read_template, sentences
from pipeline.settings.action_settings import AnswerSettings
from pipeline.settings.config import Config
from pipeline.settings.languages import LANGUAGES
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from tests.unit.drafts.order_rows import (
    AS_OF,
    ASKED,
    DELIVERED,
    DISPUTE,
    ROW,
    UNSENT,
    answer,
    day,
    message,
    read,
)
from tests.unit.sources.corner_shop import MAPPING, ORDERS, write

FOLDER = Path(action_texts.__file__).parent
TABLE = tomllib.loads((FOLDER / "rests_on.toml").read_text(encoding="utf-8"))
KNOWN = {
    "messages": (action_texts.FACTS, action_texts.CONDITIONS),
    "answers": (answer_facts.FACTS, answer_facts.CONDITIONS),
    "tasks": (action_texts.FACTS, action_texts.CONDITIONS),
}
FILES = [(kind, path) for kind in KNOWN for path in sorted((FOLDER / kind).rglob("*.txt"))]
BY_FILE = pytest.mark.parametrize(
    ("kind", "path"), FILES, ids=[f"{path.parent.name}-{path.stem}" for _, path in FILES]
)
# what no data and no setting of this program can know, in the words of the templates so far
PROMISES = (
    "we have asked",
    "we will ask",
    "within a day",
    "money back",
    "at once",
    "put it right",
    "we are preparing",
    "you will see the tracking number",
    "find a solution",
    "according to the carrier",
)


def lines(kind: str, path: Path) -> Template:
    return sentences(read_template(path, *KNOWN[kind]))


def entries(kind: str, path: Path) -> list[dict[str, Any]]:
    return TABLE[kind][path.stem]


def needed(entry: dict[str, Any]) -> set[str]:
    """The facts and conditions of an entry, without its settings."""
    return {name for name in entry["on"] if name != "none" and "." not in name}


@BY_FILE
def test_every_line_is_in_the_table_with_what_it_needs(kind: str, path: Path) -> None:
    template, table = lines(kind, path), entries(kind, path)
    assert len(template) == len(table)
    for (text, names), entry in zip(template, table, strict=True):
        assert entry["on"], text
        assert set(names) == needed(entry), text


@BY_FILE
def test_a_line_is_used_exactly_when_everything_it_rests_on_is_known(kind: str, path: Path) -> None:
    template, table = lines(kind, path), entries(kind, path)
    every = {name for _, names in template for name in names}
    for missing in (*every, None):
        facts = {name: None if name == missing else f"<{name}>" for name in every}
        used = [text.format(**facts) for text, names in template if missing not in names]
        assert fill(template, facts, " | ") == re.sub(r" *\n *", "\n", " | ".join(used))
        assert len(used) == sum(missing not in needed(entry) for entry in table)


def test_the_table_has_the_english_texts_and_no_others() -> None:
    for kind, folder in (
        ("messages", "messages/en"),
        ("answers", "answers/en"),
        ("tasks", "tasks"),
    ):
        files = {path.stem: path for path in (FOLDER / folder).glob("*.txt")}
        assert set(files) == set(TABLE[kind])
        for name, path in files.items():
            texts = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
            assert [entry["says"] for entry in TABLE[kind][name]] == texts
        assert set(files) <= set(TABLE["templates"])


def test_every_fact_and_every_setting_of_the_table_exists() -> None:
    on = {
        name
        for kind in KNOWN
        for table in TABLE[kind].values()
        for entry in table
        for name in entry["on"]
    }
    settings = {name for name in on if "." in name}
    assert settings
    assert all((FOLDER / "answers" / language).is_dir() for language in LANGUAGES)
    for setting in settings:
        section, field = setting.split(".")
        assert field in type(getattr(Config(), section)).model_fields
    facts = {name for both in KNOWN.values() for names in both for name in names}
    assert set(TABLE["facts"]) == facts
    assert on - settings - {"none"} <= facts


def test_a_sentence_without_a_fact_only_greets_asks_or_apologises() -> None:
    for kind in KNOWN:
        for table in TABLE[kind].values():
            for entry in table:
                text = entry["says"].lower()
                assert not [promise for promise in PROMISES if promise in text]
                if entry["on"] == ["none"]:
                    assert re.search(r"please|hello|we hope|we would be grateful|\?$", text), text


def status(name: str, sub_status: str | None = None) -> dict[str, Any]:
    return {"last_status": name, "last_sub_status": sub_status}


CALM = status("InTransit", "InTransit_Departure")
STATUSES = {
    "customs_on": status("InTransit", "InTransit_CustomsProcessing"),
    "customs_asks_on": status("InTransit", "InTransit_CustomsRequiringInformation"),
    "cleared_on": status("InTransit", "InTransit_CustomsReleased"),
    "out_on": status("OutForDelivery"),
    "pickup_on": status("AvailableForPickup", "AvailableForPickup_Other"),
    "failed_on": status("DeliveryFailure"),
    "absent_on": status("DeliveryFailure", "DeliveryFailure_NoBody"),
    "address_on": status("DeliveryFailure", "DeliveryFailure_InvalidAddress"),
    "refused_on": status("Exception", "Exception_Rejected"),
    "held_on": status("Exception", "Exception_Security"),
    "damaged_on": status("Exception", "Exception_Damage"),
    "delayed_on": status("Exception", "Exception_Delayed"),
    "returning_on": status("Exception", "Exception_Returning"),
    "returned_on": status("Exception", "Exception_Returned"),
    "lost_on": status("Exception", "Exception_Lost"),
    "destroyed_on": status("Exception", "Exception_Destroyed"),
    "cancelled_on": status("Exception", "Exception_Cancel"),
    "problem_on": status("Exception", "a word of the source"),
}
NOTHING_SCANNED = {"last_scan_at": None, "news_at": None, **status("NotFound")}
# fact -> how `ROW` has it, and changes without which it must be missing
MISSING: dict[str, tuple[dict[str, Any], tuple[dict[str, Any], ...]]] = {
    "order": ({}, ({"order_id": "<b>"},)),
    "parcel": ({}, tuple({"shipment_id": i} for i in (None, "o-1", "o-1-1", "#o-1.1"))),
    "sent_on": ({}, ({"sent_at": None},)),
    "last_scan_on": ({}, ({"last_scan_at": None}, {"last_status": None})),
    "news_on": ({}, ({"news_at": None}, {"news_at": day(2)}, STATUSES["lost_on"])),
    "silent_since": ({"news_at": day(2)}, ({"news_at": day(15)}, {"delivered_at": day(3)})),
    **{name: (row, (CALM, {"delivered_at": day(18)})) for name, row in STATUSES.items()},
    "stopped": (STATUSES["lost_on"], (CALM, STATUSES["customs_on"])),
    "coming": ({}, (STATUSES["returned_on"], DELIVERED)),
    "underway": ({}, (STATUSES["returned_on"], STATUSES["pickup_on"], DELIVERED)),
    "bad_news": (STATUSES["held_on"], (CALM, DELIVERED, STATUSES["customs_on"])),
    "no_bad_news": ({}, (STATUSES["lost_on"], {"news_at": day(2)})),
    "delivered_on": (DELIVERED, ({"delivered_at": None},)),
    "expected_on": ({}, ({"logistics_road_rank": None}, STATUSES["problem_on"])),
    "late_expected_on": ({"promised_at": day(22)}, ({"promised_at": None},)),
    "missed_on": ({"promised_at": day(22)}, ({"promised_at": None},)),
    "promised_on": ({}, ({"promised_at": None}, {"news_at": day(2)}, STATUSES["returning_on"])),
    "was_promised_on": ({"promised_at": day(10)}, ({"promised_at": None}, STATUSES["lost_on"])),
    "ship_by_on": ({**UNSENT, "ship_by_at": day(22)}, ({"ship_by_at": None}, {"stage": "unknown"})),
    "was_to_ship_on": (UNSENT, ({"ship_by_at": None}, {"stage": "unknown"})),
    "ordered_on": ({**UNSENT, "ship_by_at": None}, ({"stage": "unknown"},)),
    "asked_on": (ASKED, ({"said_by": "seller"},)),
    "waited": (ASKED, ({"unanswered_since": day(19)}, {"unanswered_since": None})),
    "about_product": ({**ASKED, "topic": "product"}, ({"topic": None}, {"said_by": "seller"})),
    "unasked": ({}, (ASKED,)),
    "amount": ({"offer_usd": 3.0}, ({"offer_usd": None}, {"currency": None})),
    "unscanned": (NOTHING_SCANNED, ({"sent_at": None}, {"news_at": day(2)})),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_fact_is_missing_without_its_data(name: str) -> None:
    changed, without = MISSING[name]
    row = {**ROW, **changed}
    assert message_facts(row, AS_OF)[name]
    for change in without:
        assert message_facts({**row, **change}, AS_OF)[name] is None


def test_every_fact_and_condition_of_a_message_is_tried_without_its_data() -> None:
    templates = {*action_texts.PARTS, "offer", "no_offer"}
    every = {*action_texts.FACTS, *action_texts.CONDITIONS} - templates
    assert every - set(MISSING) == {"order_id", "store_name"}


@pytest.mark.parametrize("number", ["o-1", "o-1-1", "o-1.2", "#o-1-F1"])
def test_a_name_that_a_source_made_for_a_parcel_is_no_tracking_number(number: str) -> None:
    assert f"{number}." not in message(shipment_id=number)
    assert "tracking number" not in message(shipment_id=number)
    assert "tracking number is o-12." in message(shipment_id="o-12", carrier=None)


def test_a_mapped_export_without_tracking_numbers_gives_none(tmp_path: Path) -> None:
    shipments = """
[[fact]]
table = "shipments"
file = "orders*"
[fact.columns]
order_id = {column = "No", strip = "#"}
occurred_at = "Paid"
"""
    text = ORDERS + "#1203,03/05/2024 14:00,5,0,A,1,5,2024-05-04T10:00:00Z,\n"
    data = enforce_contract(read_mapped(write(tmp_path, text, MAPPING + shipments)))
    sent = data.frames["shipments"].row(0, named=True)
    assert tracking_number(sent) is None
    assert tracking_number({**sent, "shipment_id": "LP00441234567CN"}) == "LP00441234567CN"


def test_a_carrier_that_is_not_known_is_not_named() -> None:
    assert "The tracking number is RX1. " in message(carrier="unknown")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_order_of_a_store_without_shipments_is_not_called_unsent(language: str) -> None:
    row = {
        **ROW,
        **UNSENT,
        "message_language": language,
        "stage": "unknown",
        "promised_at": day(10),
    }
    unsent = read(language, "before_shipment") or ()
    text = draft_message(row, message_facts(row, AS_OF), read)
    assert message_facts(row, AS_OF)["was_promised_on"] in text
    facts = message_facts({**row, "stage": "before_shipment"}, AS_OF)
    for line, names in unsent:
        if {"was_to_ship_on", "ship_by_on", "ordered_on"} & set(names) and all(
            facts.get(name) for name in names
        ):
            assert line.format(**facts) not in text


SHOP = {"shipment_id": "1203-1", "order_id": "1203", "currency": "BRL", "total_source": 200.0}


def test_an_answer_offers_only_what_the_settings_allow() -> None:
    nothing, all_allowed = (
        AnswerSettings(may_extend=False, may_resend=False),
        AnswerSettings(resend_max_usd=50.0),
    )
    assert "send your order again" in answer("not_received_no_trace", all_allowed)
    assert "send your order again" not in answer("not_received_no_trace", nothing)
    low = AnswerSettings(resend_max_usd=20)
    assert "send your order again" not in answer("not_received_no_trace", low)
    assert "extend it" in answer("not_received_in_transit", all_allowed)
    assert "extend it" not in answer("not_received_in_transit", nothing)


def test_an_answer_repeats_only_the_amount_that_the_buyer_asked_for() -> None:
    assert "You are asking for R$50.00." in answer("not_as_described", **SHOP)
    assert "You are asking for" not in answer("not_as_described", **SHOP, amount_usd=None)


def test_an_answer_has_no_number_that_is_only_a_name_of_the_order() -> None:
    for number, is_known in (("1203-1", False), ("1203", False), ("RX1CN", True)):
        row = {**DISPUTE, **SHOP, "shipment_id": number, "carrier": None}
        facts = answer_facts.answer_facts(row, AnswerSettings(), AS_OF)
        assert (facts["parcel"], facts["shipment_id"]) == (
            (number, number) if is_known else (None,) * 2
        )
