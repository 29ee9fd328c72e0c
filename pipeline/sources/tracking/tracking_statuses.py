"""Map the statuses of tracking providers to 17TRACK's main statuses and sub-statuses.

17TRACK: platform-rules 5.3 [S37]. Its older numbers and the words in its sheets are assumptions,
because no public description was found. AfterShip: its public lists of delivery statuses and
sub-statuses [S38].
"""

from __future__ import annotations

from collections.abc import Mapping

from features.tables import TABLES

STATUSES = next(column.choices for column in TABLES["tracking"].columns if column.name == "status")
SUB_STATUSES = frozenset(
    (
        "NotFound_Other",
        "NotFound_InvalidCode",
        "InfoReceived",
        "InTransit_PickedUp",
        "InTransit_Other",
        "InTransit_Departure",
        "InTransit_Arrival",
        "InTransit_CustomsProcessing",
        "InTransit_CustomsReleased",
        "InTransit_CustomsRequiringInformation",
        "Expired_Other",
        "AvailableForPickup_Other",
        "OutForDelivery_Other",
        "DeliveryFailure_Other",
        "DeliveryFailure_NoBody",
        "DeliveryFailure_Security",
        "DeliveryFailure_Rejected",
        "DeliveryFailure_InvalidAddress",
        "Delivered_Other",
        "Exception_Other",
        "Exception_Returning",
        "Exception_Returned",
        "Exception_NoBody",
        "Exception_Security",
        "Exception_Damage",
        "Exception_Rejected",
        "Exception_Delayed",
        "Exception_Lost",
        "Exception_Destroyed",
        "Exception_Cancel",
    )
)
# 17TRACK's milestones, its older numbers and the words in its sheets (English and Chinese), and
# AfterShip's tags
_STATES: Mapping[str, str] = {
    "pickedup": "InTransit_PickedUp",
    "departure": "InTransit_Departure",
    "arrival": "InTransit_Arrival",
    "returning": "Exception_Returning",
    "returned": "Exception_Returned",
    "0": "NotFound",
    "10": "InTransit",
    "20": "Expired",
    "30": "AvailableForPickup",
    "35": "DeliveryFailure",
    "40": "Delivered",
    "50": "Exception",
    "pickup": "AvailableForPickup",
    "readyforpickup": "AvailableForPickup",
    "undelivered": "DeliveryFailure",
    "failedattempt": "DeliveryFailure",
    "attemptfail": "DeliveryFailure",
    "alert": "Exception",
    "pending": "NotFound",
    "informationreceived": "InfoReceived",
    "transit": "InTransit",
    "查询不到": "NotFound",
    "收到信息": "InfoReceived",
    "运输途中": "InTransit",
    "运输过久": "Expired",
    "到达待取": "AvailableForPickup",
    "派送途中": "OutForDelivery",
    "投递失败": "DeliveryFailure",
    "成功签收": "Delivered",
    "可能异常": "Exception",
}
_AFTERSHIP: Mapping[str, str] = {
    "pending_001": "NotFound_Other",
    "pending_002": "NotFound_Other",
    "pending_003": "NotFound_Other",
    "pending_004": "NotFound_InvalidCode",
    "pending_005": "NotFound_InvalidCode",
    "pending_006": "NotFound_Other",
    "inforeceived_001": "InfoReceived",
    "intransit_001": "InTransit_Other",
    "intransit_002": "InTransit_PickedUp",
    "intransit_003": "InTransit_Arrival",
    "intransit_004": "InTransit_Arrival",
    "intransit_005": "InTransit_CustomsReleased",
    "intransit_006": "InTransit_CustomsProcessing",
    "intransit_007": "InTransit_Departure",
    "intransit_008": "InTransit_Other",
    "intransit_009": "InTransit_Other",
    "outfordelivery_001": "OutForDelivery_Other",
    "outfordelivery_003": "OutForDelivery_Other",
    "outfordelivery_004": "OutForDelivery_Other",
    "availableforpickup_001": "AvailableForPickup_Other",
    "attemptfail_001": "DeliveryFailure_Other",
    "attemptfail_002": "DeliveryFailure_NoBody",
    "attemptfail_003": "DeliveryFailure_NoBody",
    "delivered_001": "Delivered_Other",
    "delivered_002": "Delivered_Other",
    "delivered_003": "Delivered_Other",
    "delivered_004": "Delivered_Other",
    "delivered_005": "Delivered_Other",
    "exception_001": "Exception_Other",
    "exception_002": "Exception_NoBody",
    "exception_003": "Exception_Rejected",
    "exception_004": "Exception_Security",
    "exception_005": "Exception_Delayed",
    "exception_006": "Exception_Other",
    "exception_007": "Exception_Other",
    "exception_008": "Exception_NoBody",
    "exception_009": "Exception_Other",
    "exception_010": "Exception_Returning",
    "exception_011": "Exception_Returned",
    "exception_012": "Exception_Damage",
    "exception_013": "Exception_Lost",
    "expired_001": "Expired_Other",
}
_OWN_NAMES = {name.lower(): name for name in (*SUB_STATUSES, *STATUSES)}


def state_of(*texts: str | None) -> tuple[str, str | None] | None:
    """(status, sub-status) for the first text that is in a list, or None if none is."""
    for text in texts:
        word = "".join((text or "").split()).lower()
        name = (
            _AFTERSHIP.get(word)
            or _OWN_NAMES.get(word)
            or _STATES.get(word)
            or _OWN_NAMES.get(word.replace("_", ""))
        )
        if name is not None:
            status = name.partition("_")[0]
            return status, name if name in SUB_STATUSES else None
    return None
