"""The methods of the platform by kind of job, and what is missing without each."""

from __future__ import annotations

from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform import (
    conversations,
    dispute_lists,
    order_details,
    order_searches,
)
from pipeline.sources.openplatform.pull_jobs import (
    CONVERSATIONS,
    DETAIL,
    DISPUTE,
    DISPUTES,
    EVALUATIONS,
    MESSAGES,
    ORDERS,
    TRACKING,
)

NO_MESSAGES = "no messages: the earliest sign of a dispute is missing"
COSTS = {
    ORDERS: "nothing works",
    DETAIL: "country is unknown; no lane, no tracking numbers",
    TRACKING: "only the promised day shows lateness",
    DISPUTES: "no model can be trained",
    DISPUTE: "no answers, no rulings; a finished dispute counts as refunded, amount unknown",
    CONVERSATIONS: NO_MESSAGES,
    MESSAGES: NO_MESSAGES,
    EVALUATIONS: "no ratings: a product that buyers rate low shows only by its disputes",
}


def methods_of(settings: AliexpressStore) -> dict[str, str]:
    """kind -> method, of the kinds that the settings ask for."""
    methods = {
        ORDERS: order_searches.METHOD,
        DETAIL: order_details.DETAIL_METHOD,
        DISPUTES: dispute_lists.LIST_METHOD,
        DISPUTE: dispute_lists.DETAIL_METHOD,
    }
    if settings.tracking != "none":
        methods[TRACKING] = order_details.TRACKING_METHODS[settings.tracking]
    if settings.messages:
        methods[CONVERSATIONS] = conversations.LIST_METHOD
        methods[MESSAGES] = conversations.MESSAGES_METHOD
    if settings.evaluations:
        methods[EVALUATIONS] = conversations.EVALUATIONS_METHOD
    return methods
