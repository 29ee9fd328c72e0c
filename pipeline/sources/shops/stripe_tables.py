"""The kept answers of a Stripe account as the table of disputes that Stripe exports.

Stripe does not say when a dispute ended. Its end is known, and happened, when the first answer
showed it; a dispute that had ended already in the first answer about it has no end here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline.connections.pull_clock import utc_text
from pipeline.sources.shops.first_known import FirstKnown
from pipeline.sources.shops.kept_answers import (
    KeptAnswer,
    cell_time,
    parsed_time,
    rows_of,
    texts_of,
    value_of,
)
from pipeline.sources.shops.order_numbers import OrderNumbers
from pipeline.sources.shops.stripe_account import DISPUTE, FINAL

# https://docs.stripe.com/currencies: amounts without, and with three, decimals
NO_CENTS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())
THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())


def stripe_disputes(
    answers: Iterable[KeptAnswer], orders: OrderNumbers, order_keys: Sequence[str]
) -> list[dict[str, str]]:
    """One row per dispute, from the answers in the order of their arrival."""
    rows: dict[str, dict[str, str]] = {}
    known = FirstKnown()
    for answer in answers:
        disputes = rows_of(answer.content, "data")
        if answer.kind == DISPUTE:
            disputes = [dict(answer.content)]
        for dispute in disputes:
            _follow(dispute, answer, rows, known, order_keys)
            dispute_id = texts_of(dispute, "id")
            row = rows[dispute_id]
            if not row["Order"]:
                row["Order"] = orders.order_of(_names(dispute, order_keys), _payments(dispute))
        if answer.request.get("complete"):
            known.end_look(answer)
    for row in rows.values():
        row["Order"] = row["Order"] or row["order_id (metadata)"]
    return list(rows.values())


def _follow(
    dispute: Mapping[str, Any],
    answer: KeptAnswer,
    rows: dict[str, dict[str, str]],
    known: FirstKnown,
    order_keys: Sequence[str],
) -> None:
    dispute_id, status = texts_of(dispute, "id"), texts_of(dispute, "status")
    row = rows.get(dispute_id)
    if row is None:
        created = parsed_time(dispute.get("created"))
        rows[dispute_id] = _row(dispute, order_keys) | {
            "Known at": known.created(dispute_id, created, answer),
            "Status": status,
            "Status changed (UTC)": "",
        }
    elif status in FINAL and row["Status"] not in FINAL:
        row["Status"] = status
        row["Status changed (UTC)"] = utc_text(answer.arrived)
    known.end_record(dispute_id, answer)


def _row(dispute: Mapping[str, Any], order_keys: Sequence[str]) -> dict[str, str]:
    currency = texts_of(dispute, "currency").lower()
    charge, intent = _payments(dispute)
    return {
        "id": texts_of(dispute, "id"),
        "Dispute Created (UTC)": cell_time(dispute.get("created")),
        "Charge Created (UTC)": cell_time(value_of(dispute, "charge", "created")),
        "Dispute Amount": amount_text(dispute.get("amount"), currency),
        "Dispute Currency": currency,
        "Charge ID": charge,
        "Payment Intent": intent,
        "Reason": texts_of(dispute, "reason"),
        "Due By (UTC)": cell_time(value_of(dispute, "evidence_details", "due_by")),
        "order_id (metadata)": next(iter(_metadata(dispute, order_keys)), ""),
        "Order": "",
    }


def amount_text(amount: object, currency: str) -> str:
    """An amount in the smallest unit of its currency, as a number with its decimals."""
    decimals = 0 if currency in NO_CENTS else 3 if currency in THREE_DECIMALS else 2
    try:
        number = Decimal(str(amount)).scaleb(-decimals)
    except InvalidOperation:
        return ""
    return f"{number:.2f}" if decimals < 3 else f"{number:.3f}"


def _payments(dispute: Mapping[str, Any]) -> tuple[str, str]:
    """The ids of the charge and of the payment intent, which may be whole objects."""
    charge, intent = (
        texts_of(dispute, name, "id") or texts_of(dispute, name)
        for name in ("charge", "payment_intent")
    )
    return charge, intent


def _metadata(dispute: Mapping[str, Any], order_keys: Sequence[str]) -> list[str]:
    values = (
        texts_of(part, "metadata", key)
        for key in order_keys
        for part in (dispute, dispute.get("charge"), dispute.get("payment_intent"))
    )
    return [text for text in values if text]


def _names(dispute: Mapping[str, Any], order_keys: Sequence[str]) -> list[str]:
    """What may name the order: metadata, then the description of the payment."""
    described = (texts_of(dispute, name, "description") for name in ("charge", "payment_intent"))
    return [*_metadata(dispute, order_keys), *filter(None, described)]
