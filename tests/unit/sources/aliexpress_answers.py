"""The Open Platform's answers about one order: list, details and tracking.

Fields and values follow the platform's documents and captured answers.
"""

from __future__ import annotations

from typing import Any

ORDER, LINE, PARCEL = 8194715118451470, 8194715118461470, "LP00612345678901"
PRODUCT = 1005003600816013


def money(amount: str) -> dict[str, str]:
    return {"currency_code": "USD", "amount": amount}


def order_list(**changed: Any) -> dict[str, Any]:
    """`aliexpress.solution.order.get`, wrapped as on the older gateway."""
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
    """`aliexpress.trade.new.redefining.findorderbyid`: the recipient and the parcels."""
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
    """`aliexpress.solution.order.info.get`: the detail is in `data`.

    Amounts are in `amount` or `amount_str`.
    """
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
    """`aliexpress.ds.order.tracking.get`, the newer form: wrapped lists, times in milliseconds."""
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
