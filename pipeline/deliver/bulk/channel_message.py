"""One released draft as a request to the shop's channel: signed, and under its own key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.deliver.bulk.automatic_drafts import AutomaticDraft
from pipeline.deliver.delivery_record import DeliveryId
from pipeline.deliver.sending import Delivery
from pipeline.deliver.web_requests import JSON, WebSender, json_bytes, signed

TYPE = "message.released"


@dataclass(frozen=True)
class Channel:
    """The shop's channel: its address, the key of the signature, and what reaches it."""

    url: str
    secret: str
    web: WebSender


def channel_delivery(
    channel: Channel, sending: DeliveryId, draft: AutomaticDraft, released_at: str
) -> Delivery:
    """The message to one buyer. The key is the same on every try, so the channel can drop the
    second one that a lost answer leads to."""
    body = json_bytes(message_document(sending, draft, released_at))

    def send(is_repeat: bool) -> None:
        headers = {**JSON, **signed(channel.secret, sending.key, body)}
        channel.web.request("POST", channel.url, headers=headers, body=body)

    return Delivery(sending, send)


def message_document(
    sending: DeliveryId, draft: AutomaticDraft, released_at: str
) -> dict[str, Any]:
    """The document; docs/guide/service-lead/release-and-send.md shows it."""
    return {
        "type": TYPE,
        "timestamp": released_at,
        "data": {
            "key": sending.key,
            "store": sending.store,
            "night": sending.night,
            "order_id": draft.order_id,
            "also_orders": list(draft.also_orders),
            "buyer_id": draft.buyer_id,
            "country": draft.country,
            "language": draft.language,
            "action": draft.action,
            "text": draft.text,
        },
    }
