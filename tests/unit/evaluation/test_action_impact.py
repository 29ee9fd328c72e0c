"""What the actions of past nights achieved, and what other policies would have saved: made-up
seasons whose figures are known."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from models.effects.harmful_actions import stopped_actions
from pipeline.evaluation.action_impact import (
    POLICY_SCHEMA,
    decision_logs,
    effect_sentences,
    effect_table,
    policy_sentences,
    policy_table,
)
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.unit.evaluation.made_seasons import (
    AS_OF,
    COST,
    MESSAGE,
    known_of,
    make_season,
    write_tables,
)

ROW = {
    "policy": "voucher",
    "decisions": 40,
    "disputes": 24,
    "saved_usd": 12.0,
    "saved_low_usd": 2.0,
    "saved_high_usd": 22.0,
    "effective_count": 30.0,
    "unsupported_share": 0.02,
}


def test_a_policy_whose_action_was_removed_is_reported_by_its_name() -> None:
    sentences = list(policy_sentences(pl.DataFrame([ROW], schema=POLICY_SCHEMA), {}))
    assert sentences == [
        "Always: voucher, on the 40 ended orders of past lists that allowed it: +12.00 USD (95 %: "
        "+2.00 to +22.00) compared with what was done"
    ]


def lines_of(workspace: Workspace) -> list[str]:
    known = known_of(workspace)
    effects = effect_table(workspace, workspace.table_files(), known, Config(), AS_OF)
    return list(effect_sentences(effects, known.by_name, stopped_actions(effects)))


def policies_of(workspace: Workspace) -> dict[str, dict[str, float]]:
    known = known_of(workspace)
    table = policy_table(workspace, workspace.table_files(), known, Config(), AS_OF)
    return {row["policy"]: row for row in table.iter_rows(named=True)}


def test_a_strong_effect_is_seen_whatever_was_assumed(tmp_path: Path) -> None:
    workspace = make_season(tmp_path, each=400, listed=10, held=30)
    known = known_of(workspace)
    effects = effect_table(workspace, workspace.table_files(), known, Config(), AS_OF)
    row = effects.row(by_predicate=pl.col("stage") == "all", named=True)
    assert row["expected"] == row["expected_held"] == pytest.approx(0.3 * 400)
    # two of three disputes; 40 and 120 counted disputes leave a wide interval
    assert row["low"] < 2 / 3 < row["high"]
    assert row["low"] > 0.4
    assert not row["is_stopped"]
    assert len(lines_of(workspace)) == 1
    assert lines_of(workspace)[0].startswith(f"{known.by_name['inform'].title}: prevents ")


def test_harm_is_said(tmp_path: Path) -> None:
    (line,) = lines_of(make_season(tmp_path, each=400, listed=50, held=30))
    assert "prevents -" in line
    assert line.endswith("it does harm and is no longer suggested")


def test_with_too_few_disputes_there_is_no_figure(tmp_path: Path) -> None:
    (line,) = lines_of(make_season(tmp_path, each=60, listed=0, held=30))
    assert line.endswith(
        ": too early to tell; 18.0 disputes expected where it was done, 18.0 where it was held "
        "out, and 18 observed in both; 20 of each are needed"
    )


def test_expected_disputes_that_did_not_come_give_no_figure(tmp_path: Path) -> None:
    """120 disputes were expected in each group, and 16 observed in both."""
    workspace = make_season(tmp_path, each=400, listed=2, held=2)
    known = known_of(workspace)
    effects = effect_table(workspace, workspace.table_files(), known, Config(), AS_OF)
    assert effects["observed"].to_list() == [16.0] * effects.height
    figures = effects.select("share", "low", "high", "harm_chance")
    assert figures.null_count().row(0) == (effects.height,) * 4
    (line,) = lines_of(workspace)
    assert ": too early to tell; " in line


def test_without_past_nights_nothing_is_said(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_tables(
        workspace,
        pl.DataFrame({"order_id": ["a"], "buyer_id": ["b"]}),
        pl.Series([], dtype=pl.String),
        "other",
    )
    assert lines_of(workspace) == []
    assert policies_of(workspace) == {}


@pytest.mark.parametrize("cause", ["not_received", "unknown"])
def test_the_value_of_each_policy_by_hand(tmp_path: Path, cause: str) -> None:
    """200 orders were informed, and 200 held out: 20 and 60 disputes of 12 USD each."""
    policies = policies_of(make_season(tmp_path, each=200, listed=10, held=30, cause=cause))
    informed, left_alone = 0.1 * 12 + MESSAGE, 0.3 * 12
    logged = (informed + left_alone) / 2
    assert set(policies) == {"inform", "nothing", "resend"}
    assert policies["inform"]["saved_usd"] == pytest.approx(400 * (logged - informed))
    assert policies["nothing"]["saved_usd"] == pytest.approx(400 * (logged - left_alone))
    for name in ("inform", "nothing"):
        row = policies[name]
        assert row["decisions"] == 400
        assert row["effective_count"] == pytest.approx(200)
        assert row["unsupported_share"] == 0.0
        assert row["saved_low_usd"] < row["saved_usd"] < row["saved_high_usd"]
    # 476 USD are more than chance, in either direction
    assert policies["inform"]["saved_low_usd"] > 0 > policies["nothing"]["saved_high_usd"]


def test_an_action_that_was_never_tried_has_no_figure(tmp_path: Path) -> None:
    workspace = make_season(tmp_path, each=200, listed=10, held=30)
    row = policies_of(workspace)["resend"]
    # it was possible on every second order
    assert (row["decisions"], row["unsupported_share"]) == (200, 1.0)
    figures = ("saved_usd", "saved_low_usd", "saved_high_usd")
    assert [row[name] for name in figures] == [None] * 3
    table = policy_table(workspace, workspace.table_files(), known_of(workspace), Config(), AS_OF)
    line = list(policy_sentences(table, known_of(workspace).by_name))[-1]
    assert line.startswith("Always: Send the goods again, on the 200 ended orders")
    assert "not known" in line
    assert "100% of it was never tried" in line
    assert "USD" not in line


@pytest.mark.parametrize(
    ("each", "listed", "held"),
    [
        # 19 decisions by weight: "nothing" was done on 19 orders
        (19, 60, 60),
        # 9 + 10 disputes
        (95, 9, 10),
    ],
)
def test_few_decisions_or_disputes_give_no_figure_and_the_sentence_says_so(
    tmp_path: Path, each: int, listed: int, held: int
) -> None:
    workspace = make_season(tmp_path, each=each, listed=listed, held=held)
    table = policy_table(workspace, workspace.table_files(), known_of(workspace), Config(), AS_OF)
    figures = ["saved_usd", "saved_low_usd", "saved_high_usd"]
    assert table.select(pl.col(figures).is_null().all()).row(0) == (True, True, True)
    for line in policy_sentences(table, known_of(workspace).by_name):
        assert "not known" in line
        assert "USD" not in line


def test_20_decisions_by_weight_and_20_disputes_are_enough(tmp_path: Path) -> None:
    policies = policies_of(make_season(tmp_path, each=20, listed=50, held=50))
    assert policies["nothing"]["saved_low_usd"] is not None
    assert policies["nothing"]["disputes"] == 20


def test_only_ended_orders_are_valued(tmp_path: Path) -> None:
    workspace = make_season(tmp_path, each=15, listed=20, held=40)
    files = workspace.table_files()
    # 120 days after the night, and one until the store knows
    for as_of, height in ((date(2024, 11, 1), 0), (date(2024, 11, 2), 15 * 5)):
        assert decision_logs(workspace, files, COST, Config(), as_of).height == height


def test_an_order_that_is_no_longer_in_the_tables_lost_its_fees_alone(tmp_path: Path) -> None:
    """An export of fewer months leaves orders out."""
    workspace = make_season(tmp_path, each=15, listed=20, held=40)
    gone = pl.DataFrame({"order_id": ["o1"], "buyer_id": ["b1"]})
    write_tables(workspace, gone, pl.Series(["o1"]), "other")
    logs = decision_logs(workspace, workspace.table_files(), COST, Config(), AS_OF)
    taken = logs.filter("is_taken").group_by("action").agg(pl.col("cost_usd").sum())
    assert dict(taken.rows()) == pytest.approx({"inform": 12.0 + 15 * MESSAGE, "nothing": 0.0})
    assert set(policies_of(workspace)) == {"inform", "nothing", "resend"}
