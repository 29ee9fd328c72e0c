"""Sends a night as a signed JSON document to an address of the shop's own."""

from __future__ import annotations

from typing import Any

from pipeline.deliver.published_night import PublishedNight
from pipeline.deliver.sending import Delivery
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.deliver.web_requests import JSON, json_bytes, signed
from pipeline.settings.delivery.target_settings import WebhookTarget

TYPE = "night.published"
COLUMNS = (
    "rank",
    "order_id",
    "also_orders",
    "buyer_id",
    "stage",
    "action",
    "contact_by",
    "probability",
    "stake_usd",
    "expected_value_usd",
    "likely_cause",
    "country",
    "message_language",
    "reason_1",
    "reason_2",
    "reason_3",
    "why_action",
)


def webhook_deliveries(target: WebhookTarget, tools: TargetTools) -> list[Delivery]:
    """One document for the night, with the same bytes on every try."""
    sending = tools.sending()

    def send(is_repeat: bool) -> None:
        url = tools.secrets.read_url(target.url, tools.setting("url"))
        secret = tools.secrets.read_line(target.secret, tools.setting("secret"))
        body = json_bytes(night_document(target, tools.night))
        headers = {**JSON, **signed(secret, sending.key, body)}
        tools.web.request("POST", url, headers=headers, body=body)

    return [Delivery(sending, send)]


def night_document(target: WebhookTarget, night: PublishedNight) -> dict[str, Any]:
    """The document; docs/guide/operator/deliver.md shows it."""
    columns = [*COLUMNS, *(["draft_message"] if target.with_drafts else [])]
    shown = night.listed.select(name for name in columns if name in night.listed.columns)
    return {
        "type": TYPE,
        "timestamp": night.manifest.get("created_at"),
        "data": {
            "store": night.store,
            "night": night.as_of.isoformat(),
            "run_id": night.run_id,
            "warnings": list(night.manifest.get("banner", [])),
            "open_orders": night.manifest.get("rows", {}).get("scores"),
            "listed_orders": night.listed.height,
            "rows": shown.head(target.rows).to_dicts(),
        },
    }
