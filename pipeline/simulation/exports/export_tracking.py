"""The parcels of a simulated store as tracking answers of the Open Platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.simulation.exports.export_files import Answer, read_raw, utc
from pipeline.simulation.exports.export_ids import ORDER, number

# by sub-status: (name of the step, a carrier's description, which `status_of` reads as this
# sub-status)
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


def tracking_answers(raw: Path) -> Iterator[Answer]:
    """`aliexpress.ds.order.tracking.get`, the newer form, each with its request. The answer for an
    order without scans is an error."""
    sent = read_raw(raw, "shipments").select("order_id", "shipment_id", "carrier")
    scan = pl.struct(pl.col("sub_status"), at=utc("occurred_at").dt.epoch("ms"))
    scans = (
        pl.scan_csv(raw / "tracking.csv", infer_schema=False)
        .select("shipment_id", scan=scan)
        .collect()
    )
    scans = scans.group_by("shipment_id", maintain_order=True).agg("scan")
    parcels = sent.join(scans, on="shipment_id", how="left", maintain_order="left")
    parcel = pl.struct("shipment_id", "carrier", "scan")
    orders = parcels.group_by("order_id", maintain_order=True).agg(
        parcels=parcel, count_scans=pl.col("scan").list.len().sum()
    )
    orders = orders.with_columns(number=number(ORDER, "order_id"))
    yield from map(_answer, orders.iter_rows(named=True))


def _answer(order: Answer) -> Answer:
    result: Answer = {"ret": False, "msg": "TRACKING DATA NOT FOUND", "code": "1001"}
    if order["count_scans"]:
        lines = {"tracking_detail": [_parcel(parcel) for parcel in order["parcels"]]}
        result = {"ret": True, "msg": "", "code": "", "data": {"tracking_detail_line_list": lines}}
    request = {"ae_order_id": order["number"], "language": "en_US"}
    return {"request": request, "aliexpress_ds_order_tracking_get_response": {"result": result}}


def _parcel(parcel: Answer) -> Answer:
    nodes = [
        {
            "time_stamp": scan["at"],
            "tracking_name": WORDS[scan["sub_status"]][0],
            "tracking_detail_desc": WORDS[scan["sub_status"]][1],
        }
        for scan in parcel["scan"] or ()
    ]
    return {
        "mail_no": parcel["shipment_id"],
        "carrier_name": parcel["carrier"],
        "package_item_list": {},
        "detail_node_list": {"detail_node": nodes} if nodes else {},
    }
