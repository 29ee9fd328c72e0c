"""Compare what was loaded with what is right. A value that is absent or refused is no error; a
value that differs is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from tests.unit.sources.exports.export_truth import Order

EUR = 1.25
MINUTE = timedelta(seconds=59)
CENT = 0.011


def wrong_values(
    frames: Mapping[str, pl.DataFrame],
    orders: Sequence[Order],
    number_of: Callable[[str], str] = str,
    day_zone: str | None = None,
) -> list[str]:
    """A line for each value that was loaded and is wrong.

    `number_of`: the number of an order in the id that the system gives it. `day_zone`: the zone of
    the days, if the system writes times without a time of day.
    """
    if day_zone is not None:
        orders = [_at_midnight(order, ZoneInfo(day_zone)) for order in orders]
    by_id = {str(order.number): order for order in orders}
    frames = {
        name: frame.with_columns(pl.col("order_id").map_elements(number_of, pl.String))
        if "order_id" in frame.columns and number_of is not str
        else frame
        for name, frame in frames.items()
    }
    return [
        *_of_orders(frames["orders"], by_id),
        *_of_lines(frames.get("order_lines"), by_id),
        *_of_times(frames.get("shipments"), by_id, "shipped"),
        *_of_times(frames.get("order_events"), by_id, "paid"),
        *_of_disputes(frames.get("disputes"), by_id),
    ]


def _at_midnight(order: Order, zone: ZoneInfo) -> Order:
    """The order with the starts of its days; they are right although its times are other ones."""

    def midnight(at: datetime | None) -> datetime | None:
        return at and at.astimezone(zone).replace(hour=0, minute=0, second=0)

    return replace(
        order,
        placed=midnight(order.placed) or order.placed,
        paid=midnight(order.paid) or order.paid,
        shipped=midnight(order.shipped),
        disputed=midnight(order.disputed),
    )


def _rows(frame: pl.DataFrame | None) -> Iterator[dict[str, object]]:
    yield from frame.iter_rows(named=True) if frame is not None else ()


def _is_near(ours: object, right: float) -> bool:
    return abs(float(str(ours)) - right) <= CENT * 1.3


def _is_at(ours: object, right: datetime | None) -> bool:
    return right is not None and isinstance(ours, datetime) and abs(ours - right) <= MINUTE


def _of_orders(frame: pl.DataFrame, by_id: Mapping[str, Order]) -> Iterator[str]:
    for row in _rows(frame):
        order = by_id.get(str(row["order_id"]))
        if order is None:
            yield f"orders: unknown order {row['order_id']}"
            continue
        if not _is_at(row["occurred_at"], order.placed):
            yield f"{order.number}: placed {row['occurred_at']}, right {order.placed}"
        if not _is_near(row["total_usd"], order.total * EUR):
            yield f"{order.number}: total {row['total_usd']}, right {order.total * EUR}"
        if row["country"] not in (order.country, "unknown"):
            yield f"{order.number}: country {row['country']}, right {order.country}"


def _of_lines(frame: pl.DataFrame | None, by_id: Mapping[str, Order]) -> Iterator[str]:
    for row in _rows(frame):
        order = by_id.get(str(row["order_id"]))
        right = {(line.sku): line for line in order.lines} if order else {}
        by_title = {line.title: line for line in order.lines} if order else {}
        line = right.get(str(row["product_id"])) or by_title.get(str(row["product_id"]))
        if order is None or line is None:
            yield f"{row['order_id']}: has no product {row['product_id']}"
        elif row["quantity"] != line.quantity or not _is_near(
            row["unit_price_usd"], line.price * EUR
        ):
            shown = (row["quantity"], row["unit_price_usd"])
            yield f"{order.number}: line {shown}, right {(line.quantity, line.price * EUR)}"


def _of_times(frame: pl.DataFrame | None, by_id: Mapping[str, Order], name: str) -> Iterator[str]:
    for row in _rows(frame):
        order = by_id.get(str(row["order_id"]))
        if order is None or not _is_at(row["occurred_at"], getattr(order, name)):
            yield f"{row['order_id']}: {name} {row['occurred_at']}"


def _of_disputes(frame: pl.DataFrame | None, by_id: Mapping[str, Order]) -> Iterator[str]:
    for row in _rows(frame):
        order = by_id.get(str(row["order_id"]))
        if order is None or not _is_at(row["occurred_at"], order.disputed):
            yield f"{row['order_id']}: disputed {row['occurred_at']}"
            continue
        if row["cause"] not in (order.cause, "unknown"):
            yield f"{order.number}: cause {row['cause']}, right {order.cause}"
        amount = row["amount_usd"]
        if amount is not None and not _is_near(amount, order.total * EUR):
            yield f"{order.number}: disputed amount {amount}, right {order.total * EUR}"
