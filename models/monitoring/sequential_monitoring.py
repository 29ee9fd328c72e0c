"""Check whether the model is still right, with alarms that may be checked every night.

Each stream (all orders, a stage, a lane or a category) has `observed` and `expected` disputes per
night; `expected` is the sum of the probabilities. The evidence against "the rate is at most
`tolerance` times the expected one" is a product of likelihood ratios of a Poisson count. For
independent orders with any probabilities its mean is at most 1 under that hypothesis, because 1 + p
(k - 1) <= exp(p (k - 1)). The night of a change is unknown, so the products from every starting
night are added up: an e-detector (Shin, Ramdas & Rinaldo 2024, "E-detectors", with the recursion of
Shiryaev and Roberts). Its mean after n nights is at most n. By the maximal inequality it reaches n
/ alpha within n nights with probability at most alpha, however often it is checked. Streams, sides
and kinds share alpha (Bonferroni, by families).

Orders are assumed to be independent given their probabilities. An event that hits many orders at
once makes counts vary more than that; the tolerance allows for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import betaincinv, gammaincinv, logsumexp

from features.sentence import Sentence, sentence

FINE, WATCH, ACT = "fine", "watch", "act"
LEVELS = (FINE, WATCH, ACT)
# one false "act" in 20 seasons without a change; a season has 90 nights and each looks back 90
# nights
SEASON_ALPHA, SEASON_NIGHTS, LOOKBACK_NIGHTS = 0.05, 90, 90
MOST_GROUPS = 12
# per family of streams: its share of alpha, and the least number of streams that share it. The
# whole store gets half, because it is the first thing a seller asks about
WHOLE, FEEDS, GROUPS = (0.5, 4), (0.25, 50), (0.25, 200)
# a "watch" may be wrong once a season
WATCH_ALPHA = 1.0
RISES, FALLS = (1.25, 1.6, 2.5, 5.0), (0.8, 0.6, 0.3, 0.05)
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


@dataclass(frozen=True)
class Finding:
    """Something to check. `says` describes it; `propose` says what to do about it."""

    level: str
    reading: str
    says: Sentence
    propose: Sentence


RETRAIN = sentence("propose.retrain", "retrain")


def look_at(what: str) -> Sentence:
    """The proposal to look at something."""
    return sentence("propose.look_at", "look at {what}", what=what)


def threshold(alpha: float, family: tuple[float, int]) -> float:
    """Log evidence that a stream without a change reaches in a season with its share of alpha."""
    share, streams = family
    return float(np.log((SEASON_NIGHTS + LOOKBACK_NIGHTS) * streams / (alpha * share)))


def log_evidence(
    observed: np.ndarray,
    expected: np.ndarray,
    tolerance: float,
    *,
    is_rise: bool,
    most_a_day: float = np.inf,
) -> float:
    """Log of the e-detector after the last night, averaged over several sizes of change.

    The hypothesis is a rate of at most `tolerance` times the expected one (`is_rise`), or of at
    least the expected one divided by `tolerance`. `most_a_day` caps the log evidence of a single
    day; a capped ratio is still valid evidence, only weaker.
    """
    bound = expected * tolerance if is_rise else expected / tolerance
    evidence = []
    for times in RISES if is_rise else FALLS:
        gains = np.minimum(observed * np.log(times) - (times - 1.0) * bound, most_a_day)
        # sum of the products from every starting night
        evidence.append(logsumexp(np.cumsum(gains[::-1])) if len(gains) else -np.inf)
    return float(logsumexp(evidence) - np.log(len(evidence)))


def level_of(evidence: float, family: tuple[float, int]) -> str:
    """`ACT`, `WATCH` or `FINE` for this log evidence."""
    levels = ((SEASON_ALPHA, ACT), (WATCH_ALPHA, WATCH))
    return next((level for alpha, level in levels if evidence >= threshold(alpha, family)), FINE)


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
    (Garwood 1936 for the count; Jeffreys for the share).
    """
    records = []
    for stream in streams_of(rows):
        part = rows if stream.by == "all" else rows.filter(pl.col(stream.by) == stream.group)
        listed = part.filter("is_listed")
        observed, expected = float(stream.observed.sum()), float(stream.expected.sum())
        hits = float(listed["observed"].sum())
        low, high = _count_interval(observed)
        share_low, share_high = (
            _share_interval(hits, listed.height) if listed.height else (None, None)
        )
        records.append(
            {
                "by": stream.by,
                "group": stream.group,
                "orders": part.height,
                "disputed": int(observed),
                "expected": expected,
                "ratio": observed / expected if expected else None,
                "ratio_low": low / expected if expected else None,
                "ratio_high": high / expected if expected else None,
                "listed": listed.height,
                "precision": hits / listed.height if listed.height else None,
                "precision_low": share_low,
                "precision_high": share_high,
            }
        )
    return pl.DataFrame(records, infer_schema_length=None)


def _count_interval(count: float) -> tuple[float, float]:
    return float(gammaincinv(count, 0.025)) if count else 0.0, float(
        gammaincinv(count + 1.0, 0.975)
    )


def _share_interval(hits: float, rows: int) -> tuple[float, float]:
    low, high = (float(betaincinv(hits + 0.5, rows - hits + 0.5, q)) for q in (0.025, 0.975))
    return (low if hits else 0.0), (high if hits < rows else 1.0)


def worst(findings: Sequence[Finding]) -> str:
    """The most severe level of `findings`; `FINE` if there are none."""
    return max((finding.level for finding in findings), key=LEVELS.index, default=FINE)
