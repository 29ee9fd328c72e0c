"""A simulated store as files that sellers get: the order sheet of AliExpress, and tracking answers
of 17TRACK and AfterShip.

docs/reference/simulated-exports.md lists what these formats cannot contain.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.simulation.exports.export_files import (
    Answer,
    first,
    local,
    read_raw,
    taken_at,
    write_lines,
)

SHEET = {
    "order_id": "订单号",
    "status": "订单状态",
    "buyer_id": "买家名称",
    "placed": "下单时间",
    "paid": "付款时间",
    "goods": "产品总金额",
    "shipping": "物流费用",
    "total": "订单金额",
    "products": "产品信息",
    "country": "收货国家",
    "service": "买家选择物流",
    "ship_by": "发货期限",
    "parcels": "实际发货物流:运单号",
    "sent": "发货时间",
    "received": "确认收货时间",
}
# AfterShip's codes for our sub-statuses, where they exist
SUBTAGS = {
    "InfoReceived": "InfoReceived_001",
    "InTransit_PickedUp": "InTransit_002",
    "InTransit_Other": "InTransit_001",
    "InTransit_Departure": "InTransit_007",
    "InTransit_Arrival": "InTransit_003",
    "InTransit_CustomsProcessing": "InTransit_006",
    "InTransit_CustomsReleased": "InTransit_005",
    "AvailableForPickup_Other": "AvailableForPickup_001",
    "OutForDelivery_Other": "OutForDelivery_001",
    "Delivered_Other": "Delivered_001",
    "DeliveryFailure_Other": "AttemptFail_001",
    "DeliveryFailure_NoBody": "AttemptFail_002",
    "Exception_Rejected": "Exception_003",
    "Exception_Security": "Exception_004",
    "Exception_Delayed": "Exception_005",
    "Exception_Other": "Exception_001",
    "Exception_Returning": "Exception_010",
    "Exception_Returned": "Exception_011",
    "Exception_Lost": "Exception_013",
    "Exception_Damage": "Exception_012",
    "Expired_Other": "Expired_001",
}


def write_exports(raw: Path, folder: Path) -> None:
    """Write `orders-DAY.csv` (GBK, as spreadsheets in China save it) and `tracking/` into `folder`,
    from the store in `raw`.

    About half of the parcels are in 17TRACK's answers, the others in AfterShip's. The whole store
    is held in memory.
    """
    tables = {path.stem: read_raw(raw, path.stem) for path in raw.glob("*.csv")}
    taken = taken_at(raw)
    sheet = _sheet(tables)
    (folder / f"orders-{taken}.csv").write_bytes(sheet.write_csv().encode("gb18030"))
    (folder / "tracking").mkdir()
    is_17track = pl.col("shipment_id").hash(seed=0) % 2 == 0
    for name, bodies in (
        ("17track", _seventeen(tables["tracking"].filter(is_17track))),
        ("aftership", _aftership(tables["tracking"].filter(~is_17track))),
    ):
        write_lines(folder / "tracking" / f"{name}-{taken}.jsonl", bodies)


def _money(column: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit("US $"), column.round(6).cast(pl.String))


def _sheet(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per order, with the columns of `SHEET`."""
    events, promises = tables["order_events"], tables["promises"]
    lines = tables["order_lines"].with_columns(
        pl.col("quantity", "unit_price_usd").cast(pl.Float64)
    )
    line_number = pl.int_range(1, pl.len() + 1).over("order_id")
    product = pl.format(
        "【{}】{} (商家编码: {}) (产品数量: {} piece)",
        line_number,
        "product_id",
        "product_id",
        pl.col("quantity").cast(pl.Int64),
    )
    goods = lines.group_by("order_id", maintain_order=True).agg(
        products=product.str.join("\n"), goods=(pl.col("quantity") * pl.col("unit_price_usd")).sum()
    )
    parcel = pl.concat_str(pl.col("carrier").fill_null(""), pl.lit(":"), "shipment_id")
    parcels = (
        tables["shipments"]
        .group_by("order_id", maintain_order=True)
        .agg(parcels=parcel.str.join("\n"))
    )
    rows = tables["orders"]
    for columns in (
        goods,
        parcels,
        first(events.filter(event="paid"), "paid"),
        first(events.filter(event="closed"), "received"),
        first(tables["shipments"], "sent"),
        first(promises.filter(kind="dispatch"), "ship_by", "promised_at"),
    ):
        rows = rows.join(columns, on="order_id", how="left", maintain_order="left")
    waiting = pl.when(pl.col("sent").is_null()).then(pl.lit("等待您发货"))
    status = (
        pl.when(pl.col("received").is_not_null())
        .then(pl.lit("交易完成"))
        .otherwise(waiting.otherwise(pl.lit("等待买家收货")))
    )
    return rows.with_columns(
        status=status,
        placed=local("occurred_at"),
        goods=_money(pl.col("goods")),
        shipping=_money(pl.col("shipping_usd").cast(pl.Float64)),
        total=_money(pl.col("total_usd").cast(pl.Float64)),
        service=pl.col("lane").str.split(">").list.first(),
    ).select(pl.col(ours).alias(theirs) for ours, theirs in SHEET.items())


def _parcels(tracking: pl.DataFrame) -> Iterator[tuple[str, list[dict[str, str | None]]]]:
    """(tracking number, scans) of each parcel."""
    for (number,), scans in tracking.group_by("shipment_id", maintain_order=True):
        yield str(number), scans.select("status", "sub_status", "occurred_at").to_dicts()


def _seventeen(tracking: pl.DataFrame) -> Iterator[Answer]:
    for number, scans in _parcels(tracking):
        events = [
            {
                "time_utc": scan["occurred_at"],
                "stage": scan["status"],
                "sub_status": scan["sub_status"],
                "description": "",
            }
            for scan in scans
        ]
        providers = [{"provider": {"key": 3011, "name": "China Post"}, "events": events}]
        latest = {"status": scans[-1]["status"], "sub_status": scans[-1]["sub_status"]}
        info = {"latest_status": latest, "tracking": {"providers": providers}}
        yield {
            "code": 0,
            "data": {"accepted": [{"number": number, "carrier": 3011, "track_info": info}]},
        }


def _aftership(tracking: pl.DataFrame) -> Iterator[Answer]:
    for number, scans in _parcels(tracking):
        points = [
            {
                "checkpoint_time": scan["occurred_at"],
                "tag": _tag(scan["status"]),
                "subtag": SUBTAGS.get(scan["sub_status"] or ""),
                "message": "",
            }
            for scan in scans
        ]
        yield {
            "tracking": {
                "tracking_number": number,
                "slug": "cainiao",
                "tag": points[-1]["tag"],
                "checkpoints": points,
            }
        }


def _tag(status: str | None) -> str | None:
    return {"NotFound": "Pending", "DeliveryFailure": "AttemptFail"}.get(status or "", status)
