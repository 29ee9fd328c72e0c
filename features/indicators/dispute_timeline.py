"""The position of each open dispute on its policy's time line: its day, period and deadlines.

The rules of a dispute are those of the day on which it was filed. Days are calendar days of the
platform's zone, so a clock change moves a deadline by an hour and never by a day. Only the time to
answer is counted in hours.
"""

from __future__ import annotations

import polars as pl

from features.asof import visible
from features.clock import calendar_day, local_day, seconds_between, start_of_day
from features.indicators.policy import Policy, Terms
from features.tables import Tables

KEY = ["order_id", "dispute_id"]
SECONDS_PER_HOUR = 3600.0
# order of steps with the same timestamp
STEPS = ("opened", "answered", "escalated", "ruled", "refunded", "withdrawn")
ENDS = ("withdrawn", "ruled", "refunded")
# statuses of a parcel in transit, in the 17TRACK vocabulary
ON_ITS_WAY = ("InfoReceived", "InTransit", "OutForDelivery", "AvailableForPickup")


def open_disputes(tables: Tables, as_of_day: int) -> pl.DataFrame:
    """One row per dispute that is open when the day starts, as known then.

    - `first_filed_at`: the first filing of all.
    - `filed_at`: the first filing since the last withdrawal, ruling or refund. A dispute that is
      filed again after one of these is open again.
    - `claimed_at`: the last filing or change of the claim, which restarts the time to answer.
    - `owes_answer`: the seller has not answered that claim, and the platform does not have it yet.
    """
    order = pl.col("step").replace_strict(
        {step: n for n, step in enumerate(STEPS)}, return_dtype=pl.Int8
    )
    steps = visible(tables["disputes"], as_of_day).sort(
        *KEY, "occurred_at", "known_at", order, "step_id"
    )
    is_end = pl.col("step").is_in(ENDS)
    steps = steps.with_columns(
        first_filed_at=pl.col("occurred_at").filter(pl.col("step") == "opened").first().over(KEY),
        # number of ends so far: the steps after the last end are the current spell
        spell=is_end.cast(pl.Int32).cum_sum().over(KEY),
    ).filter(~is_end)
    steps = steps.filter(pl.col("spell") == pl.col("spell").max().over(KEY))
    filings = pl.col("step") == "opened"
    claims_and_answers = pl.col("step").is_in(["opened", "answered"])
    current = steps.group_by(KEY).agg(
        pl.col("first_filed_at", "spell").first(),
        pl.col("cause", "reason").filter(filings).last(),
        pl.col("amount_usd").filter(filings).drop_nulls().last(),
        filed_at=pl.col("occurred_at").filter(filings).first(),
        claimed_at=pl.col("occurred_at").filter(filings).last(),
        escalated_at=pl.col("occurred_at").filter(pl.col("step") == "escalated").first(),
        owes_answer=pl.col("step").filter(claims_and_answers).last() == "opened",
    )
    ended = visible(tables["disputes"], as_of_day).filter(is_end).group_by(KEY).agg(ended=pl.len())
    still_open = current.join(ended, on=KEY, how="left").filter(
        pl.col("filed_at").is_not_null() & (pl.col("spell") == pl.col("ended").fill_null(0))
    )
    is_with_platform = pl.col("escalated_at").is_not_null()
    return (
        still_open.with_columns(owes_answer=pl.col("owes_answer") & ~is_with_platform)
        .drop("spell", "ended")
        .sort(KEY)
    )


def clock_disputes(tables: Tables, as_of_day: int, policy: Policy) -> pl.DataFrame:
    """One row per open dispute, sorted by `KEY`: its position on the time line and what comes next.

    - `day`: the number of the day by the platform's count; `period`: in words.
    - `next_event` (`answer_due`, `escalation_opens`, `auto_submit`; null if none is ahead), its
      `next_deadline_at` (UTC) and the `hours_left` until then.
    - `is_overdue`: the time to answer has passed without an answer.
    - `waits_for_promise`: the platform holds the dispute until `promised_at`.
    """
    zone = policy.platform_zone
    disputes = _with_terms(open_disputes(tables, as_of_day), policy)
    disputes = disputes.join(_parcels(tables, as_of_day), on="order_id", how="left").with_columns(
        as_of=start_of_day(pl.lit(as_of_day, pl.Int32), tables.zone)
    )
    filed_day = local_day(pl.col("filed_at"), zone)
    today = local_day(pl.col("as_of"), zone)
    disputes = disputes.with_columns(
        day=today - filed_day + pl.col("filing_day_number"),
        waits_for_promise=(
            pl.col("in_transit_waits_for_promise")
            & (pl.col("cause") == "not_received")
            & pl.col("last_status").is_in(ON_ITS_WAY).fill_null(False)
            & (seconds_between(pl.col("as_of"), pl.col("promised_at")) > 0).fill_null(False)
        ),
    )
    return _with_deadlines(disputes, filed_day, zone).with_columns(period=_period()).sort(KEY)


