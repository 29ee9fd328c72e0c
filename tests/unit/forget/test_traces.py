"""What counts as the buyer in a text, however it is written, and what does not."""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.forget.buyer_traces import BuyerTraces
from pipeline.forget.erase_frames import erased_frame
from pipeline.sources.erased_ids import BUYER, NO_ERASED_IDS, NUMBER, read_erased, write_erased
from pipeline.sources.erasure.erased_tables import erase_tables
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.unit.deliver.made_night import make_night
from tests.unit.sources.tracking_bodies import store

TRACES = BuyerTraces(
    {'o\'né "x" & b': "erased-1", "b-1": "erased-1"}, frozenset({"o-1"}), "erased-1"
)
NUMBERS = ("h-1", "H-2", "h-3")
ODD = next(iter(TRACES.ids))


@pytest.mark.parametrize(
    "text",
    [
        ODD,
        json.dumps({"id": ODD}),
        json.dumps({"id": ODD}, ensure_ascii=False),
        json.dumps({"content": json.dumps({"id": ODD})}),
        html.escape(f"<b>{ODD}</b>"),
        html.escape(json.dumps(ODD)),
        "buyer b-1.",
        '"b-1"',
    ],
)
def test_an_id_is_seen_and_replaced_in_every_way_to_write_it(text: str) -> None:
    assert TRACES.are_in(text)
    assert "erased-1" in TRACES.hide(text)
    assert not TRACES.are_in(TRACES.hide(text))


@pytest.mark.parametrize("text", ["b-12", "ab-1", "xb-1-2", "b-1-2", "o-1", ""])
def test_a_part_of_a_longer_id_is_not_the_buyer(text: str) -> None:
    assert TRACES.hide(text) == text
    assert not TRACES.are_in(text)


def test_parcels_of_one_order_get_different_replacements() -> None:
    """Also one that leaves later; a table and the list of numbers agree on them."""
    listed = NO_ERASED_IDS.with_buyer("b-1").with_parcels([("lx2", "o-1"), ("LX1", "o-1")])
    others = [listed.replacement(NUMBER, text) for text in ("LX1", "lx2", "LX2")]
    assert others == ["erased-o-1", "erased-o-1-2", "erased-o-1-2"]
    assert listed.with_parcels([("LX1", "o-1"), ("erased-o-1", "o-1")]) == listed
    later = listed.with_parcels([("LX0", "o-1"), ("LX1", "o-1"), ("lx2", "o-1")])
    assert later.replacement(NUMBER, "LX0") == "erased-o-1-3"
    orders = pl.DataFrame({"order_id": ["o-1", "o-2"], "buyer_id": ["b-1", "b-2"]})
    parcels = pl.DataFrame(
        {"order_id": ["o-1"] * 3 + ["o-2"], "shipment_id": ["LX0", "lx2", "LX1", "LX9"]}
    )
    frames = {"orders": orders, "shipments": parcels}
    erased = erase_tables(frames, listed)["shipments"]["shipment_id"].to_list()
    assert erased == ["erased-o-1-3", "erased-o-1-2", "erased-o-1", "LX9"]
    assert erase_tables(frames, later)["shipments"]["shipment_id"].to_list() == erased


def test_scans_of_forgotten_parcels_join_orders_with_the_raw_numbers(tmp_path: Path) -> None:
    (tmp_path / "tracking").mkdir()
    rows = ["Tracking Number,Event Time,Package Status"]
    rows += [f"{number},2018-01-0{day} 10:00,InTransit" for day, number in enumerate(NUMBERS, 2)]
    (tmp_path / "tracking" / "scans.csv").write_text("\n".join(rows))
    erased = NO_ERASED_IDS.with_buyer("b").with_parcels([("h-1", "o-1"), ("h-2", "o-2")])
    plain = with_tracking(store(), SourceContext(tmp_path)).frames["tracking"]
    scans = with_tracking(store(), SourceContext(tmp_path, erased=erased)).frames["tracking"]
    assert scans.drop("scan_id").equals(plain.drop("scan_id"))
    assert scans["shipment_id"].to_list() == ["h-1", "h-2", "h-3"]
    assert scans["scan_id"].str.starts_with("t-ERASED-O-").to_list() == [True, True, False]


