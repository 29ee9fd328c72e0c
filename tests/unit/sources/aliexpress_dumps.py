"""The Open Platform's answers as its documents and captured answers show them, made to fit one
small store: what the tests load, and spoil."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

from pipeline.sources.aliexpress.record_checks import DumpRows
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.store_data import StoreData

ORDER, LINE, PARCEL, ISSUE = (
    8194715118451470,
    8194715118461470,
    "LP00612345678901",
    6346213853171470,
)
PRODUCT = 1005003600816013


def money(amount: str) -> dict[str, str]:
    return {"currency_code": "USD", "amount": amount}


def order_list(**changed: Any) -> dict[str, Any]:
    """`aliexpress.solution.order.get`, wrapped as the older gateway does."""
    line = {
        "child_id": LINE,
        "order_id": ORDER,
        "product_id": PRODUCT,
        "product_name": "mobile",
        "sku_code": "12",
        "product_count": 2,
        "son_order_status": "WAIT_BUYER_ACCEPT_GOODS",
        "issue_status": "NO_ISSUE",
        "can_submit_issue": False,
        "goods_prepare_time": 3,
        "freight_commit_day": "27",
        "logistics_type": "EMS",
        "logistics_service_name": "EMS",
        "logistics_amount": money("1.01"),
        "product_unit_price": money("30.00"),
        "total_product_amount": money("60.00"),
        "afflicate_fee_rate": "0.03",
    }
    order = {
        "order_id": ORDER,
        "order_status": "WAIT_BUYER_ACCEPT_GOODS",
        "issue_status": "NO_ISSUE",
        "frozen_status": "NO_FROZEN",
        "fund_status": "PAY_SUCCESS",
        "logistics_status": "SELLER_SEND_GOODS",
        "gmt_create": "2024-10-01 08:00:00",
        "gmt_pay_time": "2024-10-01 08:05:00",
        "gmt_send_goods_time": "2024-10-03 20:00:00",
        "gmt_update": "2024-10-03 20:00:00",
        "timeout_left_time": 120340569,
        "biz_type": "AE_COMMON",
        "buyer_login_id": "br0001",
        "seller_login_id": "cn1234",
        "phone": False,
        "pay_amount": money("58.01"),
        "product_list": {"order_product_dto": [line]},
    }
    order.update(changed)
    result = {
        "total_count": 1,
        "current_page": 1,
        "page_size": 50,
        "total_page": 1,
        "success": True,
        "error_code": "0",
        "time_stamp": "1",
        "target_list": {"order_dto": [order]},
    }
    return {"aliexpress_solution_order_get_response": {"result": result, "request_id": "2140"}}


def order_detail() -> dict[str, Any]:
    """`aliexpress.trade.new.redefining.findorderbyid`: who it is sent to, and its parcels."""
    parcel = {
        "gmt_send": "2024-10-03 20:00:00",
        "logistics_no": PARCEL,
        "logistics_service_name": "EMS",
        "logistics_type_code": "EMS",
        "have_tracking_info": True,
        "receive_status": "default",
    }
    target = {
        "id": ORDER,
        "order_status": "WAIT_BUYER_ACCEPT_GOODS",
        "gmt_create": "2024-10-01 08:00:00",
        "gmt_pay_success": "2024-10-01 08:05:00",
        "buyer_info": {"login_id": "br0001", "country": "BR"},
        "receipt_address": {"country": "BR", "city": "Recife"},
        "order_amount": money("58.01"),
        "logistic_info_list": {"tp_open_logistic_info_dto": [parcel]},
        "child_order_list": {},
    }
    return {
        "aliexpress_trade_new_redefining_findorderbyid_response": {
            "target": target,
            "request_id": "2141",
        }
    }


def order_info(**changed: Any) -> dict[str, Any]:
    """`aliexpress.solution.order.info.get`: the detail lies in `data`; amounts are `amount` or
    `amount_str`."""
    parcel = {
        "gmt_send": "2024-10-03 20:00:00",
        "logistics_no": PARCEL,
        "logistics_service_name": "EMS",
        "logistics_type_code": "EMS",
        "have_tracking_info": True,
        "receive_status": "default",
    }
    line = {
        "id": LINE,
        "child_order_id": str(LINE),
        "product_id": PRODUCT,
        "product_name": "mobile",
        "product_count": 2,
        "goods_prepare_time": 3,
        "logistics_service_name": "EMS",
        "product_price": {
            "cent": 3000,
            "cent_factor": 100,
            **money("30.00"),
            "currency": {"currency_code": "USD"},
        },
        "logistics_amount": {"cent": 101, "currency_code": "USD", "amount_str": "1.01"},
    }
    data = {
        "id": ORDER,
        "order_status": "WAIT_BUYER_ACCEPT_GOODS",
        "gmt_create": "2024-10-01 08:00:00",
        "gmt_pay_success": "2024-10-01 08:05:00",
        "buyerloginid": "br0001",
        "receipt_address": {"country": "BR"},
        "order_amount": money("58.01"),
        "logistic_info_list": {"global_aeop_tp_logistic_info_dto": [parcel]},
        "child_order_list": {"global_aeop_tp_child_order_dto": [line]},
        **changed,
    }
    result = {
        "data": data,
        "error_code": "0",
        "error_message": "",
        "time_stamp": "2024-11-05 02:00:00",
    }
    return {"aliexpress_solution_order_info_get_response": {"result": result, "request_id": "2144"}}


def tracking() -> dict[str, Any]:
    """`aliexpress.ds.order.tracking.get`, the newer live form: wrapped lists, stamps in
    milliseconds."""
    nodes = [
        {
            "time_stamp": 1728000000000,
            "tracking_name": "Order created",
            "tracking_detail_desc": "Order created",
        },
        {
            "time_stamp": "1729000000000",
            "tracking_name": "Delivery update",
            "tracking_detail_desc": "Package delivered",
        },
    ]
    line = {
        "mail_no": PARCEL,
        "carrier_name": "AliExpress Selection Standard",
        "eta_time_stamps": "1720514236934",
        "detail_node_list": {"detail_node": nodes},
        "package_item_list": {},
    }
    data = {"tracking_detail_line_list": {"tracking_detail": [line]}}
    return {
        "request": {"ae_order_id": ORDER, "language": "en_US"},
        "aliexpress_ds_order_tracking_get_response": {
            "result": {"ret": True, "msg": "", "code": "", "data": data},
            "request_id": "2142",
        },
    }


def issue_list(status: str = "finish", modified: str = "2024-10-28 19:23:14") -> dict[str, Any]:
    """`aliexpress.issue.issuelist.get`."""
    row = {
        "issue_id": ISSUE,
        "order_id": LINE,
        "parent_order_id": ORDER,
        "buyer_login_id": "br0001",
        "gmt_create": "2024-10-28 04:23:19",
        "gmt_modified": modified,
        "issue_status": status,
        "reason_chinese": "货物仍然在运输途中",
        "reason_english": "still in transit",
    }
    answer = {
        "current_page": 1,
        "page_size": 50,
        "total_item": 1,
        "data_list": {"issue_api_issue_dto": [row]},
    }
    return {"aliexpress_issue_issuelist_get_response": answer}


def issue_detail() -> dict[str, Any]:
    """`aliexpress.issue.detail.get` as it was captured: its `id` is not the issue's, empty lists
    are `{}`."""
    asked = {
        "id": 6010915445171470,
        "issue_id": ISSUE,
        "solution_owner": "buyer",
        "solution_type": "refund",
        "status": "wait_seller_accept",
        "is_default": True,
        "refund_money": "407.47",
        "refund_money_currency": "BRL",
        "refund_money_post": "66.65",
        "refund_money_post_currency": "USD",
        "gmt_create": "2024-10-28 04:23:22",
        "reached_time": "",
    }
    ruling = {
        "id": -2,
        "solution_owner": "platform",
        "solution_type": "refund",
        "refund_money": "407.47",
        "refund_money_currency": "BRL",
        "gmt_create": "2024-10-28 04:23:27",
    }
    steps = [
        ("2024-10-28 19:23:14", "perform_solution", "platform"),
        ("2024-10-28 19:23:11", "platform_force_reach", "platform"),
        ("2024-10-28 04:23:27", "buyer_initiate_arbitration", "buyer"),
        ("2024-10-28 04:23:22", "initiate", "buyer"),
    ]
    process = [
        {
            "gmt_create": at,
            "action_type": action,
            "submit_member_type": who,
            "receive_goods": False,
            "attachments": {},
        }
        for at, action, who in steps
    ]
    result = {
        "id": 6345753109519425,
        "order_id": LINE,
        "parent_order_id": ORDER,
        "gmt_create": "2024-10-28 04:23:19",
        "issue_status": "finish",
        "issue_reason_id": 115,
        "reverse_detail_status": "return_success",
        "product_id": str(PRODUCT),
        "product_price": "66.65",
        "product_price_currency": "USD",
        "buyer_login_id": "br0001",
        "buyer_solution_list": {"solution_api_dto": [asked]},
        "platform_solution_list": {"solution_api_dto": [ruling]},
        "seller_solution_list": {},
        "process_dto_list": {"api_issue_process_dto": process},
    }
    return {"aliexpress_issue_detail_get_response": {"request_id": "2143", "result_object": result}}


ANSWERS = {
    "orders": order_list,
    "detail": order_detail,
    "info": order_info,
    "tracking": tracking,
    "issues": issue_list,
    "issue": issue_detail,
}


def places(node: Any, path: tuple = ()) -> list[tuple]:
    inner = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    return [path, *[place for name, value in inner for place in places(value, (*path, name))]]


def at(node: Any, path: list) -> Any:
    for step in path:
        node = node[step]
    return node


def bare(node: Any) -> Any:
    """The same answer as the newer gateway gives it: lists without a wrapper."""
    if isinstance(node, list):
        return [bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {name: bare(value) for name, value in node.items()}
    for name, value in inner.items():
        if name.endswith("_list") and isinstance(value, dict):
            inner[name] = next(iter(value.values()), [])
    return inner


def write(folder: Path, taken: str, **answers: Any) -> Path:
    """One dump per answer, the time it was taken in its name."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, answer in answers.items():
        (folder / f"{name}-{taken}.json").write_text(
            json.dumps(copy.deepcopy(answer), ensure_ascii=False)
        )
    return folder


