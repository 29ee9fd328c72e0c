"""Streams of observed and expected disputes: all orders, and each stage, lane and category.

Each stream is judged with the alarms of `models.monitoring.sequential_monitoring`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import betaincinv, gammaincinv

from features.labels import has_enough_disputes, is_measurable
from features.sentence import sentence
from models.monitoring.sequential_monitoring import (
    FINE,
    GROUPS,
    RETRAIN,
    WHOLE,
    Finding,
    level_of,
    log_evidence,
    look_at,
)

MOST_GROUPS = 12

BY = ("stage", "lane", "category")

DISPUTES_TO_KNOW = 20.0

# a shift within this many standard errors of how early disputes arrive is no evidence
ERRORS_ALLOWED = 2.0


@dataclass(frozen=True)
class Stream:
    """Observed and expected disputes of one group of orders: one value per night, oldest first."""

    by: str
    group: str
    observed: np.ndarray
    expected: np.ndarray

    @property
    def name(self) -> str:
        return "all open orders" if self.by == "all" else f"{self.by} {self.group}"


def streams_of(rows: pl.DataFrame) -> list[Stream]:
    """All orders, and by stage, lane and category the groups with the most expected disputes.

    `rows` has `order_id`, `as_of_day`, `observed`, `expected` and the columns of `BY`. Groups are
    chosen by expected disputes, never by observed ones.
    """
    if rows.is_empty():
        return []
    # the last bit of a floating-point sum depends on the order of its terms
    rows = rows.with_columns(all=pl.lit("all")).sort("as_of_day", "order_id")
    nights, streams = rows["as_of_day"].unique().sort(), []
    for by in ("all", *BY):
        known = rows.drop_nulls(by).group_by(by, "as_of_day", maintain_order=True)
        sums = known.agg(pl.col("observed", "expected").sum())
        groups = sums.group_by(by, maintain_order=True).agg(pl.col("expected").sum())
        for name in groups.sort("expected", by, descending=[True, False])[by].head(MOST_GROUPS):
            streams.append(_stream(sums.filter(pl.col(by) == name), nights, by, str(name)))
    return streams


def _stream(sums: pl.DataFrame, nights: pl.Series, by: str, group: str) -> Stream:
    by_night = (
        nights.to_frame()
        .join(sums, on="as_of_day", how="left", maintain_order="left")
        .fill_null(0.0)
    )
    return Stream(
        by,
        group,
        *(by_night[name].cast(pl.Float64).to_numpy() for name in ("observed", "expected")),
    )


def judge_stream(stream: Stream, kind: str, rise: float, fall: float) -> Finding | None:
    """A finding if the stream's rate has left its tolerance, else None.

    `kind` is "matured" or "early". `rise` and `fall` are the tolerated ratios to the expected rate.
    """
    sides = {
        True: log_evidence(stream.observed, stream.expected, rise, is_rise=True),
        False: log_evidence(stream.observed, stream.expected, fall, is_rise=False),
    }
    is_rise = sides[True] >= sides[False]
    level = level_of(sides[is_rise], WHOLE if stream.by == "all" else GROUPS)
    if level == FINE:
        return None
    observed, expected = stream.observed.sum(), stream.expected.sum()
    counts = {"stream": stream.name, "disputes": f"{observed:,.0f}", "expected": f"{expected:,.1f}"}
    if kind == "matured":
        says = sentence(
            "finding.matured",
            "{stream}: {disputes} dispute(s) from matured nights; {expected} expected",
            **counts,
        )
    else:
        says = sentence(
            "finding.early",
            "{stream}: {disputes} dispute(s) from recent nights (an estimate); {expected} expected",
            **counts,
        )
    propose = look_at(stream.name) if stream.by in ("lane", "category") else RETRAIN
    return Finding(level, f"{kind}_{'rise' if is_rise else 'fall'}", says, propose)


def first_nights(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep each order's first night only, because all nights of an order share its outcome."""
    return rows.sort("as_of_day", "order_id").unique("order_id", keep="first", maintain_order=True)


def expected_on_first_day(
    reference: pl.DataFrame, young: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Expected disputes of recent nights on the night's own day.

    `reference` holds rows of matured nights with `stage, probability, opened_at_once` (0 or 1). The
    share of disputes that open at once is estimated per stage from these. Rows of a stage with
    fewer than `DISPUTES_TO_KNOW` such disputes are left out, because other stages' disputes arrive
    earlier or later.

    Return `young` with `expected`, and per stage the number of disputes behind the estimate.
    """
    sums = reference.sort("as_of_day", "order_id").group_by("stage", maintain_order=True)
    by_stage = sums.agg(pl.col("probability", "opened_at_once").sum())
    by_stage = by_stage.filter(
        (pl.col("opened_at_once") >= DISPUTES_TO_KNOW) & (pl.col("probability") > 0)
    )
    share = by_stage.select("stage", share=pl.col("opened_at_once") / pl.col("probability"))
    joined = young.join(share, on="stage", how="inner", maintain_order="left")
    counts = dict(by_stage.select("stage", pl.col("opened_at_once").cast(pl.Float64)).iter_rows())
    return joined.with_columns(expected=pl.col("probability") * pl.col("share")), counts


def off_by_chance(known: dict[str, float], stream: Stream) -> float:
    """Factor by which a stream's expected disputes may be wrong by chance.

    The estimate of how early disputes arrive rests on few disputes; `known` holds their number per
    stage, as returned by `expected_on_first_day`.
    """
    count = known[stream.group] if stream.by == "stage" else sum(known.values())
    return 1.0 + ERRORS_ALLOWED / math.sqrt(count)


def calibration_table(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per stream of matured rows: observed and expected disputes, ratio and precision.

    `rows` has `observed, expected, is_listed` and the columns of `BY`. `precision` is the share of
    listed orders that were disputed. Each figure has its 95 % interval, valid at a planned date
    (Garwood 1936 for the count; Jeffreys for the share). Groups with too few disputed orders have
    counts only.
    """
    records = []
    for stream in streams_of(rows):
        part = rows if stream.by == "all" else rows.filter(pl.col(stream.by) == stream.group)
        listed = part.filter("is_listed")
        observed, expected = float(stream.observed.sum()), float(stream.expected.sum())
        hits = float(listed["observed"].sum())
        ratio = precision = None
        if expected and is_measurable(part.select("order_id", label="observed")):
            ratio = [count / expected for count in (observed, *_count_interval(observed))]
        if has_enough_disputes(listed.select("order_id", label="observed")):
            precision = [hits / listed.height, *_share_interval(hits, listed.height)]
        records.append(
            {
                "by": stream.by,
                "group": stream.group,
                "orders": part.height,
                "disputed": int(observed),
                "expected": expected,
                **_with_bounds("ratio", ratio),
                "listed": listed.height,
                **_with_bounds("precision", precision),
            }
        )
    return pl.DataFrame(records, infer_schema_length=None)


def _with_bounds(name: str, figures: list[float] | None) -> dict[str, float | None]:
    """The figure, its lower and its upper bound; None if it is not known."""
    names = (name, f"{name}_low", f"{name}_high")
    return dict.fromkeys(names) if figures is None else dict(zip(names, figures, strict=True))


def _count_interval(count: float) -> tuple[float, float]:
    return float(gammaincinv(count, 0.025)) if count else 0.0, float(
        gammaincinv(count + 1.0, 0.975)
    )


def _share_interval(hits: float, rows: int) -> tuple[float, float]:
    low, high = (float(betaincinv(hits + 0.5, rows - hits + 0.5, q)) for q in (0.025, 0.975))
    return (low if hits else 0.0), (high if hits < rows else 1.0)
