"""A store of a few made-up orders, for tests that need no simulated one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.sources.openplatform.pull_jobs import TIME, platform_time
from tests.unit.sources.openplatform.fake_store import FakeStore

NOW = datetime(2025, 6, 10, 12, 0, tzinfo=UTC)
# on the platform's clock
NOON = "2025-06-09 05:00:00"


def order(number: int, placed: str, status: str = "WAIT_BUYER_ACCEPT_GOODS") -> dict[str, Any]:
    """An order as it is listed."""
    return {
        "order_id": 8_000_000_000_000_000 + number,
        "order_status": status,
        "issue_status": "NO_ISSUE",
        "gmt_create": placed,
        "gmt_update": placed,
        "buyer_login_id": f"b-{number}",
        "product_list": {"order_product_dto": []},
    }


def add_order(store: FakeStore, listed: dict[str, Any], *, is_sent: bool = False) -> None:
    """Put an order into the store, or replace it."""
    store.orders[:] = [o for o in store.orders if o["order_id"] != listed["order_id"]]
    store.orders.append(listed)
    parcels = [{"logistics_no": f"LP{listed['order_id']}", "logistics_type_code": "CAINIAO"}]
    store.details[str(listed["order_id"])] = {
        "id": listed["order_id"],
        "order_status": listed["order_status"],
        "receipt_address": {"country": "BR"},
        "logistic_info_list": {"global_aeop_tp_logistic_info_dto": parcels if is_sent else []},
    }


def yesterday() -> str:
    """A day before the time of this machine, for pulls with its clock."""
    return platform_time(datetime.now(UTC) - timedelta(days=1)).strftime(TIME)


def made_store(count: int = 3, placed: str = NOON) -> FakeStore:
    """A store of `count` open orders placed at one second."""
    store = FakeStore()
    for number in range(count):
        add_order(store, order(number, placed), is_sent=True)
    return store


def add_issue(store: FakeStore, number: int, opened: str, status: str = "processing") -> None:
    """Put a dispute into the store, or change its status."""
    issue_id = 6_000_000_000_000_000 + number
    store.issues[:] = [issue for issue in store.issues if issue["issue_id"] != issue_id]
    store.issues.append(
        {
            "issue_id": issue_id,
            "order_id": 8_100_000_000_000_000 + number,
            "buyer_login_id": f"b-{number}",
            "gmt_create": opened,
            "gmt_modified": f"{opened} {status}",
            "issue_status": status,
        }
    )
    store.issue_details[str(issue_id)] = {"id": 1, "issue_status": status, "gmt_create": opened}


def add_message(store: FakeStore, channel: str, number: int, at: int) -> None:
    """Put a buyer's message into a conversation, which becomes the newest."""
    row = {"id": number, "gmt_create": at, "sender_ali_id": 5, "content": "hello"}
    store.messages.setdefault(channel, []).append(row)
    store.relations[:] = [r for r in store.relations if r["channel_id"] != channel]
    relation = {"channel_id": channel, "other_ali_id": 5, "other_login_id": "b-1"}
    store.relations.append(relation | {"last_message_id": number, "message_time": at})


def loadable_store(count: int, placed: str) -> FakeStore:
    """A store of `count` open orders with everything that a contact list needs: sent a while ago,
    and without a scan."""
    store = FakeStore()
    for number in range(count):
        listed = order(number, placed)
        money = {"currency_code": "USD", "amount": "25.00"}
        line = {
            "child_id": 8_200_000_000_000_000 + number,
            "order_id": listed["order_id"],
            "product_id": 1_005_000_000_000_000 + number % 2,
            "product_name": "lamp",
            "product_count": 1,
            "son_order_status": listed["order_status"],
            "product_unit_price": money,
            "logistics_amount": money,
            "goods_prepare_time": 3,
            "freight_commit_day": "5",
        }
        listed |= {
            "pay_amount": money,
            "gmt_pay_time": placed,
            "gmt_send_goods_time": placed,
            "product_list": {"order_product_dto": [line]},
        }
        add_order(store, listed, is_sent=True)
        detail = store.details[str(listed["order_id"])]
        detail |= {"gmt_create": placed, "order_amount": money, "buyerloginid": f"b-{number}"}
    return store


def days_ago(days: int) -> str:
    """A time before that of this machine, for pulls with its clock."""
    return platform_time(datetime.now(UTC) - timedelta(days=days)).strftime(TIME)
