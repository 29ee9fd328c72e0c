"""The queues of open orders by what is wrong with them: who waits for an answer, whose parcel is
stuck. An order is in the first queue that fits, or in none.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

WAITING = "waiting"
# a parcel without news for so long has no movement, also on a lane whose usual gaps are not known
SILENT_DAYS = 14.0
# as in the signs of risk: longer than 19 of 20 gaps between scans on the lane
SILENT_RANK = 0.95
UNHAPPY_STARS = 2.0

_STAGE = pl.col("stage")
_IS_DELIVERED = _STAGE == "delivered"
_IS_SENT = _STAGE.is_in(["dispatch", "in_transit"])
# the store does not record when parcels leave: this one may have left
_MAY_BE_SENT = _IS_SENT | (_STAGE == "unknown")
_SILENCE = pl.col("logistics_days_since_news")
_TO_PROMISE, _TO_SHIP_BY = (pl.col(f"logistics_days_to_{name}") for name in ("promise", "ship_by"))
_LAST_MESSAGE = pl.col("conversation_days_since_message")
_HAS_PRODUCT_QUESTION = (pl.col("conversation_count_product_questions") > 0) & (
    _LAST_MESSAGE <= pl.col("logistics_days_in_stage")
)

# by name, in the order in which they are tried: when an order is in the queue, and since when, as
# days before the night (a fraction of a day counts as the day on which it began)
QUEUES: Mapping[str, tuple[pl.Expr, pl.Expr]] = {
    # the buyer wrote, and neither a message nor a contact of the seller followed
    WAITING: (pl.col("waiting_days").is_not_null(), pl.col("waiting_days")),
    # the carrier reported an exception, or customs asks for information; not delivered
    "exception": (
        ~_IS_DELIVERED
        & ((pl.col("logistics_count_exceptions") > 0) | (pl.col("logistics_is_held") > 0)),
        _SILENCE,
    ),
    # sent, and without a scan for unusually long
    "no_movement": (
        _IS_SENT
        & (
            (_SILENCE >= SILENT_DAYS)
            | (pl.col("logistics_silence_rank") >= SILENT_RANK).fill_null(False)
        ),
        _SILENCE,
    ),
    # sent, not delivered, and past the promised day of delivery
    "past_promise": (_MAY_BE_SENT & (_TO_PROMISE < 0), -_TO_PROMISE),
    # not sent, and past the day by which to ship
    "before_shipment_late": ((_STAGE == "before_shipment") & (_TO_SHIP_BY < 0), -_TO_SHIP_BY),
    # delivered, and the buyer wrote about the product since, or gave few stars
    "delivered_unhappy": (
        _IS_DELIVERED & (pl.col("unhappy_days").is_not_null() | _HAS_PRODUCT_QUESTION),
        pl.coalesce("unhappy_days", _LAST_MESSAGE),
    ),
}
# the features that the queues read
QUEUE_FEATURES = (
    "logistics_count_exceptions",
    "logistics_is_held",
    "logistics_days_since_news",
    "logistics_silence_rank",
    "logistics_days_to_promise",
    "logistics_days_to_ship_by",
    "logistics_days_in_stage",
    "conversation_days_since_message",
    "conversation_count_product_questions",
    "conversation_days_unanswered",
)
QUEUE_COLUMNS = ("order_id", "queue", "since", "risk", "stake_usd")


def order_queues(scored: pl.DataFrame, said: pl.DataFrame, unhappy: pl.DataFrame) -> pl.DataFrame:
    """One row per open order that is in a queue: oldest first, then riskiest, queue by queue.

    Parameters
    ----------
    scored
        One row per open order: `order_id, as_of` (date), `stage, probability, stake_usd` and the
        features that `QUEUES` names.
    said
        `order_id, waiting_days`: days since the buyer's first message without an answer, for the
        orders whose buyer waits.
    unhappy
        `order_id, unhappy_days`: days since a review of at most `UNHAPPY_STARS` stars.

    Returns
    -------
    pl.DataFrame
        `QUEUE_COLUMNS`: `queue` (a name of `QUEUES`), `since` (date on which the order came into
        this state; null if not known), `risk` (probability of a dispute) and `stake_usd`.

    """
    rows = scored
    for facts in (said, unhappy):
        rows = rows.join(facts, on="order_id", how="left", maintain_order="left")
    queue, days = pl.lit(None, pl.String), pl.lit(None, pl.Float64)
    for name, (is_in, since_days) in reversed(list(QUEUES.items())):
        fits = is_in.fill_null(False)
        queue = pl.when(fits).then(pl.lit(name)).otherwise(queue)
        days = pl.when(fits).then(since_days).otherwise(days)
    since = pl.col("as_of") - pl.duration(days=days.ceil().cast(pl.Int64))
    position = pl.col("queue").replace_strict(
        {name: n for n, name in enumerate(QUEUES)}, return_dtype=pl.Int8
    )
    queued = rows.select(
        "order_id", queue=queue, since=since, risk="probability", stake_usd="stake_usd"
    ).filter(pl.col("queue").is_not_null())
    return queued.sort(
        position,
        "since",
        "risk",
        "order_id",
        descending=[False, False, True, False],
        nulls_last=True,
    )


def may_be_queued() -> pl.Expr:
    """Whether the features of an open order may put it into a queue. Without any of them, an order
    can only be in a queue because of a review (`unhappy`), for which its stage is enough."""
    given = {"waiting_days", "unhappy_days"}
    others = [
        is_in.fill_null(False)
        for is_in, _ in QUEUES.values()
        if not set(is_in.meta.root_names()) & given
    ]
    is_waiting = pl.col("conversation_days_unanswered").is_not_null()
    has_question = (_IS_DELIVERED & _HAS_PRODUCT_QUESTION).fill_null(False)
    return pl.any_horizontal(is_waiting, has_question, *others)


def count_queues(queued: pl.DataFrame) -> dict[str, int]:
    """The number of orders in each queue, in the order of `QUEUES`; empty ones count 0."""
    counts = dict(queued["queue"].value_counts().iter_rows())
    return {name: counts.get(name, 0) for name in QUEUES}
