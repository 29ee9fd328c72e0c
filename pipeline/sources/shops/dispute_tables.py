"""The kept answers of Stripe and PayPal as the tables of disputes that they export, with the orders
of the disputes.

Stripe does not say when a dispute ended. Its end is known, and happened, when the first answer
showed it; a dispute that had ended already in the first answer about it has no end here. PayPal
says when a dispute changed for the last time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline.connections.pull_clock import utc_text
from pipeline.sources.shops.first_known import SAME_NIGHT, FirstKnown
from pipeline.sources.shops.kept_answers import (
    KeptAnswer,
    cell_time,
    parsed_time,
    rows_of,
    texts_of,
    value_of,
)
from pipeline.sources.shops.order_numbers import OrderNumbers
from pipeline.sources.shops.paypal_account import DISPUTE as PAYPAL_DETAIL

# Stripe's answers that have one dispute, and the statuses in which it has ended
DISPUTE = "dispute"
FINAL = ("won", "lost", "warning_closed", "charge_refunded", "prevented")
# https://docs.stripe.com/currencies: amounts without, and with three, decimals
NO_CENTS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())
# PayPal's codes, in the words of its export
OUTCOMES = {
    "RESOLVED_BUYER_FAVOUR": "Buyer Win",
    "RESOLVED_SELLER_FAVOUR": "Seller Win",
    "RESOLVED_WITH_PAYOUT": "Refunded",
    "CANCELED_BY_BUYER": "Canceled by buyer",
    "ACCEPTED": "Refunded",
    "DENIED": "Seller Win",
}
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
                row["Order"] = orders.order_of(
                    order_texts(dispute, order_keys), payment_ids(dispute)
                )
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
    charge, intent = payment_ids(dispute)
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


def payment_ids(dispute: Mapping[str, Any]) -> tuple[str, str]:
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


def order_texts(dispute: Mapping[str, Any], order_keys: Sequence[str]) -> list[str]:
    """What may name the order: metadata, then the description of the payment."""
    described = (texts_of(dispute, name, "description") for name in ("charge", "payment_intent"))
    return [*_metadata(dispute, order_keys), *filter(None, described)]


def paypal_cases(answers: Iterable[KeptAnswer], orders: OrderNumbers) -> list[dict[str, str]]:
    """One row per dispute whose details came, from the answers in the order of their arrival."""
    rows: dict[str, dict[str, str]] = {}
    listed: dict[str, tuple[KeptAnswer, str]] = {}
    known = FirstKnown()
    for answer in answers:
        for item in rows_of(answer.content, "items"):
            dispute_id = texts_of(item, "dispute_id")
            if dispute_id not in listed:
                created = parsed_time(item.get("create_time"))
                listed[dispute_id] = answer, known.created(dispute_id, created, answer)
        if answer.request.get("complete"):
            known.end_look(answer)
        if answer.kind == PAYPAL_DETAIL:
            _follow_case(answer, rows, listed, known)
    for row in rows.values():
        payments = [row["Transaction ID"]]
        row["Order"] = orders.order_of([row["Invoice Number"], row["Custom"]], payments)
        row["Order"] = row["Order"] or row["Invoice Number"]
    return list(rows.values())


def _follow_case(
    answer: KeptAnswer,
    rows: dict[str, dict[str, str]],
    listed: Mapping[str, tuple[KeptAnswer, str]],
    known: FirstKnown,
) -> None:
    case = answer.content
    dispute_id = texts_of(case, "dispute_id")
    if dispute_id not in rows:
        first, since = listed.get(dispute_id, (answer, ""))
        is_late = answer.arrived - first.arrived > SAME_NIGHT
        known_at = utc_text(answer.arrived) if is_late else since
        rows[dispute_id] = _case_row(case) | {"Known at": known_at}
    row = rows[dispute_id]
    if texts_of(case, "status") == "RESOLVED" and not row["Case Closed Date"]:
        ended = parsed_time(case.get("update_time"))
        row["Case Status"] = "Resolved"
        row["Outcome"] = OUTCOMES.get(texts_of(case, "dispute_outcome", "outcome_code"), "Closed")
        row["Case Closed Date"] = cell_time(case.get("update_time"))
        row["Case Closed known"] = known.changed(dispute_id, ended, answer)
    known.end_record(dispute_id, answer)


def _case_row(case: Mapping[str, Any]) -> dict[str, str]:
    paid = next(iter(rows_of(case, "disputed_transactions")), {})
    return {
        "Case ID": texts_of(case, "dispute_id"),
        "Transaction ID": texts_of(paid, "seller_transaction_id"),
        "Invoice Number": texts_of(paid, "invoice_number"),
        "Custom": texts_of(paid, "custom"),
        "Case Type": texts_of(case, "dispute_life_cycle_stage").capitalize(),
        "Case Reason": texts_of(case, "reason"),
        "Case Filing Date": cell_time(case.get("create_time")),
        "Case Status": texts_of(case, "status"),
        "Disputed Amount": texts_of(case, "dispute_amount", "value"),
        "Disputed Currency": texts_of(case, "dispute_amount", "currency_code"),
        "Outcome": "",
        "Case Closed Date": "",
        "Case Closed known": "",
        "Order": "",
    }
