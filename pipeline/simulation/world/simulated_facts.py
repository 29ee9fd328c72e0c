"""Turn events into the canonical tables: facts with `occurred_at` and `known_at`, as known at the
end of the last day.

Ids contain the order's number. Rows are sorted by order, then by the time they became known, so
later news never renames or moves an earlier row.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.clock import SECONDS_A_DAY, day_number
from features.tables import INSTANT, TABLES
from pipeline.simulation.world.assumptions import QUARREL
from pipeline.simulation.world.buyer_messages import SELLER, STORE_UTC_HOURS, written_texts
from pipeline.simulation.world.journey import Journey
from pipeline.simulation.world.markets import CATEGORIES, CAUSES, COUNTRIES, SERVICES
from pipeline.simulation.world.order_life import Life
from pipeline.simulation.world.scans import SLOTS, Scans, scan_location
from pipeline.simulation.world.simulated_disputes import Disputes
from pipeline.simulation.world.simulated_orders import Orders, World

STORE = "store-1"
# tables whose rows are numbered within an order by the time they became known: id column, prefix
COUNTED = {
    "tracking": ("scan_id", "t"),
    "disputes": ("step_id", "st"),
    "messages": ("message_id", "m"),
    "order_events": ("event_id", "e"),
}


def product_frame(world: World) -> pl.DataFrame:
    """The products listed by the end of the last day. Titles come from sellers and cannot be
    trusted."""
    catalogue = world.catalogue
    number = np.arange(len(catalogue.category))
    category = pick_text([c.name for c in CATEGORIES], catalogue.category)
    frame = facts(
        catalogue.listed_at,
        product_id=ids("p", number + 1, 5),
        category=category,
        title=category + ", model " + pl.Series(number + 1).cast(pl.String),
        weight_g=catalogue.weight_g,
        count_photos=catalogue.count_photos,
    )
    return publish(world, "products", frame)


def order_frames(
    world: World, orders: Orders, journey: Journey, scans: Scans, life: Life, disputes: Disputes
) -> dict[str, pl.DataFrame]:
    """One frame per canonical table that has facts of orders."""
    order_id = ids("o", orders.number + 1, 6)
    closed = np.where(life.opened_day >= 0, np.inf, journey.closed)
    closed[disputes.order] = disputes.settled
    promised = dict(
        dispatch=journey.paid + orders.dispatch_promise_days, delivery=orders.delivery_promise
    )
    happened = {
        "orders": _orders(orders, order_id),
        "order_lines": pl.concat([_lines(world, orders, order_id, line) for line in (0, 1)]),
        "promises": pl.concat(
            facts(
                journey.paid if kind == "dispatch" else orders.placed,
                promise_id=order_id.str.replace("o", f"pr-{kind}"),
                order_id=order_id,
                kind=kind,
                promised_at=at,
            )
            for kind, at in promised.items()
        ),
        "order_events": pl.concat(
            [
                facts(journey.paid, order_id=order_id, event="paid"),
                facts(closed, order_id=order_id, event="closed"),
            ]
        ),
        "shipments": facts(
            journey.handed_over,
            shipment_id=order_id.str.replace("o", "s"),
            order_id=order_id,
            carrier=pick_text([s.name for s in SERVICES], orders.service),
        ),
        "tracking": _tracking(orders, scans, order_id),
        "disputes": _disputes(disputes, order_id),
        "messages": _messages(world, orders, life, order_id),
        "reviews": _reviews(world, orders, journey, life, order_id),
    }
    return {name: publish(world, name, frame) for name, frame in happened.items()}


def publish(world: World, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows known before the end of the last day, numbered, with days converted to instants
    (whole seconds)."""
    owner = "order_id" if "order_id" in frame.columns else TABLES[name].key[0]
    frame = frame.filter(pl.col("known_at") < world.days).sort(
        owner, "known_at", "occurred_at", maintain_order=True
    )
    if name in COUNTED:
        column, prefix = COUNTED[name]
        nth = pl.int_range(1, pl.len() + 1).over("order_id").cast(pl.String)
        frame = frame.with_columns(
            (pl.col("order_id").str.replace("o", prefix) + "-" + nth).alias(column)
        )
    start = day_number(world.first_day) * SECONDS_A_DAY - STORE_UTC_HOURS * 3600.0
    times = [
        column for column in ("occurred_at", "known_at", "promised_at") if column in frame.columns
    ]
    seconds = [(pl.col(c) * SECONDS_A_DAY + start).floor().cast(pl.Int64) for c in times]
    instants = [
        (s * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT).alias(c)
        for s, c in zip(seconds, times, strict=True)
    ]
    absent = [pl.lit(None).alias(c) for c in TABLES[name].schema if c not in frame.columns]
    return frame.with_columns(*instants, *absent).select(
        pl.col(c).cast(t) for c, t in TABLES[name].schema.items()
    )


def facts(
    occurred: np.ndarray, *, known: np.ndarray | None = None, **columns: object
) -> pl.DataFrame:
    """One row per event that happens. Without `known`, each is known when it happens. Times are
    still in days."""
    times = {"occurred_at": occurred, "known_at": occurred if known is None else known}
    frame = pl.select(
        *(_as_expression(value).alias(name) for name, value in {**columns, **times}.items()),
        eager=True,
    )
    return frame.filter(pl.col("occurred_at").is_finite())


def _as_expression(value: object) -> pl.Expr:
    return pl.lit(pl.Series(value) if isinstance(value, np.ndarray) else value)


def ids(prefix: str, numbers: np.ndarray, width: int) -> pl.Series:
    return pl.Series(numbers).cast(pl.String).str.zfill(width).str.replace("^", f"{prefix}-")


