"""The colour of a verdict: green only for what is known to be fine."""

from __future__ import annotations

import re
from datetime import date

import polars as pl
import pytest

from models.monitoring.sequential_monitoring import RETRAIN, Finding
from pipeline.history.past_lists import PastLists
from pipeline.night.night_health import verdict_of
from pipeline.pages.html import _environment
from pipeline.pages.past_nights_panel import BINS_SCHEMA, Past

GREEN, RED, GREY = "good", "bad", "soft"
HIGH = [Finding("act", "matured_rise", RETRAIN, RETRAIN)]
MAYBE = [Finding("watch", "matured_rise", RETRAIN, RETRAIN)]
FEW = pl.DataFrame(
    {"order_id": [f"o{n}" for n in range(90)], "label": [1] + [0] * 89, "is_listed": [True] * 90}
)


@pytest.mark.parametrize(
    ("findings", "is_known", "verdict", "colour"),
    [
        ([], False, "unknown", GREY),
        ([], True, "fine", GREEN),
        (MAYBE, True, "watch", RED),
        (HIGH, True, "act", RED),
    ],
)
def test_not_known_yet_is_not_green(
    findings: list[Finding], is_known: bool, verdict: str, colour: str
) -> None:
    health = verdict_of(findings, pl.DataFrame(), is_known=is_known)
    assert health.verdict == verdict
    page = _environment().get_template("report_health.html")
    text = page.render(
        manifest={"health": health.manifest_facts()}, night={"checks": []}, files=[], reasons=[]
    )
    shown = re.search(r'<strong class="(\w+)">(.*?)</strong>', text, re.DOTALL)
    assert shown is not None
    assert shown[1] == colour
    assert f"health_level.{verdict}" in shown[2]


@pytest.mark.parametrize("verdict", ["prevents disputes", "provokes disputes", "not known yet"])
def test_an_effect_has_words_and_no_colour(verdict: str) -> None:
    bounds = {"always": 0.0, "always_low": -0.1, "always_high": 0.1}
    money = dict.fromkeys(("saved_usd", "saved_usd_low", "saved_usd_high"), 0.0)
    effect = {"orders_sent": 90, "orders_held": 9, "verdict": verdict, **bounds, **money}
    night = {"night": date(2025, 1, 1), "listed": 9, "disputed": 1, "expected": 0.1}
    nights = pl.DataFrame(
        [{**night, "precision": None}], schema_overrides={"precision": pl.Float64}
    )
    page = _environment().get_template("report_past.html")
    text = page.render(
        past=Past(nights, pl.DataFrame(schema=BINS_SCHEMA), None, effect),
        month=PastLists(date(2025, 1, 1), date(2025, 1, 1), 1, 9, 1, 90, 1, 1.0, FEW),
        charts={},
        least_disputed=20,
    )
    shown = re.search(r"<p id=\"effect\">.*?<strong>(.*?)</strong>", text, re.DOTALL)
    assert shown is not None
    assert f"effect.{verdict}" in shown[1]
    assert "good" not in shown[1]
    # one disputed order: its share is not a figure
    assert "11.1" not in text
