"""What each action does to the hazards of an order: potential outcomes for every action and day.

An action on day c multiplies the later hazards of a cause by

    1 - effect(order, cause) x factor(state on day c, cause) x exp(-(t - c) / waning)

as a message does (`simulated_contact.py`). An action that only postpones disputes removes hazard
for some days, and most of what it removed returns on the day after them. Every number is an
assumption: no platform publishes what an action prevents. They differ on purpose from the assumed
effects in `pipeline/settings/actions`, and the scenarios scale them, so that nothing is tuned to
one world.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.world.assumptions import CONTACT
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.simulated_contact import STATES

Ends = tuple[float, float]
NONE: Ends = (0.0, 0.0)


@dataclass(frozen=True)
class ActionEffect:
    """The true effect of one action.

    `responding`: share of the buyers on whom it works; for them, `removes` gives the share of the
    hazard removed by cause (not received, not as described, other), from the least to the most
    responsive. `provoked`: share of the buyers whose hazards grow by `provoked_by`. `stage_x`: by
    stage (before shipment, at dispatch, in transit, after delivery). `early_x`: factor on "not as
    described" before delivery. The other factors apply while the parcel is gone (lost or
    returning), on time, long overdue, and while the buyer waits for an answer or does not.
    `habitual_x`: factor on `responding` for buyers who dispute out of habit. `returns`: the share
    of the removed hazard that comes back after `postponed_days`.
    """

    responding: float
    removes: tuple[Ends, Ends, Ends]
    provoked: float = 0.02
    provoked_by: Ends = (0.1, 0.5)
    stage_x: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    early_x: float = 0.1
    gone_x: float = 1.0
    on_time_x: float = 1.0
    overdue_x: float = 1.0
    unanswered_x: float = 1.0
    answered_x: float = 1.0
    habitual_x: float = 0.8
    waning_days: float = 10_000.0
    returns: float = 0.0
    postponed_days: int = 0


WORDS_X = CONTACT.share_responding_habitual / CONTACT.share_responding
# Words act on patience and wane; goods and money act on the cause. A postponed date calms buyers
# until it has passed. Offers of money give some calm buyers the idea to complain.
EFFECTS: dict[str, ActionEffect] = {
    "answer_open_question": ActionEffect(
        0.80, ((0.30, 0.55), (0.15, 0.40), (0.2, 0.5)), 0.01, early_x=0.5, answered_x=0.0,
        habitual_x=WORDS_X, waning_days=60.0,
    ),
    "inform": ActionEffect(
        CONTACT.share_responding,
        (CONTACT.not_received, CONTACT.not_as_described, CONTACT.other),
        CONTACT.share_provoked,
        CONTACT.provoked,
        (0.7, 0.8, 1.0, 1.0),
        gone_x=CONTACT.gone_x,
        overdue_x=CONTACT.overdue_x,
        unanswered_x=CONTACT.unanswered_x,
        habitual_x=WORDS_X,
        waning_days=CONTACT.waning_days,
    ),
    "extend_protection": ActionEffect(
        0.70, ((0.20, 0.50), NONE, NONE), 0.02, stage_x=(0.5, 1.0, 1.0, 0.0), habitual_x=WORDS_X,
        returns=0.85, postponed_days=20,
    ),
    "resend": ActionEffect(
        0.85, ((0.55, 0.90), (0.40, 0.70), NONE), 0.01, stage_x=(0.0, 0.6, 1.0, 1.0),
        early_x=0.0, gone_x=1.1, on_time_x=0.5,
    ),
    "partial_refund_15": ActionEffect(
        0.45, ((0.15, 0.35), (0.30, 0.60), (0.1, 0.4)), 0.03, stage_x=(0.4, 0.7, 1.0, 1.0),
    ),
    "partial_refund_30": ActionEffect(
        0.60, ((0.20, 0.45), (0.40, 0.70), (0.2, 0.5)), 0.03, stage_x=(0.4, 0.7, 1.0, 1.0),
    ),
    "partial_refund_50": ActionEffect(
        0.72, ((0.30, 0.60), (0.50, 0.80), (0.3, 0.6)), 0.03, stage_x=(0.4, 0.7, 1.0, 1.0),
    ),
    "full_refund": ActionEffect(0.98, ((0.93, 1.0),) * 3, 0.0, early_x=1.0, habitual_x=1.0),
    "ship_or_cancel": ActionEffect(
        0.60, ((0.25, 0.55), NONE, NONE), 0.005, stage_x=(1.0, 0.0, 0.0, 0.0), habitual_x=WORDS_X,
    ),
    "carrier_enquiry": ActionEffect(
        0.40, ((0.10, 0.40), NONE, NONE), 0.005, stage_x=(0.0, 0.8, 1.0, 0.0),
        gone_x=0.6, on_time_x=0.4,
    ),
    "ask_for_photos": ActionEffect(
        0.40, (NONE, (0.05, 0.30), NONE), 0.05, stage_x=(0.0, 0.0, 0.0, 1.0), unanswered_x=1.3,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """Factors on what actions remove and on how many buyers they provoke."""

    removes_x: float
    provoked_x: float


SCENARIOS: dict[str, Scenario] = {
    "weak": Scenario(0.4, 1.0),
    "published": Scenario(1.0, 1.0),
    "strong": Scenario(1.5, 0.5),
    "useless": Scenario(0.0, 1.0),
    "harmful": Scenario(0.15, 8.0),
}
MOST_REMOVED = 0.98


def draw_action_effects(
    draws: Draws, number: np.ndarray, is_habitual: np.ndarray, action: str, scenario: Scenario
) -> np.ndarray:
    """(orders, 3): by cause, the share of the hazard that the action removes when the day's factor
    is 1. One order has the same random numbers in every scenario."""
    truth, key = EFFECTS[action], f"response to {action}"
    kind, strength = (draws.uniform(f"{key} {what}", number) for what in ("kind", "strength"))
    habitual_x = np.where(is_habitual, CONTACT.provoked_habitual_x, 1.0)
    provoked = truth.provoked * scenario.provoked_x * habitual_x
    responding = truth.responding * np.where(is_habitual, truth.habitual_x, 1.0)
    removed = np.stack([low + (high - low) * strength for low, high in truth.removes], axis=1)
    removed = np.minimum(removed * scenario.removes_x, MOST_REMOVED)
    added = -draws.between(truth.provoked_by, f"{key} provoked by", number)
    does_respond = (kind >= provoked) & (kind < provoked + responding)
    return np.where((kind < provoked)[:, None], added[:, None], removed * does_respond[:, None])


def factor_table(action: str) -> np.ndarray:
    """(STATES, 3): the factor of the action by `simulated_contact.state_of` and cause."""
    truth, state = EFFECTS[action], np.arange(STATES)
    stage, is_gone, is_late, is_overdue, is_unanswered = (
        state >> 4,
        *((state >> bit) & 1 == 1 for bit in (3, 2, 1, 0)),
    )
    factor = np.array(truth.stage_x)[stage]
    factor = factor * np.where(is_gone, truth.gone_x, 1.0)
    is_on_time = ~is_late & ~is_gone & (stage < 3)
    factor = factor * np.where(is_on_time, truth.on_time_x, 1.0)
    factor = factor * np.where(is_overdue, truth.overdue_x, 1.0)
    factor = factor * np.where(is_unanswered, truth.unanswered_x, truth.answered_x)
    early_x = np.where(stage < 3, truth.early_x, 1.0)
    return np.stack([factor, factor * early_x, factor], axis=1)
