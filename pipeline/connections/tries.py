"""Try a request again, with growing waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random

from pipeline.connections.call_faults import ClockDiffers, PullStopped, StaleToken, Throttled
from pipeline.connections.pull_clock import PullClock
from pipeline.settings.delivery.pull_section import PullSection

Result = TypeVar("Result")


def with_tries(
    once: Callable[[], Result],
    settings: PullSection,
    clock: PullClock,
    again: tuple[type[Exception], ...],
    log: Callable[[BaseException | None], None],
) -> Result:
    """What `once` returns. After a fault of `again`, it waits and tries again, as often as the
    settings say; `log` is called before each wait.

    Raises the last fault, and `PullStopped` if the service asks for a longer wait than a run may
    last.
    """
    return Retrying(
        stop=stop_after_attempt(settings.attempts),
        wait=lambda state: _wait(state, settings),
        retry=retry_if_exception_type(again),
        before_sleep=lambda state: log(_error(state)),
        sleep=clock.sleep,
        reraise=True,
    )(once)


def _wait(state: RetryCallState, settings: PullSection) -> float:
    """Twice as long after each failure, with a random part, or as long as the service asks."""
    first, longest = settings.first_wait_seconds, settings.longest_wait_seconds
    error = _error(state)
    asked = error.wait_seconds if isinstance(error, Throttled) else None
    if asked and asked > longest:
        raise PullStopped(
            f"the platform asks to wait {asked:,.0f} seconds; the next run continues",
            is_failure=False,
        )
    if isinstance(error, StaleToken | ClockDiffers) and state.attempt_number == 1:
        return 0.0
    grown = wait_exponential(multiplier=first, max=longest)(state) + wait_random(0, first)(state)
    return min(max(grown, asked or 0.0), longest)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
