"""Test the credentials of a store: get a token, and call each method once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    PullStopped,
    RefusedCall,
    SecretFault,
    Unanswered,
)
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.settings.delivery.pull_settings import AliexpressStore
from pipeline.settings.errors import PullFailed
from pipeline.sources.aliexpress.answer_fields import field_text
from pipeline.sources.openplatform.access_tokens import AccessTokens
from pipeline.sources.openplatform.conversations import evaluations_query
from pipeline.sources.openplatform.gateway import Gateway
from pipeline.sources.openplatform.listed_items import items_of, parcels_of
from pipeline.sources.openplatform.order_details import ORDER_TRACKING, PARCEL_TRACKING
from pipeline.sources.openplatform.order_searches import search_query
from pipeline.sources.openplatform.platform_methods import COSTS, methods_of
from pipeline.sources.openplatform.pull_jobs import (
    CONVERSATIONS,
    DETAIL,
    DISPUTE,
    DISPUTES,
    EVALUATIONS,
    MESSAGES,
    OPEN_STATUS,
    ORDERS,
    TRACKING,
    conversation_jobs,
    evaluations_job,
    platform_time,
    search_job,
)

# someone waits for the result
TRIES = 3
# asked for where the store has none: the platform refuses the id, or the app
MADE_UP = "1"
RECENT = timedelta(days=30)


def check_connection(
    settings: AliexpressStore, name: str, folder: Path, clock: PullClock | None = None
) -> list[MethodCheck]:
    """Whether each method may be called, the order list first. `folder`: where the token is kept,
    for the first pull.

    Raises `PullFailed` without a token, or if the platform does not answer.
    """
    secrets, clock = SecretValues(), clock or PullClock()
    quick = settings.model_copy(update={"attempts": min(settings.attempts, TRIES)})
    try:
        app_secret = secrets.read_line(quick.app_secret, f"pull.aliexpress.{name}.app_secret")
        gateway = Gateway(quick, app_secret, secrets, clock, lambda: None)
        try:
            tokens = AccessTokens(quick, secrets, gateway, folder / "token.json", name)
            tokens.current()
            return list(_Trial(quick, gateway, tokens, clock).checks())
        finally:
            gateway.close()
    except (PlatformFault, PullStopped, SecretFault) as fault:
        raise PullFailed(secrets.hide(str(fault))) from None


class _Trial:
    """One call of each method, with what the lists show."""

    def __init__(
        self, settings: AliexpressStore, gateway: Gateway, tokens: AccessTokens, clock: PullClock
    ) -> None:
        self._settings, self._gateway, self._tokens = settings, gateway, tokens
        self._clock = clock

    def checks(self) -> Iterator[MethodCheck]:
        methods = methods_of(self._settings)
        local, now = platform_time(self._clock.now()), self._clock.now()
        search = search_job("create", local - RECENT, local, 0, is_open=True)
        yield self._tried(ORDERS, methods[ORDERS], {"param0": search_query(search, 1)})
        order = self._first("target_list", "order_id")
        number = int(order) if order.isdecimal() else order
        yield self._tried(DETAIL, methods[DETAIL], {"param1": {"order_id": number}}, order)
        if TRACKING in methods:
            yield from self._tracking(methods[TRACKING], order)
        query: dict[str, Any] = {"issue_status": OPEN_STATUS, "current_page": 1, "page_size": 50}
        yield self._tried(DISPUTES, methods[DISPUTES], {"query_dto": query})
        asked = {
            "buyer_login_id": self._first("data_list", "buyer_login_id"),
            "issue_id": self._first("data_list", "issue_id"),
        }
        yield self._tried(DISPUTE, methods[DISPUTE], asked, asked["issue_id"])
        if CONVERSATIONS in methods:
            span = next(conversation_jobs(None, self._settings, now)).wanted
            query = {"current_page": 1, "page_size": 1}
            query |= {"start_time": span["start"], "end_time": span["end"]}
            yield self._tried(CONVERSATIONS, methods[CONVERSATIONS], {"query": query})
            channel = self._first("relation_list", "channel_id")
            page = {"channel_id": channel, "current_page": 1, "page_size": 1}
            yield self._tried(MESSAGES, methods[MESSAGES], page, channel)
        if EVALUATIONS in methods:
            asked = evaluations_query(evaluations_job(local - RECENT, local, 0))
            yield self._tried(
                EVALUATIONS, methods[EVALUATIONS], {"trade_evaluation_request": asked}
            )

    def _tracking(self, method: str, order: str) -> Iterator[MethodCheck]:
        """The method of the settings and, if it may not be called, the other one."""
        parcel = next(iter(parcels_of(self._data())), {"number": MADE_UP, "service": "CAINIAO"})
        asked = {
            ORDER_TRACKING: {"ae_order_id": order, "language": "en_US"},
            PARCEL_TRACKING: {
                "service_name": parcel["service"],
                "logistics_no": parcel["number"],
                "to_area": "BR",
                "out_ref": order,
                "origin": "ESCROW",
            },
        }
        check = self._tried(TRACKING, method, asked[method], order)
        yield check
        if not check.may_call:
            (other,) = asked.keys() - {method}
            yield self._tried(TRACKING, other, asked[other], order)

    def _tried(
        self, kind: str, method: str, parameters: Mapping[str, Any], asked_id: str = ""
    ) -> MethodCheck:
        """What the platform says about the app, whatever it says about a made-up id."""
        self._content: dict[str, Any] = {}
        try:
            answer = self._gateway.call(
                method, parameters, self._tokens.current, self._tokens.renew
            )
        except ForbiddenCall as fault:
            return MethodCheck(method, False, str(fault), COSTS[kind])
        except RefusedCall as fault:
            return MethodCheck(method, True, "" if asked_id == MADE_UP else str(fault))
        except Unanswered as fault:
            if asked_id != MADE_UP:
                raise
            return MethodCheck(method, True, f"not certain: {fault}")
        self._content = answer.response(method)
        return MethodCheck(method, True)

    def _data(self) -> dict[str, Any]:
        """The order's detail, if that was the last answer."""
        result = self._content.get("result")
        data = result.get("data") if isinstance(result, dict) else None
        return data if isinstance(data, dict) else {}

    def _first(self, rows: str, field: str) -> str:
        """A field of the first row of the last answer, or a made-up one."""
        result = self._content.get("result")
        content = result if isinstance(result, dict) else self._content
        return next(
            (text for row in items_of(content, rows) if (text := field_text(row, field))), MADE_UP
        )
