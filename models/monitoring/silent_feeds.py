"""Find feeds and carriers that went silent, and values that no earlier order had.

Counts of facts are judged like disputes (`models.monitoring.sequential_monitoring`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.clock import in_days
from features.sentence import Sentence, sentence
from models.monitoring.sequential_monitoring import (
    ACT,
    FEEDS,
    WATCH,
    Finding,
    level_of,
    log_evidence,
    look_at,
)

WAIT_FOR_FEED = sentence("propose.wait_for_feed", "hold the list until the feed is back")

# how many times below its usual count a feed may be before it counts as silent; and a carrier's
# scans and deliveries below their usual share of the other carriers' counts
FEED_TOLERANCE, SHARE_TOLERANCE = 3.0, {"scans": 2.0, "deliveries": 1.5}

# the most evidence that one day may add: a feed must be silent for five working days, longer than
# most holidays; a carrier, compared with the others, for two
FEED_A_DAY, CARRIER_A_DAY = 3.0, 7.0

WEEK, WEEKS, USUAL_DAYS, TESTED_DAYS = 7, 8, 56, 21

NEW_DAYS, NEW_ORDERS_WATCH, NEW_ORDERS_ACT, NEW_SHARE_ACT = 14, 5, 20, 0.05


def feed_finding(table: str, by_day: pl.DataFrame, newest_day: int) -> Finding | None:
    """Compare the days up to `newest_day` with the same weekdays of the 8 weeks before.

    `by_day` has the columns `known_day, count`. Return None if the feed is not silent.
    """
    counts = daily(by_day, newest_day, TESTED_DAYS + WEEK * WEEKS)
    expected = np.array(
        [
            np.median(counts[day - WEEK * WEEKS : day : WEEK])
            for day in range(WEEK * WEEKS, len(counts))
        ]
    )
    observed = counts[WEEK * WEEKS :]
    evidence = log_evidence(
        observed, expected, FEED_TOLERANCE, is_rise=False, most_a_day=FEED_A_DAY
    )
    level = level_of(evidence, FEEDS)
    says = sentence(
        "finding.silent_feed",
        "{table}: {rows} row(s) in 7 days (usually {usual})",
        table=table,
        rows=f"{observed[-WEEK:].sum():,.0f}",
        usual=f"{expected[-WEEK:].sum():,.0f}",
    )
    return _counted(level, "silent_feed", says, WAIT_FOR_FEED)


def carrier_findings(kind: str, by_day: pl.DataFrame, newest_day: int) -> list[Finding]:
    """Compare each carrier's daily counts with those of all other carriers.

    `kind` is "scans" or "deliveries"; `by_day` has the columns `carrier, known_day, count`. The
    expected count is the carrier's usual share of the others' counts, so whatever affects all
    carriers, such as sales and holidays, drops out. A carrier without others to compare with is
    covered by the feed check only.
    """
    span = TESTED_DAYS + USUAL_DAYS
    total = daily(by_day.group_by("known_day").agg(pl.col("count").sum()), newest_day, span)
    findings = []
    for name, part in sorted(
        by_day.drop_nulls("carrier").group_by("carrier"), key=lambda pair: str(pair[0])
    ):
        counts = daily(part, newest_day, span)
        others = total - counts
        usual = others[:USUAL_DAYS].sum()
        expected = others[USUAL_DAYS:] * (counts[:USUAL_DAYS].sum() / usual if usual else 0.0)
        evidence = log_evidence(
            counts[USUAL_DAYS:],
            expected,
            SHARE_TOLERANCE[kind],
            is_rise=False,
            most_a_day=CARRIER_A_DAY,
        )
        level = level_of(evidence, FEEDS)
        observed_week, expected_week = counts[-WEEK:].sum(), expected[-WEEK:].sum()
        says = _carrier_sentence(kind, str(name[0]), observed_week, expected_week)
        findings.append(_counted(level, "silent_carrier", says, look_at(f"carrier {name[0]}")))
    return [finding for finding in findings if finding is not None]


def _carrier_sentence(kind: str, carrier: str, observed: float, expected: float) -> Sentence:
    counts = {"carrier": carrier, "count": f"{observed:,.0f}", "expected": f"{expected:,.0f}"}
    if kind == "scans":
        return sentence(
            "finding.silent_carrier_scans",
            "carrier {carrier}: {count} scan(s) in 7 days ({expected} expected from the other "
            "carriers)",
            **counts,
        )
    return sentence(
        "finding.silent_carrier_deliveries",
        "carrier {carrier}: {count} deliveries in 7 days ({expected} expected from the other "
        "carriers)",
        **counts,
    )


def _counted(level: str, reading: str, says: Sentence, propose: Sentence) -> Finding | None:
    return Finding(level, reading, says, propose) if level in (WATCH, ACT) else None


def daily(by_day: pl.DataFrame, newest_day: int, span: int) -> np.ndarray:
    """Daily counts over the `span` days that end with `newest_day`."""
    first = newest_day + 1 - span
    in_span = by_day.filter(in_days(pl.col("known_day"), first, newest_day + 1))
    counts = np.zeros(span)
    np.add.at(counts, in_span["known_day"].to_numpy() - first, in_span["count"].to_numpy())
    return counts


def new_value_findings(
    what: str, by_day: pl.DataFrame, as_of_day: int, since_day: int
) -> list[Finding]:
    """Values in the last 14 days' orders that no earlier order since `since_day` had.

    `by_day` has the columns `value, known_day`, one row per order.
    """
    start = as_of_day - NEW_DAYS
    earlier = by_day.filter(in_days(pl.col("known_day"), since_day, start))
    if earlier.is_empty():
        return []
    recent = by_day.filter(in_days(pl.col("known_day"), start, as_of_day)).drop_nulls("value")
    new = recent.filter(~pl.col("value").is_in(earlier["value"].unique().implode()))
    findings = []
    for value, count in (
        new.group_by("value").len().sort("len", "value", descending=[True, False]).iter_rows()
    ):
        if count >= NEW_ORDERS_WATCH:
            is_much = count >= NEW_ORDERS_ACT and count >= NEW_SHARE_ACT * recent.height
            says = sentence(
                "finding.new_value",
                "{value} is new: {count} of {orders} orders in the last {days} day(s)",
                value=f"{what} {value}",
                count=f"{count:,}",
                orders=f"{recent.height:,}",
                days=str(NEW_DAYS),
            )
            propose = look_at(f"{what} {value}")
            findings.append(Finding(ACT if is_much else WATCH, "new_value", says, propose))
    return findings
