"""What the questions about the AliExpress Open Platform need: the address to authorise the app, the
code in what a person pastes, and the way to ask for scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from pipeline.connections.connection_check import MethodCheck
from pipeline.settings.delivery.pull_settings import AliexpressStore

ORDER_TRACKING = "aliexpress.ds.order.tracking.get"
PARCEL_TRACKING = "aliexpress.logistics.redefining.querytrackingresult"
DEFAULT_URL = str(AliexpressStore.model_fields["url"].default)


def is_router(answers: Mapping[str, Any]) -> bool:
    """Whether the older router is used, which gives no tokens."""
    return answers.get("api") == "router"


def is_gateway(answers: Mapping[str, Any]) -> bool:
    """Whether the newer gateway is used, and no token is given that replaces the code."""
    given = {"refresh_token", "access_token"} & answers.keys()
    return not is_router(answers) and not given


def authorisation(answers: Mapping[str, Any]) -> str:
    """The address at which the seller authorises the app."""
    url = str(answers.get("url", DEFAULT_URL)).rstrip("/")
    return (
        "Open this address in a browser, log in as the seller and allow the access. The browser is "
        "then sent to your callback URL; its address has the code. A code is valid for a short "
        f"time, and once: {url}/oauth/authorize?response_type=code&force_auth=true"
        f"&client_id={quote(str(answers['app_key']), safe='')}"
        f"&redirect_uri={quote(str(answers['callback_url']), safe='')}"
    )


def code_in(text: str) -> str:
    """The code in an address that was pasted, or the text itself."""
    code = parse_qs(urlsplit(text.strip()).query).get("code", [""])[0] if "?" in text else ""
    return code or text.strip()


def settled_tracking(settings: Any, checks: Sequence[MethodCheck]) -> dict[str, Any]:
    """The way to ask for scans that the app may use, if it is not that of the settings."""
    may_call = {check.method: check.may_call for check in checks}
    ways = {"by_order": ORDER_TRACKING, "by_parcel": PARCEL_TRACKING}
    own = ways.get(settings.tracking)
    if own is None or may_call.get(own, True):
        return {}
    allowed = [way for way, method in ways.items() if may_call.get(method)]
    return {"tracking": allowed[0]} if allowed else {}
