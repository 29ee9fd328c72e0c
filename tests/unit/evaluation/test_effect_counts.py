"""What a replayed season teaches: the counts by action, with the held out of the same choice, and
what of it is known in the midst of a season."""

from __future__ import annotations

import polars as pl
import pytest

from features.tables import CAUSES
from pipeline.evaluation.actions.season_counts import early_shares, effect_counts, seen_by
from pipeline.settings.action_files import load_actions
from pipeline.simulation.action_policies import HELD

ACTIONS = [action for action in load_actions() if action.name in ("inform", "resend")]
INDEX = {"inform": 0, "resend": 1, "held out": HELD}


def taken(drawing: str) -> pl.DataFrame:
    """Actions drawn as a table: the day of the action, what was chosen, and the disputes expected
    and observed, all of them "not received" and in transit."""
    lines = [[c.strip() for c in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = pl.DataFrame(lines[1:], schema=lines[0], orient="row")
    opened = pl.col("opened").replace("-", "-1").cast(pl.Int64)
    return drawn.select(
        stage=pl.lit("in_transit"),
        as_of_day=pl.col("night").cast(pl.Int32),
        action=pl.col("action").replace_strict(INDEX, return_dtype=pl.Int64),
        meant=pl.col("meant").replace_strict(INDEX, return_dtype=pl.Int64),
        opened_day=opened,
        opened_cause=pl.when(opened >= 0).then(0).otherwise(-1),
        **{f"expected_{c}": pl.lit(0.0) for c in CAUSES},
    ).with_columns(expected_not_received=drawn["expected"].cast(pl.Float64))


SEASON = """
    night | action   | meant  | expected | opened
    100   | inform   | inform | 0.2      | 107
    100   | inform   | inform | 0.3      | -
    100   | held out | inform | 0.4      | 109
    120   | resend   | resend | 0.5      | 160
"""
# every dispute comes on the 10th or the 40th day
LEFT_ALONE = "night | action | meant | expected | opened\n" + "\n".join(
    f"0 | held out | inform | 0.1 | {10 if n % 2 else 40}" for n in range(100)
)


def counts_on(day: int, delay: int = 0) -> list[tuple]:
    seen = seen_by(taken(SEASON), day, early_shares(taken(LEFT_ALONE)), delay)
    counts = effect_counts(seen, ACTIONS, []).filter(cause="not_received")
    return counts.select(
        "action", "meant", pl.col("expected").round(6), "observed", "is_ended"
    ).rows()


def test_held_out_orders_count_as_nothing_and_keep_what_was_meant() -> None:
    assert counts_on(300) == [
        ("inform", "inform", 0.5, 1.0, True),
        ("nothing", "inform", 0.4, 1.0, True),
        ("resend", "resend", 0.5, 1.0, True),
    ]


def test_in_the_midst_of_a_season_only_what_is_known_counts() -> None:
    # day 115: half of the disputes of night 100 would have come; night 120 is ahead
    assert counts_on(115) == [
        ("inform", "inform", 0.25, 1.0, False),
        ("nothing", "inform", 0.2, 1.0, False),
    ]
    # day 150: all of the first night's; half of the second's, and its dispute is still ahead
    assert counts_on(150) == [
        ("inform", "inform", 0.5, 1.0, False),
        ("nothing", "inform", 0.4, 1.0, False),
        ("resend", "resend", 0.25, 0.0, False),
    ]


@pytest.mark.parametrize(("delay", "observed"), [(0, 1.0), (1, 0.0)])
def test_a_dispute_is_known_after_the_reporting_delay(delay: int, observed: float) -> None:
    assert counts_on(107, delay)[0][3] == observed


def test_a_stage_without_disputes_has_the_shares_of_all() -> None:
    shares = early_shares(taken(LEFT_ALONE))
    assert shares["delivered"][[9, 10, 39, 40, 120]].tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    nothing = early_shares(taken(LEFT_ALONE).head(0))
    assert nothing["delivered"][[0, 60, 120]].tolist() == [0.0, 0.5, 1.0]
