"""Which order a payment belongs to: by what the payment says, or by what the order says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_LAST_NUMBER = re.compile(r"(\d+)\D*$")


class OrderNumbers:
    """The orders of a shop by their number, their id in the shop and their payment. `number`,
    `order_id`, `payment`: the columns of these in the rows of the shop's table."""

    def __init__(
        self, rows: Iterable[Mapping[str, str]], number: str, order_id: str, payment: str
    ) -> None:
        self._by_number: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._by_payment: dict[str, str | None] = {}
        for row in rows:
            own = row[number]
            self._by_number.setdefault(plain_number(own), own)
            if row[order_id]:
                self._by_id.setdefault(row[order_id], own)
            if row[payment]:
                other = self._by_payment.setdefault(row[payment], own)
                if other != own:
                    # a payment of two orders names none of them
                    self._by_payment[row[payment]] = None

    def order_of(self, texts: Iterable[str], payments: Iterable[str]) -> str:
        """The number of the order that one of the payments paid, or that one of the texts names;
        empty if there is none."""
        for payment in payments:
            if number := self._by_payment.get(payment):
                return number
        for text in texts:
            if number := self._named(text):
                return number
        return ""

    def _named(self, text: str) -> str:
        plain = plain_number(text)
        if number := self._by_number.get(plain) or self._by_id.get(plain):
            return number
        last = _LAST_NUMBER.search(plain)
        if last is None:
            return ""
        return self._by_number.get(last[1]) or self._by_id.get(last[1]) or ""


def plain_number(number: str) -> str:
    """The number of an order, as all ways to write it have it in common."""
    return number.strip().lstrip("#").lower()