def _with_deadlines(disputes: pl.DataFrame, filed_day: pl.Expr, zone: str) -> pl.DataFrame:
    """Add each deadline of the time line, and the first that is still ahead."""

    def day_starts(number: str) -> pl.Expr:
        start = start_of_day(filed_day + pl.col(number) - pl.col("filing_day_number"), zone)
        moved = pl.max_horizontal(
            start, pl.when(pl.col("waits_for_promise")).then(pl.col("promised_at"))
        )
        return pl.when(pl.col(number).is_not_null() & pl.col("escalated_at").is_null()).then(moved)

    due = pl.col("claimed_at") + pl.duration(hours=pl.col("seller_response_days") * 24)
    names = {
        "answer_due": "answer_due_at",
        "escalation_opens": "escalation_opens_at",
        "auto_submit": "auto_submit_at",
    }
    disputes = disputes.with_columns(
        answer_due_at=pl.when(pl.col("owes_answer")).then(due),
        escalation_opens_at=day_starts("escalate_from_day"),
        auto_submit_at=day_starts("auto_submit_day"),
    )
    ahead = {
        event: pl.when(seconds_between(pl.col("as_of"), pl.col(column)) > 0).then(pl.col(column))
        for event, column in names.items()
    }
    disputes = disputes.with_columns(
        next_deadline_at=pl.min_horizontal(*ahead.values()),
        is_overdue=(seconds_between(pl.col("as_of"), pl.col("answer_due_at")) <= 0).fill_null(
            False
        ),
    )
    is_next = [
        pl.when(pl.col(c) == pl.col("next_deadline_at")).then(pl.lit(event))
        for event, c in names.items()
    ]
    hours = seconds_between(pl.col("as_of"), pl.col("next_deadline_at")) * (1.0 / SECONDS_PER_HOUR)
    # of two events at the same moment, the one with the greater effect
    return disputes.with_columns(next_event=pl.coalesce(*reversed(is_next)), hours_left=hours)


def _period() -> pl.Expr:
    """The period of the dispute's day: before the buyer may escalate, while the buyer may, and
    after it went to the platform automatically."""
    first, last, day = pl.col("escalate_from_day"), pl.col("auto_submit_day"), pl.col("day")
    opens = pl.coalesce(first, last)
    return (
        pl.when(opens.is_null())
        .then(pl.lit("no time line"))
        .when(day - opens < 0)
        .then(pl.format("before day {}", opens))
        .when(last.is_not_null() & (day - last >= 0))
        .then(pl.format("day {} and after", last))
        .when(last.is_null())
        .then(pl.format("day {} and after", first))
        .otherwise(pl.format("day {}-{}", first, last - 1))
    )


def _with_terms(disputes: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Add the rules of each dispute's filing day, and set `filed_at` to the filing from which its
    days are counted."""
    zone = policy.platform_zone

    def terms(filing_column: str) -> list[Terms]:
        days = disputes.select(local_day(pl.col(filing_column), zone)).to_series().to_list()
        by_day = {day: policy.terms_on(calendar_day(day)) for day in set(days)}
        return [by_day[day] for day in days]

    restarts = pl.Series([t.refiling_restarts for t in terms("filed_at")], dtype=pl.Boolean)
    disputes = disputes.with_columns(
        filed_at=pl.when(restarts).then(pl.col("filed_at")).otherwise(pl.col("first_filed_at"))
    )
    schema = {
        name: pl.Boolean if "_waits_" in name or name == "refiling_restarts" else pl.Int32
        for name in Terms.__dataclass_fields__
    }
    return disputes.hstack(pl.DataFrame([vars(t) for t in terms("filed_at")], schema=schema))


def _parcels(tables: Tables, as_of_day: int) -> pl.DataFrame:
    """One row per order with a delivery promise or a scan: the last promise, the last scan and the
    delivery scan."""
    scans = visible(tables["tracking"], as_of_day).sort(
        "order_id", "occurred_at", "known_at", "scan_id"
    )
    scanned = scans.group_by("order_id").agg(
        last_status=pl.col("status").last(),
        last_scan_at=pl.col("occurred_at").last(),
        delivered_at=pl.col("occurred_at").filter(pl.col("status") == "Delivered").first(),
    )
    promises = visible(tables["promises"], as_of_day).filter(pl.col("kind") == "delivery")
    promised = promises.sort("known_at", "promised_at", "promise_id").group_by(
        "order_id", maintain_order=True
    )
    return promised.agg(pl.col("promised_at").last()).join(
        scanned, on="order_id", how="full", coalesce=True
    )
