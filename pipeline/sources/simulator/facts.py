"""From what happened to the canonical tables: facts with their two times, as known at the end of the last day.

Rows are sorted, and ids without a natural number are counted, by `known_at`: what becomes known later never renames
an earlier row.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from features.clock import SECONDS_A_DAY, day_number
from features.tables import INSTANT, TABLES
from pipeline.sources.simulator.assumptions import ASSUMED, CATEGORIES, CAUSES, COUNTRIES, MILESTONES, SERVICES
from pipeline.sources.simulator.outcomes import build_steps
from pipeline.sources.simulator.state import Catalogue, Life, Orders, Parcels

STORE = "store-1"
# what the last column of `Parcels.scans` stands for, by `exception_kind`
EXCEPTIONS = (
    ("InTransit", "InTransit_CustomsRequiringInformation"),
    ("Exception", "Exception_Returning"),
    ("Exception", "Exception_Lost"),
)
COUNTED_IDS = {
    "promises": ("promise_id", "pr"),
    "order_events": ("event_id", "e"),
    "tracking": ("scan_id", "t"),
    "disputes": ("step_id", "st"),
    "messages": ("message_id", "m"),
    "reviews": ("review_id", "r"),
}


def build_frames(
    rng: np.random.Generator,
    catalogue: Catalogue,
    orders: Orders,
    parcels: Parcels,
    life: Life,
    *,
    first_day: date,
    days: int,
) -> dict[str, pl.DataFrame]:
    """One frame per canonical table name, with exactly its columns; `contacts` is empty: nobody wrote first."""
    steps, settled = build_steps(rng, orders, life)
    order_id = _ids("o", np.arange(1, len(orders.placed) + 1))
    ended = np.where(np.isinf(life.opened), life.closed, settled)
    happened = {
        "orders": _orders(orders, order_id),
        "order_lines": pl.concat([_lines(catalogue, orders, order_id, line) for line in (0, 1)]),
        "products": _products(catalogue),
        "promises": pl.concat(
            [
                _facts(orders.paid, order_id=order_id, kind="dispatch", promised_at=orders.dispatch_promise),
                _facts(orders.placed, order_id=order_id, kind="delivery", promised_at=orders.delivery_promise),
            ]
        ),
        "order_events": pl.concat(
            [_facts(orders.paid, order_id=order_id, event="paid"), _facts(ended, order_id=order_id, event="closed")]
        ),
        "shipments": _shipments(orders, parcels, order_id),
        "tracking": _scans(rng, parcels, order_id),
        "disputes": pl.concat([_steps(step, life, order_id) for step in steps]),
        "messages": _messages(life, order_id),
        "reviews": _reviews(rng, orders, parcels, life, order_id),
    }
    tables = {name: _publish(name, frame, first_day, days) for name, frame in happened.items()}
    return {name: tables.get(name, table.empty()) for name, table in TABLES.items()}


def _publish(name: str, frame: pl.DataFrame, first_day: date, days: int) -> pl.DataFrame:
    """The rows known before the end of the last day, numbered, with days turned into instants (whole seconds)."""
    frame = frame.filter(pl.col("known_at") < days).sort("known_at", "occurred_at", maintain_order=True)
    if name in COUNTED_IDS:
        column, prefix = COUNTED_IDS[name]
        frame = frame.with_columns(_ids(prefix, np.arange(1, frame.height + 1), width=6).alias(column))
    start = day_number(first_day) * SECONDS_A_DAY
    times = [column for column in ("occurred_at", "known_at", "promised_at") if column in frame.columns]
    instants = [
        pl.from_epoch((pl.col(c) * SECONDS_A_DAY + start).floor().cast(pl.Int64), time_unit="s").alias(c) for c in times
    ]
    frame = frame.with_columns(instants).with_columns(
        pl.col(c).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT) for c in times
    )
    return frame.select(pl.col(c).cast(dtype) for c, dtype in TABLES[name].schema.items())


def _facts(occurred: np.ndarray, *, known: np.ndarray | None = None, **columns: object) -> pl.DataFrame:
    """Rows that happen at all; without `known`, each is known as it happens. Times still in days."""
    times = {"occurred_at": occurred, "known_at": occurred if known is None else known}
    frame = pl.select(*(_as_expression(value).alias(name) for name, value in {**columns, **times}.items()), eager=True)
    return frame.filter(pl.col("occurred_at").is_finite())


def _as_expression(value: object) -> pl.Expr:
    return pl.lit(pl.Series(value) if isinstance(value, np.ndarray) else value)


def _ids(prefix: str, numbers: np.ndarray, width: int = 5) -> pl.Series:
    return pl.Series(numbers).cast(pl.String).str.zfill(width).str.replace("^", f"{prefix}-")


def _pick(names: list[str], index: np.ndarray) -> pl.Series:
    return pl.Series(names).gather(index)


def _orders(orders: Orders, order_id: pl.Series) -> pl.DataFrame:
    services, countries = [s.name for s in SERVICES], [c.code for c in COUNTRIES]
    country = _pick(countries, orders.country)
    return _facts(
        orders.placed,
        order_id=order_id,
        buyer_id=_ids("b", orders.buyer + 1),
        store_id=STORE,
        country=country,
        lane=_pick(services, orders.service) + ">" + country,
        currency="USD",
        total_usd=orders.total_usd,
        shipping_usd=orders.shipping_usd,
        total_source=orders.total_usd,
        count_installments=None,
    )


def _lines(catalogue: Catalogue, orders: Orders, order_id: pl.Series, line: int) -> pl.DataFrame:
    """All of an order's shipping is on its first line."""
    product, quantity = orders.products[:, line], orders.quantity[:, line]
    return _facts(
        np.where(quantity > 0, orders.placed, np.inf),
        order_id=order_id,
        line_id=order_id + f"-{line + 1}",
        product_id=_ids("p", product + 1, width=4),
        supplier_id=_ids("sup", catalogue.supplier[product] + 1, width=2),
        quantity=quantity,
        unit_price_usd=catalogue.price_usd[product],
        shipping_usd=orders.shipping_usd if line == 0 else np.zeros(len(product)),
    )


