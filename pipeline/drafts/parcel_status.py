"""The last status of a parcel as the fact that a draft states about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# 17TRACK's sub-status -> the fact of the sentence about it
FACT_OF = {
    "InTransit_CustomsProcessing": "customs_on",
    "InTransit_CustomsRequiringInformation": "customs_asks_on",
    "InTransit_CustomsReleased": "cleared_on",
    "OutForDelivery_Other": "out_on",
    "AvailableForPickup_Other": "pickup_on",
    "DeliveryFailure_Other": "failed_on",
    "DeliveryFailure_NoBody": "absent_on",
    "DeliveryFailure_Security": "failed_on",
    "DeliveryFailure_Rejected": "refused_on",
    "DeliveryFailure_InvalidAddress": "address_on",
    "Exception_Other": "problem_on",
    "Exception_Returning": "returning_on",
    "Exception_Returned": "returned_on",
    "Exception_NoBody": "absent_on",
    "Exception_Security": "held_on",
    "Exception_Damage": "damaged_on",
    "Exception_Rejected": "refused_on",
    "Exception_Delayed": "delayed_on",
    "Exception_Lost": "lost_on",
    "Exception_Destroyed": "destroyed_on",
    "Exception_Cancel": "cancelled_on",
}
STATUS_FACTS = tuple(dict.fromkeys(FACT_OF.values()))
PARCEL_CONDITIONS = (
    # it will not arrive: it is lost or on its way back
    "stopped",
    # it may still arrive, or it waits at a pick-up point; and only the former
    "coming",
    "underway",
    # its news apologise, so that nothing else has to; and the contrary
    "bad_news",
    "no_bad_news",
)
# without a sub-status that is known
_BY_STATUS = {
    "OutForDelivery": "out_on",
    "AvailableForPickup": "pickup_on",
    "DeliveryFailure": "failed_on",
    "Exception": "problem_on",
}
# the parcel waits for the buyer
PICKUP = "pickup_on"
# the parcel will not arrive
STOPPED = ("returning_on", "returned_on", "lost_on", "destroyed_on", "cancelled_on")
# its news apologise already
APOLOGISED = ("held_on", "damaged_on", "delayed_on", *STOPPED, "problem_on")
# the parcel moves on as usual, so that other parcels and the promised day still say something
USUAL = ("customs_on", "cleared_on")
# attempts: of several, the last counts. Of the others, the first scan with the status
ATTEMPTS = ("failed_on", "absent_on", "address_on", "out_on", "refused_on")


def status_fact(row: Mapping[str, Any]) -> str | None:
    """The name of the fact about the parcel's last status; None if it only moves, or was delivered.

    Needs `last_status, last_sub_status, delivered_at`.
    """
    if row["delivered_at"] is not None or row["last_status"] is None:
        return None
    by_status = _BY_STATUS.get(row["last_status"])
    return FACT_OF.get(row["last_sub_status"] or "", by_status)
