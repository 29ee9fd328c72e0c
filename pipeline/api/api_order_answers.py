"""What the API answers about one order: facts, score, time line, contacts and disputes."""

from __future__ import annotations

from datetime import date

from pipeline.api.api_answers import ApiAnswer, DeskState, Share


class OrderScore(ApiAnswer):
    """The score of an order on the newest night; `probability_low` to `probability_high` is where
    the chance likely is."""

    stage: str
    probability: Share
    probability_low: Share | None
    probability_high: Share | None
    end_probability: Share | None
    stake_usd: float | None
    action: str | None
    expected_value_usd: float | None
    likely_cause: str | None


class OrderLine(ApiAnswer):
    """A line of an order."""

    product_id: str
    title: str | None
    quantity: float
    unit_price_usd: float


class OrderParcel(ApiAnswer):
    """A parcel of an order with its last scan; times are in the store's zone."""

    carrier: str | None
    tracking_number: str | None
    handed_over_on: date
    last_scan: str | None
    last_scan_at: str | None


class OrderEvent(ApiAnswer):
    """An event of the time line. A promised day and the last day to open a dispute may be ahead."""

    day: date
    event: str


class OrderContact(ApiAnswer):
    """A contact about the order, in the store's zone."""

    at: str
    outcome: str | None


class OrderDisputeStep(ApiAnswer):
    """A step of a dispute, in the store's zone."""

    at: str
    dispute_id: str
    step: str
    cause: str | None
    reason: str | None
    actor: str | None
    liable: str | None


class OrderAnswer(ApiAnswer):
    """All that is known of one order before the newest night. `is_listed` and `why` say whether it
    is on the list, and why; `draft_message` is empty for a buyer who must not be written to."""

    order_id: str
    buyer_id: str
    country: str | None
    currency: str | None
    total_usd: float | None
    placed_on: date
    night: date | None
    is_listed: bool
    why: str
    score: OrderScore | None
    draft_message: str
    message_language: str | None
    products: list[OrderLine]
    parcels: list[OrderParcel]
    events: list[OrderEvent]
    contacts: list[OrderContact]
    disputes: list[OrderDisputeStep]
    other_orders: list[str]
    desk: DeskState
