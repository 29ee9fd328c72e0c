"""The orders of each product, their disputes, and how much of each order's risk is already over.

An order placed yesterday may still be disputed; an order of last year no longer is.
In between, an order counts as `exposure` in [0, 1]: the share of all disputes that are known by its
age. The shares are estimated from the store's own orders with the product-limit estimator (Kaplan &
Meier 1958): of the orders that reached an age without a dispute, the share disputed at that age.
Ages are censored by the as-of day and by nothing else. The estimate is made per carrier service,
because disputes come later with a slow carrier. Assumption: the delay of disputes does not depend
on the product.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.asof import visible
from features.clock import EPOCH, days_between, in_days
from features.tables import Tables

# the columns that this module uses, so that callers need not read whole tables
USED: Mapping[str, tuple[str, ...]] = {
    "orders": ("order_id", "country", "lane", "known_day"),
    "order_lines": (
        "order_id",
        "line_id",
        "product_id",
        "supplier_id",
        "quantity",
        "unit_price_usd",
        "known_day",
    ),
    "products": ("product_id", "category", "weight_g", "known_day"),
    "promises": ("order_id", "kind", "promised_at", "occurred_at", "known_day"),
    "order_events": ("order_id", "event", "known_day"),
    "disputes": ("order_id", "line_id", "step", "cause", "liable", "known_day"),
}
LONGEST_DAYS = 240
# a carrier service with fewer disputes gets the curve of the whole store
LEAST_DISPUTES = 50
UNKNOWN = "unknown"
PRICE_EDGES = (5.0, 10.0, 20.0, 40.0, 80.0)
PROMISE_EDGES = (15.0, 25.0, 35.0, 45.0)
STEPS = ("opened", "escalated", "ruled")


def order_exposure(tables: Tables, as_of_day: int, lookback_days: int) -> pl.DataFrame:
    """One row per order that became known in `[as_of - lookback, as_of)`.

    The columns are `order_id, country, lane, service, month` (months since year 0), `known_day,
    promise` (number of the band), the flags `is_disputed, is_not_received, is_not_as_described,
    is_cause_known, is_escalated, is_seller_liable` (bool) and `exposure` (1 if disputed).

    If outcomes are recorded for some orders only, an order without an outcome has exposure 0: it is
    unknown, not undisputed.
    """
    orders = visible(tables["orders"].select(USED["orders"]), as_of_day)
    steps = visible(tables["disputes"].select(USED["disputes"]), as_of_day).filter(
        pl.col("step").is_in(STEPS)
    )
    orders = orders.join(_disputed(steps), on="order_id", how="left").with_columns(
        pl.col("lane", "country").fill_null(UNKNOWN),
        pl.col(_FLAGS).fill_null(False),
        is_disputed=pl.col("disputed_day").is_not_null(),
    )
    orders = orders.with_columns(
        service=pl.col("lane").cast(pl.Categorical).cast(pl.String).str.split(">").list.first()
    )
    if tables.has_partial_outcomes:
        events = visible(tables["order_events"].select(USED["order_events"]), as_of_day)
        observed = events.filter(pl.col("event") == "outcome_observed").select("order_id").unique()
        orders = orders.join(observed.with_columns(is_observed=True), on="order_id", how="left")
        has_outcome = pl.col("is_observed").fill_null(False) | pl.col("is_disputed")
        orders = orders.with_columns(exposure=has_outcome.cast(pl.Float64)).drop("is_observed")
    else:
        orders = orders.with_columns(exposure=pl.Series(_elapsed_risk(orders, as_of_day)))
    orders = orders.filter(in_days(pl.col("known_day"), as_of_day - lookback_days, as_of_day))
    placed = pl.lit(EPOCH) + pl.duration(days=pl.col("known_day"))
    return _with_promise(orders, tables, as_of_day).with_columns(
        month=placed.dt.year().cast(pl.Int32) * 12 + placed.dt.month()
    )


_FLAGS = (
    "is_not_received",
    "is_not_as_described",
    "is_cause_known",
    "is_escalated",
    "is_seller_liable",
)


def _disputed(steps: pl.DataFrame) -> pl.DataFrame:
    step, cause = pl.col("step"), pl.col("cause")
    return steps.group_by("order_id").agg(
        pl.col("known_day").filter(step == "opened").min().alias("disputed_day"),
        (cause == "not_received").any().alias("is_not_received"),
        (cause == "not_as_described").any().alias("is_not_as_described"),
        (cause != UNKNOWN).any().alias("is_cause_known"),
        (step == "escalated").any().alias("is_escalated"),
        ((step == "ruled") & (pl.col("liable") == "seller")).any().alias("is_seller_liable"),
    )


def _with_promise(orders: pl.DataFrame, tables: Tables, as_of_day: int) -> pl.DataFrame:
    """Add `promise`: the band of the first delivery promise in days; -1 without a promise."""
    promises = visible(tables["promises"].select(USED["promises"]), as_of_day).filter(
        pl.col("kind") == "delivery"
    )
    days = days_between(pl.col("occurred_at"), pl.col("promised_at"))
    first = promises.select("order_id", "occurred_at", days=days).unique(
        "order_id", keep="first", maintain_order=True
    )
    bands = band_of(first["days"], PROMISE_EDGES)
    promised = first.select("order_id", promise=bands)
    return orders.join(promised, on="order_id", how="left").with_columns(
        pl.col("promise").fill_null(-1)
    )


def band_of(values: pl.Series, edges: tuple[float, ...]) -> pl.Series:
    """Number of the band of each value, from 0; null where the value is null."""
    numbers = pl.Series(
        np.searchsorted(edges, values.fill_null(0.0).to_numpy(), side="right"), dtype=pl.Int32
    )
    return numbers.set(values.is_null(), None)


def _elapsed_risk(orders: pl.DataFrame, as_of_day: int) -> np.ndarray:
    """The share of each order's risk that is already over; 1 if the order is disputed."""
    age = np.minimum(as_of_day - orders["known_day"].to_numpy().astype(np.int64), LONGEST_DAYS)
    is_disputed = orders["is_disputed"].to_numpy()
    delay = (
        (orders["disputed_day"] - orders["known_day"])
        .fill_null(LONGEST_DAYS)
        .to_numpy()
        .astype(np.int64)
    )
    delay = np.clip(delay, 0, LONGEST_DAYS - 1)
    service = orders["service"].cast(pl.Categorical).to_physical().to_numpy()
    share = elapsed_risk_share(age, delay, is_disputed)[age]
    for number in np.unique(service):
        own = service == number
        if is_disputed[own].sum() >= LEAST_DISPUTES:
            share[own] = elapsed_risk_share(age[own], delay[own], is_disputed[own])[age[own]]
    return np.where(is_disputed, 1.0, share)


