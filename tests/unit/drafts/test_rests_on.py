"""Every sentence of every template, in every language, names the fact or setting it rests on."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.drafts import action_texts, draft_answers
from pipeline.drafts.buyer_facts import tracking_number
from pipeline.drafts.draft_answers import answer_facts
from pipeline.drafts.draft_messages import draft_message, message_facts
from pipeline.drafts.text_templates import Template, fill, read_template
from pipeline.settings.action_settings import AnswerSettings
from pipeline.settings.config import Config
from pipeline.settings.languages import LANGUAGES
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from tests.unit.drafts.test_draft_messages import AS_OF, ROW, message
from tests.unit.sources.corner_shop import MAPPING, ORDERS, write

FOLDER = Path(action_texts.__file__).parent
TABLE = tomllib.loads((FOLDER / "rests_on.toml").read_text(encoding="utf-8"))
KNOWN = {
    "messages": (action_texts.FACTS, action_texts.CONDITIONS),
    "answers": (draft_answers.FACTS, draft_answers.CONDITIONS),
    "tasks": (action_texts.FACTS, action_texts.CONDITIONS),
}
FILES = [
    *[("messages", path) for path in sorted((FOLDER / "messages").rglob("*.txt"))],
    *[
        (kind, path)
        for kind in ("answers", "tasks")
        for path in sorted((FOLDER / kind).glob("*.txt"))
    ],
]
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
    return read_template(path, *KNOWN[kind])


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
        assert fill(template, facts, "\n") == "\n".join(used)
        assert len(used) == sum(missing not in needed(entry) for entry in table)


def test_the_table_has_the_english_texts_and_no_others() -> None:
    for kind, folder in (("messages", "messages/en"), ("answers", "answers"), ("tasks", "tasks")):
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


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("parcel", {"shipment_id": None}),
        ("parcel", {"shipment_id": "o-1"}),
        ("parcel", {"shipment_id": "o-1-1"}),
        ("parcel", {"shipment_id": "#o-1.1"}),
        ("sent_on", {"sent_at": None}),
        ("last_scan_on", {"last_scan_at": None}),
        ("last_scan_on", {"last_status": None}),
        ("pickup_on", {"last_status": "InTransit"}),
        ("failed_on", {"last_status": "InTransit"}),
        ("delivered_on", {"delivered_at": None}),
        ("expected_on", {"logistics_road_rank": None}),
        ("late_expected_on", {"promised_at": None}),
        ("missed_on", {"promised_at": None}),
        ("promised_on", {"promised_at": None}),
        ("was_promised_on", {"promised_at": None}),
        ("ship_by_on", {"ship_by_at": None}),
        ("ship_by_on", {"stage": "unknown"}),
        ("was_to_ship_on", {"ship_by_at": None}),
        ("was_to_ship_on", {"stage": "unknown"}),
        ("ordered_on", {"stage": "unknown"}),
        ("asked_on", {"conversation_days_unanswered": None}),
        ("amount", {"offer_usd": None}),
        ("amount", {"currency": None}),
        ("unscanned", {"sent_at": None}),
        ("unscanned", {"last_scan_at": datetime(2026, 5, 2, tzinfo=UTC)}),
    ],
)
def test_a_fact_is_missing_without_its_data(name: str, without: dict[str, Any]) -> None:
    def day(number: int) -> datetime:
        return datetime(2026, 5, number, tzinfo=UTC)

    unsent = {"stage": "before_shipment", "sent_at": None, "last_scan_at": None}
    rows: dict[str, dict[str, Any]] = {
        "pickup_on": {"last_status": "AvailableForPickup"},
        "failed_on": {"last_status": "DeliveryFailure"},
        "delivered_on": {"delivered_at": day(19)},
        "late_expected_on": {"promised_at": day(22)},
        "missed_on": {"promised_at": day(22)},
        "was_promised_on": {"promised_at": day(10)},
        "ship_by_on": {**unsent, "ship_by_at": day(22)},
        "was_to_ship_on": unsent,
        "ordered_on": {**unsent, "ship_by_at": None},
        "asked_on": {"conversation_days_unanswered": 2.5},
        "amount": {"offer_usd": 3.0},
        "unscanned": {"last_scan_at": None},
    }
    row = {**ROW, **rows.get(name, {})}
    assert message_facts(row, AS_OF)[name]
    assert message_facts({**row, **without}, AS_OF)[name] is None


@pytest.mark.parametrize("number", ["o-1", "o-1-1", "o-1.2", "#o-1-F1"])
def test_a_name_that_a_source_made_for_a_parcel_is_no_tracking_number(number: str) -> None:
    assert f"{number}." not in message(shipment_id=number).replace("your order o-1.", "")
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
        "message_language": language,
        "stage": "unknown",
        "shipment_id": None,
        "sent_at": None,
        "last_scan_at": None,
        "last_status": None,
        "promised_at": datetime(2026, 5, 10, tzinfo=UTC),
    }
    unsent = action_texts.message_template(Path("absent"), language, "before_shipment") or ()
    text = draft_message(
        row,
        message_facts(row, AS_OF),
        lambda *name: action_texts.message_template(Path("absent"), *name),
    )
    assert message_facts(row, AS_OF)["was_promised_on"] in text
    facts = message_facts({**row, "stage": "before_shipment"}, AS_OF)
    for line, names in unsent:
        if {"was_to_ship_on", "ship_by_on", "ordered_on"} & set(names) and all(
            facts[name] for name in names
        ):
            assert line.format(**facts) not in text


DISPUTE = {
    "order_id": "1203",
    "amount_usd": 10.0,
    "amount_at_risk_usd": 40.0,
    "total_usd": 40.0,
    "total_source": 200.0,
    "currency": "BRL",
    "shipment_id": "1203-1",
    "carrier": None,
    "sent_on": "2026-05-01",
    "last_scan_on": None,
    "delivered_on": None,
    "promised_on": None,
}


def answer(case: str, offers: AnswerSettings, **changed: Any) -> str:
    row = {**DISPUTE, **changed}
    template = draft_answers.load_templates(Path("absent"))[case]
    return draft_answers.draft_answer(template, row, offers)


def test_an_answer_offers_only_what_the_settings_allow() -> None:
    nothing, all_allowed = (
        AnswerSettings(may_extend=False, may_resend=False),
        AnswerSettings(resend_max_usd=50.0),
    )
    assert "send it again" in answer("not_received_no_trace", all_allowed)
    assert "send it again" not in answer("not_received_no_trace", nothing)
    assert "send it again" not in answer("not_received_no_trace", AnswerSettings(resend_max_usd=20))
    assert "extend it" in answer("not_received_in_transit", all_allowed)
    assert "extend it" not in answer("not_received_in_transit", nothing)


def test_an_answer_repeats_only_the_amount_that_the_buyer_asked_for() -> None:
    offers = AnswerSettings()
    assert "You asked for R$50.00." in answer("not_as_described", offers)
    assert "You asked for" not in answer("not_as_described", offers, amount_usd=None)


def test_an_answer_has_no_number_that_is_only_a_name_of_the_order() -> None:
    offers = AnswerSettings()
    for number, is_known in (("1203-1", False), ("1203", False), ("RX1CN", True)):
        facts = answer_facts({**DISPUTE, "shipment_id": number}, offers)
        assert (facts["parcel"], facts["shipment_id"]) == (
            (number, number) if is_known else (None,) * 2
        )
