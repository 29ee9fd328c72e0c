"""What the API answers: one model per answer, from which its OpenAPI document is made.

Money is in USD, shares and probabilities are in [0, 1], days are dates in the store's zone. Null
means that the value is not known.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class ApiAnswer(BaseModel):
    """One answer or part of it."""

    model_config = ConfigDict(extra="forbid")


class ApiError(ApiAnswer):
    """Why there is no answer, and what to do."""

    error: str


class NightEntry(ApiAnswer):
    """One published night."""

    night: date
    count_listed: int
    net_saving_usd: float
    count_disputes: int | None


class Nights(ApiAnswer):
    """The published nights, newest first."""

    nights: list[NightEntry]


class DeskState(ApiAnswer):
    """What the agents say about a buyer: who has them, until when they rest, and notes."""

    assignee: str | None
    snoozed_until: date | None
    notes: list[str]


class ListedOrder(ApiAnswer):
    """One row of a night's contact list. Moments are in the store's zone."""

    rank: int
    order_id: str
    buyer_id: str
    product_id: str | None
    product_title: str | None
    stage: str
    probability: Share
    likely_cause: str | None
    reasons: list[str]
    order_value_usd: float | None
    carrier: str | None
    tracking_number: str | None
    last_scan: str | None
    last_scan_at: str | None
    last_scan_location: str | None
    said_by: str | None
    said_at: str | None
    first_words: str | None
    unanswered_since: str | None
    order_url: str | None
    thread_url: str | None
    parcel_url: str | None
    contact_by: date | None
    action: str | None
    why_action: str | None
    stake_usd: float | None
    prevented_usd: float | None
    cost_usd: float | None
    expected_value_usd: float | None
    offer_usd: float | None
    also_orders: list[str]
    country: str | None
    message_language: str | None
    draft_message: str
    desk: DeskState


class ContactListPage(ApiAnswer):
    """A part of a night's contact list, best first. `count`: rows of the whole list."""

    night: date
    count: int
    rows: list[ListedOrder]


class QueuedOrder(ApiAnswer):
    """An open order in a queue, such as `waiting`: its buyer waits for an answer. `since`: the day
    on which it came into the queue; `action`: of the list, null if it is not listed."""

    order_id: str
    queue: str
    since: date | None
    risk: Share
    stake_usd: float | None
    action: str | None
    first_words: str | None


class OrderQueues(ApiAnswer):
    """A part of the queues of the newest night. `count`: all orders in queues."""

    night: date
    count: int
    rows: list[QueuedOrder]


class OpenOrder(ApiAnswer):
    """An order that was open on the newest night, with its score."""

    order_id: str
    stage: str
    probability: Share
    probability_low: Share | None
    probability_high: Share | None
    end_probability: Share | None
    stake_usd: float | None
    action: str | None
    expected_value_usd: float | None
    is_listed: bool


class OpenOrders(ApiAnswer):
    """A part of the open orders, by id. `count`: all that match."""

    night: date
    count: int
    rows: list[OpenOrder]


class ClockRow(ApiAnswer):
    """An open dispute; `deadline` is in the store's zone."""

    rank: int
    dispute_id: str
    order_id: str
    cause: str | None
    day: int | None
    owes_answer: bool
    is_overdue: bool
    deadline: str | None
    hours_left: float | None
    then: str | None
    action: str | None
    amount_at_risk_usd: float | None
    expected_loss_usd: float | None
    escalation_probability: Share | None
    draft_answer: str | None


class DisputeClock(ApiAnswer):
    """The open disputes of the newest night, most urgent first."""

    night: date
    rows: list[ClockRow]


class IndicatorRate(ApiAnswer):
    """A rate that the platform judges the store by. `dimension` "all" is the whole store."""

    dimension: str
    value: str
    indicator: str
    withdrawals: str
    basis: str
    numerator: float
    denominator: float
    rate: Share | None
    low: Share | None
    high: Share | None
    limit: Share | None
    is_over: bool | None
    count_maturing: int


class IndicatorRates(ApiAnswer):
    """The rates of the newest `make kpi`."""

    night: date
    rows: list[IndicatorRate]


class ReviewedProduct(ApiAnswer):
    """A product of the review."""

    product_id: str
    category: str | None
    supplier_id: str | None
    verdict: str
    why: str | None
    count_orders: int
    count_disputes: float
    rate: Share | None
    rate_low: Share | None
    rate_high: Share | None
    limit: Share | None
    chance_over_limit: Share | None
    loss_per_100_units_usd: float | None


class ProductReviewPage(ApiAnswer):
    """A part of the newest `make products`. `count`: products of the whole review."""

    night: date
    count: int
    rows: list[ReviewedProduct]


class DataCheck(ApiAnswer):
    """A check of the data before the night was published."""

    check: str
    says: str
    is_out: bool


class StoreHealth(ApiAnswer):
    """Whether the newest night can be trusted: the verdict on the model, checks of the data, and
    the nights that were refused since."""

    night: date | None
    made_at: str | None
    verdict: str
    reason: str
    data_checks: list[DataCheck]
    refused: list[date]
    count_open_orders: int


def from_row(model: type[ApiAnswer], row: dict[str, Any], **more: Any) -> Any:
    """The model with those values of `row` that it has; a value that is absent is null."""
    values = {name: row.get(name) for name in model.model_fields if name not in more}
    return model.model_validate({**values, **more})
