"""The dispute clock in words: what happens at the deadline, what to do next, and local times."""

from __future__ import annotations

import polars as pl

THEN = {
    "answer_due": "the time to answer has passed: the buyer's claim is granted in full",
    "escalation_opens": "from then on the buyer may take it to the platform",
    "auto_submit": "it goes to the platform automatically",
}
PLATFORM_DECIDES = "the platform decides"
# by the case of `pipeline.drafts.draft_answers`
OFFERS = {
    "not_received_delivered": "send the proof of delivery",
    "not_received_in_transit": "show where the parcel is and offer to extend the protection",
    "not_received_no_trace": "offer to resend or to refund; ask the carrier",
    "not_as_described": (
        "ask for photos; offer a partial refund for a small fault, a full refund or a replacement "
        "for a big one"
    ),
    "other": "find out what the buyer wants; ask to withdraw the dispute once it is settled",
}


def next_action() -> pl.Expr:
    """What to do next, in words, for a row of the dispute clock."""
    offer = pl.col("case").replace_strict(OFFERS, return_dtype=pl.String)
    is_past = pl.col("next_deadline_at").is_null()
    return (
        pl.when(pl.col("escalated_at").is_not_null())
        .then(pl.lit("with the platform: add evidence until it decides"))
        .when("is_overdue")
        .then(pl.concat_str(pl.lit("answer at once, the time to answer has passed: "), offer))
        .when("owes_answer")
        .then(pl.concat_str(pl.lit("answer: "), offer))
        .when(is_past)
        .then(pl.concat_str(pl.lit("settle today, the platform may already have it: "), offer))
        .when("waits_for_promise")
        .then(pl.concat_str(pl.lit("on hold until the promised date: "), offer))
        .otherwise(pl.concat_str(pl.lit("answered; agree before the deadline: "), offer))
    )


def with_local_times(rows: pl.DataFrame, store_zone: str, platform_zone: str) -> pl.DataFrame:
    """`rows` with the deadline in both zones, the days in the store's zone, and `then`, what
    happens at the deadline."""

    def moment(zone: str) -> pl.Expr:
        local = pl.col("deadline_at").dt.convert_time_zone(zone)
        return pl.concat_str(local.dt.strftime("%Y-%m-%d %H:%M"), pl.lit(f" {zone}"))

    def local_date(name: str) -> pl.Expr:
        return pl.col(name).dt.convert_time_zone(store_zone).dt.strftime("%Y-%m-%d")

    ruling = pl.when(pl.col("escalated_at").is_not_null()).then(pl.lit(PLATFORM_DECIDES))
    overdue = pl.when("is_overdue").then(pl.lit(THEN["answer_due"]))
    ahead = pl.col("next_event").replace_strict(THEN, default=None, return_dtype=pl.String)
    return rows.with_columns(
        delivered_on=local_date("delivered_at"),
        last_scan_on=local_date("last_scan_at"),
        sent_on=local_date("sent_at"),
        promised_on=local_date("promised_at"),
        deadline_store=moment(store_zone),
        deadline_platform=moment(platform_zone),
        then=pl.coalesce(ruling, overdue, ahead, pl.lit(THEN["auto_submit"])),
    )
