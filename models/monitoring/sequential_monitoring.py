"""Is the model still right? What came beside what it said, night by night, with alarms that may be
asked every night.

Every stream (all orders, a stage, a lane, a category) has a night's `observed` disputes and
`expected` ones (the sum of the probabilities). Its evidence against "the rate is at most
`tolerance` times what was said" is a product of likelihood ratios of a Poisson count; for
independent orders of any probabilities its mean is at most 1 while that holds, since 1 + p (k - 1)
<= exp(p (k - 1)). When the change came is not known, so products from every starting night are
added: an e-detector (Shin, Ramdas & Rinaldo 2024, "E-detectors", with the recursion of Shiryaev and
Roberts). Its mean after n nights is at most n, so by the maximal inequality it reaches n / alpha
within n nights with chance alpha at the most, however often it was looked at. Streams, sides and
kinds share alpha (Bonferroni, by families).

Orders are taken as independent given their probabilities. What hits many at once spreads counts
more than that; the tolerance is what allows for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import betaincinv, gammaincinv, logsumexp

FINE, WATCH, ACT = "fine", "watch", "act"
LEVELS = (FINE, WATCH, ACT)
# one false act in 20 quiet seasons of 90 nights; each of these nights looks back on as many
SEASON_ALPHA, SEASON_NIGHTS, LOOKBACK_NIGHTS = 0.05, 90, 90
MOST_GROUPS = 12
# families of streams: the share of alpha each has, and over how many streams it is split, never
# over fewer. The whole store has half: it is what a seller asks first
WHOLE, FEEDS, GROUPS = (0.5, 4), (0.25, 50), (0.25, 200)
# a watch may be wrong once a season
WATCH_ALPHA = 1.0
RISES, FALLS = (1.25, 1.6, 2.5, 5.0), (0.8, 0.6, 0.3, 0.05)
BY = ("stage", "lane", "category")
DISPUTES_TO_KNOW = 20.0
# so many standard errors of how soon disputes come are no evidence
ERRORS_ALLOWED = 2.0


@dataclass(frozen=True)
class Stream:
    """One value per night, the oldest first."""

    by: str
    group: str
    observed: np.ndarray
    expected: np.ndarray

    @property
    def name(self) -> str:
        return "all open orders" if self.by == "all" else f"{self.by} {self.group}"


@dataclass(frozen=True)
class Finding:
    """Something to look at. `propose`: what to do about it."""

    level: str
    reading: str
    says: str
    propose: str


def threshold(alpha: float, family: tuple[float, int]) -> float:
    """Log evidence that a stream without a change reaches within a season with its part of
    alpha."""
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
    """Log of the e-detector after the last night against a rate of at most `tolerance` times the
    expected (`is_rise`), or of at least the expected over `tolerance`: the mean over several sizes
    of change.

    `most_a_day`: what one day alone may say; less than the ratio is evidence still, only weaker.
    """
    bound = expected * tolerance if is_rise else expected / tolerance
    found = []
    for times in RISES if is_rise else FALLS:
        gains = np.minimum(observed * np.log(times) - (times - 1.0) * bound, most_a_day)
        # the product from every starting night, added up
        found.append(logsumexp(np.cumsum(gains[::-1])) if len(gains) else -np.inf)
    return float(logsumexp(found) - np.log(len(found)))


def level_of(evidence: float, family: tuple[float, int]) -> str:
    levels = ((SEASON_ALPHA, ACT), (WATCH_ALPHA, WATCH))
    return next((level for alpha, level in levels if evidence >= threshold(alpha, family)), FINE)


def streams_of(rows: pl.DataFrame) -> list[Stream]:
    """All orders, and by stage, lane and category the groups with most expected disputes. `rows`:
    `as_of_day`, `observed`, `expected` and the columns of `BY`. Groups are chosen by what was said,
    never by what came."""
    if rows.is_empty():
        return []
    # sums of fractions depend on their order in the last bit
    rows = rows.with_columns(all=pl.lit("all")).sort("as_of_day", "order_id")
    nights, found = rows["as_of_day"].unique().sort(), []
    for by in ("all", *BY):
        told = rows.drop_nulls(by).group_by(by, "as_of_day", maintain_order=True)
        sums = told.agg(pl.col("observed", "expected").sum())
        groups = sums.group_by(by, maintain_order=True).agg(pl.col("expected").sum())
        for name in groups.sort("expected", by, descending=[True, False])[by].head(MOST_GROUPS):
            found.append(_stream(sums.filter(pl.col(by) == name), nights, by, str(name)))
    return found


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
    """`kind`: matured or early; `rise`, `fall`: how far the rate may be from what was said. None:
    nothing to say."""
    sides = {
        True: log_evidence(stream.observed, stream.expected, rise, is_rise=True),
        False: log_evidence(stream.observed, stream.expected, fall, is_rise=False),
    }
    is_rise = sides[True] >= sides[False]
    level = level_of(sides[is_rise], WHOLE if stream.by == "all" else GROUPS)
    if level == FINE:
        return None
    observed, expected = stream.observed.sum(), stream.expected.sum()
    nights = "nights that have matured" if kind == "matured" else "young nights (an estimate)"
    says = f"{stream.name}: {observed:,.0f} disputes of {nights}, {expected:,.1f} were expected"
    propose = f"look at {stream.name}" if stream.by in ("lane", "category") else "retrain"
    return Finding(level, f"{kind}_{'rise' if is_rise else 'fall'}", says, propose)


def first_nights(rows: pl.DataFrame) -> pl.DataFrame:
    """An order counts once, from the first of these nights: its nights share its fate."""
    return rows.sort("as_of_day", "order_id").unique("order_id", keep="first", maintain_order=True)


def expected_on_first_day(
    reference: pl.DataFrame, young: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, float]]:
    """`young` with `expected`: disputes on the night's own day, if these come as soon as they did
    on matured nights; and of how many disputes, by stage, that is known.

    `reference`: rows of matured nights, `stage, probability, opened_at_once` (0 or 1). Rows of a
    stage with too few disputes at once to know by are left out: another stage's come sooner or
    later.
    """
    sums = reference.sort("as_of_day", "order_id").group_by("stage", maintain_order=True)
    told = sums.agg(pl.col("probability", "opened_at_once").sum())
    told = told.filter((pl.col("opened_at_once") >= DISPUTES_TO_KNOW) & (pl.col("probability") > 0))
    share = told.select("stage", share=pl.col("opened_at_once") / pl.col("probability"))
    joined = young.join(share, on="stage", how="inner", maintain_order="left")
    known = dict(told.select("stage", pl.col("opened_at_once").cast(pl.Float64)).iter_rows())
    return joined.with_columns(expected=pl.col("probability") * pl.col("share")), known


def off_by_chance(known: dict[str, float], stream: Stream) -> float:
    """By how many times the expected disputes of a stream may be off because few disputes told how
    soon they come."""
    count = known[stream.group] if stream.by == "stage" else sum(known.values())
    return 1.0 + ERRORS_ALLOWED / count**0.5


def calibration_table(rows: pl.DataFrame) -> pl.DataFrame:
    """Per stream of matured rows (`observed, expected, is_listed` besides the keys): disputes that
    came and were expected, their ratio, and the share of the listed that were disputed, each with
    its 95 % interval at a planned date (Garwood 1936 for the count; Jeffreys for the share)."""
    found = []
    for stream in streams_of(rows):
        part = rows if stream.by == "all" else rows.filter(pl.col(stream.by) == stream.group)
        listed = part.filter("is_listed")
        came, expected = float(stream.observed.sum()), float(stream.expected.sum())
        hits = float(listed["observed"].sum())
        low, high = _count_interval(came)
        share_low, share_high = (
            _share_interval(hits, listed.height) if listed.height else (None, None)
        )
        found.append(
            {
                "by": stream.by,
                "group": stream.group,
                "orders": part.height,
                "disputed": int(came),
                "expected": expected,
                "ratio": came / expected if expected else None,
                "ratio_low": low / expected if expected else None,
                "ratio_high": high / expected if expected else None,
                "listed": listed.height,
                "precision": hits / listed.height if listed.height else None,
                "precision_low": share_low,
                "precision_high": share_high,
            }
        )
    return pl.DataFrame(found, infer_schema_length=None)


def _count_interval(count: float) -> tuple[float, float]:
    return float(gammaincinv(count, 0.025)) if count else 0.0, float(
        gammaincinv(count + 1.0, 0.975)
    )


def _share_interval(hits: float, rows: int) -> tuple[float, float]:
    low, high = (float(betaincinv(hits + 0.5, rows - hits + 0.5, q)) for q in (0.025, 0.975))
    return (low if hits else 0.0), (high if hits < rows else 1.0)


def worst(findings: Sequence[Finding]) -> str:
    return max((finding.level for finding in findings), key=LEVELS.index, default=FINE)
