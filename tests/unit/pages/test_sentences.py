"""Sentences in Chinese: by id, with the same placeholders, none missing and none unused."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.build.registry import FEATURES
from features.clock import day_number
from features.sentence import Sentence, key_of, sentence
from features.tables import Tables
from models.indicators.escalation import fit_escalation
from models.monitoring.dispute_streams import Stream, judge_stream
from models.monitoring.input_drift import drift_findings
from models.monitoring.sequential_monitoring import ACT, FINE, WATCH, Finding
from models.monitoring.silent_feeds import carrier_findings, feed_finding, new_value_findings
from models.product.product_verdict import VerdictRules, add_verdict
from models.product.verdict_reasons import NO_DISPUTES, PATTERNS, SEPARATOR
from pipeline.indicators.dispute_wording import THEN, wording_keys
from pipeline.pages.page_words import read_sentences
from pipeline.settings.action_files import load_actions
from tests.unit.nights import ROOT, latest

PACKAGES = ("features", "models", "pipeline")


def declared() -> Iterator[tuple[str, str]]:
    """(id, English template) of every sentence in the source code and in the feature registry."""
    for feature in FEATURES.values():
        for side, text in (("above", feature.says), ("below", feature.says_below_zero)):
            if text:
                template = re.sub(r"\{value:[^}]*\}", "{value}", text)
                yield f"feature.{feature.name}.{side}_zero", template
    for action in load_actions():
        yield f"action.{action.name}", action.title
    for path in [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield from calls_in(node)
            elif isinstance(node, ast.Assign):
                yield from calls_in(node)


def calls_in(block: ast.FunctionDef | ast.Assign) -> Iterator[tuple[str, str]]:
    """Calls of `sentence` with a literal id; the template may be a variable of the same block."""
    texts = {
        node.targets[0].id: node.value.value
        for node in ast.walk(block)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(block):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sentence":
            name, template = node.args[0], node.args[1]
            if isinstance(name, ast.Constant):
                is_literal = isinstance(template, ast.Constant)
                yield name.value, template.value if is_literal else texts[template.id]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def in_chinese(key: Any) -> str:
    """What the page's script makes of a key."""
    if isinstance(key, str):
        return key
    name, values = key
    return read_sentences("zh")[name].format(**{n: in_chinese(v) for n, v in values.items()})


def test_translations_have_the_placeholders_and_none_is_unused() -> None:
    """A few new sentences may stay in English for a while."""
    templates = dict(declared())
    translations = read_sentences("zh")
    assert set(translations) <= set(templates)
    assert len(translations) > 0.9 * len(templates), set(templates) - set(translations)
    for name, translation in translations.items():
        assert placeholders(templates[name]) == placeholders(translation), name


def test_an_id_has_one_template() -> None:
    pairs = set(declared())
    assert len(pairs) == len({name for name, _ in pairs})


def test_a_sentence_is_english_text_with_a_key() -> None:
    offer = sentence("offer.proof", "send the proof of delivery")
    action = sentence("action.answer", "answer: {offer}", offer=offer)
    assert action == "answer: send the proof of delivery"
    assert action.key == ["action.answer", {"offer": ["offer.proof", {}]}]
    assert in_chinese(action.key) == "答复：提供妥投证明"
    assert key_of(Sentence("a text of its own", "", {})) == key_of("a text of its own")


@pytest.mark.parametrize(
    ("number", "text"), [("1", "1 day left"), ("1.1", "1.1 days left"), ("21", "21 days left")]
)
def test_a_noun_follows_its_number(number: str, text: str) -> None:
    assert sentence("x", "{n} day(s) left", n=number) == text


def test_every_text_of_the_dispute_clock_has_a_key() -> None:
    assert in_chinese(wording_keys()[str(THEN["auto_submit"])]) == "自动提交平台"
    assert all(in_chinese(key) for key in wording_keys().values())


def test_a_night_stores_the_keys_of_its_sentences(finished: Path) -> None:
    run = latest(finished)
    manifest = json.loads((run / "manifest.json").read_text())
    assert [in_chinese(check["says_key"]) for check in manifest["data_gates"]]
    listed = pl.read_parquet(run / "contact_list.parquet")
    with_key = listed.filter(pl.col("reason_1") != "")
    assert with_key.height
    assert all(in_chinese(json.loads(key)) for key in with_key["reason_1_key"])
    assert "reason_1_key" not in pl.read_csv(run / "contact_list.csv").columns


def test_findings_of_the_monitor_have_translations() -> None:
    for finding in health_findings():
        assert in_chinese(key_of(finding.says)) != finding.says
        assert in_chinese(key_of(finding.propose)) != finding.propose


