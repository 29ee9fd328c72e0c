"""Makes a ticket in Zendesk or Gorgias for each row of the list, or a file of tickets to import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.deliver.delivery_faults import Undeliverable
from pipeline.deliver.sending import Delivery
from pipeline.deliver.targets.helpdesk_tickets import (
    Ticket,
    gorgias_ticket,
    import_file,
    ticket_of,
    zendesk_ticket,
)
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.deliver.web_requests import JSON, json_bytes
from pipeline.settings.delivery.target_settings import HelpdeskTarget
from pipeline.workspace.workspace import write_whole

FOLDER = "deliveries"
PATHS = {"zendesk": "/api/v2/tickets.json", "gorgias": "/api/tickets"}


def helpdesk_deliveries(target: HelpdeskTarget, tools: TargetTools) -> list[Delivery]:
    """One ticket per row, each recorded by its order; with `way = "csv"`, one file."""
    rows = list(tools.night.listed.head(target.rows).iter_rows(named=True))
    if target.way == "csv":
        tickets = [ticket_of(row, tools.sending(row["order_id"]).key) for row in rows]
        return [_file(target, tickets, tools)]
    return [_ticket(target, row, tools) for row in rows]


def _file(target: HelpdeskTarget, tickets: list[Ticket], tools: TargetTools) -> Delivery:
    path = tools.workspace.folder / FOLDER / str(tools.night.as_of) / f"{tools.name}.csv"

    def send(is_repeat: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, import_file(tickets, target))

    return Delivery(tools.sending(), send)


def _ticket(target: HelpdeskTarget, row: Mapping[str, Any], tools: TargetTools) -> Delivery:
    sending = tools.sending(str(row["order_id"]))
    ticket = ticket_of(row, sending.key)
    is_zendesk = target.product == "zendesk"

    def send(is_repeat: bool) -> None:
        if target.token is None or target.url is None or target.user is None:
            raise Undeliverable(f"{tools.setting('way')}: api needs url, user and token")
        token = tools.secrets.read_line(target.token, tools.setting("token"))
        login = (f"{target.user}/token" if is_zendesk else target.user, token)
        url = target.url.rstrip("/") + PATHS[target.product]
        if is_repeat and _exists(url, ticket.key, login, tools):
            return
        make = zendesk_ticket if is_zendesk else gorgias_ticket
        headers = {**JSON, "Idempotency-Key": ticket.key}
        body = json_bytes(make(ticket, target))
        tools.web.request("POST", url, headers=headers, body=body, login=login)

    return Delivery(sending, send)


def _exists(url: str, key: str, login: tuple[str, str], tools: TargetTools) -> bool:
    """Whether the helpdesk has the ticket from a try whose answer was lost."""
    answer = tools.web.request(
        "GET",
        f"{url}?external_id={key}",
        headers={"Accept": "application/json"},
        login=login,
        is_read=True,
    )
    try:
        content = json.loads(answer)
        # Zendesk lists them under `tickets`, Gorgias under `data`
        tickets = content.get("tickets") or content.get("data") or []
        return any(ticket.get("external_id") == key for ticket in tickets)
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Undeliverable("the helpdesk answered something else than its tickets") from None
