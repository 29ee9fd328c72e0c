"""The last 30 and 90 days of products, suppliers and categories next to the whole lookback.

Disputes of young orders are still to come. An order therefore counts for the part of its risk that
is already over, so that recent and older orders are compared at equal age.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from features.clock import in_days
from models.monitoring.rate_changes import OrderCounts, rate_rises, risen_on_one_day
from models.monitoring.sequential_monitoring import FINE, PRODUCTS, SUPPLIERS, WATCH
from models.product.beta_rates import Posterior, update
from models.product.hierarchical_prior import Families
from models.product.lane_buyer_adjustment import Coded
from models.product.product_rates import chance_risen

WINDOWS = (30, 90)
TREND_DAYS = 90
SURE_TREND = 0.9
RISING, FALLING, STEADY = "rising", "falling", "steady"


def window_columns(*names: str) -> list[str]:
    """The columns of all windows, for example `count_orders_30d`."""
    return [f"{name}_{days}d" for days in WINDOWS for name in names]


# what `window_sums` adds
SUMS = window_columns("count_orders", "count_disputes", "exposure", "adjusted")


def window_sums(
    rows: pl.DataFrame, product: Coded, disputed: np.ndarray, adjusted: np.ndarray, as_of_day: int
) -> list[pl.Series]:
    """Per product, the columns `SUMS`: orders, disputes, exposure and adjusted exposure of the
    orders of the last days. `disputed` and `adjusted` have one value per row of `rows`."""
    columns = []
    for days in WINDOWS:
        is_recent = rows.select(in_days(pl.col("known_day"), as_of_day - days, as_of_day))
        recent = is_recent.to_series().to_numpy()
        for name, values in (
            ("count_orders", np.ones(rows.height)),
            ("count_disputes", disputed),
            ("exposure", rows["exposure"].to_numpy()),
            ("adjusted", adjusted),
        ):
            sums = np.bincount(product.codes, values * recent, len(product.names))
            columns.append(pl.Series(f"{name}_{days}d", sums))
    whole = {f"count_orders_{days}d": pl.Int64 for days in WINDOWS}
    return pl.DataFrame(columns).cast(whole).get_columns()  # type: ignore[arg-type]


def expected_disputes(days: int) -> pl.Expr:
    """Disputes of the last days by now, if their rate were that of the whole lookback."""
    rate = pl.when(pl.col("exposure") > 0).then(pl.col("count_disputes") / pl.col("exposure"))
    return rate * pl.col(f"exposure_{days}d")


def with_recent_rates(
    frame: pl.DataFrame, prior: Posterior, limit: float, scale: Iterable[float]
) -> pl.DataFrame:
    """Add, per window, `expected` (`expected_disputes`) and `rate` (from the window's orders alone,
    with the family as the prior), and `chance_over_limit_90d`.

    `scale` turns adjusted exposure into orders, per row.
    """
    of_window = {
        days: update(
            prior,
            frame[f"count_disputes_{days}d"].to_numpy(),
            frame[f"adjusted_{days}d"].to_numpy() / np.asarray(scale),
        )
        for days in WINDOWS
    }
    chance = of_window[TREND_DAYS].chance_over(limit)
    return frame.with_columns(
        *[expected_disputes(days).alias(f"expected_{days}d") for days in WINDOWS],
        *[pl.Series(f"rate_{d}d", of_window[d].mean) for d in WINDOWS],
        pl.Series(f"chance_over_limit_{TREND_DAYS}d", chance),
    )


def rate_trend(frame: pl.DataFrame, families: Families) -> pl.Expr:
    """Compare the last 90 days with the time before: rising, falling or steady.

    Null where either has no orders.
    """
    sums = {
        name: frame[name].to_numpy()
        for name in ("count_disputes", "adjusted", "count_disputes_90d", "adjusted_90d")
    }
    recent = (sums["count_disputes_90d"], sums["adjusted_90d"] * families.mean)
    before = (
        sums["count_disputes"] - recent[0],
        np.maximum(sums["adjusted"] * families.mean - recent[1], 0.0),
    )
    chance = pl.lit(pl.Series(chance_risen(families.shape, recent, before)))
    has_both = pl.lit(pl.Series((recent[1] > 0) & (before[1] > 0)))
    word = (
        pl.when(chance >= SURE_TREND)
        .then(pl.lit(RISING))
        .when(chance <= 1 - SURE_TREND)
        .then(pl.lit(FALLING))
    )
    return pl.when(has_both).then(word.otherwise(pl.lit(STEADY))).alias("trend")


def trend_with_changes() -> pl.Expr:
    """The trend; rising where the rate of the product or its supplier rose."""
    is_fine = (pl.col("change") == FINE) & (pl.col("supplier_change") == FINE)
    return pl.when(is_fine).then("trend").otherwise(pl.lit(RISING))


def supplier_changes(
    counts: OrderCounts, products: pl.DataFrame, supplier: Coded, unknown: str, as_of_day: int
) -> pl.DataFrame:
    """One row per supplier, in the order of its number, as `product_changes`.

    `of_one_product`: there is more evidence for one of its products than for all together.
    """
    frame = _changes(counts, supplier.codes, as_of_day, SUPPLIERS)
    most = np.full(frame.height, -np.inf)
    np.maximum.at(most, supplier.codes, products["evidence"].to_numpy())
    # orders without a supplier are no stream
    is_known = pl.Series((supplier.names != unknown).to_numpy())
    return frame.with_columns(
        pl.when(is_known).then(pl.col("level", "change")).otherwise(pl.lit(FINE)),
        changed_since=pl.when(is_known).then("changed_since"),
        of_one_product=pl.col("evidence") < pl.Series(most),
    )


def product_changes(counts: OrderCounts, products: int, as_of_day: int) -> pl.DataFrame:
    """One row per product, in the order of its number: `evidence, level, change, changed_since`.

    `level` is the alarm that may be checked every night: fine, watch or act. `change` is the same,
    and also `watch` where the test of a planned day says so. `changed_since` is the likely day,
    null without a change.
    """
    return _changes(counts, np.arange(products), as_of_day, PRODUCTS)


def _changes(counts: OrderCounts, stream: np.ndarray, as_of_day: int, share: float) -> pl.DataFrame:
    every_night = rate_rises(counts, stream, as_of_day, share)
    frame = pl.DataFrame(
        {
            "evidence": every_night.evidence,
            "level": pl.Series(every_night.level, dtype=pl.String),
            "has_risen": risen_on_one_day(counts, stream, as_of_day, WINDOWS),
            "day": pl.Series(every_night.since_day, dtype=pl.Int32).cast(pl.Date),
        }
    )
    is_watched = (pl.col("level") == FINE) & pl.col("has_risen")
    change = pl.when(is_watched).then(pl.lit(WATCH)).otherwise("level")
    frame = frame.with_columns(change=change)
    since = pl.when(pl.col("change") != FINE).then("day")
    return frame.select("evidence", "level", "change", changed_since=since)
