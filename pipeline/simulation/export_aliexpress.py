"""A simulated store as the Open Platform would answer for it on the day after: what
SOURCE=aliexpress reads.

Numbers are the platform's: 16 digits, a kind (two digits), the store's own number (13) and a place
(1), so that `o-000123` is 8000000000001230 and its second line 8100000000001232; `number % 10**14
// 10` is the number again. What the answers cannot carry is listed in docs/sources.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.simulation.export_disputes import write_issues
from pipeline.simulation.export_ids import LINE, OPERATION, ORDER, PRODUCT, number
from pipeline.simulation.export_sheets import first, local, read_raw, taken_at, write_lines

Answer = dict[str, Any]
PAGE = 50
# (what is called, by sub-status; a line of the carrier, which `status_of` reads as just that)
WORDS = {
    "InfoReceived": ("Order created", "Electronic information received"),
    "InTransit_PickedUp": ("Delivery update", "Accepted by carrier"),
    "InTransit_Other": ("Delivery update", "On its way"),
    "InTransit_Departure": ("Delivery update", "Departed from country of origin"),
    "InTransit_Arrival": ("Delivery update", "Arrived in destination country"),
    "InTransit_CustomsProcessing": ("Delivery update", "Import customs: processing"),
    "InTransit_CustomsRequiringInformation": (
        "Delivery update",
        "Import customs: further information required",
    ),
    "InTransit_CustomsReleased": ("Delivery update", "Import customs clearance completed"),
    "AvailableForPickup_Other": ("Delivery update", "Available for pickup"),
    "OutForDelivery_Other": ("Delivery update", "Out for delivery"),
    "DeliveryFailure_NoBody": ("Delivery update", "Delivery attempted, nobody at home"),
    "Delivered_Other": ("Delivery update", "Package delivered"),
    "Exception_Returning": ("Delivery update", "Returned to sender"),
    "Exception_Lost": ("Delivery update", "Package lost"),
}


def write_dumps(raw: Path, folder: Path) -> None:
    """Order lists, details, ways and disputes of the store in `raw` as `.jsonl` files, and
    `products.csv`.

    Tables are held one or a few at a time, answers are written as they are made: 200,000 orders
    take 0.8 GB.
    """
    taken = taken_at(raw)
    orders = _orders(raw)
    write_lines(folder / f"order-list-{taken}.jsonl", _pages(orders))
    write_lines(
        folder / f"order-details-{taken}.jsonl", (_detail(order) for order in _records(orders))
    )
    del orders
    write_lines(folder / f"order-tracking-{taken}.jsonl", _ways(raw))
    write_issues(raw, folder, taken)
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


def _orders(raw: Path) -> pl.DataFrame:
    """One row per order with its local times and lists of its lines and parcels; null is what is
    not so (yet)."""
    tables = {
        name: read_raw(raw, name) for name in ("order_events", "shipments", "promises", "disputes")
    }
    events, sent, disputes = tables["order_events"], tables["shipments"], tables["disputes"]
    rows = read_raw(raw, "orders")
    moments = [frame.select("order_id", "occurred_at") for frame in (rows, events, sent, disputes)]
    changed = pl.concat(moments).group_by("order_id").agg(pl.col("occurred_at").max())
    for other in (
        first(events.filter(event="paid"), "paid"),
        first(events.filter(event="closed"), "ended"),
        first(sent, "sent"),
        _promised(rows, tables["promises"]),
        _lines(raw),
        _parcels(raw, sent),
        disputes.select("order_id", is_disputed=pl.lit(True)).unique(),
        changed.select("order_id", changed=local("occurred_at")),
    ):
        rows = rows.join(other, on="order_id", how="left", maintain_order="left")
    return rows.with_columns(
        pl.col("lane").str.split(">").list.first().alias("service"),
        number=number(ORDER, "order_id"),
        placed=local("occurred_at"),
        status=_status(),
        issue=pl.when(pl.col("is_disputed").is_null())
        .then(pl.lit("NO_ISSUE"))
        .otherwise(
            pl.when(pl.col("ended").is_null())
            .then(pl.lit("IN_ISSUE"))
            .otherwise(pl.lit("END_ISSUE"))
        ),
    )


def _status() -> pl.Expr:
    """A finished order is one, whether or not it went well."""
    visible_facts = (
        (pl.col("ended").is_not_null(), "FINISH"),
        (pl.col("is_disputed").is_not_null(), "IN_ISSUE"),
        (pl.col("sent").is_not_null(), "WAIT_BUYER_ACCEPT_GOODS"),
        (pl.col("paid").is_not_null(), "WAIT_SELLER_SEND_GOODS"),
    )
    return pl.coalesce(
        *[pl.when(is_so).then(pl.lit(word)) for is_so, word in visible_facts],
        pl.lit("PLACE_ORDER_SUCCESS"),
    )


def _promised(orders: pl.DataFrame, promises: pl.DataFrame) -> pl.DataFrame:
    """Whole days to prepare, and days on the way: those promised since the order was placed, less
    those to prepare.

    The platform counts from the day of sending. Taking the days from there would tell on the day of
    the order when it would be sent.
    """
    days = (_at("promised_at") - _at("occurred_at")).dt.total_seconds() / 86_400
    visible_facts = promises.select("order_id", "kind", days=days.round().cast(pl.Int64))
    ready, there = (
        visible_facts.filter(kind=kind).select("order_id", "days")
        for kind in ("dispatch", "delivery")
    )
    both = orders.select("order_id").join(
        ready.rename({"days": "prepare"}), on="order_id", how="inner"
    )
    return both.join(there, on="order_id", how="left").select(
        "order_id", "prepare", way=pl.col("days") - pl.col("prepare")
    )


def _at(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms")


def _lines(raw: Path) -> pl.DataFrame:
    titles = read_raw(raw, "products").select("product_id", "title")
    lines = read_raw(raw, "order_lines").join(
        titles, on="product_id", how="left", maintain_order="left"
    )
    line = pl.struct(
        "title",
        "quantity",
        id=number(LINE, "line_id"),
        product=number(PRODUCT, "product_id"),
        price="unit_price_usd",
        shipping="shipping_usd",
    )
    return lines.group_by("order_id", maintain_order=True).agg(lines=line)


def _parcels(raw: Path, sent: pl.DataFrame) -> pl.DataFrame:
    scans = pl.scan_csv(raw / "tracking.csv", infer_schema=False).filter(status="Delivered")
    received = scans.group_by("shipment_id").agg(received=local("occurred_at").min()).collect()
    parcels = sent.join(received, on="shipment_id", how="left", maintain_order="left")
    parcel = pl.struct("carrier", "received", number="shipment_id", sent=local("occurred_at"))
    return parcels.group_by("order_id", maintain_order=True).agg(parcels=parcel)


def _records(frame: pl.DataFrame, size: int = 1_000) -> Iterator[Answer]:
    for part in frame.iter_slices(size):
        yield from part.to_dicts()


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
    """An order of the list: no country; and once it is finished, not when it was sent."""
    is_over = order["status"] == "FINISH"
    lines = [
        visible_facts(
            child_id=line["id"],
            order_id=order["number"],
            product_id=line["product"],
            product_name=line["title"],
            product_count=int(float(line["quantity"])),
            product_unit="piece",
            son_order_status=order["status"],
            issue_status=order["issue"] if place == 0 else "NO_ISSUE",
            goods_prepare_time=order["prepare"],
            freight_commit_day=None if order["way"] is None else str(order["way"]),
            logistics_type=order["service"],
            logistics_service_name=order["service"],
            logistics_amount=money(line["shipping"], order),
            product_unit_price=money(line["price"], order),
        )
        for place, line in enumerate(order["lines"])
    ]
    return visible_facts(
        order_id=order["number"],
        order_status=order["status"],
        issue_status=order["issue"],
        fund_status="NOT_PAY" if order["paid"] is None else "PAY_SUCCESS",
        biz_type="AE_COMMON",
        gmt_create=order["placed"],
        gmt_pay_time=order["paid"],
        gmt_send_goods_time=None if is_over else order["sent"],
        gmt_update=order["changed"],
        buyer_login_id=order["buyer_id"],
        seller_login_id=order["store_id"],
        pay_amount=money(order["total_usd"], order),
        product_list={"order_product_dto": lines},
    )


def _detail(order: Answer) -> Answer:
    """`aliexpress.solution.order.info.get`."""
    parcels = [
        visible_facts(
            logistics_no=parcel["number"],
            logistics_service_name=parcel["carrier"],
            gmt_send=parcel["sent"],
            gmt_received=parcel["received"],
            have_tracking_info=True,
            receive_status="default" if parcel["received"] is None else "received",
        )
        for parcel in order["parcels"] or ()
    ]
    data = visible_facts(
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
    is_well = order["sent"] is not None and order["issue"] == "NO_ISSUE"
    done = (
        ("front_create_order", order["placed"], order["buyer_id"]),
        ("front_pay_online_success", order["paid"], order["buyer_id"]),
        ("front_seller_send_all_goods", order["sent"], order["store_id"]),
        ("front_trade_success" if is_well else "trade_close", order["ended"], "system"),
    )
    base = order["number"] % 10**14 + OPERATION * 10**14
    for place, (action, at, operator) in enumerate(done, 1):
        if at is not None:
            yield {
                "id": base + place,
                "order_id": order["number"],
                "action_type": action,
                "operator": operator,
                "gmt_create": at,
                "gmt_modified": at,
            }


def _ways(raw: Path) -> Iterator[Answer]:
    """`aliexpress.ds.order.tracking.get`, the newer form, each with what was asked for; an order
    that no scan is known of has none."""
    sent = read_raw(raw, "shipments").select("order_id", "shipment_id", "carrier")
    scan = pl.struct(pl.col("sub_status"), at=_at("occurred_at").dt.epoch("ms"))
    scans = (
        pl.scan_csv(raw / "tracking.csv", infer_schema=False)
        .select("shipment_id", scan=scan)
        .collect()
    )
    scans = scans.group_by("shipment_id", maintain_order=True).agg("scan")
    ways = sent.join(scans, on="shipment_id", how="left", maintain_order="left")
    way = pl.struct("shipment_id", "carrier", "scan")
    ways = ways.group_by("order_id", maintain_order=True).agg(
        ways=way, count=pl.col("scan").list.len().sum()
    )
    for order in _records(ways.with_columns(number=number(ORDER, "order_id"))):
        result: Answer = {"ret": False, "msg": "TRACKING DATA NOT FOUND", "code": "1001"}
        if order["count"]:
            lines = {"tracking_detail": [_way(way) for way in order["ways"]]}
            result = {
                "ret": True,
                "msg": "",
                "code": "",
                "data": {"tracking_detail_line_list": lines},
            }
        request = {"ae_order_id": order["number"], "language": "en_US"}
        yield {"request": request, "aliexpress_ds_order_tracking_get_response": {"result": result}}


def _way(way: Answer) -> Answer:
    nodes = [
        {
            "time_stamp": scan["at"],
            "tracking_name": WORDS[scan["sub_status"]][0],
            "tracking_detail_desc": WORDS[scan["sub_status"]][1],
        }
        for scan in way["scan"] or ()
    ]
    return {
        "mail_no": way["shipment_id"],
        "carrier_name": way["carrier"],
        "package_item_list": {},
        "detail_node_list": {"detail_node": nodes} if nodes else {},
    }


def visible_facts(**fields: Any) -> Answer:
    """An answer leaves out what is not there."""
    return {name: value for name, value in fields.items() if value is not None}


def money(amount: str, order: Answer) -> Answer:
    return {"currency_code": order["currency"], "amount": amount}
