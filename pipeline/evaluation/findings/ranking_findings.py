"""Tables about the ranking of past nights: what a list catches, what came, and what is missed.

`scored` is the labelled order-nights of past nights. Each row has the `probability` of a model
trained only on what had matured by that night.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.labels import LEAST_DISPUTED, disputed_orders, has_enough_disputes, is_measurable
from models.comparison.paired_comparison import draw_totals, interval
from models.reasons.risk_rules import has_sign
from pipeline.evaluation.findings.store_findings import RESAMPLES, disputed_share

# shares of a night's open orders at which the curve of `caught_curve` is measured
STEPS = tuple(step / 50 for step in range(51))
MOST_BINS = 10
CAUGHT = ("value", "low", "high", "less", "less_low", "less_high")


def rank_shares(scored: pl.DataFrame, score: np.ndarray) -> np.ndarray:
    """Where each row is in its night's ranking by `score`: above 0 for the highest, 1 for the
    lowest. The order id decides between equal scores."""
    ranked = (
        scored.select("order_id", "as_of_day")
        .with_columns(row=pl.int_range(pl.len()), score=pl.Series(score))
        .sort(["as_of_day", "score", "order_id"], descending=[False, True, False])
        .with_columns(
            share=(pl.int_range(pl.len()).over("as_of_day") + 1) / pl.len().over("as_of_day")
        )
    )
    return ranked.sort("row")["share"].to_numpy()


def on_list(scored: pl.DataFrame, score: np.ndarray, capacity: int) -> np.ndarray:
    """Whether each row is among the `capacity` highest of its night."""
    orders = scored.select(pl.len().over("as_of_day")).to_series().to_numpy()
    # half a position more, so that rounding never moves an order across the edge
    return np.asarray(rank_shares(scored, score) * orders < capacity + 0.5)


def caught_curve(scored: pl.DataFrame, scores: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """`way, contacted, caught`: the share of disputes among the highest-ranked share of a night's
    open orders, per way to rank them. Empty with too few disputed orders."""
    rows: list[tuple[str, float, float]] = []
    if is_measurable(scored):
        disputed = scored["label"].to_numpy() == 1
        for way, score in scores.items():
            shares = rank_shares(scored, score)[disputed]
            rows += [(way, step, float((shares <= step).mean())) for step in STEPS]
    schema = {"way": pl.String, "contacted": pl.Float64, "caught": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def caught_by(
    scored: pl.DataFrame, scores: Mapping[str, np.ndarray], capacity: int, seed: int
) -> pl.DataFrame:
    """The share of disputes among the `capacity` highest orders of each night, per way to rank.

    Columns: `way`, `value` with its 90 % interval `low, high`, and by how much it is less than that
    of the first way: `less, less_low, less_high` (paired: the same orders are drawn for all ways).
    Empty with too few disputed orders.
    """
    schema = {"way": pl.String} | dict.fromkeys(CAUGHT, pl.Float64)
    if not is_measurable(scored):
        return pl.DataFrame(schema=schema)
    label = scored["label"].to_numpy().astype(float)
    listed = [label * on_list(scored, score, capacity) for score in scores.values()]
    drawn = draw_totals(scored["order_id"], [label, *listed], seed, RESAMPLES)
    shares = drawn[:, 1:] / np.maximum(drawn[:, :1], 1.0)
    rows = []
    for number, way in enumerate(scores):
        less = shares[:, 0] - shares[:, number]
        ends = (*interval(shares[1:, number]), less[0], *interval(less[1:]))
        rows.append((way, shares[0, number], *ends))
    return pl.DataFrame(rows, schema=schema, orient="row")


def predicted_and_came(scored: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The predicted and the realised share of disputes, from low to high probability.

    One row per bin: `predicted`, and `disputed_share` of what came. All bins have the same number
    of expected disputes, and as many bins are made as leave enough disputed orders in each. The
    bins do not depend on what came. Empty with too few disputed orders.
    """
    ordered = scored.sort("probability", "order_id", "as_of_day")
    expected = ordered["probability"].cum_sum() / ordered["probability"].sum()
    for count in range(min(MOST_BINS, disputed_orders(scored) // LEAST_DISPUTED), 0, -1):
        number = (expected * count).ceil().clip(1, count)
        parts = ordered.with_columns(bin=number).partition_by("bin", maintain_order=True)
        if len(parts) == count and all(has_enough_disputes(part) for part in parts):
            return pl.DataFrame(
                [
                    {"predicted": part["probability"].mean(), **disputed_share(part, seed)}
                    for part in parts
                ]
            )
    return pl.DataFrame()


def disputes_by_rank(scored: pl.DataFrame, tenths: int = 10) -> pl.DataFrame:
    """Where the disputed orders were in their night's ranking: `tenth` (1: the riskiest), `sign`
    (whether a sign of trouble was visible) and `disputes`. Empty with too few disputed orders."""
    schema = {"tenth": pl.Int64, "sign": pl.String, "disputes": pl.Int64}
    if not has_enough_disputes(scored):
        return pl.DataFrame(schema=schema)
    share = pl.Series(rank_shares(scored, scored["probability"].to_numpy()))
    disputed = scored.with_columns(
        tenth=(share * tenths).ceil().cast(pl.Int64),
        sign=pl.when(has_sign())
        .then(pl.lit("a sign of trouble was visible"))
        .otherwise(pl.lit("no sign yet")),
    ).filter(pl.col("label") == 1)
    counted = disputed.group_by("tenth", "sign").agg(disputes=pl.len().cast(pl.Int64))
    return counted.select(*schema).sort("tenth", "sign")
