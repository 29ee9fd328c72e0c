"""Erase forgotten buyers from one answer of a payment provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.sources.forgotten.kept_fields import (
    SINGLE,
    kept_fields,
    reason_without_words,
    single_values,
)
from pipeline.sources.forgotten.shop_orders import ForgottenOrders
from pipeline.sources.forgotten.shop_records import changed_rows
from pipeline.sources.shops.dispute_tables import order_texts, payment_ids
from pipeline.sources.shops.kept_answers import KeptAnswer, rows_of, texts_of
from pipeline.sources.shops.order_numbers import OrderNumbers

# a payment may be its id alone
PAYMENT = {SINGLE: True, **single_values("id object created description")}
# what `dispute_tables` and `stripe_account` read of a dispute, without its metadata
STRIPE_DISPUTE = {
    **single_values("id object amount currency created reason status"),
    "charge": PAYMENT,
    "payment_intent": PAYMENT,
    "evidence_details": single_values("due_by"),
}
# what `dispute_tables` and `paypal_account` read of a dispute
PAYPAL_DISPUTE = {
    **single_values("dispute_id create_time update_time reason status dispute_life_cycle_stage"),
    "dispute_amount": single_values("value currency_code"),
    "dispute_outcome": single_values("outcome_code"),
    "disputed_transactions": single_values("seller_transaction_id invoice_number custom"),
}
HEAD = {"fetched_at": True, "request": True}
Content = Mapping[str, Any]


class PaymentRecords:
    """The disputes of one account about the orders of forgotten buyers. `order_keys`: the metadata
    that may name the order."""

    def __init__(self, orders: ForgottenOrders, order_keys: Sequence[str] = ()) -> None:
        self._orders, self._order_keys = orders, order_keys
        self._numbers: OrderNumbers = orders.numbers()
        self._cases: set[str] = set()

    def find(self, answers: Iterable[KeptAnswer]) -> None:
        """Find PayPal's disputes: their list does not say which order they are about."""
        for answer in answers:
            if self._order_of_case(answer.content):
                self._cases.add(texts_of(answer.content, "dispute_id"))

    def erased_stripe(self, content: Content, request: Content) -> Content:
        """The answer of Stripe without forgotten buyers."""
        if request.get("kind") == "dispute":
            return self._dispute(content)
        return changed_rows(content, ("data",), self._dispute)

    def erased_paypal(self, content: Content, request: Content) -> Content:
        """The answer of PayPal without forgotten buyers."""
        if texts_of(content, "dispute_id"):
            return self._case(content)
        return changed_rows(content, ("items",), self._case)

    def _dispute(self, dispute: Content) -> Content:
        texts = order_texts(dispute, self._order_keys)
        number = self._number(texts, payment_ids(dispute))
        if not number and not self._names_a_buyer(dispute):
            return dispute
        kept = {**_head(dispute), **kept_fields(dispute, STRIPE_DISPUTE)}
        kept["reason"] = reason_without_words(dispute.get("reason"))
        for part, original in ((kept, dispute), *_payments(kept, dispute)):
            metadata = original.get("metadata")
            if isinstance(metadata, dict):
                pairs = {key: metadata.get(key) for key in self._order_keys}
                part["metadata"] = {key: self._named(text) for key, text in pairs.items() if text}
            if part.get("description"):
                part["description"] = self._named(part["description"])
        return kept

    def _case(self, case: Content) -> Content:
        is_theirs = texts_of(case, "dispute_id") in self._cases
        if not is_theirs and not self._names_a_buyer(case):
            return case
        kept = {**_head(case), **kept_fields(case, PAYPAL_DISPUTE)}
        kept["reason"] = reason_without_words(case.get("reason"))
        for paid in rows_of(kept, "disputed_transactions"):
            for name in ("invoice_number", "custom"):
                if paid.get(name):
                    paid[name] = self._named(paid[name])
        return kept

    def _order_of_case(self, case: Content) -> str:
        paid = next(iter(rows_of(case, "disputed_transactions")), {})
        texts = [texts_of(paid, name) for name in ("invoice_number", "custom")]
        return self._number(texts, [texts_of(paid, "seller_transaction_id")])

    def _number(self, texts: Sequence[str], payments: Iterable[str]) -> str:
        """The order of a payment, if its buyer was forgotten."""
        number = self._numbers.order_of(texts, payments)
        named = [number] if number else texts
        return next(filter(None, map(self._orders.order_of, named)), "")

    def _named(self, text: object) -> str | None:
        """The number of the order that a text names; what else the text says is dropped."""
        number = self._numbers.order_of([str(text)], [])
        return number or self._orders.order_of(str(text)) or None

    def _names_a_buyer(self, record: Content) -> bool:
        """Whether a value of the record is the e-mail address of a forgotten buyer."""
        return bool(self._orders.pseudonym(text for text in _leaves(record) if "@" in text))


def _head(record: Content) -> Content:
    return {name: record[name] for name in HEAD if name in record}


def _payments(kept: Content, dispute: Content) -> Iterator[tuple[dict[str, Any], Content]]:
    """Yield the payments of a dispute that are whole objects: what is kept, and the original."""
    for name in ("charge", "payment_intent"):
        if isinstance(dispute.get(name), dict) and isinstance(kept.get(name), dict):
            yield kept[name], dispute[name]


def _leaves(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _leaves(value)
