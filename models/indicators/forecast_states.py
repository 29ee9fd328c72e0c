"""A coarse state per order and night: orders in one state have similar futures.

The forecast of the indicators counts what became of earlier orders in the same state.
"""

from __future__ import annotations

import polars as pl

from features.asof import visible
from features.clock import in_days, local_day
from features.indicators.order_outcomes import FOREVER, USED, order_outcomes
from features.spine import DisputeWindow, first_known
from features.tables import Tables

# an order placed longer ago than this has ended or will never end
LONGEST_LIFE_DAYS = 200


def recent_tables(tables: Tables, first_day: int) -> Tables:
    """The tables that states are made from, limited to orders placed on `first_day` or later."""
    orders = tables["orders"].filter(in_days(pl.col("occurred_day"), first_day, FOREVER))
    ids = orders.select("order_id")
    frames = {
        name: tables[name].join(ids, on="order_id", how="semi") for name in USED if name != "orders"
    }
    frames["tracking"] = frames["tracking"].filter(pl.col("status") == "Delivered")
    return tables.with_frames(frames | {"orders": orders})


def order_states(tables: Tables, as_of_day: int, window: DisputeWindow) -> pl.DataFrame:
    """One row per order known at `as_of_day`: the columns of `order_outcomes` and its `state`.

    The state is a short text that encodes one of the following. In dispute: days since the filing,
    or since it went to the platform. Open: days since delivery; before delivery, days to or past
    the promise and days since the hand-over (buyers react on the promised day); before the
    hand-over, days since the order. Confirmed: days since the confirmation.
    """
    outcomes = order_outcomes(tables, as_of_day, window)
    delivered = first_known(visible(tables["tracking"], as_of_day), "delivered_day")
    promises = visible(tables["promises"], as_of_day).filter(pl.col("kind") == "delivery")
    promised = promises.sort("known_at", "promised_at", "promise_id").group_by(
        "order_id", maintain_order=True
    )
    promised_day = local_day(pl.col("promised_at").last(), tables.zone)
    orders = outcomes.join(delivered, on="order_id", how="left").join(
        promised.agg(promised_day=promised_day), on="order_id", how="left"
    )

    def since(day: str, step: int, most: int, least: int = 0) -> pl.Expr:
        passed = (pl.lit(as_of_day) - pl.col(day)).clip(least, most)
        return (passed - least) // step

    on_the_road = pl.format(
        "t{}.{}", since("promised_day", 8, 40, -40), since("shipped_day", 10, 29)
    )
    state = (
        pl.when(pl.col("is_in_dispute") & pl.col("escalated_day").is_null())
        .then(pl.format("d{}", since("filed_day", 3, 23)))
        .when("is_in_dispute")
        .then(pl.format("e{}", since("escalated_day", 4, 19)))
        .when(pl.col("is_open") & pl.col("delivered_day").is_not_null())
        .then(pl.format("v{}", since("delivered_day", 3, 19)))
        .when(pl.col("is_open") & pl.col("shipped_day").is_null())
        .then(pl.format("o{}", since("ordered_day", 3, 20)))
        .when(pl.col("is_open") & pl.col("promised_day").is_not_null())
        .then(on_the_road)
        .when("is_open")
        .then(pl.format("s{}", since("shipped_day", 8, 79)))
        .when(pl.col("filed_day").is_null() & pl.col("confirmed_day").is_not_null())
        .then(pl.format("c{}", since("confirmed_day", 5, 20)))
        .otherwise(pl.lit("z"))
    )
    return orders.with_columns(state=state)