def health_findings() -> list[Finding]:
    """One finding of each kind of the monitor."""
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
    findings = [
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
    assert len(findings) == 9
    return [finding for finding in findings if finding]


PRODUCTS = """
count | orders | grown | rate  | over  | own   | lane  | buyer | maker | money | photos
0     | 0     | 0.0   | 0.01  | 0.0   | 0.0   | 1.0   | 1.0   | 1.0   | 5.0   | -
1.5   | 40    | 30.0  | 0.04  | 0.6   | 0.1   | 1.0   | 1.0   | 1.0   | -     | -
1     | 40    | 30.0  | 0.03  | 0.3   | 0.1   | 1.0   | 1.0   | 1.0   | -     | -
0     | 40    | 30.0  | 0.01  | 0.1   | 0.1   | 1.0   | 1.0   | 1.0   | -     | -
9     | 40    | 30.0  | 0.20  | 0.99  | 0.1   | 2.0   | 1.0   | 1.0   | -     | -
9     | 40    | 30.0  | 0.20  | 0.99  | 0.1   | 1.0   | 2.0   | 1.0   | -     | -
9     | 40    | 30.0  | 0.20  | 0.99  | 0.99  | 1.0   | 1.0   | 1.0   | -9.0  | -
9     | 40    | 30.0  | 0.20  | 0.99  | 0.99  | 1.0   | 1.0   | 2.0   | -     | -
9     | 40    | 30.0  | 0.20  | 0.99  | 0.99  | 1.0   | 1.0   | 1.0   | -     | 4
9     | 40    | 30.0  | 0.20  | 0.99  | 0.99  | 1.0   | 1.0   | 1.0   | -     | -
"""


def test_every_reason_of_a_verdict_is_in_chinese() -> None:
    """The page finds the sentences of a reason by their English text."""
    header, *lines = [line.split("|") for line in PRODUCTS.strip().splitlines()]
    cells = {
        name.strip(): [None if (text := line[n].strip()) == "-" else float(text) for line in lines]
        for n, name in enumerate(header)
    }
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.Float64)).select(
        "rate",
        exposure="grown",
        count_disputes="count",
        count_orders=pl.col("orders").cast(pl.Int64),
        rate_low=pl.col("rate") / 2,
        rate_high=pl.col("rate") * 2,
        chance_over_limit="over",
        own_chance_over_limit="own",
        chance_hopeless=pl.lit(0.0),
        own_rate="rate",
        limit=pl.lit(0.02),
        lane_x="lane",
        buyers_x="buyer",
        supplier_x="maker",
        product_x=pl.lit(1.5),
        margin_per_100_units_usd="money",
        count_not_as_described="photos",
        change=pl.lit(FINE),
        changed_since=pl.lit("2025-03-01"),
        count_disputes_90d=pl.lit(7.0),
        expected_90d=pl.lit(1.5),
        supplier_change=pl.lit(FINE),
        supplier_changed_since=pl.lit("2025-02-01"),
    )
    rules = VerdictRules(limit=0.02, sure=0.9, stop_factor=3.0)
    judged = add_verdict(frame, rules)
    hopeless = add_verdict(frame.with_columns(chance_hopeless=pl.lit(1.0)), rules)
    changed = [
        add_verdict(frame.with_columns(pl.lit(level).alias(name)), rules)["why"]
        for level in (WATCH, ACT)
        for name in ("change", "supplier_change")
    ]
    reasons = [*judged["why"], *hopeless["why"], *chain(*changed), str(NO_DISPUTES)]
    used = set()
    for text in chain.from_iterable(reason.split(SEPARATOR) for reason in reasons):
        matches = [
            (id, dict(zip(names, match.groups(), strict=True)))
            for id, pattern, names in PATTERNS
            if (match := re.fullmatch(pattern, text))
        ]
        assert len(matches) == 1, text
        assert in_chinese(list(matches[0])) != text
        used.add(matches[0][0])
    assert used == {id for id, _, _ in PATTERNS}


def test_what_the_chance_of_an_escalation_rests_on_is_in_chinese(
    make_tables: Callable[..., Tables],
) -> None:
    steps = "order_id | dispute_id | step | occurred_at"
    for more, start in (("", "未知：没有升级记录"), ("\na | d | escalated | 01-12", "基础比率")):
        tables = make_tables(
            orders="order_id | occurred_at\na | 01-01",
            disputes=f"{steps}\na | d | opened | 01-10{more}",
        )
        basis = fit_escalation(tables, day_number(date(2024, 5, 1))).basis
        assert in_chinese(key_of(basis)).startswith(start)