def test_only_the_texts_of_the_buyer_are_emptied() -> None:
    rows = pl.DataFrame(
        {
            "order_id": ["o-1", "o-2", "o-3"],
            "also_orders": ["", "o-1", "b-1 and b-12"],
            "draft_message": ["hello", "hello", "see b-1"],
        }
    )
    erased = erased_frame(rows, TRACES)
    assert erased["draft_message"].to_list() == [None, "hello", "see erased-1"]
    assert erased["also_orders"].to_list() == ["", "o-1", "erased-1 and b-12"]
    assert erased_frame(erased, TRACES).equals(erased)


def test_a_short_number_is_an_id_only_where_ids_are() -> None:
    traces = BuyerTraces({"42": "erased-1"}, frozenset({"7"}), "erased-1")
    text = '{"count": 42, "buyer": "42", "share": 0.42, "nested": "{\\"buyer\\": \\"42\\"}"}'
    hidden = json.loads(traces.hide(text))
    assert (hidden["count"], hidden["buyer"], hidden["share"]) == (42, "erased-1", 0.42)
    assert json.loads(hidden["nested"]) == {"buyer": "erased-1"}
    rows = pl.DataFrame({"rank": ["42", "43"], "buyer_id": ["42", "43"], "order_id": ["7", "42"]})
    assert erased_frame(rows, traces).rows() == [("42", "erased-1", "7"), ("43", "43", "42")]
    assert not traces.concern("7 of 42 orders")


def test_a_pseudonym_is_random_and_stays(tmp_path: Path) -> None:
    first, second = (NO_ERASED_IDS.with_buyer("b-1") for _ in range(2))
    assert first.replacement(BUYER, "b-1") != second.replacement(BUYER, "b-1")
    assert first.with_buyer("b-1") == first
    write_erased(tmp_path, first.with_numbers([("LP1", "o-1")]))
    kept = read_erased(tmp_path)
    assert kept.replacement(BUYER, "b-1") == first.replacement(BUYER, "b-1")
    assert kept.mentions('{"number": "LP1"}')
    assert not kept.mentions('{"number": "LP12"}')
    assert "b-1" not in (tmp_path / "erased.json").read_text().replace("erased-", "")
    assert (tmp_path / "erased.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("given", [["--buyer", "b-0002"], ["--buyer=b-0002"]])
def test_the_step_logs_no_id(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_night(tmp_path / "shop")
    arguments = ["forget", "--workspace", str(store.folder), *given]
    monkeypatch.setattr(sys, "argv", ["pipeline", *arguments])
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "b-0002" not in result.output
    log = (store.folder / "log.jsonl").read_text()
    assert "b-0002" not in log
    assert "forget" in log


def test_the_id_may_come_from_the_input(tmp_path: Path) -> None:
    store = make_night(tmp_path / "shop")
    arguments = ["forget", "--workspace", str(store.folder), "--buyer", "-"]
    result = CliRunner().invoke(app, [*arguments, "--dry-run"], input="b-0003\n")
    assert result.exit_code == 0, result.output
    assert "would change: tables" in result.output
    assert "b-0003" in store.read_tables()["orders"]["buyer_id"]
    assert CliRunner().invoke(app, arguments, input="\n").exit_code == 2


def test_what_a_forgotten_buyer_wrote_leaves_no_label() -> None:
    listed = NO_ERASED_IDS.with_buyer("b-1")
    orders = pl.DataFrame({"order_id": ["o-1", "o-2"], "buyer_id": ["b-1", "b-2"]})
    labels = {"intent": "broken", "urgency": "urgent", "sentiment": "negative"}
    messages = pl.DataFrame({"message_id": ["m1", "m2"], "order_id": ["o-1", "o-2"]})
    messages = messages.with_columns(pl.lit(value).alias(name) for name, value in labels.items())
    erased = erase_tables({"orders": orders, "messages": messages}, listed)["messages"]
    assert erased.select(*labels).rows() == [(None, None, None), ("broken", "urgent", "negative")]