def elapsed_risk_share(age: np.ndarray, delay: np.ndarray, is_disputed: np.ndarray) -> np.ndarray:
    """(LONGEST_DAYS + 1): the share of all disputes, past and future, that is known at each age.

    `age` (days) has one value per order, of which days 0 to age - 1 are observed. `delay` is the
    age in days at which the dispute became known.
    """
    length = LONGEST_DAYS + 1
    # an order is at risk until the day of its dispute, or until its age ends
    leaves = np.where(is_disputed, delay + 1, age)
    at_risk = np.bincount(leaves, minlength=length)[::-1].cumsum()[::-1][1:]
    disputed = np.bincount(delay[is_disputed], minlength=LONGEST_DAYS)[:LONGEST_DAYS]
    hazard = disputed / np.maximum(at_risk, 1)
    share = np.concatenate([[0.0], 1.0 - np.cumprod(1.0 - np.minimum(hazard, 1.0))])
    if share[-1] > 0:
        return np.asarray(share / share[-1])
    return (np.arange(length) >= LONGEST_DAYS).astype(np.float64)


def product_orders(tables: Tables, orders: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """One row per order of `orders` and product in it.

    The columns are those of `orders`, `product_id, supplier_id, category, weight_g, quantity,
    value_usd` (unit price x quantity), `price` (band of the unit price) and `is_in_catalogue`. A
    product that was not in the catalogue on that day has category `unknown`.

    `blame` in [0, 1] is the product's part of the order's disputes: 1 for products whose lines a
    dispute names, 0 for the others. A dispute that names no line counts in equal parts for the
    products of the order (`is_split`), because each was exposed to the same order.
    """
    lines = visible(tables["order_lines"].select(USED["order_lines"]), as_of_day)
    units = pl.col("quantity").fill_null(1.0)
    keys = ["order_id", "product_id"]
    bought = lines.with_columns(quantity=units, value_usd=units * pl.col("unit_price_usd")).drop(
        "known_day", "line_id"
    )
    if bought.select(pl.struct(keys).n_unique()).item() < bought.height:
        sums = pl.col("quantity", "value_usd").sum()
        bought = bought.group_by(keys, maintain_order=True).agg(
            pl.col("supplier_id", "unit_price_usd").first(), sums
        )
    known = visible(tables["products"].select(USED["products"]), as_of_day).unique(
        "product_id", keep="last"
    )
    known = known.select("product_id", "category", "weight_g", is_in_catalogue=pl.lit(True))
    rows = orders.join(bought, on="order_id", how="inner").join(known, on="product_id", how="left")
    return _with_blame(rows, tables, lines, as_of_day).with_columns(
        pl.col("category", "supplier_id").fill_null(UNKNOWN),
        pl.col("is_in_catalogue").fill_null(False),
        price=band_of(rows["unit_price_usd"], PRICE_EDGES).fill_null(-1),
    )


def _with_blame(
    rows: pl.DataFrame, tables: Tables, lines: pl.DataFrame, as_of_day: int
) -> pl.DataFrame:
    """Add `blame` and `is_split` to orders x products (`product_orders`)."""
    opened = visible(tables["disputes"].select(USED["disputes"]), as_of_day).filter(step="opened")
    named = opened.join(lines, on=["order_id", "line_id"], how="inner")
    of_line = named.select("order_id", "product_id").unique().with_columns(is_named=pl.lit(True))
    # a dispute of an unknown line is like one that names none
    unnamed = opened.join(lines, on=["order_id", "line_id"], how="anti")
    of_order = unnamed.select("order_id").unique().with_columns(is_unnamed=pl.lit(True))
    joined = rows.join(
        of_line, on=["order_id", "product_id"], how="left", maintain_order="left"
    ).join(of_order, on="order_id", how="left", maintain_order="left")
    count, is_named = pl.len().over("order_id"), pl.col("is_named").fill_null(False)
    is_unnamed = pl.col("is_unnamed").fill_null(False)
    blame = pl.when(is_named).then(1.0).when(is_unnamed).then(1.0 / count).otherwise(0.0)
    return joined.with_columns(blame=blame, is_split=is_unnamed & ~is_named & (count > 1)).drop(
        "is_named", "is_unnamed"
    )
