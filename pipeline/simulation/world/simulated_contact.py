"""What a message to the buyer changes: potential outcomes.

A message on day c multiplies the later hazards of a cause by

    1 - effect(order, cause) x factor(order, c) x exp(-(t - c) / waning)

`effect` belongs to the order: the buyer responds (positive), does not respond (0) or is provoked
(negative). `factor` belongs to the day: the stage, whether the parcel is lost or on its way back,
and how long it is overdue. Thresholds do not change, so an order has one definite outcome without a
message and one for each day on which a message may be sent.
"""

from __future__ import annotations

import numpy as np

from pipeline.simulation.world.assumptions import CONTACT
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.simulated_orders import Orders

AT_DISPATCH_DAYS = 3.0
# stages x the four flags of `state_of`
STATES = 4 * 2**4


def draw_effects(draws: Draws, orders: Orders) -> np.ndarray:
    """(orders, 3): by cause, the share of the hazard that a message removes when the day's factor
    is 1."""
    number = orders.number
    kind = draws.uniform("kind of response", number)
    provoked = CONTACT.share_provoked * np.where(
        orders.is_habitual, CONTACT.provoked_habitual_x, 1.0
    )
    responding = np.where(
        orders.is_habitual, CONTACT.share_responding_habitual, CONTACT.share_responding
    )
    strength = draws.uniform("strength of response", number)
    ends = (CONTACT.not_received, CONTACT.not_as_described, CONTACT.other)
    prevented = np.stack([low + (high - low) * strength for low, high in ends], axis=1)
    added = -draws.between(CONTACT.provoked, "provoked by", number)
    does_respond = (kind >= provoked) & (kind < provoked + responding)
    return np.where((kind < provoked)[:, None], added[:, None], prevented * does_respond[:, None])


def stage_of(journey: Journey, order: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Stage at the start of a day: 0 before shipment, 1 at dispatch, 2 in transit, 3 delivered."""
    handed_over, delivered = journey.handed_over[order], journey.delivered[order]
    return np.select(
        [delivered < day, handed_over + AT_DISPATCH_DAYS < day, handed_over < day], [3, 2, 1], 0
    )


def state_of(
    journey: Journey,
    order: np.ndarray,
    day: np.ndarray,
    overdue_days: np.ndarray,
    is_gone: np.ndarray,
    is_unanswered: np.ndarray,
) -> np.ndarray:
    """What an action may depend on, as one number below `STATES` per row: the stage, and whether
    the parcel is gone, past the promise, long past it, and the buyer is waiting for an answer."""
    is_waiting = journey.delivered[order] >= day
    flags = [
        is_gone,
        is_waiting & (overdue_days > 0.0),
        is_waiting & (overdue_days > CONTACT.overdue_days),
        is_unanswered,
    ]
    state = stage_of(journey, order, day)
    for flag in flags:
        state = 2 * state + flag
    return np.asarray(state)


def contact_factor(
    journey: Journey,
    order: np.ndarray,
    day: np.ndarray,
    overdue_days: np.ndarray,
    is_gone: np.ndarray,
    is_unanswered: np.ndarray,
) -> np.ndarray:
    """The part of its effect that a message on each day has, one entry per row of `order` and
    `day`. `is_gone`: the parcel is lost or on its way back. `is_unanswered`: the buyer is waiting
    for an answer."""
    stage_x = np.array(CONTACT.stage_x)[stage_of(journey, order, day)]
    is_waiting = journey.delivered[order] >= day
    overdue_x = np.where(is_waiting & (overdue_days > CONTACT.overdue_days), CONTACT.overdue_x, 1.0)
    unanswered_x = np.where(is_unanswered, CONTACT.unanswered_x, 1.0)
    gone_x = np.where(is_gone, CONTACT.gone_x, 1.0)
    return np.asarray(np.minimum(stage_x * gone_x * overdue_x * unanswered_x, CONTACT.unanswered_x))


def contacted_hazard(
    order: np.ndarray,
    day: np.ndarray,
    hazard: np.ndarray,
    effect: np.ndarray,
    contact_day: np.ndarray,
    factor: np.ndarray,
) -> np.ndarray:
    """(rows, 3): the hazards when each order gets a message on its `contact_day` (-1: no message).
    `effect`, `contact_day` and `factor` have one entry per order."""
    days_since = day - contact_day[order]
    is_after = (contact_day[order] >= 0) & (days_since >= 0)
    remaining = np.where(
        is_after, np.exp(-np.maximum(days_since, 0) / CONTACT.waning_days) * factor[order], 0.0
    )
    return np.asarray(hazard * np.maximum(1.0 - effect[order] * remaining[:, None], 0.0))
