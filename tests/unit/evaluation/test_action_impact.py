"""What the actions of past nights achieved, and what other policies would have saved: made-up
seasons whose figures are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.tables import create_tables
from models.actions.action_stakes import DisputeCost
from models.effects.harmful_actions import stopped_actions
from pipeline.evaluation.action_impact import (
    POLICY_SCHEMA,
    decision_logs,
    effect_sentences,
    effect_table,
    policy_sentences,
    policy_table,
)
from pipeline.night.night_actions import NightActions, night_actions
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace
from tests.conftest import draw

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
NIGHT, AS_OF = date(2024, 7, 4), date(2024, 12, 1)
# a dispute of an order of 20 USD costs 12, whatever its cause
COST = DisputeCost(
    2.0, {"not_received": 0.5, "not_as_described": 0.5, "other": 0.5}, indicator_usd=0.0
)
STAKE, WORTH, MESSAGE = 3.0, 1.0, 0.02


def test_a_policy_whose_action_was_removed_is_reported_by_its_name() -> None:
    sentences = list(policy_sentences(pl.DataFrame([ROW], schema=POLICY_SCHEMA), {}))
    assert sentences == [
        "Always: voucher, on the 40 ended orders of past lists that allowed it: +12.00 USD (95 %: "
        "+2.00 to +22.00) compared with what was done"
    ]


def make_season(
    folder: Path, *, each: int, listed: int, held: int, cause: str = "not_received"
) -> Workspace:
    """`each` orders that were listed, and as many that were held out. Of 100 listed orders,
    `listed` were disputed, and `held` of 100 that were held out; 30 were expected of both."""
    orders = pl.DataFrame({"n": range(2 * each)}).with_columns(
        order_id=pl.format("o{}", "n"),
        buyer_id=pl.format("b{}", "n"),
        is_held=pl.col("n") >= each,
        place=pl.col("n") % each * 100 / each,
    )
    disputed = orders.filter(pl.col("place") < pl.when("is_held").then(held).otherwise(listed))[
        "order_id"
    ]
    write_tables(Workspace(folder), orders, disputed, cause)
    with Workspace(folder).new_run(NIGHT, "run") as run:
        assigned(orders).write_parquet(run / "assignments.parquet")
        candidates(orders).write_parquet(run / "action_candidates.parquet")
    return Workspace(folder)


def write_tables(
    workspace: Workspace, orders: pl.DataFrame, disputed: pl.Series, cause: str
) -> None:
    rows = "\n".join(f"{o} | {b}" for o, b in orders.select("order_id", "buyer_id").iter_rows())
    frames = {
        "orders": draw("orders", f"order_id | buyer_id\n{rows}", occurred_at="2024-06-20"),
        "disputes": draw(
            "disputes",
            "order_id | occurred_at\n" + "\n".join(f"{o} | 2024-08-20" for o in disputed),
            step="opened",
            cause=cause,
        ),
    }
    workspace.write_tables(create_tables(frames, zone="UTC"), {"input_sha256": {}})


def assigned(orders: pl.DataFrame) -> pl.DataFrame:
    held = pl.col("is_held")
    return orders.select(
        "order_id",
        "buyer_id",
        also_orders=pl.lit(""),
        as_of=pl.lit(NIGHT),
        arm=pl.when(held).then(pl.lit("held_out")).otherwise(pl.lit("listed")),
        action=pl.when(held).then(pl.lit("nothing")).otherwise(pl.lit("inform")),
        meant=pl.lit("inform"),
        stage=pl.lit("in_transit"),
        probability=pl.lit(0.2),
        end_probability=pl.lit(0.3),
        not_received_share=pl.lit(1.0),
        not_as_described_share=pl.lit(0.0),
        other_share=pl.lit(0.0),
        is_unanswered=pl.lit(False),
        is_past_promise=pl.lit(False),
        disputed_before=pl.lit(False),
        stake_usd=pl.lit(STAKE),
        cost_usd=pl.lit(MESSAGE),
    )


def candidates(orders: pl.DataFrame) -> pl.DataFrame:
    """Half are held out. A resend was possible on every second order, and could not be drawn."""
    both = orders.select("order_id", "buyer_id", "is_held", "n", as_of=pl.lit(NIGHT))

    def rows(action: str, value: float, propensity: float, is_taken: pl.Expr) -> pl.DataFrame:
        return both.with_columns(
            action=pl.lit(action),
            value_usd=pl.lit(value),
            propensity=pl.lit(propensity),
            is_taken=is_taken,
        )

    return pl.concat(
        [
            rows("inform", WORTH, 0.5, ~pl.col("is_held")),
            rows("nothing", 0.0, 0.5, pl.col("is_held")),
            rows("resend", 1.8, 0.0, pl.lit(False)).filter(pl.col("n") % 2 == 0),
        ]
    )


def known_of(workspace: Workspace) -> NightActions:
    files, config = workspace.table_files(), Config(decide={"learns": False})  # type: ignore[arg-type]
    return replace(night_actions(workspace, files, config, AS_OF), cost=COST)


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
        ": too early to tell; 18.0 disputes expected where it was done and 18.0 where it was held "
        "out, 20 of each are needed"
    )


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
