"""The simulated world, part 5: what other actions than a message change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.clock import day_number
from pipeline.settings.action_files import load_actions
from pipeline.simulation.action_effects import EFFECTS, SCENARIOS, factor_table
from pipeline.simulation.action_outcomes import ActionWorld
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.order_life import first_dispute
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart
from pipeline.simulation.world.truth import order_truth

BEFORE_SHIPMENT, IN_TRANSIT, DELIVERED = 0, 2, 3
WAITING = 1


def state(stage: int, *, gone: int = 0, late: int = 0, overdue: int = 0, waiting: int = 0) -> int:
    return (((stage * 2 + gone) * 2 + late) * 2 + overdue) * 2 + waiting


@pytest.fixture(scope="module")
def truth(world: World, piece: StorePart) -> Truth:
    days = piece.life.days
    return Truth(
        order_truth(world, piece), replace(days, day=days.day + day_number(world.first_day))
    )


def open_rows(truth: Truth, stage: int) -> np.ndarray:
    return np.flatnonzero(truth.days.state >> 4 == stage)


def share_prevented(world: ActionWorld, action: str, stage: int) -> float:
    """The share of the disputes to the end of the order that the action prevents."""
    row = open_rows(world.truth, stage)
    return float(world.prevented(action, row).sum() / world.risk(row).sum())


def test_every_shipped_action_has_a_true_effect() -> None:
    assert {action.name for action in load_actions()} == set(EFFECTS)


def test_an_answer_helps_only_a_buyer_who_waits_for_one() -> None:
    table = factor_table("answer_open_question")
    assert table[state(IN_TRANSIT)].tolist() == [0.0, 0.0, 0.0]
    assert table[state(IN_TRANSIT, waiting=1)].tolist() == [1.0, 0.5, 1.0]


def test_words_do_next_to_nothing_against_not_as_described_before_delivery() -> None:
    table = factor_table("inform")
    assert table[state(IN_TRANSIT)] == pytest.approx([1.0, 0.1, 1.0])
    assert table[state(DELIVERED)] == pytest.approx([1.0, 1.0, 1.0])


def test_shipping_helps_before_shipment_alone() -> None:
    assert factor_table("ship_or_cancel")[state(BEFORE_SHIPMENT), 0] == 1.0
    assert factor_table("ship_or_cancel")[state(IN_TRANSIT), 0] == 0.0


def test_an_extension_postpones_most_of_what_it_seems_to_prevent(truth: Truth) -> None:
    world = ActionWorld.of(truth, seed=7, scenario="published")
    row = np.flatnonzero((truth.days.state >> 2) == state(IN_TRANSIT, late=1) >> 2)
    # one night per order: the first past the promise
    number, nth = np.unique(truth.days.order[row], return_index=True)
    day = truth.days.day[row[nth]].astype(np.int64)
    extend = np.full(len(number), world.actions.index("extend_protection"))
    orders = truth.orders
    threshold, which = (orders[c].to_numpy()[number] for c in ("threshold", "which_cause"))
    after = world.days_after(number, extend, day)
    opened, _ = first_dispute(after, threshold, which)
    before = orders["opened_day"].fill_null(-1).to_numpy()[number]
    first_days = EFFECTS["extend_protection"].postponed_days

    def within(opened_day: np.ndarray) -> int:
        return int(((opened_day >= day) & (opened_day < day + first_days)).sum())

    early = 1.0 - within(opened) / within(before)
    in_all = 1.0 - (opened >= day).sum() / (before >= day).sum()
    assert early > 0.06
    assert in_all < early / 2.5


@pytest.mark.parametrize("action", ["inform", "partial_refund_30", "full_refund", "resend"])
def test_scenarios_are_in_order(truth: Truth, action: str) -> None:
    saved = {
        name: share_prevented(ActionWorld.of(truth, 7, name, [action]), action, IN_TRANSIT)
        for name in SCENARIOS
    }
    assert saved["strong"] > saved["published"] > saved["weak"] > saved["useless"]
    assert saved["useless"] <= 0.0
    if action != "full_refund":
        assert saved["harmful"] < saved["weak"]


def test_a_full_refund_prevents_nearly_everything(truth: Truth) -> None:
    world = ActionWorld.of(truth, 7, "published", ["full_refund"])
    assert share_prevented(world, "full_refund", IN_TRANSIT) > 0.85
