"""A fact that a shop dates itself is known since then, unless an earlier answer did not show it.
What has no time of its own is as in the first answer."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta

import pytest

from pipeline.connections.pull_clock import utc_text
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops.conftest import PulledShop, end_of
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

DAY = timedelta(days=1)


@pytest.fixture
def few(stripe_orders: list[Order]) -> list[Order]:
    """Three orders, the last of which is placed a day after the others."""
    orders = deepcopy(stripe_orders[:3])
    first = orders[0].placed
    for order in orders:
        order.placed = first
        order.paid = first + timedelta(minutes=5)
        order.shipped = order.disputed = None
    orders[2].placed = first + DAY
    orders[2].paid = orders[2].placed
    return orders


def rounded(moment: datetime) -> str:
    return utc_text(moment)


def test_nightly_answers_date_facts_when_they_happened(shop: PulledShop, few: list[Order]) -> None:
    night = few[0].placed + timedelta(hours=2)
    few[0].shipped = night + timedelta(hours=3)
    with serving(FakeShopify(few, night, has_payments=False)) as shopify:
        for _ in range(3):
            shop.pull("shopify", shopify.url, shopify.moment)
            shopify.moment += DAY
    rows = {row["Name"]: row for row in shop.rows("shopify-orders.csv") if row["Created at"]}
    assert len(rows) == 3
    known = [name for name in rows["#1001"] if name.endswith("known") or name == "Known at"]
    assert len(known) == 4
    assert {row[name] for row in rows.values() for name in known} == {""}
    assert rows["#1001"]["Fulfilled at"] == rounded(few[0].shipped)


def test_what_is_dated_back_is_known_since_it_was_shown(shop: PulledShop, few: list[Order]) -> None:
    night = few[0].placed + 3 * DAY
    late = few.pop()
    with serving(FakeShopify(few, night, has_payments=False)) as shopify:
        shop.pull("shopify", shopify.url, night)
        # an order from an import, and a parcel that was entered two days later
        few.append(late)
        few[0].shipped = few[0].placed + timedelta(hours=1)
        shopify.moment = later = night + DAY
        shopify.updated = lambda order: later  # type: ignore[method-assign]
        shop.pull("shopify", shopify.url, later)
    rows = {row["Name"]: row for row in shop.rows("shopify-orders.csv") if row["Created at"]}
    imported = rows[f"#{late.number}"]
    assert imported["Known at"][:10] == rounded(later)[:10]
    assert imported["Paid at known"][:10] == rounded(later)[:10]
    assert rows["#1001"]["Fulfilled at known"][:10] == rounded(later)[:10]
    assert rows["#1001"]["Known at"] == rows["#1001"]["Paid at known"] == ""
    shipments = shop.frames()["shipments"]
    assert (shipments["known_at"] >= later.replace(microsecond=0)).all()


def test_a_later_value_without_a_time_does_not_change_the_order(
    shop: PulledShop, few: list[Order]
) -> None:
    night = few[0].placed + 3 * DAY
    with serving(FakeShopify(few, night, has_payments=False)) as shopify:
        shop.pull("shopify", shopify.url, night)
        country, price = few[0].country, few[0].lines[0].price
        few[0].country, few[0].lines[0].price = "ZZ", 1.0
        shopify.moment = later = night + DAY
        shopify.updated = lambda order: later  # type: ignore[method-assign]
        shop.pull("shopify", shopify.url, later)
    row = next(row for row in shop.rows("shopify-orders.csv") if row["Name"] == "#1001")
    assert row["Shipping Country"] == country
    assert float(row["Lineitem price"]) == price


def test_the_end_of_a_stripe_dispute_is_when_an_answer_showed_it(
    shop: PulledShop, stripe_orders: list[Order]
) -> None:
    disputed = [order for order in stripe_orders if order.disputed]
    old, new = disputed[0], disputed[-1]
    moment = end_of(stripe_orders)
    with (
        serving(FakeShopify(stripe_orders, moment, has_payments=False)) as shopify,
        serving(FakeStripe(stripe_orders, moment)) as stripe,
    ):
        shop.pull("shopify", shopify.url, moment)
        stripe.statuses = {new.number: "won"}
        shop.pull("stripe", stripe.url, moment)
        later = moment + 5 * DAY
        stripe.statuses[old.number] = "lost"
        stripe.requests.clear()
        shop.pull("stripe", stripe.url, later)
    # open ones are asked for one by one; the one that had ended is not
    assert len([path for path in stripe.requests if path != "/v1/disputes"]) >= 1
    steps = shop.frames()["disputes"].filter(step="ruled")
    assert steps["order_id"].to_list() == [str(old.number)]
    assert steps["occurred_at"].item() >= later.replace(microsecond=0)


def test_an_unpaid_order_counts_from_the_answer_that_shows_it_paid(
    shop: PulledShop, few: list[Order]
) -> None:
    night = few[0].placed + timedelta(minutes=1)
    with serving(FakeWoo(few, night)) as woo:
        shop.pull("woocommerce", woo.url, night)
        assert shop.frames_or_none() is None
        woo.moment = later = night + DAY
        shop.pull("woocommerce", woo.url, later)
        woo.moment = last = later + DAY
        woo.statuses = {few[0].number: "cancelled"}
        woo.updated = lambda order: last  # type: ignore[method-assign]
        shop.pull("woocommerce", woo.url, last)
    frames = shop.frames()
    known = dict(frames["orders"].select("order_id", "known_at").iter_rows())
    assert known["1001"] >= later.replace(microsecond=0)
    closed = frames["order_events"].filter(event="closed")
    assert closed["order_id"].to_list() == ["1001"]
    assert closed["known_at"].item() >= last.replace(microsecond=0)


def test_a_refund_counts_where_no_account_has_disputes(
    shop: PulledShop, paypal_orders: list[Order]
) -> None:
    moment = end_of(paypal_orders)
    refunded = next(order for order in paypal_orders if order.shipped)
    with serving(FakeWoo(paypal_orders, moment)) as woo:
        woo.refunded = {refunded.number: refunded.placed + DAY}
        shop.pull("woocommerce", woo.url, moment)
        disputes = shop.frames()["disputes"]
    assert disputes["order_id"].to_list() == [str(refunded.number)]
    assert disputes["cause"].to_list() == ["not_received"]
    assert disputes["known_at"].to_list() == [refunded.placed + DAY]


def test_a_case_that_ended_is_known_since_its_last_change(
    shop: PulledShop, paypal_orders: list[Order]
) -> None:
    disputed = [order for order in paypal_orders if order.disputed]
    case = disputed[0]
    moment = end_of(paypal_orders)
    with (
        serving(FakeWoo(paypal_orders, moment)) as woo,
        serving(FakePaypal(paypal_orders, moment)) as paypal,
    ):
        shop.pull("woocommerce", woo.url, moment)
        shop.pull("paypal", paypal.url, moment)
        ended = moment + timedelta(hours=3)
        paypal.resolved = {case.number: ("RESOLVED_BUYER_FAVOUR", ended)}
        paypal.moment = moment + DAY
        paypal.requests.clear()
        shop.pull("paypal", paypal.url, paypal.moment)
    # only the one that changed is asked for again
    assert len([path for path in paypal.requests if path.endswith(case.names["case"])]) == 1
    ruled = shop.frames()["disputes"].filter(step="ruled")
    assert ruled["order_id"].to_list() == [str(case.number)]
    assert ruled["occurred_at"].item() == ruled["known_at"].item() == ended
