"""Erase forgotten buyers from one answer of a shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.sources.erased_ids import NUMBER, PREFIX
from pipeline.sources.forgotten.kept_fields import kept_fields, reason_without_words, single_values
from pipeline.sources.forgotten.shop_orders import NO_CUSTOMER, ForgottenOrders
from pipeline.sources.shops.kept_answers import rows_of, texts_of, value_of

MONEY = {"shopMoney": single_values("amount currencyCode")}
COUNTRY = single_values("countryCodeV2")
# what `shopify_tables` reads of an order, of its lines and of a dispute
SHOPIFY_ORDER = {
    **single_values(
        "id legacyResourceId name email phone createdAt cancelledAt currencyCode "
        "displayFinancialStatus displayFulfillmentStatus"
    ),
    **dict.fromkeys(
        ("subtotalPriceSet", "totalShippingPriceSet", "totalTaxSet", "totalPriceSet"), MONEY
    ),
    "totalDiscountsSet": MONEY,
    "shippingLine": single_values("title"),
    "billingAddress": COUNTRY,
    "shippingAddress": COUNTRY,
    "transactions": {
        **single_values("id kind status gateway createdAt processedAt paymentId authorizationCode"),
        "amountSet": MONEY,
    },
    "fulfillments": {
        **single_values("id createdAt status"),
        "trackingInfo": single_values("number company"),
    },
}
SHOPIFY_LINE = {
    **single_values("__parentId id sku name quantity vendor"),
    "originalUnitPriceSet": MONEY,
}
SHOPIFY_DISPUTE = {
    **single_values("id legacyResourceId status type initiatedAt evidenceDueBy finalizedOn"),
    "order": single_values("id name"),
    "reasonDetails": single_values("reason"),
    "amount": single_values("amount currencyCode"),
}
# what `woo_tables` reads of an order and of a refund; `woo_shop` reads when an order was changed
WOO_ORDER = {
    **single_values(
        "id number status date_created_gmt date_modified_gmt date_paid_gmt date_completed_gmt "
        "customer_id discount_total shipping_total total total_tax currency transaction_id"
    ),
    "billing": single_values("email country"),
    "shipping": single_values("country"),
    "shipping_lines": single_values("method_title"),
    "line_items": single_values("sku product_id name quantity subtotal"),
    "refunds": single_values("id"),
}
WOO_REFUND = single_values("id date_created_gmt amount reason")
Content = Mapping[str, Any]


def erased_shopify(orders: ForgottenOrders, content: Content, request: Content) -> Content:
    """The answer of Shopify without forgotten buyers."""
    if request.get("kind") == "orders":
        if texts_of(content, "__parentId") in orders.ids:
            return _with_head(content, kept_fields(content, SHOPIFY_LINE))
        if "name" in content and (number := orders.order_of(texts_of(content, "name"))):
            kept = _shopify_order(kept_fields(content, SHOPIFY_ORDER), number, orders)
            return _with_head(content, kept)
    path = ("data", "shopifyPaymentsAccount", "disputes")
    if request.get("kind") != "disputes" or value_of(content, *path) is None:
        return content

    def erased(node: Content) -> Content:
        if not orders.order_of(texts_of(node, "order", "name")):
            return node
        kept = kept_fields(node, SHOPIFY_DISPUTE)
        details = kept.get("reasonDetails")
        if isinstance(details, dict):
            details["reason"] = reason_without_words(details.get("reason"))
        return dict(kept)

    return changed_rows(content, (*path, "nodes"), erased)


def _with_head(content: Content, kept: Content) -> Content:
    """The line's own fields come first: when it was asked for and arrived."""
    head = {name: content[name] for name in ("fetched_at", "request") if name in content}
    return {**head, **kept}


def _shopify_order(kept: dict[str, Any], number: str, orders: ForgottenOrders) -> Content:
    for name in ("email", "phone"):
        if kept.get(name):
            kept[name] = orders.orders[number]
    for sent in rows_of(kept, "fulfillments"):
        for parcel in rows_of(sent, "trackingInfo"):
            text = texts_of(parcel, "number")
            if text and not text.startswith(PREFIX):
                parcel["number"] = orders.erased.replacement(NUMBER, text) or f"{PREFIX}{number}"
    return kept


def erased_woo(orders: ForgottenOrders, content: Content, request: Content) -> Content:
    """The answer of WooCommerce without forgotten buyers."""
    if request.get("kind") == "refunds" and str(request.get("order")) in orders.ids:

        def of_refund(refund: Content) -> Content:
            kept = kept_fields(refund, WOO_REFUND)
            return {**kept, "reason": reason_without_words(refund.get("reason"))}

        return changed_rows(content, ("refunds",), of_refund)
    if request.get("kind") != "orders":
        return content

    def of_order(order: Content) -> Content:
        if not (number := orders.ids.get(texts_of(order, "id"))):
            return order
        kept = kept_fields(order, WOO_ORDER)
        if texts_of(kept, "customer_id") not in ("", NO_CUSTOMER):
            kept["customer_id"] = orders.orders[number]
        if texts_of(kept, "billing", "email"):
            kept["billing"]["email"] = orders.orders[number]
        return dict(kept)

    return changed_rows(content, ("orders",), of_order)


def changed_rows(
    content: Content, path: tuple[str, ...], change: Callable[[Content], Content]
) -> Content:
    """The content with each object of the list at a path changed."""
    name, *rest = path
    value = content.get(name)
    if rest and isinstance(value, Mapping):
        return {**content, name: changed_rows(value, tuple(rest), change)}
    if rest or not isinstance(value, list):
        return content
    return {**content, name: [change(row) if isinstance(row, dict) else row for row in value]}
