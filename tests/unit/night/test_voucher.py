"""A seller adds an action with one TOML file and one template."""

from __future__ import annotations

import html
import json
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from pipeline.settings.errors import BadInput, UserError
from tests.unit.nights import AS_OF, RUN_FILES, latest

VOUCHER = """
name = "voucher"
title = "Give a voucher for the next order"
since = "2026-11-27"
applies_to = ["delivered", "in_transit"]
sent_by = "automatic"
cost = { order_share = 0.05, minutes = 0 }

[[effects]]
mean = 0.95
weight = 50
"""
SENTENCE = "Here is a voucher of {amount} for your next order."
Night = Callable[..., Path]


def add_voucher(workspace: Path, text: str = VOUCHER, sentence: str | None = SENTENCE) -> None:
    """Write the two files. Disputes cost enough that the voucher pays."""
    with (workspace / "config.toml").open("a") as file:
        file.write("decide.dispute_fixed_cost_usd = 100\n")
    write(workspace / "actions" / "voucher.toml", text)
    if sentence is not None:
        write(workspace / "messages" / "en" / "offer_voucher.txt", sentence)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def sheet_texts(run: Path) -> list[str]:
    book = openpyxl.load_workbook(run / "contact_list.xlsx")
    return [str(cell.value) for row in book["contacts"].iter_rows() for cell in row if cell.value]


