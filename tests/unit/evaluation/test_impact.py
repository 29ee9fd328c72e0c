"""make impact: from assignments, labels and contacts to sentences with intervals."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.clock import day_number
from models.contact.count_intervals import count_bounds
from models.contact.uplift import Sums
from pipeline.evaluation.impact import power_lines, sentences
from pipeline.history.measured_impact import impact_table, matured_rows
from pipeline.pages.charts import effect_chart, in_english
from pipeline.pages.page_words import read_words
from pipeline.pages.past_nights_panel import measured_effect
from pipeline.settings.config import Config, load_config
from pipeline.workspace.workspace import Workspace

OLD_NIGHT, NIGHT = date(2025, 3, 1), date(2025, 7, 10)


def made_rows(orders: int, cut: float, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    held = rng.random(orders) < 0.1
    chance = rng.gamma(2.0, 0.05, orders).clip(0, 0.9)
    label = rng.random(orders) < np.where(held, chance, chance * (1 - cut))
    return pl.DataFrame(
        {
            "buyer_id": [f"b{n}" for n in range(orders)],
            "as_of_day": np.arange(orders) // 50,
            "action": "inform",
            "action_usd": 0.5,
            "stage": rng.choice(["in_transit", "delivered"], orders),
            "likely_cause": "not_received",
            "language": rng.choice(["en", "pt"], orders),
            "is_held": held,
            "is_contacted": ~held,
            "probability": chance,
            "cost_usd": 40.0,
            "label": label.astype(np.int8),
        }
    )


def test_a_cut_by_half_is_detected_and_valued() -> None:
    rows = made_rows(20_000, 0.5)
    table = impact_table(rows, Config())
    whole = table.row(0, named=True)
    assert whole["verdict"] == "prevents disputes"
    assert whole["effect_low"] < -0.05 < whole["effect_high"]
    assert (
        whole["always_low"] < whole["effect_low"] < whole["effect_high"] < whole["always_high"] < 0
    )
    assert whole["saved_usd"] == pytest.approx(
        -whole["effect"] * 40 * whole["orders_sent"] - 0.5 * whole["orders_sent"], rel=1e-2
    )
    assert {(row["by"], row["group"]) for row in table.iter_rows(named=True)} == {
        ("all", "all"),
        ("action", "inform"),
        ("stage", "in_transit"),
        ("stage", "delivered"),
        ("likely_cause", "not_received"),
        ("language", "en"),
        ("language", "pt"),
    }
    lines = list(sentences(table))
    assert lines[0].startswith("Continue: messages prevent disputes")
    assert "prevents disputes" in lines[1]
    # no estimate without its interval
    estimates = [line for line in lines if "disputes per 100" in line or "USD saved" in line]
    assert estimates
    assert all(" to " in line for line in estimates)


def test_harm_is_reported_as_clearly() -> None:
    table = impact_table(made_rows(20_000, -0.5), Config())
    assert table["verdict"][0] == "provokes disputes"
    assert next(sentences(table)).startswith("Stop and review the messages")


def test_too_little_data_reports_how_long_it_takes() -> None:
    rows = made_rows(600, 0.3)
    table = impact_table(rows, Config())
    assert table["verdict"][0] == "not known yet"
    lines = list(power_lines(table, rows, Config()))
    assert lines[0].startswith("Not enough data yet: it takes about ")
    assert len(lines) == 4
    # with only two new buyers per night, a larger hold-out is suggested
    slow = rows.with_columns(as_of_day=pl.int_range(pl.len()) // 2)
    assert next(sentences(table)).startswith("Continue and check again later")
    assert "longer than a year" in list(power_lines(table, slow, Config()))[1]


@pytest.mark.parametrize(("sent", "held"), [(0, 0), (0, 1), (3, 0)])
def test_few_disputes_have_an_interval_with_a_width(sent: int, held: int) -> None:
    """Groups without disputes had "+0.00 (+0.00 to +0.00)" and "-1.15 (-1.15 to -1.15)"."""
    rows = made_rows(400, 0.5).sort("is_held").with_row_index("n")
    first_held = int((~rows["is_held"]).sum())
    disputed = (pl.col("n") < sent) | pl.col("n").is_between(first_held, first_held + held - 1)
    rows = rows.with_columns(label=disputed.cast(pl.Int8)).drop("n")
    table = impact_table(rows, Config())
    for row in table.iter_rows(named=True):
        for name in ("effect", "always", "contacted_effect", "saved_usd"):
            low, value, high = row[f"{name}_low"], row[name], row[f"{name}_high"]
            assert low < value < high, (row["group"], name)
    whole = table.row(0, named=True)
    assert whole["verdict"] == "not known yet"
    # 0 of 360 listed and 0 of 40 held out: up to about 9 % of the held-out ones may dispute
    if (sent, held) == (0, 0):
        assert whole["effect_low"] == pytest.approx(-3.84 / (40 + 3.84), abs=0.02)


def test_newcombes_interval_by_hand() -> None:
    """Newcombe 1998, table II, case a: 56/70 - 48/80 = 0.20 (0.0524 to 0.3339)."""
    held = np.array([False] * 70 + [True] * 80)
    outcome = np.array([1.0] * 56 + [0.0] * 14 + [1.0] * 48 + [0.0] * 32)
    ones = np.ones(150)
    low, high = count_bounds(Sums(held, ones, outcome, ones * 0.5, (~held).astype(float)))
    assert (low, high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_more_disputes_and_a_saving_are_explained() -> None:
    """A report had "+1.28 disputes per 100" and "+958 USD saved" without a word."""
    rows = made_rows(2_000, -0.3)
    rows = rows.with_columns(
        is_contacted=pl.lit(True), cost_usd=pl.when("is_held").then(200.0).otherwise(20.0)
    )
    table = impact_table(rows, Config())
    whole = table.row(0, named=True)
    assert whole["effect"] > 0
    assert whole["saved_usd"] > 0
    assert any(line.startswith("More disputes and yet a saving") for line in sentences(table))
    agreeing = impact_table(made_rows(20_000, 0.5), Config())
    assert not any("and yet" in line for line in sentences(agreeing))


def plan_a_night(workspace: Path) -> pl.DataFrame:
    """Assignments of a past night: the orders of the month before, one buyer in ten held out."""
    orders, last = Workspace(workspace).read_tables()["orders"], day_number(OLD_NIGHT) - 1
    orders = orders.filter(pl.col("known_day").is_between(last - 29, last))
    number = pl.int_range(pl.len())
    arm = pl.when(number % 10 == 0).then(pl.lit("held_out")).otherwise(pl.lit("listed"))
    assigned = orders.select(
        "order_id",
        "buyer_id",
        also_orders=pl.lit(""),
        as_of=pl.lit(day_number(OLD_NIGHT)),
        stage=pl.lit("in_transit"),
        likely_cause=pl.lit("not_received"),
        arm=arm,
        rank=number,
        propensity=pl.lit(0.9),
        probability=pl.lit(0.05),
        expected_value_usd=pl.lit(1.0),
        evidence_share=pl.lit(0.0),
    )
    folder = workspace / "runs" / OLD_NIGHT.isoformat() / "latest"
    folder.mkdir(parents=True)
    assigned.write_parquet(folder / "assignments.parquet")
    return assigned


def test_the_rows_are_the_matured_orders_with_their_outcomes(workspace: Path) -> None:
    assigned = plan_a_night(workspace)
    store = Workspace(workspace)
    rows = matured_rows(store, store.table_files(), load_config(workspace), NIGHT)
    steps = store.read_tables()["disputes"].filter(step="opened")
    first = dict(steps.group_by("order_id").agg(pl.col("occurred_day").min()).rows())
    assert 0 < rows.height <= assigned.height
    for row in rows.iter_rows(named=True):
        opened = first.get(row["order_id"])
        within = opened is not None and day_number(OLD_NIGHT) <= opened < day_number(OLD_NIGHT) + 30
        assert row["label"] == within
    assert rows["is_held"].any()
    # before the night has matured there is nothing
    assert matured_rows(
        store, store.table_files(), load_config(workspace), date(2025, 3, 20)
    ).is_empty()


def test_the_page_shows_the_same_effect_as_the_table(workspace: Path) -> None:
    store, config = Workspace(workspace), load_config(workspace)
    assert measured_effect(store, store.table_files(), config, NIGHT) is None
    plan_a_night(workspace)
    effect = measured_effect(store, store.table_files(), config, NIGHT)
    table = impact_table(matured_rows(store, store.table_files(), config, NIGHT), config)
    assert effect == (table.row(0, named=True) if table["effect"][0] is not None else None)
    assert {f"effect.{verdict}" for verdict in table["verdict"]} <= read_words("zh").keys()


def test_the_chart_leaves_out_groups_without_an_effect() -> None:
    table = impact_table(made_rows(2_000, 0.5), Config())
    unknown = table[0].with_columns(group=pl.lit("too few"), effect=None)
    drawn = in_english(effect_chart(pl.concat([table, unknown]))).to_dict()
    groups = [row["group"] for rows in drawn["datasets"].values() for row in rows if "group" in row]
    assert groups == [
        "all: all",
        "action: inform",
        "stage: delivered",
        "stage: in_transit",
        "cause: not_received",
        "language: en",
        "language: pt",
    ]


def test_the_command_line(
    workspace: Path, run_step: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    run = run_step("impact", "--workspace", workspace, "--as-of", NIGHT)
    assert (run.returncode, "no night with a hold-out has final outcomes" in run.stdout) == (
        0,
        True,
    )
    plan_a_night(workspace)
    run = run_step("impact", "--workspace", workspace, "--as-of", NIGHT)
    assert run.returncode == 0, run.stderr
    assert "All lists: " in run.stdout
    folder = workspace / "runs" / NIGHT.isoformat() / "latest-impact"
    assert pl.read_csv(folder / "impact.csv").height >= 3
    assert "b-" not in (folder / "impact.txt").read_text()
