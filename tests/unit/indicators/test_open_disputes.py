"""The files of the dispute clock: order, wording, hostile text, own answers, unknown chances."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.tables import Tables
from pipeline.indicators.open_disputes import clock
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

NIGHT = date(2024, 5, 20)
STORE = {
    "orders": """
    order_id | occurred_at | total_usd
    a        | 04-01       | 20
    b        | 04-01       | 90
    c        | 04-01       | 30
    d        | 04-01       | 40
    old      | 01-01       | 40
    """,
    "disputes": """
    order_id | dispute_id | step      | cause            | amount_usd | occurred_at | reason
    a        | cheap      | opened    | other            | 20         | 05-18T12:00 | =HYPERLINK("http://x")
    b        | costly       | opened    | not_received     | -          | 05-18T12:00 | -
    c        | soon       | opened    | not_as_described | 30         | 05-07T12:00 | -
    d        | gone       | opened    | other            | 40         | 05-06T12:00 | -
    d        | gone       | escalated | other            | -          | 05-10T12:00 | -
    old      | silent     | opened    | other            | 40         | 02-01T12:00 | -
    """,
    "tracking": "order_id | status | occurred_at\nb | InTransit | 05-15",
}


@pytest.fixture
def store(tmp_path: Path, make_tables: Callable[..., Tables]) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.write_tables(make_tables(**STORE, zone="Asia/Shanghai"), {"input_sha256": {}})
    return workspace


def clock_rows(store: Workspace) -> list[dict]:
    config = load_config(store.folder)
    run = clock(store, config, Progress(), as_of=NIGHT)
    return pl.read_csv(run / "dispute_clock.csv", infer_schema=False).to_dicts()


def test_a_dispute_that_owes_an_answer_comes_before_an_answered_one(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    """An answered dispute over 10 USD was first, because its deadline is earlier."""
    tables = make_tables(
        orders="order_id | occurred_at | total_usd\na | 04-01 | 10\nb | 04-01 | 96",
        disputes="""
        order_id | dispute_id | step     | cause | amount_usd | occurred_at
        a        | answered   | opened   | other | 10         | 05-05T12:00
        a        | answered   | answered | other | -          | 05-06T12:00
        b        | owing      | opened   | other | 96         | 05-18T12:00
        """,
    )
    workspace = Workspace(tmp_path)
    workspace.write_tables(tables, {"input_sha256": {}})
    owing, answered = clock_rows(workspace)
    assert (owing["dispute_id"], owing["owes_answer"], owing["rank"]) == ("owing", "true", "1")
    assert answered["deadline_store"] < owing["deadline_store"]


def test_sorted_by_deadline_then_expected_loss_without_old_disputes(store: Workspace) -> None:
    assert [row["dispute_id"] for row in clock_rows(store)] == ["costly", "cheap", "soon", "gone"]


def test_deadlines_in_both_zones_and_what_happens_then(store: Workspace) -> None:
    costly, _, soon, gone = clock_rows(store)
    assert costly["deadline_store"] == "2024-05-21 15:00 Asia/Shanghai"
    assert costly["deadline_platform"] == "2024-05-21 00:00 America/Los_Angeles"
    assert (float(costly["hours_left"]), costly["then"]) == (
        39.0,
        "from then on the buyer may take it to the platform",
    )
    assert soon["then"] == "it goes to the platform automatically"
    assert (gone["deadline_store"], gone["then"]) == (None, "the platform decides")


def test_without_history_the_probability_is_unknown_and_all_is_at_stake(store: Workspace) -> None:
    costly = clock_rows(store)[0]
    assert costly["probability_basis"].startswith("unknown: no escalation is on record")
    assert (costly["escalation_probability"], costly["amount_at_risk_usd"]) == (None, "90.0000")
    assert costly["expected_loss_usd"] == "105.0000"  # with the fixed cost of 15


def test_a_line_with_a_missing_fact_is_left_out(store: Workspace) -> None:
    draft = clock_rows(store)[0]["draft_answer"]
    assert "\n- Last scan: May 15, 2024\n" in draft
    assert "Handed to the carrier" not in draft  # no shipment is known
    assert "None" not in draft
    assert "{" not in draft


def test_the_answer_is_that_of_the_disputes_step_in_the_buyers_language(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    tables = make_tables(
        orders="""
        order_id | occurred_at | country | currency | total_usd
        a        | 04-01       | DE      | EUR      | 10
        b        | 04-01       | BR      | BRL      | 10
        c        | 04-01       | KR      | USD      | 10
        d        | 04-01       | FR      | USD      | 10
        """,
        disputes="""
        order_id | dispute_id | step      | cause | occurred_at
        a        | new        | opened    | other | 05-18T12:00
        b        | answered   | opened    | other | 05-15T12:00
        b        | answered   | answered  | other | 05-16T12:00
        c        | changed    | opened    | other | 05-15T12:00
        c        | changed    | answered  | other | 05-16T12:00
        c        | changed    | opened    | other | 05-17T12:00
        d        | platform   | opened    | other | 05-06T12:00
        d        | platform   | answered  | other | 05-08T12:00
        d        | platform   | escalated | other | 05-10T12:00
        """,
        messages="order_id | sender | occurred_at\na | buyer | 05-12\na | buyer | 05-14",
    )
    workspace = Workspace(tmp_path)
    workspace.write_tables(tables, {"input_sha256": {}})
    (tmp_path / "config.toml").write_text('[drafts]\nstore_name = "Blue Star"\n')
    rows = {row["dispute_id"]: row for row in clock_rows(workspace)}
    steps = {name: (row["answer_step"], row["answer_language"]) for name, row in rows.items()}
    assert steps == {
        "new": ("first", "de"),
        "answered": ("second", "pt"),
        "changed": ("second", "ko"),
        "platform": ("platform", "fr"),
    }
    new = rows["new"]["draft_answer"]
    assert "den Sie am 18. Mai 2024 zu Ihrer Bestellung a eröffnet haben" in new
    assert "Nachrichten von Ihnen: 2, die letzte am 14. Mai 2024" in new
    assert new.endswith("Mit freundlichen Grüßen\nBlue Star")
    assert "Respondemos a ela em 16 de maio de 2024." in rows["answered"]["draft_answer"]
    assert "alterou" not in rows["answered"]["draft_answer"]
    assert "2024년 5월 17일에 요청 내용을 변경" in rows["changed"]["draft_answer"]
    platform = rows["platform"]["draft_answer"]
    assert "La plateforme en est saisie depuis le 10 mai 2024." in platform
    assert "Nous avons répondu à l’acheteur le 8 mai 2024." in platform


def test_the_sellers_own_text_is_preferred_and_a_wrong_fact_is_an_error(store: Workspace) -> None:
    (store.folder / "answers").mkdir()
    own = store.folder / "answers" / "other.txt"
    own.write_text("Dear buyer of {order_id},\nparcel {shipment_id}\n{{sorry}}\n", encoding="utf-8")
    assert clock_rows(store)[1]["draft_answer"] == "Dear buyer of a, {sorry}"
    in_english = store.folder / "answers" / "en" / "other.txt"
    in_english.parent.mkdir()
    in_english.write_text("Order {order}, since {opened_on}.", encoding="utf-8")
    assert clock_rows(store)[1]["draft_answer"] == "Order a, since May 18, 2024."
    in_english.unlink()
    for faulty in (
        "Dear {buyer_name}",
        "Dear {order_id.__class__}",
        "Dear {",
        "{order_id!r}",
        "{}",
    ):
        own.write_text(f"fine\n{faulty}\n", encoding="utf-8")
        with pytest.raises(BadInput, match=r"other.txt, line 2: "):
            clock_rows(store)


def test_hostile_text_stays_text(store: Workspace) -> None:
    assert clock_rows(store)[1]["reason"].startswith("'=HYPERLINK")
    book = store.folder / "runs" / "2024-05-20" / "latest-clock" / "dispute_clock.xlsx"
    with zipfile.ZipFile(book) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        assert "HYPERLINK" in parts.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet


def test_the_same_night_gives_the_same_bytes_and_a_manifest(store: Workspace) -> None:
    files = []
    for _ in range(2):
        clock_rows(store)
        run = store.folder / "runs" / "2024-05-20" / "latest-clock"
        files.append(
            {
                name: (run / name).read_bytes()
                for name in ("dispute_clock.csv", "dispute_clock.xlsx")
            }
        )
    assert files[0] == files[1]
    manifest = json.loads((run / "manifest.json").read_text())
    assert (manifest["clock"]["count_disputes"], manifest["clock"]["count_left_out"]) == (4, 1)
    assert manifest["clock"]["policy"] == "aliexpress-classic"
    assert not (store.folder / "runs" / "2024-05-20" / "latest").exists()


def test_old_facts_are_refused_and_the_previous_clock_stays(store: Workspace) -> None:
    clock_rows(store)
    with pytest.raises(Refused, match="newest fact"):
        clock(store, load_config(store.folder), Progress(), as_of=date(2024, 7, 1))
    assert not (store.folder / "runs" / "2024-07-01").exists()


def test_a_policy_without_a_time_line_gets_a_note(store: Workspace) -> None:
    (store.folder / "config.toml").write_text('policy = "amazon"\n')
    run = clock(store, load_config(store.folder), Progress(), as_of=NIGHT)
    assert "no time line" in json.loads((run / "manifest.json").read_text())["clock"]["note"]
