"""What a message to the buyer changes: potential outcomes.

A message on day c multiplies the later hazards of a cause by

    1 - effect(order, cause) x factor(order, c) x exp(-(t - c) / waning)

`effect` is the order's own: it responds, or not, or is provoked (negative). `factor` is the
moment's: the stage, whether the parcel is gone, how long it is overdue. Thresholds stay the same,
so an order has one definite outcome without a message and one for every day on which it may be
sent.
"""

from __future__ import annotations

import numpy as np

from pipeline.simulation.world.assumptions import CONTACT
from pipeline.simulation.world.draws import Draws
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.simulated_orders import Orders

AT_DISPATCH_DAYS = 3.0


def draw_effects(draws: Draws, orders: Orders) -> np.ndarray:
    """(orders, 3) by cause: the share of the hazard that a message at its best moment takes
    away."""
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
    good = np.stack([low + (high - low) * strength for low, high in ends], axis=1)
    bad = -draws.between(CONTACT.provoked, "provoked by", number)
    does_respond = (kind >= provoked) & (kind < provoked + responding)
    return np.where((kind < provoked)[:, None], bad[:, None], good * does_respond[:, None])


def stage_of(journey: Journey, order: np.ndarray, day: np.ndarray) -> np.ndarray:
    """0 before shipment, 1 at dispatch, 2 in transit, 3 delivered, when the day starts."""
    handed_over, delivered = journey.handed_over[order], journey.delivered[order]
    return np.select(
        [delivered < day, handed_over + AT_DISPATCH_DAYS < day, handed_over < day], [3, 2, 1], 0
    )


def contact_factor(
    journey: Journey,
    order: np.ndarray,
    day: np.ndarray,
    overdue: np.ndarray,
    gone: np.ndarray,
    is_unanswered: np.ndarray,
) -> np.ndarray:
    stage_x = np.array(CONTACT.stage_x)[stage_of(journey, order, day)]
    is_waiting = journey.delivered[order] >= day
    sour_x = np.where(is_waiting & (overdue > CONTACT.overdue_days), CONTACT.overdue_x, 1.0)
    glad_x = np.where(is_unanswered, CONTACT.unanswered_x, 1.0)
    return np.asarray(
        np.minimum(
            stage_x * np.where(gone, CONTACT.gone_x, 1.0) * sour_x * glad_x, CONTACT.unanswered_x
        )
    )


def contacted_hazard(
    order: np.ndarray,
    day: np.ndarray,
    hazard: np.ndarray,
    effect: np.ndarray,
    contact_day: np.ndarray,
    factor: np.ndarray,
) -> np.ndarray:
    """(rows, 3): the hazards when each order (`effect`, `contact_day`, `factor`: one an order) is
    written to on its day; -1: not at all."""
    since = day - contact_day[order]
    is_after = (contact_day[order] >= 0) & (since >= 0)
    fresh = np.where(
        is_after, np.exp(-np.maximum(since, 0) / CONTACT.waning_days) * factor[order], 0.0
    )
    return np.asarray(hazard * np.maximum(1.0 - effect[order] * fresh[:, None], 0.0))
