"""What is particular to one service: the host of a result, windows, filters that are ignored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.settings.errors import PullFailed
from pipeline.sources.shops.order_numbers import OrderNumbers
from pipeline.sources.shops.services import check_connection
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.openplatform.conftest import NightClock
from tests.unit.sources.shops.conftest import APP, SECRETS, PulledShop, end_of, section
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import FakeService, serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

FAKES: dict[str, type[FakeService]] = {
    "shopify": FakeShopify,
    "woocommerce": FakeWoo,
    "stripe": FakeStripe,
    "paypal": FakePaypal,
}


@pytest.fixture(scope="module")
def moment(stripe_orders: list[Order]) -> datetime:
    return end_of(stripe_orders)


def test_the_token_does_not_go_to_the_host_of_the_result(
    shop: PulledShop, stripe_orders: list[Order], moment: datetime
) -> None:
    with serving(FakeShopify(stripe_orders, moment)) as shopify:
        shop.pull("shopify", shopify.url, moment)
    results = [each for each in shopify.headers if each["path"].startswith("/result/")]
    assert results
    assert all(each["host"].startswith("localhost:") for each in results)
    assert not any({"x-shopify-access-token", "authorization"} & each.keys() for each in results)


def test_a_result_on_another_host_is_not_fetched(
    shop: PulledShop, stripe_orders: list[Order], moment: datetime
) -> None:
    with serving(FakeShopify(stripe_orders, moment)) as shopify:
        with pytest.raises(PullFailed, match="localhost, which is not in result_hosts"):
            shop.pull("shopify", shopify.url, moment, result_hosts=["storage.example"])
    assert not [path for path in shopify.requests if path.startswith("/result/")]


def test_an_app_of_ones_own_gets_a_token_for_a_day(
    shop: PulledShop, stripe_orders: list[Order], moment: datetime
) -> None:
    with serving(FakeShopify(stripe_orders, moment)) as shopify:
        assert not shop.pull("shopify", shopify.url, moment, **APP).left
        # it ended; the next one is asked for
        shopify.token = "shpat_the-next-token"
        assert not shop.pull("shopify", shopify.url, moment, **APP).left
    assert shopify.requests["/admin/oauth/access_token"] == 2


@pytest.mark.parametrize("limits", [{}, {"largest_answer_mb": 0.02}])
def test_a_window_that_is_too_large_is_split(
    limits: dict[str, float], shop: PulledShop, stripe_orders: list[Order], moment: datetime
) -> None:
    too_long = () if limits else (2, 3)
    later = moment + timedelta(days=9)
    with serving(FakeShopify(stripe_orders, later, too_long=too_long)) as shopify:
        report = shop.pull("shopify", shopify.url, later, history_days=200, **limits)
        assert not report.left
        assert len(shopify.operations) > 3
    orders = {row["Name"] for row in shop.rows("shopify-orders.csv")}
    assert orders == {f"#{order.number}" for order in stripe_orders}


def test_an_operation_of_an_earlier_run_is_waited_for(
    shop: PulledShop, stripe_orders: list[Order], moment: datetime
) -> None:
    with serving(FakeShopify(stripe_orders, moment, patience=10_000)) as shopify:
        report = shop.pull("shopify", shopify.url, moment, longest_operation_minutes=0.001)
        assert "still running" in report.stop
        shopify.patience = 0
        assert not shop.pull("shopify", shopify.url, moment).left
    assert len(shopify.operations) == 2


def test_a_shop_that_ignores_modified_after_is_refused(
    shop: PulledShop, paypal_orders: list[Order]
) -> None:
    later = end_of(paypal_orders) + timedelta(days=30)
    with serving(FakeWoo(paypal_orders, later, is_old=True)) as woo:
        report = shop.pull("woocommerce", woo.url, later)
    assert any("ignores modified_after" in fault for fault in report.faults)


@pytest.mark.parametrize("hours", [-11, 14])
def test_a_shop_that_compares_with_its_own_clock_loses_nothing(
    hours: int, shop: PulledShop, paypal_orders: list[Order]
) -> None:
    first, last = paypal_orders[20].placed, end_of(paypal_orders)
    with serving(FakeWoo(paypal_orders, first, hours_ahead=hours)) as woo:
        for woo.moment in (first, first + timedelta(days=1), last):
            assert not shop.pull("woocommerce", woo.url, woo.moment, window_days=30).left
    rows = [row for row in shop.rows("woocommerce-orders.csv") if row["Order ID"]]
    assert {row["Order Number"] for row in rows} == {str(each.number) for each in paypal_orders}
    completed = {row["Order Number"] for row in rows if row["Completed Date"]}
    assert completed == {str(each.number) for each in paypal_orders if each.shipped}


def test_an_order_that_is_removed_while_pages_are_read_hides_no_other(
    shop: PulledShop, paypal_orders: list[Order]
) -> None:
    moment = end_of(paypal_orders)
    with serving(FakeWoo(paypal_orders, moment, removed_after=2)) as woo:
        assert not shop.pull("woocommerce", woo.url, moment).left
    rows = shop.rows("woocommerce-orders.csv")
    assert {row["Order Number"] for row in rows} == {str(each.number) for each in paypal_orders}


def test_pages_of_paypal_stay_on_its_host(shop: PulledShop, paypal_orders: list[Order]) -> None:
    """The address of the next page names another host in this test."""
    moment = end_of(paypal_orders)
    with serving(FakePaypal(paypal_orders, moment)) as paypal:
        assert not shop.pull("paypal", paypal.url, moment).left
    cases = [path for path in paypal.requests if path.startswith("/v1/customer/disputes/")]
    assert len(cases) == len([order for order in paypal_orders if order.disputed])


@pytest.mark.parametrize("kind", FAKES)
def test_the_check_says_what_the_credentials_may_do(
    kind: str, stripe_orders: list[Order], moment: datetime, shop: PulledShop
) -> None:
    with serving(FAKES[kind](stripe_orders, moment)) as running:
        checks = check(kind, shop, running.url)
        assert checks
        assert all(each.may_call for each in checks)
        forbidden: Any = ("orders", "disputes") if kind == "shopify" else True
        running.forbidden = forbidden  # type: ignore[attr-defined]
        refused = [each for each in check(kind, shop, running.url) if not each.may_call]
        assert refused
        assert all(each.cost and each.detail for each in refused)
        assert not (shop.folder / "pull").exists()


@pytest.mark.parametrize("kind", FAKES)
def test_wrong_credentials_are_reported_without_a_secret(
    kind: str,
    stripe_orders: list[Order],
    moment: datetime,
    shop: PulledShop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "wr0ng-s3cret")
    with serving(FAKES[kind](stripe_orders, moment, is_echoing=True)) as running:
        refused = [each for each in check(kind, shop, running.url) if not each.may_call]
        assert refused
        assert not any("wr0ng" in each.detail for each in refused)
        with pytest.raises(PullFailed) as failure:
            shop.pull(kind, running.url, moment)
    assert "wr0ng" not in str(failure.value)
    for name in SECRETS:
        monkeypatch.delenv(name)
    (missing,) = check(kind, shop, "http://127.0.0.1:9")
    assert not missing.may_call
    assert "is not set" in missing.detail or "connection" in missing.detail


def check(kind: str, shop: PulledShop, url: str) -> list[Any]:
    shop.sections = {kind: {"main": section(kind, url, attempts=1)}}
    settings = getattr(shop.settings, kind)["main"]
    return check_connection(kind, settings, "main", NightClock(datetime(2027, 1, 1)))


def test_a_dispute_finds_its_order() -> None:
    rows = [
        {"number": "#1001", "id": "5000000001001", "paid": "ch_1"},
        {"number": "#1002", "id": "5000000001002", "paid": "ch_2"},
        {"number": "#1003", "id": "5000000001003", "paid": "ch_2"},
    ]
    orders = OrderNumbers(rows, "number", "id", "paid")
    assert orders.order_of([], ["ch_1"]) == "#1001"
    # a payment of two orders names none
    assert orders.order_of([], ["ch_2"]) == ""
    for text in ("1002", "#1002", "Order #1002", "WC-1002", "gid://shopify/Order/5000000001002"):
        assert orders.order_of([text], ["ch_9"]) == "#1002", text
    assert orders.order_of(["1004", "a buyer"], []) == ""
