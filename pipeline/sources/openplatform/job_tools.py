"""What each kind of job uses: calls with the store's token, the state, the settings, the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.connections.answer_dumps import dump_line
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.sources.openplatform.access_tokens import AccessTokens
from pipeline.sources.openplatform.gateway import Gateway, PlatformAnswer
from pipeline.sources.openplatform.pull_queue import PullQueue


@dataclass(frozen=True)
class JobTools:
    """The tools of one store."""

    gateway: Gateway
    tokens: AccessTokens
    state: PullQueue
    settings: AliexpressStore
    secrets: SecretValues
    clock: PullClock

    def call(self, method: str, parameters: Mapping[str, Any]) -> PlatformAnswer:
        """Call a business method; see `Gateway.call`."""
        return self.gateway.call(method, parameters, self.tokens.current, self.tokens.renew)

    def line(self, answer: PlatformAnswer, method: str, request: Mapping[str, Any]) -> str:
        """The answer as a line of a dump, with its request."""
        return dump_line(
            answer.text, answer.arrived_at, {"method": method, **request}, self.secrets
        )
