"""Sends the summary of a night to a channel of Slack or Microsoft Teams."""

from __future__ import annotations

import re
from typing import Any

from pipeline.deliver.night_summary import NightSummary, summarise_night
from pipeline.deliver.sending import Delivery
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.settings.delivery.target_settings import SlackTarget, TeamsTarget

CARD = "application/vnd.microsoft.card.adaptive"
_MARKDOWN = re.compile(r"([\\`*_\[\]()#~|<>])")


def slack_deliveries(target: SlackTarget, tools: TargetTools) -> list[Delivery]:
    """One message for the night."""
    return [_posted(target, slack_message(summarise_night(tools.night, target.rows)), tools)]


def teams_deliveries(target: TeamsTarget, tools: TargetTools) -> list[Delivery]:
    """One card for the night."""
    return [_posted(target, teams_card(summarise_night(tools.night, target.rows)), tools)]


def slack_message(summary: NightSummary) -> dict[str, Any]:
    """Text in which nothing mentions people or becomes a link: Slack reads only these three
    characters as mark-up in plain text."""
    text = summary.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def teams_card(summary: NightSummary) -> dict[str, Any]:
    """An adaptive card, the only kind that webhooks of the Workflows app take."""
    title = {**_block(summary.title), "size": "Medium", "weight": "Bolder"}
    warnings = [{**_block(f"Warning: {line}"), "color": "Warning"} for line in summary.warnings]
    lines = [_block(line) for line in (*summary.facts, *summary.rows)]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *warnings, *lines],
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "content": content}]}


def _block(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _MARKDOWN.sub(r"\\\1", text), "wrap": True}


def _posted(
    target: SlackTarget | TeamsTarget, content: dict[str, Any], tools: TargetTools
) -> Delivery:
    sending = tools.sending()

    def send(is_repeat: bool) -> None:
        url = tools.secrets.read_url(target.url, tools.setting("url"))
        tools.web.post_json(url, content, headers={"Idempotency-Key": sending.key})

    return Delivery(sending, send)
