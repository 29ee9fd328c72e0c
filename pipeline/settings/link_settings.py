"""Links from the list to the order, the message thread and the parcel, as URL templates."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field

from pipeline.settings.settings_section import SettingsSection

PLACEHOLDERS = ("order_id", "buyer_id", "store_id", "product_id", "tracking_number")
# pages that public seller tools open; AliExpress publishes no link to the thread of one order, so
# its preset opens the conversations
PRESETS: Mapping[str, Mapping[str, str]] = {
    "order": {
        "aliexpress": "https://gsp.aliexpress.com/m_apps/order-manage/orderDetail?orderId={order_id}",
        "aliexpress-cn": "https://csp.aliexpress.com/m_apps/order-manage/orderDetail"
        "?orderId={order_id}",
    },
    "thread": {"aliexpress": "https://gsp.aliexpress.com/m_apps/im-chat/im#/window"},
    "parcel": {"17track": "https://t.17track.net/en#nums={tracking_number}"},
}
# Excel opens no longer address
LONGEST = 2_000


def _checked(template: str) -> str:
    """The template, which is empty or an https address with known placeholders after the host.

    Raises ValueError for anything else.
    """
    if not template:
        return template
    if any(letter.isspace() or not letter.isprintable() for letter in template):
        raise ValueError("must not contain spaces or control characters")
    try:
        parts, fields = urlsplit(template), list(Formatter().parse(template))
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"is not a URL template ({error})") from None
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        raise ValueError("must begin with https:// and a host name, without a user name")
    if "{" in parts.netloc or "}" in parts.netloc:
        raise ValueError("must not have a placeholder in the host name")
    for _, name, form, conversion in fields:
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            allowed = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise ValueError(f"has the placeholder {{{name}}}; allowed: {allowed}")
    return template


def _order(template: str) -> str:
    return _checked(PRESETS["order"].get(template, template))


def _thread(template: str) -> str:
    return _checked(PRESETS["thread"].get(template, template))


def _parcel(template: str) -> str:
    return _checked(PRESETS["parcel"].get(template, template))


class StoreLinks(SettingsSection):
    """The links of one store."""

    order: Annotated[str, AfterValidator(_order)] = Field(
        default="",
        description="address of an order: https://... with {order_id}, {buyer_id}, {store_id}, "
        "{product_id} or {tracking_number}; or aliexpress, aliexpress-cn (sellers in China); "
        "empty: no link",
    )
    thread: Annotated[str, AfterValidator(_thread)] = Field(
        default="",
        description="address of the messages with a buyer; or aliexpress, which opens the list of "
        "conversations",
    )
    parcel: Annotated[str, AfterValidator(_parcel)] = Field(
        default=PRESETS["parcel"]["17track"],
        description="address of a parcel, used if its tracking number is known; or 17track",
    )

    def of(self, values: Mapping[str, str | None]) -> dict[str, str | None]:
        """`order_url`, `thread_url` and `parcel_url` of one order; None without a template, or if
        a value in it is not known. `values` by placeholder."""
        templates = {"order": self.order, "thread": self.thread, "parcel": self.parcel}
        return {f"{name}_url": filled(text, values) for name, text in templates.items()}


class Links(StoreLinks):
    """Links from the list to the order, the message thread and the parcel. All values are
    percent-encoded."""

    stores: dict[str, StoreLinks] = Field(
        default={}, description="by store_id: other links of one store, [links.stores.NAME]"
    )

    def of_store(self, store_id: str | None) -> StoreLinks:
        """The links of a store; those of all stores if it has no own ones."""
        return self.stores.get(store_id or "", self)


def filled(template: str, values: Mapping[str, str | None]) -> str | None:
    """The address, with every value percent-encoded; None if it is empty, too long, or lacks a
    value."""
    names = [name for _, name, _, _ in Formatter().parse(template) if name]
    known = {name: quote(text, safe="") for name in names if (text := values.get(name))}
    if not template or len(known) < len(set(names)):
        return None
    address = template.format_map(known)
    return address if len(address) <= LONGEST else None