def pick_text(names: list[str], index: np.ndarray) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(index)


def _orders(orders: Orders, order_id: pl.Series) -> pl.DataFrame:
    country = _country(orders)
    return facts(
        orders.placed,
        order_id=order_id,
        buyer_id=ids("b", orders.buyer + 1, 6),
        store_id=STORE,
        country=country,
        lane=pick_text([s.name for s in SERVICES], orders.service) + ">" + country,
        currency="USD",
        total_usd=orders.total_usd,
        shipping_usd=orders.shipping_usd,
        total_source=orders.total_usd,
    )


def _country(orders: Orders) -> pl.Series:
    return pick_text([c.code for c in COUNTRIES], orders.country)


def _lines(world: World, orders: Orders, order_id: pl.Series, line: int) -> pl.DataFrame:
    """The first or second line of each order. The first line has all of the order's shipping."""
    product, quantity = orders.products[:, line], orders.quantity[:, line]
    return facts(
        np.where(quantity > 0, orders.placed, np.inf),
        order_id=order_id,
        line_id=order_id + f"-{line + 1}",
        product_id=ids("p", product + 1, 5),
        supplier_id=ids("sup", world.catalogue.supplier[product] + 1, 3),
        quantity=quantity,
        unit_price_usd=orders.price_usd[:, line],
        shipping_usd=orders.shipping_usd if line == 0 else np.zeros(len(product)),
    )


def _tracking(orders: Orders, scans: Scans, order_id: pl.Series) -> pl.DataFrame:
    """A scan reported twice has two rows; the second is known later."""
    order, slot = np.nonzero(np.isfinite(scans.occurred))
    row_order_id = order_id.gather(order)
    columns = {
        "shipment_id": row_order_id.str.replace("o", "s"),
        "order_id": row_order_id,
        "status": pick_text([status for status, _, _ in SLOTS], slot),
        "sub_status": pick_text([sub_status for _, sub_status, _ in SLOTS], slot),
        "location": scan_location(slot, _country(orders).gather(order), orders.number[order]),
    }
    occurred = scans.occurred[order, slot]
    first = facts(occurred, known=scans.known[order, slot], **columns)
    again = facts(occurred, known=scans.known_again[order, slot], **columns)
    return pl.concat([first, again.filter(pl.col("known_at").is_finite())])


def _disputes(disputes: Disputes, order_id: pl.Series) -> pl.DataFrame:
    row_order_id = order_id.gather(disputes.order)
    cause = pick_text(list(CAUSES), disputes.cause)
    reason = pl.Series(disputes.reason, dtype=pl.String)
    escalated_by = pl.Series(np.where(disputes.is_by_itself, "platform", "buyer"), dtype=pl.String)
    awarded = np.where(disputes.is_liable, disputes.claimed, 0.0)
    liable = pl.Series(np.where(disputes.is_liable, "seller", "buyer"), dtype=pl.String)
    no_amount = pl.Series([None] * len(cause), dtype=pl.Float64)
    no_party = pl.Series([None] * len(cause), dtype=pl.String)
    steps = (
        ("opened", disputes.opened, disputes.claimed, "buyer", no_party),
        ("answered", disputes.answered, no_amount, "seller", no_party),
        ("withdrawn", disputes.withdrawn, no_amount, "buyer", no_party),
        ("escalated", disputes.escalated, no_amount, escalated_by, no_party),
        ("ruled", disputes.ruled, awarded, "platform", liable),
        ("refunded", disputes.refunded, disputes.refund, "seller", no_party),
    )
    return pl.concat(
        facts(
            at,
            dispute_id=row_order_id.str.replace("o", "d"),
            order_id=row_order_id,
            step=step,
            cause=cause,
            reason=reason,
            amount_usd=amount,
            actor=actor,
            liable=party,
        )
        for step, at, amount, actor, party in steps
    )


def _messages(world: World, orders: Orders, life: Life, order_id: pl.Series) -> pl.DataFrame:
    messages = life.messages
    row_order_id = order_id.gather(messages.order)
    topic = pick_text(["product", "parcel"], messages.is_about_parcel.astype(int))
    asked = written_texts(world, orders, messages)
    answer = topic.replace_strict(SELLER, return_dtype=pl.String)
    said = (("buyer", messages.written, asked), ("seller", messages.answered, answer))
    return pl.concat(
        facts(at, order_id=row_order_id, sender=sender, topic=topic, text=text)
        for sender, at, text in said
    )


def _reviews(
    world: World, orders: Orders, journey: Journey, life: Life, order_id: pl.Series
) -> pl.DataFrame:
    """Scores (1-5 stars) of some delivered orders. They depend on the product's latent risk and are
    lower for late parcels and after a dispute."""
    draws, number = world.draws, orders.number
    written = journey.delivered + draws.exponential(QUARREL.review_mean_days, "review day", number)
    written[draws.uniform("reviews", number) >= QUARREL.share_reviewed] = np.inf
    mood = QUARREL.review_mood - QUARREL.review_risk_x * np.log(orders.risks.sum(axis=1))
    mood = mood - QUARREL.review_late * (journey.delivered > orders.delivery_promise)
    mood = mood - QUARREL.review_disputed * (life.opened < written)
    mood = mood + QUARREL.review_sigma * draws.normal("mood", number)
    stars = 5.0 - (mood[:, None] < np.array(QUARREL.review_edges)).sum(axis=1)
    return facts(written, review_id=order_id.str.replace("o", "r"), order_id=order_id, score=stars)
