"""The course of disputes: answered, withdrawn, agreed, or escalated and ruled, with or without a
refund.

All arrays have one entry per dispute. Times are in days; infinity where a step is not taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulation.world.assumptions import QUARREL, SHOPPING
from pipeline.simulation.world.draws import Draws, pick
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.markets import REASONS
from pipeline.simulation.world.order_life import Life
from pipeline.simulation.world.simulated_orders import Orders


@dataclass(frozen=True)
class Disputes:
    """`order` is an index into the orders. `is_by_itself`: if the dispute is escalated, this
    happens automatically on day 16, not by the buyer. `claimed` and `refund` are in USD."""

    order: np.ndarray
    cause: np.ndarray
    reason: np.ndarray
    claimed: np.ndarray
    opened: np.ndarray
    answered: np.ndarray
    withdrawn: np.ndarray
    escalated: np.ndarray
    is_by_itself: np.ndarray
    ruled: np.ndarray
    is_liable: np.ndarray
    refunded: np.ndarray
    refund: np.ndarray
    settled: np.ndarray


def settle_disputes(draws: Draws, orders: Orders, journey: Journey, life: Life) -> Disputes:
    """Every dispute ends in one of three ways. A withdrawn dispute costs nothing. An agreed dispute
    is refunded in part or in full. An escalated dispute is ruled within days: for the buyer, who
    then gets the whole claim, or for the seller."""
    order = np.flatnonzero(life.opened_day >= 0)
    number, opened, cause = orders.number[order], life.opened[order], life.cause[order]
    total_usd = orders.total_usd[order]
    claimed = _claims(draws, number, total_usd, cause)
    answered = _answer_times(draws, number, opened)
    is_unanswered = answered > opened + QUARREL.answer_within_days
    is_withdrawn, is_escalated = _endings(draws, number, total_usd, is_unanswered)
    is_by_itself = draws.uniform("by itself", number) < QUARREL.share_escalated_by_itself
    days_to_escalation = np.where(
        is_by_itself,
        QUARREL.escalated_by_itself_days,
        draws.between(QUARREL.escalated_days, "waited", number),
    )
    escalated = np.where(is_escalated, opened + days_to_escalation, np.inf)
    ruled = escalated + draws.between(QUARREL.ruled_days, "ruled", number)
    liable = np.where(cause == 0, QUARREL.liable_not_received, QUARREL.liable_otherwise)
    is_liable = draws.uniform("liable", number) < liable
    withdrawn = np.where(
        is_withdrawn, opened + draws.between((0.5, 12.0), "withdrawn", number), np.inf
    )
    agreed = np.minimum(
        opened + draws.between((1.0, 14.0), "agreed", number),
        opened + QUARREL.escalated_by_itself_days,
    )
    paid_out = np.where(is_liable, ruled + draws.between((0.1, 2.0), "paid out", number), np.inf)
    refunded = np.select([is_withdrawn, is_escalated], [np.inf, paid_out], agreed)
    share = np.where(is_escalated, 1.0, draws.between((0.4, 1.0), "agreed share", number))
    settled = np.select([is_withdrawn, is_escalated & ~is_liable], [withdrawn, ruled], refunded)
    return Disputes(
        order=order,
        cause=cause,
        reason=_reasons(draws, orders, journey, order, cause, opened),
        claimed=claimed,
        opened=opened,
        answered=np.where(answered < settled, answered, np.inf),
        withdrawn=withdrawn,
        escalated=escalated,
        is_by_itself=is_by_itself,
        ruled=ruled,
        is_liable=is_liable,
        refunded=refunded,
        refund=np.round(claimed * share, 2),
        settled=settled,
    )


def _answer_times(draws: Draws, number: np.ndarray, opened: np.ndarray) -> np.ndarray:
    days = draws.lognormal(QUARREL.seller_answers_median_days, 0.9, "seller answers", number)
    does_answer = draws.uniform("seller answers at all", number) < QUARREL.share_seller_answers
    return np.where(does_answer, opened + days, np.inf)


def _endings(
    draws: Draws, number: np.ndarray, total_usd: np.ndarray, is_unanswered: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each dispute is withdrawn, and whether it is escalated."""
    uniform = draws.uniform("fate", number)
    # disputes about expensive orders, and those without an answer, are escalated more often
    value_x = (total_usd / (2.0 * SHOPPING.price_median_usd)) ** 0.3
    unanswered_x = np.where(is_unanswered, QUARREL.unanswered_escalated_x, 1.0)
    escalated_share = np.minimum(QUARREL.share_escalated * value_x * unanswered_x, 0.6)
    return uniform < QUARREL.share_withdrawn, uniform > 1.0 - escalated_share


def _claims(
    draws: Draws, number: np.ndarray, total_usd: np.ndarray, cause: np.ndarray
) -> np.ndarray:
    """Claimed USD: the total when nothing arrived; otherwise only a part in half of the cases."""
    is_part = (draws.uniform("claims a part", number) < 0.5) & (cause != 0)
    return np.round(
        total_usd * np.where(is_part, draws.between((0.2, 0.9), "claimed part", number), 1.0), 2
    )


def _reasons(
    draws: Draws,
    orders: Orders,
    journey: Journey,
    order: np.ndarray,
    cause: np.ndarray,
    opened: np.ndarray,
) -> np.ndarray:
    """The buyer's stated reason: what happened to the parcel, a weakness of the product (with
    chances in proportion to its risks), or a change of mind."""
    uniform = draws.uniform("reason", orders.number[order])
    parcel_events = [
        journey.returned_at[order] < opened,
        journey.lost_at[order] < opened,
        (journey.held_days[order] > 0) & (uniform < 0.7),
    ]
    not_received = np.select(
        parcel_events,
        ["returned", "lost", "customs"],
        np.where(uniform < 0.12, "untrackable", "still_in_transit"),
    )
    risks = np.cumsum(orders.risks[order], axis=1)
    weakness = (uniform[:, None] * risks[:, -1:] > risks[:, :-1]).sum(axis=1)
    not_as_described = np.array(REASONS[1])[weakness]
    change_of_mind = np.array(REASONS[2])[pick(uniform, [0.4, 0.35, 0.25])]
    return np.select([cause == 0, cause == 1], [not_received, not_as_described], change_of_mind)
