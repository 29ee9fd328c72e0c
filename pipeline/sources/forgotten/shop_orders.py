"""The orders of forgotten buyers in the answers of a shop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.sources.erased_ids import BUYER, ErasedIds
from pipeline.sources.mapped.mapped_tables import mail_id
from pipeline.sources.shops.kept_answers import KeptAnswer, rows_of, texts_of
from pipeline.sources.shops.order_numbers import OrderNumbers, plain_number
from pipeline.sources.shops.shopify_tables import payment_reference

NO_CUSTOMER = "0"


@dataclass(frozen=True)
class ShownOrder:
    """What an answer shows of an order. `shop_id`: its id inside the shop; `names`: its e-mail
    address, telephone and customer; `parcels`: its tracking numbers."""

    number: str
    shop_id: str
    payment: str
    names: tuple[str, ...] = ()
    parcels: tuple[str, ...] = ()


def shown_orders(kind: str, answer: KeptAnswer) -> Iterator[ShownOrder]:
    """Yield the orders in an answer of the service `kind`."""
    content = answer.content
    if answer.kind != "orders":
        return
    if kind == "shopify" and texts_of(content, "name") and "__parentId" not in content:
        yield _of_shopify(content)
    if kind == "woocommerce":
        yield from (_of_woo(order) for order in rows_of(content, "orders"))


def _of_shopify(node: Mapping[str, Any]) -> ShownOrder:
    numbers = [
        texts_of(parcel, "number")
        for sent in rows_of(node, "fulfillments")
        for parcel in rows_of(sent, "trackingInfo")
    ]
    names = filter(None, (texts_of(node, "email"), texts_of(node, "phone")))
    return ShownOrder(
        texts_of(node, "name"),
        texts_of(node, "id"),
        payment_reference(node),
        tuple(names),
        tuple(filter(None, numbers)),
    )


def _of_woo(order: Mapping[str, Any]) -> ShownOrder:
    customer = texts_of(order, "customer_id")
    names = (texts_of(order, "billing", "email"), customer if customer != NO_CUSTOMER else "")
    order_id = texts_of(order, "id")
    return ShownOrder(
        texts_of(order, "number") or order_id,
        order_id,
        texts_of(order, "transaction_id"),
        tuple(filter(None, names)),
    )


def order_id_of(number: str) -> str:
    """The id of an order in our tables."""
    return number.strip().lstrip("#")


@dataclass
class ForgottenOrders:
    """Those of one shop. `orders`: the pseudonym of the buyer by `order_id` of our tables; `ids`:
    the `order_id` by the shop's own id; `names`: what else names a buyer, with the pseudonym;
    `parcels`: (tracking number, order)."""

    erased: ErasedIds
    orders: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    parcels: set[tuple[str, str]] = field(default_factory=set)
    _rows: dict[str, dict[str, str]] = field(default_factory=dict)
    _pseudonyms: dict[str, str] = field(default_factory=dict)

    def find(self, kind: str, answers: Iterable[KeptAnswer]) -> None:
        """Find the orders in all answers of a shop; `orders` may have some already. An order may
        show its buyer in some of its answers alone."""
        shown = [order for answer in answers for order in shown_orders(kind, answer)]
        for order in shown:
            number = order_id_of(order.number)
            row = self._rows.setdefault(
                order.shop_id, {"number": number, "id": order.shop_id.rsplit("/", 1)[-1]}
            )
            row["payment"] = row.get("payment") or order.payment
            pseudonym = self.pseudonym((*order.names, f"buyer of {number}"))
            if pseudonym:
                self.orders.setdefault(number, pseudonym)
        plain = {plain_number(number): number for number in self.orders}
        for order in shown:
            if order_id := plain.get(plain_number(order.number)):
                self.ids[order.shop_id] = order_id
                self.names |= dict.fromkeys(order.names, self.orders[order_id])
                self.parcels |= {(parcel, order_id) for parcel in order.parcels}

    def pseudonym(self, names: Iterable[str]) -> str:
        """The pseudonym of the first of the names that was forgotten, or is one; empty without."""
        own = self._pseudonyms or {p: p for p in self.erased.replacements.values()}
        self._pseudonyms = own
        for name in names:
            text = mail_id(name) if "@" in name else name
            pseudonym = own.get(text) or self.erased.replacement(BUYER, text)
            if pseudonym:
                return pseudonym
        return ""

    def order_of(self, number: str) -> str:
        """The `order_id` of an order by its number, if its buyer was forgotten."""
        plain = plain_number(number)
        return next((each for each in (order_id_of(number), plain) if each in self.orders), "")

    def numbers(self) -> OrderNumbers:
        """All orders of the shop, by number, id and payment."""
        return OrderNumbers(self._rows.values(), "number", "id", "payment")
