"""Labels: whether a dispute is opened within the horizon. 1, 0, or null (not known yet)."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.asof import visible
from features.clock import in_label_window, is_matured
from features.tables import Tables

# no metric is computed from fewer disputed orders: one order more or less would change it visibly
LEAST_DISPUTED = 20


@dataclass(frozen=True)
class LabelWindow:
    """Length of the label window and reporting delay, both in days.

    `horizon_days`: length of the label window. `reporting_delay_days`: a dispute is known at most
    this many days after it was opened.
    """

    horizon_days: int = 30
    reporting_delay_days: int = 1


def build_labels(
    tables: Tables, spine: pl.DataFrame, window: LabelWindow, data_end_day: int
) -> pl.DataFrame:
    """One row per spine row, in its order: `order_id, as_of_day, label` (int8).

    Uses the facts that are visible at `data_end_day`.

    - 1: a dispute of the order was opened in [as_of, as_of + horizon).
    - 0: no dispute was opened in that window.
    - null: unknown. The label of a row is censored until its window is over, even if a dispute is
      already known: disputes become known sooner than their absence, so keeping them would bias
      the sample. If outcomes are recorded for some orders only, an order without one has no label.
    """
    steps = tables.select("disputes", "order_id", "step", "occurred_day", "known_day")
    opened = visible(steps, data_end_day).filter(pl.col("step") == "opened")
    disputes = opened.select("order_id", disputed_day="occurred_day")
    within = in_label_window(pl.col("disputed_day"), pl.col("as_of_day"), window.horizon_days)
    positives = (
        spine.join(disputes, on="order_id").filter(within).select("order_id", "as_of_day").unique()
    ).with_columns(is_positive=pl.lit(True))
    is_final = is_matured(
        pl.col("as_of_day"), data_end_day, window.horizon_days, window.reporting_delay_days
    )
    if tables.has_partial_outcomes:
        events = visible(
            tables.select("order_events", "order_id", "event", "known_day"), data_end_day
        )
        observed = events.filter(pl.col("event") == "outcome_observed").select("order_id")
        is_final = is_final & pl.col("order_id").is_in(
            pl.concat([observed, disputes.select("order_id")])["order_id"].unique().implode()
        )
    return (
        spine.join(positives, on=["order_id", "as_of_day"], how="left", maintain_order="left")
        .with_columns(
            label=pl.when(is_final).then(pl.col("is_positive").fill_null(False).cast(pl.Int8))
        )
        .select("order_id", "as_of_day", "label")
    )


def disputed_orders(rows: pl.DataFrame) -> int:
    """The number of different orders with `label` 1 in `rows` (`order_id, label`)."""
    return int(rows.filter(pl.col("label") == 1)["order_id"].n_unique())


def has_enough_disputes(rows: pl.DataFrame) -> bool:
    """Whether a share of disputed orders may be computed from `rows` (`order_id, label`)."""
    return disputed_orders(rows) >= LEAST_DISPUTED


def is_measurable(rows: pl.DataFrame) -> bool:
    """Whether a metric may be computed from `rows` (`order_id, label`): both outcomes occur, and
    at least `LEAST_DISPUTED` orders were disputed. Every outlet of a metric asks this."""
    return has_enough_disputes(rows) and bool((rows["label"] == 0).any())