def write_all(folder: Path, taken: str = "2024-11-05T0200", *, is_bare: bool = False) -> Path:
    made = {name: make() for name, make in ANSWERS.items()}
    return write(
        folder,
        taken,
        **{name: bare(answer) if is_bare else answer for name, answer in made.items()},
    )


STRANGE: list[Any] = [
    None,
    "",
    {},
    [],
    "x" * 10_000,
    10**30,
    -1,
    1e308,
    True,
    [[["a"]]],
    {"a": {"b": {}}},
    "2024-13-45 99:00:00",
    "=cmd|x",
    "\u0000",
    {"currency_code": "XXX", "amount": "1,5"},
    "8194715118451470",
    float("inf"),
    [None, {}, "x"],
]
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16"]


def spoiled(rng: Random) -> bytes:
    """One of the answers with up to three things wrong in it, in some encoding, one in four cut
    off."""
    answer: Any = ANSWERS[rng.choice(sorted(ANSWERS))]()
    for _ in range(rng.randint(0, 3)):
        found = [path for path in places(answer) if path]
        *parents, last = rng.choice(found) if found else ("x",)
        node = at(answer, parents)
        if isinstance(node, list) or last not in node or rng.random() < 0.6:
            node[last] = copy.deepcopy(rng.choice(STRANGE))
        else:
            del node[last]
    text = json.dumps(answer, ensure_ascii=False).encode(rng.choice(ENCODINGS))
    return text[: rng.randint(0, len(text))] if rng.random() < 0.25 else text


def account(found: StoreData) -> int:
    """Hold it to the contract; every row must be good or in quarantine. How many rows there
    were."""
    enforce_contract(found)
    for file in found.files:
        told = file.quarantine().height
        if isinstance(file, DumpRows):
            bad = file.bad_rows().n_unique()
            assert file.good_rows().height + bad == file.count_rows
            assert told >= bad
        else:
            assert told == file.count_rows
    return sum(file.count_rows for file in found.files)