def _products(catalogue: Catalogue) -> pl.DataFrame:
    number = np.arange(1, len(catalogue.category) + 1)
    category = _pick(list(CATEGORIES), catalogue.category)
    return _facts(
        catalogue.listed_at,
        product_id=_ids("p", number, width=4),
        category=category,
        title=category + ", model " + pl.Series(number).cast(pl.String),
        weight_g=catalogue.weight_g,
        count_photos=catalogue.count_photos,
    )


def _shipments(orders: Orders, parcels: Parcels, order_id: pl.Series) -> pl.DataFrame:
    return _facts(
        parcels.handed_over,
        shipment_id=order_id.str.replace("o", "s"),
        order_id=order_id,
        carrier=_pick([s.name for s in SERVICES], orders.service),
    )


def _scans(rng: np.random.Generator, parcels: Parcels, order_id: pl.Series) -> pl.DataFrame:
    """Most scans reach the store within half an hour; some only a day or two later."""
    shape = parcels.scans.shape
    is_late = rng.random(shape) < ASSUMED.share_late_known
    delay = np.where(is_late, rng.uniform(*ASSUMED.late_known_days, shape), rng.uniform(0.0, 0.02, shape))
    status = np.tile([m.status for m in MILESTONES] + [""], (shape[0], 1)).astype(object)
    sub_status = np.tile([m.sub_status for m in MILESTONES] + [""], (shape[0], 1)).astype(object)
    for kind, (main, sub) in enumerate(EXCEPTIONS):
        status[parcels.exception_kind == kind, -1] = main
        sub_status[parcels.exception_kind == kind, -1] = sub
    order = order_id.gather(np.repeat(np.arange(shape[0]), shape[1]))
    return _facts(
        parcels.scans.ravel(),
        known=(parcels.scans + delay).ravel(),
        shipment_id=order.str.replace("o", "s"),
        order_id=order,
        status=pl.Series(status.ravel(), dtype=pl.String),
        sub_status=pl.Series(sub_status.ravel(), dtype=pl.String),
    )


def _steps(step: tuple[str, np.ndarray, np.ndarray], life: Life, order_id: pl.Series) -> pl.DataFrame:
    name, at, amount = step
    return _facts(
        at,
        dispute_id=order_id.str.replace("o", "d"),
        order_id=order_id,
        step=name,
        cause=_pick(list(CAUSES), np.maximum(life.cause, 0)),
        amount_usd=pl.Series(amount).fill_nan(None),
    )


def _messages(life: Life, order_id: pl.Series) -> pl.DataFrame:
    messages = life.messages
    order = order_id.gather(messages.order)
    topic = _pick(["product", "parcel"], messages.is_about_parcel.astype(int))
    return pl.concat(
        [
            _facts(messages.written_at, order_id=order, sender="buyer", topic=topic),
            _facts(messages.answered_at, order_id=order, sender="seller", topic=topic),
        ]
    )


def _reviews(
    rng: np.random.Generator, orders: Orders, parcels: Parcels, life: Life, order_id: pl.Series
) -> pl.DataFrame:
    """Stars 1-5 of some delivered orders: by quality, lower for late parcels and for orders disputed before."""
    count = len(orders.placed)
    written = parcels.delivered + rng.exponential(ASSUMED.review_mean_days, count)
    written[rng.random(count) >= ASSUMED.share_reviewed] = np.inf
    stars = 4.7 - 0.45 * orders.badness - 0.7 * (parcels.delivered > orders.delivery_promise)
    stars += rng.normal(0.0, 0.7, count) - 1.5 * (life.opened < written)
    return _facts(written, order_id=order_id, score=np.clip(np.round(stars), 1.0, 5.0))
