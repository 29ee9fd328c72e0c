"""What a run needs of a service that follows parcels, and the calls that both services share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pipeline.connections.call_faults import SecretFault, Throttled, Unanswered
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.tries import with_tries
from pipeline.connections.web_client import WebAnswer, WebClient
from pipeline.settings.delivery.tracking_settings import TrackingService
from pipeline.workspace.run_log import note


@dataclass(frozen=True)
class FollowedParcel:
    """A number, and the service's code of its carrier ("": the service detects it)."""

    number: str
    carrier: str = ""


@dataclass
class RegisteredParcels:
    """What a service said about new parcels. `followed`: its code of the carrier by number;
    `refused`: why it will never follow a number; `full`: why it takes no more at the moment."""

    followed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    full: str = ""


@dataclass
class AskedAnswer:
    """Answers about parcels: their texts with the time when each arrived. `answered`: the numbers
    they are about; `delivered`, and those that the service no longer follows (`forgotten`)."""

    texts: list[tuple[str, datetime]] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    delivered: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)


class ParcelService(Protocol):
    """One account of one service. All methods raise the faults of `call_faults`."""

    service: str
    most_registered: int
    most_asked: int

    def room(self) -> int | None:
        """How many more parcels the account can register now; None if the service does not say."""
        ...

    def register(self, parcels: Sequence[FollowedParcel]) -> RegisteredParcels:
        """Register at most `most_registered` parcels."""
        ...

    def ask(self, parcels: Sequence[FollowedParcel]) -> AskedAnswer:
        """What is known of at most `most_asked` registered parcels."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class ServiceCalls:
    """Calls at a steady pace, tried again with growing waits. `count` is called before each."""

    def __init__(
        self,
        settings: TrackingService,
        key: str,
        secrets: SecretValues,
        clock: PullClock,
        count: Callable[[], None],
    ) -> None:
        self._settings, self._secrets, self.clock, self._count = settings, secrets, clock, count
        self._key = header_text(key, "key")
        self._web = WebClient(settings)

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def call(
        self,
        method: str,
        once: Callable[[WebClient], WebAnswer],
        raise_fault: Callable[[dict[str, Any], int], None],
    ) -> tuple[WebAnswer, dict[str, Any], datetime]:
        """The answer, its content, and when it arrived. `raise_fault` raises the fault that the
        content reports, with the status."""

        def attempt() -> tuple[WebAnswer, dict[str, Any], datetime]:
            self._count()
            self.clock.pace(1.0 / self._settings.requests_per_second)
            answer = once(self._web)
            arrived_at = self.clock.now()
            content = parsed(answer.text)
            raise_fault(content, answer.status)
            return answer, content, arrived_at

        def log(error: BaseException | None) -> None:
            note("pull_retry", method=method, detail=self._secrets.hide(str(error)))

        return with_tries(attempt, self._settings, self.clock, (Unanswered, Throttled), log)


def header_text(key: str, setting: str) -> str:
    """The key as it can be sent in a header. Raises `SecretFault`."""
    key = key.strip()
    if not key.isascii():
        raise SecretFault(f"{setting}: the key has characters that no key has")
    return key


def parsed(text: str) -> dict[str, Any]:
    """The object of an answer. Raises `Unanswered` if it is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Unanswered("the answer is not JSON, or is cut off") from None
    if not isinstance(content, dict) or not content:
        raise Unanswered("the answer is empty")
    return content


def part_of(node: Any, name: str) -> Mapping[str, Any]:
    """An object inside another; empty if there is none."""
    value = node.get(name) if isinstance(node, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def items_of(node: Any, name: str) -> list[Mapping[str, Any]]:
    """The objects in a list; null and other values in it are left out."""
    value = node.get(name) if isinstance(node, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def number_of(item: Mapping[str, Any], name: str) -> str:
    """A tracking number as we write it."""
    return str(item.get(name) or "").strip().upper()
