"""When an action is stopped, and when a modifier is used: small seasons drawn as tables."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.tables import CAUSES
from models.effects.assumed_shares import EVERY_STAGE, AssumedShare
from models.effects.effect_modifiers import helpful_modifiers
from models.effects.effect_terms import EffectSettings
from models.effects.harmful_actions import harm_report, stopped_actions
from models.effects.learned_effects import learn_effects

STAGES = ("in_transit", "delivered")
PRIOR = {
    (action, stage, cause): AssumedShare(0.1, 5.0)
    for action in ("inform", "refund")
    for stage in STAGES
    for cause in CAUSES
}


def season(drawing: str) -> pl.DataFrame:
    """Counts drawn as a table, of ended orders that were not received."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = pl.DataFrame(rows[1:], schema=rows[0], orient="row")
    return drawn.with_columns(
        pl.col("expected", "observed").cast(pl.Float64),
        cause=pl.lit("not_received"),
        is_ended=pl.lit(True),
    )


def stopped(drawing: str) -> set[tuple[str, str]]:
    return stopped_actions(harm_report(learn_effects(season(drawing), PRIOR)))


def test_an_action_that_causes_disputes_is_stopped() -> None:
    assert stopped(
        """
        action  | stage      | expected | observed
        nothing | in_transit | 200      | 200
        nothing | delivered  | 200      | 200
        inform  | in_transit | 100      | 80
        refund  | in_transit | 100      | 160
        refund  | delivered  | 100      | 160
        """
    ) == {("refund", EVERY_STAGE), ("refund", "in_transit"), ("refund", "delivered")}


def test_an_action_that_harms_at_one_stage_is_stopped_there_only() -> None:
    assert stopped(
        """
        action  | stage      | expected | observed
        nothing | in_transit | 500      | 500
        nothing | delivered  | 500      | 500
        inform  | in_transit | 400      | 240
        inform  | delivered  | 100      | 150
        """
    ) == {("inform", "delivered")}


def test_a_model_that_expects_too_little_stops_nothing() -> None:
    # held-out orders have as many disputes more than expected
    assert not stopped(
        """
        action  | stage      | expected | observed
        nothing | in_transit | 100      | 160
        refund  | in_transit | 100      | 160
        """
    )


@pytest.mark.parametrize(("held", "used"), [(19, 100), (200, 19)])
def test_too_few_expected_disputes_stop_nothing(held: int, used: int) -> None:
    counts = f"""
        action  | stage      | expected | observed
        nothing | in_transit | {held}   | {held}
        refund  | in_transit | {used}   | {4 * used}
        """
    assert not stopped(counts)
    assert stopped(counts.replace("19", "21"))


def orders(calibration: float, effect: float) -> pl.DataFrame:
    """Counts of two groups: buyers who wrote, and others.

    The model expects too few disputes of those who wrote by the factor `calibration`; for them,
    `inform` leaves `effect` of the disputes, for others 0.9.
    """
    left = {"yes": calibration * effect, "no": 0.9}
    held = {"yes": calibration, "no": 1.0}
    rows = [
        (action, stage, wrote, 1500.0, round(1500.0 * part[wrote]))
        for action, part in (("nothing", held), ("inform", left))
        for stage in STAGES
        for wrote in ("yes", "no")
    ]
    schema = ["action", "stage", "wrote", "expected", "observed"]
    noise = np.random.default_rng(5).choice(["monday", "friday"], len(rows))
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        weekday=pl.Series(noise), cause=pl.lit("not_received"), is_ended=pl.lit(True)
    )


def test_a_modifier_is_used_where_it_predicts_the_disputes_better() -> None:
    used = helpful_modifiers(orders(1.0, 0.6), PRIOR, None, ["weekday", "wrote"])
    assert list(used) == ["wrote"]
    posterior = learn_effects(orders(1.0, 0.6), PRIOR, modifiers=list(used))
    shares = {
        wrote: posterior.share("inform", "delivered", "not_received", {"wrote": wrote}).mean
        for wrote in ("yes", "no")
    }
    assert shares["yes"] == pytest.approx(0.4, abs=0.04)
    assert shares["no"] == pytest.approx(0.1, abs=0.04)


def test_a_modifier_that_cannot_change_anything_leaves_the_evidence_as_it_is() -> None:
    nothing = EffectSettings(modifier_spread=1e-6)
    without, with_it = (
        learn_effects(orders(1.0, 0.6), PRIOR, modifiers=names, settings=nothing).log_evidence
        for names in ([], ["wrote", "weekday"])
    )
    assert with_it == pytest.approx(without, abs=1e-3)


def test_a_group_that_the_model_predicts_wrongly_is_no_modifier() -> None:
    assert not helpful_modifiers(orders(1.5, 0.9), PRIOR, None, ["weekday", "wrote"])
