"""The tickets of a night: what a ticket says, and how Zendesk and Gorgias want it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.output.safe_text import neutral_frame, one_line
from pipeline.settings.delivery.target_settings import HelpdeskTarget

_REASONS = ("reason_1", "reason_2", "reason_3")


@dataclass(frozen=True)
class Ticket:
    """One row of the list as a ticket. `key`: the same on every try, kept as its external id."""

    key: str
    subject: str
    text: str
    due_day: str


def ticket_of(row: Mapping[str, Any], key: str) -> Ticket:
    """What to do, why and by when, then the draft. The draft is for an agent to send: a ticket
    alone writes to no buyer."""
    lines = [
        f"What to do: {row['action']}. {row['why_action']}",
        f"By: {row['contact_by']}",
        f"Buyer: {row['buyer_id']}",
    ]
    if also := row.get("also_orders"):
        lines.append(f"Other open orders of the buyer: {also}")
    lines += [f"- {row[name]}" for name in _REASONS if row.get(name)]
    # the draft keeps its line breaks
    text = "\n".join(one_line(line, 500) for line in lines)
    if draft := row.get("draft_message"):
        text += f"\n\nDraft:\n\n{draft}"
    subject = one_line(f"Order {row['order_id']}: {row['action']}", 150)
    return Ticket(key, subject, text, str(row["contact_by"] or ""))


def zendesk_ticket(ticket: Ticket, target: HelpdeskTarget) -> dict[str, Any]:
    """The body of POST /api/v2/tickets.json: an internal note that the buyer never sees."""
    content = {
        "subject": ticket.subject,
        "comment": {"body": ticket.text, "public": False},
        "external_id": ticket.key,
        "tags": list(target.tags),
        "type": "task",
    }
    return {"ticket": content | ({"due_at": ticket.due_day} if ticket.due_day else {})}


def gorgias_ticket(ticket: Ticket, target: HelpdeskTarget) -> dict[str, Any]:
    """The body of POST /api/tickets. Gorgias has no ticket without a message: it comes from the
    address `requester` by the channel `api`, so it reaches no buyer."""
    message = {
        "channel": "api",
        "via": "api",
        "from_agent": False,
        "subject": ticket.subject,
        "body_text": ticket.text,
        "sender": {"email": target.requester},
    }
    return {
        "channel": "api",
        "via": "api",
        "from_agent": False,
        "subject": ticket.subject,
        "external_id": ticket.key,
        "customer": {"email": target.requester},
        "tags": [{"name": tag} for tag in target.tags],
        "messages": [message],
    }


def import_file(tickets: list[Ticket], target: HelpdeskTarget) -> str:
    """The tickets as CSV, with the column names of the helpdesk's own fields. A text that a
    spreadsheet would read as a formula starts with a quote."""
    tags = " ".join(target.tags) if target.product == "zendesk" else ",".join(target.tags)
    texts = ("subject", "description") if target.product == "zendesk" else ("subject", "body_text")
    rows = pl.DataFrame(
        {
            "external_id": [ticket.key for ticket in tickets],
            texts[0]: [ticket.subject for ticket in tickets],
            texts[1]: [ticket.text for ticket in tickets],
            "tags": [tags] * len(tickets),
            "due_at": [ticket.due_day for ticket in tickets],
        },
        schema_overrides=dict.fromkeys(("external_id", *texts, "tags", "due_at"), pl.String),
    )
    return neutral_frame(rows).write_csv()
