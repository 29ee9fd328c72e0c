"""The morning's page as a file: what may run in it, what is told in it, the same bytes, and what is
refused."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURES
from features.clock import day_number
from features.tables import Tables
from models.contact.offers import ACTIONS
from models.monitoring.input_health import (
    carrier_findings,
    drift_findings,
    feed_finding,
    new_value_findings,
)
from models.monitoring.sequential_monitoring import Stream, judge_stream
from pipeline.board.board_app import PARTS as BOARD_PARTS
from pipeline.history.past_lists import PastLists
from pipeline.indicators.dispute_wording import OFFERS, THEN
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.pages import risk_panel
from pipeline.pages.html import as_json
from pipeline.pages.page_rows import Strings, pack_columns, pack_list
from pipeline.pages.page_words import LANGUAGES, all_words, read_sentences, read_words
from pipeline.pages.past_nights_panel import calibration_bins, money_saved
from pipeline.pages.product_page import PARTS as PRODUCT_PARTS
from pipeline.pages.report import PAGE, PARTS, report
from pipeline.pages.risk_panel import drivers_of
from pipeline.pages.time_line import KINDS, time_lines
from pipeline.settings.config import Config, load_config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.nights import AS_OF, NIGHT, latest

# what gates say that the small store's night does not
GATES_SAY = [
    "the newest fact is recent",
    "the outcomes of the nights the champion learned from",
    "23 disputes opened and 573 orders placed in the last 28 days (usually 9 to 54 disputes)",
    "too few open orders or no matured outcomes to judge the mean probability",
]


def said_of_health() -> list[str]:
    """One of each finding of the monitor, and what it proposes."""
    day, rare, many = 20_000, np.full(40, 1.0), np.full(40, 9.0)
    days = pl.DataFrame({"known_day": range(day - 90, day)}, schema={"known_day": pl.Int32})
    before = days.filter(pl.col("known_day") < day - 14)
    counts = before.with_columns(count=pl.lit(50.0))
    others = days.with_columns(count=pl.lit(50.0), carrier=pl.lit("B"))
    carriers = pl.concat([counts.with_columns(carrier=pl.lit("A")), others])
    jump = {"price": [9.0, 0.0], "weight": [0.0, 0.9]}
    still = [{"price": [0.0, 0.0], "weight": [0.0, 0.0]}] * 60
    is_old = pl.col("known_day") < day - 10
    values = days.select(
        "known_day", value=pl.when(is_old).then(pl.lit("US")).otherwise(pl.lit("NG"))
    )
    found = [
        judge_stream(Stream("lane", "A>B", many, rare), "matured", 1.15, 1.6),
        judge_stream(Stream("all", "all", many, rare), "early", 1.15, 1.6),
        feed_finding("tracking", counts, day - 1),
        *(
            finding
            for kind in ("scans", "deliveries")
            for finding in carrier_findings(kind, carriers, day - 1)
        ),
        *drift_findings(
            [*still, jump],
            {"price": (0.0, 1.0), "weight": (0.0, 1.0)},
            {"price": 0.5, "weight": 0.5},
        ),
        *new_value_findings("country", values, day, day - 90),
    ]
    assert len(found) == 9
    return [text for finding in found if finding for text in (finding.says, finding.propose)]


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def data_of(page: str) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


# -- the file
# ------------------------------------------------------------------------------------------------------


def test_only_what_the_policy_names_by_hash_may_run(finished: Path) -> None:
    page = (latest(finished) / PAGE).read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace(
        "&#39;", "'"
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    blocks = re.findall(r"<(script|style)>(.*?)</\1>", page, re.DOTALL)
    assert len(blocks) == 2
    for _, text in blocks:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|<link|@import|\bsrc=|\bhref=\"[^#]|\bon[a-z]+=|\bstyle=", markup)


def test_the_page_shows_the_list_as_it_is(finished: Path) -> None:
    run = latest(finished)
    listed, data = (
        pl.read_parquet(run / "contact_list.parquet"),
        data_of((run / PAGE).read_text(encoding="utf-8")),
    )
    told = data["list"]
    texts = [told["strings"][number] for number in told["columns"]["order_id"]]
    assert texts == listed["order_id"].to_list()
    drafts = ["".join(told["strings"][part] for part in parts) for parts in told["message"]]
    assert drafts == listed["draft_message"].to_list()
    assert (data["as_of"], data["zone"]) == (AS_OF, "Asia/Shanghai")


def test_report_makes_the_same_page_of_a_past_night(workspace: Path) -> None:
    place = Workspace(workspace)
    folder = report(place, load_config(workspace), Progress(), as_of=NIGHT)
    assert (folder / PAGE).read_bytes() == (latest(workspace) / PAGE).read_bytes()
    assert (
        json.loads((folder / "manifest.json").read_text())["report"]["run_id"]
        == latest(workspace).name
    )


def test_a_night_that_is_not_there_is_bad_input(workspace: Path) -> None:
    with pytest.raises(BadInput, match="no night 2025-01-02 is published. Make one: make nightly"):
        report(Workspace(workspace), load_config(workspace), Progress(), as_of=date(2025, 1, 2))
    (latest(workspace) / "scores.parquet").unlink()
    with pytest.raises(BadInput, match="was made by a former version"):
        report(Workspace(workspace), load_config(workspace), Progress(), as_of=NIGHT)


# -- hostile text
# --------------------------------------------------------------------------------------------------


def test_hostile_text_stays_text(finished: Path) -> None:
    run = latest(finished)
    listed = pl.read_parquet(run / "contact_list.parquet").head(2)
    listed = listed.with_columns(
        product_title=pl.lit(HOSTILE),
        draft_message=pl.lit(f"{HOSTILE} \u2028<!--"),
        order_id=pl.lit("=1+1"),
    )
    told = pack_list(listed, pl.read_parquet(run / "scores.parquet"), [[], []], NIGHT)
    text = str(as_json(told))
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == told
    assert HOSTILE in told["strings"]
    # as in the list's CSV: a spreadsheet must not run it in the sheet that is exported
    assert "'=1+1" in told["strings"]


# -- its words
# -----------------------------------------------------------------------------------------------------


def test_every_language_says_the_same_with_the_same_places() -> None:
    english = read_words("en")
    for language in LANGUAGES:
        words = read_words(language)
        assert words.keys() == english.keys()
        assert {key: places(text) for key, text in words.items()} == {
            key: places(t) for key, t in english.items()
        }
    assert {*PARTS, *PRODUCT_PARTS, *BOARD_PARTS} == {key.split(".")[0] for key in english}
    assert (
        all_words("stage")["zh"]["stage.in_transit"] != all_words("stage")["en"]["stage.in_transit"]
    )


def test_every_code_has_a_word() -> None:
    codes = {"action": ACTIONS, "outcome": OUTCOMES, "event": KINDS}
    for part, names in codes.items():
        assert {f"{part}.{name}" for name in names} <= read_words("en").keys()


def test_sentences_are_known_in_chinese_and_none_is_there_for_nothing(finished: Path) -> None:
    """Each of the registry's sentences, with a number in it; a new one may stay in English for a
    while."""
    templates = [text for f in FEATURES.values() for text in (f.says, f.says_below_zero) if text]
    reasons = [text.format(value=12.0) for text in templates]
    clock = [
        *THEN.values(),
        "the platform decides",
        *OFFERS.values(),
        "with the platform: add evidence until it decides",
    ]
    rules = [re.compile(pattern.replace("(?<", "(?P<")) for pattern, _ in read_sentences("zh")]
    unknown = [text for text in reasons if not any(rule.match(text) for rule in rules)]
    assert len(unknown) < 0.1 * len(reasons), unknown
    assert not [text for text in clock if not any(rule.match(text) for rule in rules)]
    is_fixed = [rule for rule in rules if "(?P<" not in rule.pattern]
    health = said_of_health()
    told = [*reasons, *clock, *GATES_SAY, *health]
    assert not [rule.pattern for rule in is_fixed if not any(rule.match(text) for text in told)]
    assert not [text for text in health if not any(rule.match(text) for rule in rules)]
    # what the night in question said of its gates, too
    gates = [
        gate["says"]
        for gate in json.loads((latest(finished) / "manifest.json").read_text())["data_gates"]
    ]
    numbered = [
        rule for rule in rules if "(?P<value>" in rule.pattern and "(?P<text>" not in rule.pattern
    ]
    assert not [
        rule.pattern
        for rule in numbered
        if not any(rule.match(text) for text in [*reasons, *gates, *GATES_SAY])
    ]
    assert not [text for text in gates if not any(rule.match(text) for rule in rules)]
    for pattern, text in read_sentences("zh"):
        assert places(text) == set(re.findall(r"\(\?<(\w+)>", pattern))


# -- its numbers
# ---------------------------------------------------------------------------------------------------


def test_a_time_line_has_what_was_known_and_what_is_promised(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    place = Workspace(tmp_path)
    place.write_tables(
        make_tables(
            orders="order_id | occurred_at\na | 05-01",
            promises="order_id | kind | promised_at | occurred_at\na | delivery | 05-30 | 05-01",
            tracking="order_id | status | occurred_at | known_at\n"
            "a | InTransit | 05-05 | 05-06\na | Delivered | 05-09 | 05-11",
            messages="order_id | sender | occurred_at\na | buyer | 05-08",
        ),
        {},
    )
    listed = pl.DataFrame({"order_id": ["a", "ghost"]})
    flat, nothing = time_lines(place.table_files(), listed, Config(), date(2024, 5, 10))
    told = list(zip((KINDS[number] for number in flat[::2]), flat[1::2], strict=True))
    # the delivery scan of the ninth is known on the eleventh only; 60 days after the promise
    assert told == [
        ("placed", -9),
        ("InTransit", -5),
        ("buyer_wrote", -2),
        ("promised_delivery", 20),
        ("window_ends", 80),
    ]
    assert nothing == []


def test_money_of_matured_lists_by_hand() -> None:
    """a: at stake (3 + 1) / 0.5 = 8 USD, came; b: did not; each message cost 1. a's second night
    does not count."""
    listed = pl.DataFrame(
        {
            "order_id": ["a", "b", "a"],
            "night": [date(2025, 1, 1), date(2025, 1, 1), date(2025, 1, 2)],
            "label": [1, 0, 1],
            "probability": [0.5, 0.2, 0.5],
            "expected_value_usd": [3.0, 1.0, 3.0],
            "contact_cost_usd": [1.0, 1.0, 1.0],
        }
    )
    told = money_saved(listed, seed=1)
    assert told is not None
    assert (told["usd"], told["orders"], told["expected"]) == (
        pytest.approx(6.0),
        2,
        pytest.approx(4.0),
    )
    assert told["low"] <= told["usd"] <= told["high"]


def test_calibration_holds_every_seventh_night() -> None:
    rows = pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(90)],
            "probability": [n / 100 for n in range(90)],
            "label": [n % 2 for n in range(90)],
            "as_of_day": [day_number(date(2025, 3, 1)) - n % 9 for n in range(90)],
        }
    )
    bins = calibration_bins(rows, seed=1)
    assert bins["rows"].sum() == rows.filter(pl.col("as_of_day").is_in([20148, 20141])).height
    assert ((bins["low"] <= bins["realised"]) & (bins["realised"] <= bins["high"])).all()


def test_past_lists_with_their_rows_are_equal_by_their_totals() -> None:
    numbers = (date(2025, 1, 1), date(2025, 1, 2), 2, 4, 1, 9, 2, 1.5)
    assert PastLists(*numbers, pl.DataFrame({"a": [1]})) == PastLists(*numbers)


def test_a_part_of_very_many_open_orders_stands_for_all(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, scores = (
        Workspace(finished).table_files(),
        pl.read_parquet(latest(finished) / "scores.parquet"),
    )
    whole = drivers_of(files, scores, NIGHT)
    by_stage = dict(scores.group_by("stage").agg(pl.len()).iter_rows())
    assert dict(whole["stage"].select("value", "count_orders").iter_rows()) == by_stage
    assert whole["stage"]["expected"].sum() == pytest.approx(scores["probability"].sum())
    monkeypatch.setattr(risk_panel, "MOST_ORDERS", 100)
    part = drivers_of(files, scores, NIGHT)
    assert part["stage"]["count_orders"].sum() == pytest.approx(scores.height, abs=3)
    assert part["stage"]["expected"].sum() == pytest.approx(scores["probability"].sum(), rel=0.3)


def test_a_number_that_is_none_does_not_stop_the_page() -> None:
    told = pack_columns(
        pl.DataFrame({"a": [0.123456, None, float("nan"), float("inf")]}), ["a"], Strings()
    )
    assert told["columns"]["a"] == [0.1235, None, None, None]
    assert (
        money_saved(pl.DataFrame(schema=dict.fromkeys(("order_id", "night"), pl.String)), seed=1)
        is None
    )
