"""Which parcels a tracking service is asked to follow: the numbers of open orders, the newest
first."""

from __future__ import annotations

from features.spine import DEFAULT_WINDOW
from pipeline.sources.parcelservices.open_parcels import open_parcels

ORDERS = """
order_id | occurred_at
a        | 05-01T09:00
b        | 05-01T10:00
c        | 05-02T09:00
d        | 05-02T10:00
e        | 05-02T11:00
"""
SHIPMENTS = """
shipment_id   | order_id | carrier | occurred_at
lp000000001cn | a        | Cainiao | 05-03T09:00
LP000000002CN | b        | Cainiao | 05-04T09:00
LP000000003CN | c        | Yanwen  | 05-05T09:00
d-1           | d        | Yanwen  | 05-05T10:00
no number     | e        | Yanwen  | 05-05T10:00
"""


def numbers(tables) -> list[str]:
    return [parcel.number for parcel in open_parcels(tables, DEFAULT_WINDOW)]


def test_parcels_of_open_orders_the_newest_first(make_tables) -> None:
    """An id that is no tracking number is left out."""
    tables = make_tables(orders=ORDERS, shipments=SHIPMENTS)
    assert numbers(tables) == ["LP000000003CN", "LP000000002CN", "LP000000001CN"]
    assert open_parcels(tables, DEFAULT_WINDOW)[0].carrier == "Yanwen"


def test_a_delivered_parcel_and_that_of_a_closed_order_are_left_out(make_tables) -> None:
    tables = make_tables(
        orders=ORDERS,
        shipments=SHIPMENTS,
        order_events="order_id | event | occurred_at\nb | closed | 05-06T09:00",
        tracking="""
        shipment_id   | order_id | status    | occurred_at
        lp000000001cn | a        | Delivered | 05-06T09:00
        LP000000003CN | c        | InTransit | 05-06T09:00
    """,
    )
    assert numbers(tables) == ["LP000000003CN"]


def test_a_store_without_parcels(make_tables) -> None:
    assert numbers(make_tables(orders=ORDERS)) == []
