"""Sends one thing: recorded before and after, tried again with growing waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random

from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.deliver.delivery_faults import TryAgain, Undeliverable
from pipeline.deliver.delivery_record import FAILED, INTENDED, SENT, DeliveryId, DeliveryRecord
from pipeline.settings.delivery.deliver_settings import Deliver
from pipeline.workspace.run_log import note

# what is left to do after the receiver took it, such as closing the connection
Closing = Callable[[], object]


@dataclass(frozen=True)
class Delivery:
    """One thing to send.

    `send` gets whether an earlier try may have arrived: then it asks the receiver first, where the
    receiver can be asked. It returns what is left to do once the record says `sent`, or None.
    """

    sending: DeliveryId
    send: Callable[[bool], Closing | None]


@dataclass(frozen=True)
class Outcome:
    """`state`: `sent`, `failed`, `already` (sent by an earlier run), or `intended`, if it is not
    known whether the receiver took it. `detail`: why it was not sent."""

    state: str
    detail: str = ""


def deliver_once(
    delivery: Delivery, record: DeliveryRecord, settings: Deliver, secrets: SecretValues
) -> Outcome:
    """Send it unless the record says that it was sent. Failures are returned, not raised."""
    sending = delivery.sending
    before = record.state(sending)
    if before == SENT:
        return Outcome("already")
    record.write(sending, INTENDED)
    may_have_arrived = before is not None

    def try_once() -> Closing | None:
        nonlocal may_have_arrived
        is_repeat, may_have_arrived = may_have_arrived, True
        return delivery.send(is_repeat)

    def log_failure(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        note("delivery_retry", **_facts(sending), detail=secrets.hide(str(error)))

    try:
        closing = Retrying(
            stop=stop_after_attempt(settings.attempts),
            wait=lambda state: _wait(state, settings),
            retry=retry_if_exception_type(TryAgain),
            before_sleep=log_failure,
            reraise=True,
        )(try_once)
    except (TryAgain, Undeliverable, SecretFault) as error:
        outcome = Outcome(
            INTENDED if isinstance(error, TryAgain) else FAILED, secrets.hide(str(error))
        )
        record.write(sending, outcome.state, outcome.detail)
        note("delivery", **_facts(sending), state=outcome.state, detail=outcome.detail)
        return outcome
    record.write(sending, SENT)
    if closing is not None:
        # the receiver has it: how the connection ends does not matter
        with suppress(Exception):
            closing()
    note("delivery", **_facts(sending), state=SENT)
    return Outcome(SENT)


def _wait(state: RetryCallState, settings: Deliver) -> float:
    """Twice as long after each failure, or as long as the receiver asked, up to the longest."""
    first, longest = settings.first_wait_seconds, settings.longest_wait_seconds
    # the random part keeps several senders from coming back at the same moment
    grown = wait_exponential(multiplier=first, max=longest)(state) + wait_random(0, first)(state)
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, TryAgain) else None
    return min(max(grown, asked or 0.0), longest)


def _facts(sending: DeliveryId) -> dict[str, str]:
    facts = {"night": sending.night, "target": sending.target, "key": sending.key}
    return facts | ({"order_id": sending.order_id} if sending.order_id else {})
