"""The Open Platform's answers about one dispute, as documented and captured."""

from __future__ import annotations

from typing import Any

from tests.unit.sources.aliexpress_answers import LINE, ORDER, PRODUCT

ISSUE = 6346213853171470


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
    """`aliexpress.issue.detail.get` as captured: `id` is not the issue's, empty lists are `{}`."""
    request = {
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
        "buyer_solution_list": {"solution_api_dto": [request]},
        "platform_solution_list": {"solution_api_dto": [ruling]},
        "seller_solution_list": {},
        "process_dto_list": {"api_issue_process_dto": process},
    }
    return {"aliexpress_issue_detail_get_response": {"request_id": "2143", "result_object": result}}