def test_the_voucher_is_chosen_where_it_pays_and_every_file_has_it(
    workspace: Path, do_night: Night, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    add_voucher(workspace)
    run = do_night(workspace, is_forced=True)
    listed = pl.read_parquet(run / "contact_list.parquet")
    vouchers = listed.filter(action="voucher")
    assert vouchers.height > 0
    assert set(vouchers["stage"]) <= {"delivered", "in_transit"}
    title = "Give a voucher for the next order"
    assert vouchers["why_action"].str.starts_with(f"{title}: ").all()
    # the draft has the sentence, with the amount in the buyer's money
    assert set(vouchers["message_language"]) == {"en"}
    for draft in vouchers["draft_message"]:
        assert "Here is a voucher of " in draft
        assert "{amount}" not in draft
    # five per cent of the order, and the message
    costs = vouchers.select(pl.col("cost_usd") - pl.col("offer_usd")).to_series()
    assert costs.to_list() == pytest.approx([0.02] * vouchers.height)
    worth = vouchers["prevented_usd"] - vouchers["cost_usd"]
    assert vouchers["expected_value_usd"].to_list() == pytest.approx(worth.to_list())
    assert "voucher" in pl.read_parquet(run / "scores.parquet")["action"]
    assigned = pl.read_parquet(run / "assignments.parquet")
    assert "voucher" in assigned.filter(arm="listed")["action"]
    candidates = pl.read_parquet(run / "action_candidates.parquet")
    assert candidates.filter(action="voucher", is_taken=True).height == vouchers.height
    assert title in html.unescape((run / "report.html").read_text())
    assert any(title in text for text in sheet_texts(run))
    assert any("Here is a voucher" in text for text in sheet_texts(run))
    manifest = json.loads((run / "manifest.json").read_text())
    assert any("voucher" in str(value) for value in manifest["inputs"].values())
    check_impact(workspace, run_step)


def check_impact(
    workspace: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The night as if it were 131 days old, so that its orders have ended: the voucher has its
    line, and too few disputes for a figure."""
    past = workspace / "runs" / "2025-03-01" / "latest"
    past.mkdir(parents=True)
    for name in ("assignments.parquet", "action_candidates.parquet"):
        rows = pl.read_parquet(latest(workspace) / name)
        rows.with_columns(as_of=pl.lit(date(2025, 3, 1))).write_parquet(past / name)
    done = run_step("impact", "--workspace", workspace, "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Give a voucher for the next order: too early to tell" in done.stdout
    assert "Always: Give a voucher for the next order, on the " in done.stdout
    # its file can be removed again
    (workspace / "actions" / "voucher.toml").unlink()
    done = run_step("impact", "--workspace", workspace, "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Give a voucher" not in done.stdout
    assert "Always: voucher, on the " in done.stdout


@pytest.mark.parametrize(
    ("text", "sentence", "settings", "message"),
    [
        (VOUCHER, None, "", "messages/en/offer_voucher.txt"),
        (VOUCHER, "\n", "", "messages/en/offer_voucher.txt"),
        (VOUCHER, "A voucher of {sum}.", "", "offer_voucher.txt, line 1"),
        (VOUCHER, "A voucher of {amount.", "", "offer_voucher.txt, line 1"),
        (VOUCHER.replace("sent_by", "send_by"), SENTENCE, "", "voucher.toml: .*send_by"),
        (VOUCHER + "weight = 5", SENTENCE, "", "voucher.toml"),
        (VOUCHER, SENTENCE, "actions.not_allowed = ['vouchr']", "actions.not_allowed: .*'vouchr'"),
        (
            VOUCHER,
            SENTENCE,
            "actions.most_a_night = {vouchr = 5}",
            "actions.most_a_night: .*'vouchr'",
        ),
        (VOUCHER, SENTENCE, "actions.most_a_night = {voucher = -1}", "most_a_night.voucher"),
    ],
)
def test_a_wrong_file_or_name_is_refused_and_the_last_good_night_stays(
    workspace: Path, do_night: Night, text: str, sentence: str | None, settings: str, message: str
) -> None:
    before = {name: (latest(workspace) / name).read_bytes() for name in RUN_FILES}
    add_voucher(workspace, text, sentence)
    add_settings(workspace, settings)
    with pytest.raises(BadInput, match=message) as error:
        do_night(workspace, is_forced=True)
    assert isinstance(error.value, UserError)
    assert error.value.exit_code == 10
    assert {name: (latest(workspace) / name).read_bytes() for name in RUN_FILES} == before
    assert not list(workspace.rglob(".new-*"))


def add_settings(workspace: Path, line: str) -> None:
    """Add keys of [actions] to the inline table that the workspace has already."""
    path = workspace / "config.toml"
    key = line.removeprefix("actions.")
    if key:
        text = path.read_text().replace("actions = {", f"actions = {{{key}, ")
        path.write_text(text)


def test_the_command_says_what_is_missing_with_exit_code_10(
    workspace: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    add_voucher(workspace, sentence=None)
    done = run_step("score", "--workspace", workspace, "--as-of", AS_OF)
    assert done.returncode == 10
    assert "messages/en/offer_voucher.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_action_that_is_not_allowed_or_used_up_is_not_done(
    workspace: Path, do_night: Night
) -> None:
    add_voucher(workspace)
    add_settings(workspace, "actions.most_a_night = {voucher = 2}")
    listed = pl.read_parquet(do_night(workspace, is_forced=True) / "contact_list.parquet")
    assert listed.filter(action="voucher").height == 2
    add_settings(workspace, "actions.not_allowed = ['voucher']")
    run = do_night(workspace, is_forced=True)
    assert "voucher" not in pl.read_parquet(run / "contact_list.parquet")["action"]
    assert "voucher" not in pl.read_parquet(run / "action_candidates.parquet")["action"]


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("<img src=x onerror=alert(1)>", "Take <b>this</b> & that."),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("{usd} {0} {", "Take {{this}}."),
        ("</script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
    ],
)
def test_a_hostile_title_or_sentence_stays_text(
    workspace: Path, do_night: Night, title: str, sentence: str
) -> None:
    add_voucher(workspace, VOUCHER.replace("Give a voucher for the next order", title), sentence)
    run = do_night(workspace, is_forced=True)
    vouchers = pl.read_parquet(run / "contact_list.parquet").filter(action="voucher")
    assert vouchers["why_action"].str.starts_with(f"{title}: ").all()
    assert vouchers.height > 0
    said = sentence.replace("{{", "{").replace("}}", "}")
    assert all(said in draft for draft in vouchers["draft_message"])
    page = (run / "report.html").read_text()
    for tag in ("<img src=x", "<b>this", "<script>alert"):
        assert tag not in page
    book = openpyxl.load_workbook(run / "contact_list.xlsx")
    cells = [cell for row in book["contacts"].iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    # a text that a spreadsheet would read as a formula starts with a quote
    start = f"'{title}: " if title.startswith("=") else f"{title}: "
    assert any(str(cell.value).startswith(start) for cell in cells)
