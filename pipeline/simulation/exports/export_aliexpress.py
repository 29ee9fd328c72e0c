"""A simulated store as answers of the Open Platform on the day after its last day, as
SOURCE=aliexpress reads them.

Numbers are in the platform's format (`export_ids.py`). docs/reference/simulated-exports.md lists
what the answers cannot contain.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.simulation.exports.export_disputes import write_issues
from pipeline.simulation.exports.export_files import Answer, read_raw, taken_at, write_lines
from pipeline.simulation.exports.export_ids import OPERATION, PRODUCT, number
from pipeline.simulation.exports.export_messages import write_messages_dumps
from pipeline.simulation.exports.export_order_rows import order_rows
from pipeline.simulation.exports.export_tracking import tracking_answers

PAGE = 50


def write_dumps(raw: Path, folder: Path) -> None:
    """Write the order lists, order details, tracking, disputes and messages of the store in `raw`
    as `.jsonl` files, and `products.csv`.

    Only one or a few tables are in memory at a time, and each answer is written as soon as it is
    made: 200,000 orders take 0.8 GB.
    """
    taken = taken_at(raw)
    orders = order_rows(raw)
    write_lines(folder / f"order-list-{taken}.jsonl", _pages(orders))
    write_lines(folder / f"order-details-{taken}.jsonl", map(_detail, orders.iter_rows(named=True)))
    del orders
    write_lines(folder / f"order-tracking-{taken}.jsonl", tracking_answers(raw))
    write_issues(raw, folder, taken)
    write_messages_dumps(raw, folder, taken)
    lines = (
        read_raw(raw, "order_lines")
        .unique("product_id", keep="first")
        .select("product_id", "supplier_id")
    )
    products = read_raw(raw, "products").join(
        lines, on="product_id", how="left", maintain_order="left"
    )
    products.select(
        number(PRODUCT, "product_id").alias("product_id"), "category", "supplier_id", "weight_g"
    ).write_csv(folder / "products.csv")


def _pages(orders: pl.DataFrame) -> Iterator[Answer]:
    """`aliexpress.solution.order.get`."""
    for page, part in enumerate(orders.iter_slices(PAGE), 1):
        result = {
            "total_count": orders.height,
            "current_page": page,
            "page_size": PAGE,
            "total_page": -(-orders.height // PAGE),
            "success": True,
            "error_code": "0",
            "target_list": {"order_dto": [_listed(order) for order in part.to_dicts()]},
        }
        yield {"aliexpress_solution_order_get_response": {"result": result}}


def _listed(order: Answer) -> Answer:
    """An order of the list. It has no country and, once finished, no time of sending."""
    is_finished = order["status"] == "FINISH"
    lines = [
        present_fields(
            child_id=line["id"],
            order_id=order["number"],
            product_id=line["product"],
            product_name=line["title"],
            product_count=int(float(line["quantity"])),
            product_unit="piece",
            son_order_status=order["status"],
            issue_status=order["issue"] if index == 0 else "NO_ISSUE",
            goods_prepare_time=order["prepare"],
            freight_commit_day=None if order["way"] is None else str(order["way"]),
            logistics_type=order["service"],
            logistics_service_name=order["service"],
            logistics_amount=money(line["shipping"], order),
            product_unit_price=money(line["price"], order),
        )
        for index, line in enumerate(order["lines"])
    ]
    return present_fields(
        order_id=order["number"],
        order_status=order["status"],
        issue_status=order["issue"],
        fund_status="NOT_PAY" if order["paid"] is None else "PAY_SUCCESS",
        biz_type="AE_COMMON",
        gmt_create=order["placed"],
        gmt_pay_time=order["paid"],
        gmt_send_goods_time=None if is_finished else order["sent"],
        gmt_update=order["changed"],
        buyer_login_id=order["buyer_id"],
        seller_login_id=order["store_id"],
        pay_amount=money(order["total_usd"], order),
        product_list={"order_product_dto": lines},
    )


def _detail(order: Answer) -> Answer:
    """`aliexpress.solution.order.info.get`."""
    parcels = [
        present_fields(
            logistics_no=parcel["number"],
            logistics_service_name=parcel["carrier"],
            gmt_send=parcel["sent"],
            gmt_received=parcel["received"],
            have_tracking_info=True,
            receive_status="default" if parcel["received"] is None else "received",
        )
        for parcel in order["parcels"] or ()
    ]
    data = present_fields(
        id=order["number"],
        order_status=order["status"],
        issue_status=order["issue"],
        gmt_create=order["placed"],
        gmt_pay_success=order["paid"],
        gmt_modified=order["changed"],
        gmt_trade_end=order["ended"],
        buyerloginid=order["buyer_id"],
        buyer_info={"login_id": order["buyer_id"], "country": order["country"]},
        receipt_address={"country": order["country"]},
        order_amount=money(order["total_usd"], order),
        logistics_amount=money(order["shipping_usd"], order),
        logistic_info_list={"global_aeop_tp_logistic_info_dto": parcels} if parcels else {},
        opr_log_dto_list={"global_aeop_tp_operation_log_dto": list(_operations(order))},
        child_order_list={},
    )
    result = {"data": data, "error_code": "0", "error_message": ""}
    return {"aliexpress_solution_order_info_get_response": {"result": result}}


def _operations(order: Answer) -> Iterator[Answer]:
    is_success = order["sent"] is not None and order["issue"] == "NO_ISSUE"
    steps = (
        ("front_create_order", order["placed"], order["buyer_id"]),
        ("front_pay_online_success", order["paid"], order["buyer_id"]),
        ("front_seller_send_all_goods", order["sent"], order["store_id"]),
        ("front_trade_success" if is_success else "trade_close", order["ended"], "system"),
    )
    base = order["number"] % 10**14 // 10 * 10 + OPERATION * 10**14
    for index, (action, at, operator) in enumerate(steps, 1):
        if at is not None:
            yield {
                "id": base + index,
                "order_id": order["number"],
                "action_type": action,
                "operator": operator,
                "gmt_create": at,
                "gmt_modified": at,
            }


def present_fields(**fields: object) -> Answer:
    """The fields that are not null: answers leave out null fields."""
    return {name: value for name, value in fields.items() if value is not None}


def money(amount: str, order: Answer) -> Answer:
    """An amount in the order's currency."""
    return {"currency_code": order["currency"], "amount": amount}
