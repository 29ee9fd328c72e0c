"""clock: every open dispute by deadline, with what happens then, what is at stake, the evidence and
a draft answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.asof import visible
from features.clock import day_number, days_between
from features.indicators.dispute_timeline import clock_disputes
from features.indicators.policy import Policy
from features.tables import Tables
from models.indicators.escalation import Escalation, fit_escalation, rows_of
from pipeline.drafts.draft_answers import case_of, load_templates
from pipeline.drafts.text_templates import files_sha256, fill
from pipeline.output.safe_text import neutral_frame
from pipeline.output.spreadsheet import write_workbook
from pipeline.settings.config import Config
from pipeline.settings.policy_files import load_policy, policy_sha256
from pipeline.workspace.freshness import refuse_stale_data
from pipeline.workspace.progress import Progress
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

TABLE = "dispute_clock"
COLUMNS = [
    "rank",
    "dispute_id",
    "order_id",
    "cause",
    "reason",
    "day",
    "period",
    "owes_answer",
    "is_overdue",
    "deadline_store",
    "deadline_platform",
    "hours_left",
    "then",
    "action",
    "amount_at_risk_usd",
    "expected_loss_usd",
    "escalation_probability",
    "liability_probability",
    "is_delivered",
    "delivered_on",
    "last_scan",
    "last_scan_on",
    "sent_on",
    "shipment_id",
    "promised_on",
    "count_buyer_messages",
    "count_seller_messages",
    "draft_answer",
    "probability_basis",
]
THEN = {
    "answer_due": "time to answer is over: the claim is executed at the buyer's amount",
    "escalation_opens": "from then on the buyer may take it to the platform",
    "auto_submit": "it goes to the platform by itself",
}
_OFFER = {
    "not_received_delivered": "send the proof of delivery",
    "not_received_in_transit": "show where the parcel is and offer to extend the protection",
    "not_received_no_trace": "offer to send again or to refund; ask the carrier",
    "not_as_described": "ask for photos; offer a part back for a small fault, all of it or a new one for a big one",
    "other": "find out what the buyer wants; ask to withdraw once it is settled",
}


def clock(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write the night's clock into a folder of its own, `runs/<as_of>/latest-clock`; return that
    folder."""
    files = workspace.table_files()
    refuse_stale_data(files, day_number(as_of), config.max_data_age_days)
    tables = files.read_disputed()
    with publish(workspace, config, as_of, "clock") as (folder, manifest):
        with progress.piece("clock") as notes:
            written = write_clock(folder, workspace, config, tables, as_of)
            notes.append(say_clock(written))
        manifest.update(written)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-clock").resolve()


def write_clock(
    folder: Path, workspace: Workspace, config: Config, tables: Tables, as_of: date
) -> dict[str, Any]:
    """Write `dispute_clock.csv` and `.xlsx` into the folder; return what the manifest says of them.

    `tables`: of the orders that were ever disputed, at least.
    """
    policy = load_policy(config.policy, workspace.folder)
    if policy.clock is None:
        return {
            "clock": {
                "policy": policy.name,
                "note": "this policy has no time line, so there is no clock",
            }
        }
    learned = fit_escalation(tables, day_number(as_of))
    rows = clock_disputes(tables, day_number(as_of), policy)
    is_fresh = days_between(pl.col("claimed_at"), pl.col("as_of")) <= config.max_dispute_days
    listed = clock_table(
        workspace, config, tables, policy, learned, rows.filter(is_fresh), day_number(as_of)
    )
    neutral_frame(listed).write_csv(folder / f"{TABLE}.csv", float_precision=4)
    write_workbook(folder / f"{TABLE}.xlsx", {"dispute clock": neutral_frame(listed)}, as_of)
    return {
        "clock": {
            "policy": policy.name,
            "count_disputes": listed.height,
            "count_left_out": rows.height - listed.height,
            "count_owing_an_answer": int(listed["owes_answer"].sum()),
            "count_due_within_48_hours": listed.filter(pl.col("hours_left") <= 48).height,
            "escalation": learned.basis,
            "liability": learned.liable_basis,
        }
    }


def say_clock(written: dict[str, Any]) -> str:
    """The same for people, in a line."""
    told = written["clock"]
    if "note" in told:
        return f"{told['policy']}: {told['note']}"
    left_out = f"; {told['count_left_out']:,} old ones without an end on record are left out"
    return (
        f"{told['count_disputes']} open disputes, {told['count_owing_an_answer']} owe an answer, "
        f"{told['count_due_within_48_hours']} due within 48 hours; escalation by {told['escalation']}"
        + (left_out if told["count_left_out"] else "")
    )


def clock_table(
    workspace: Workspace,
    config: Config,
    tables: Tables,
    policy: Policy,
    learned: Escalation,
    rows: pl.DataFrame,
    as_of_day: int,
) -> pl.DataFrame:
    """One row per open dispute of `rows` (`features.indicators.dispute_timeline`), `COLUMNS`: by
    deadline, then by expected loss; those with nothing ahead come last."""
    rows = rows.hstack(learned.predict(rows_of(rows, as_of_day, tables.zone)))
    for evidence in (
        _order_totals(tables),
        _dispatches(tables, as_of_day),
        _messages(tables, as_of_day),
    ):
        rows = rows.join(evidence, on="order_id", how="left", maintain_order="left")
    risk, fixed_usd = pl.coalesce("amount_usd", "total_usd"), config.decide.dispute_fixed_cost_usd
    rows = rows.with_columns(
        amount_at_risk_usd=risk,
        # where nobody knows the chance, all of it is at stake
        expected_loss_usd=pl.col("liability_probability").fill_null(1.0) * (risk + fixed_usd),
        case=case_of(),
        deadline_at=pl.coalesce(pl.when("is_overdue").then("answer_due_at"), "next_deadline_at"),
        hours_left=pl.col("hours_left").round(1),
        probability_basis=pl.lit(learned.basis),
        is_delivered=pl.col("delivered_at").is_not_null(),
        last_scan=pl.col("last_status"),
    ).with_columns(action=_action())
    order = ["deadline_at", "expected_loss_usd", "order_id", "dispute_id"]
    rows = rows.sort(order, descending=[False, True, False, False], nulls_last=True)
    rows = _in_words(rows, tables.zone, policy.platform_zone).with_row_index("rank", offset=1)
    return _with_drafts(workspace, rows).select(COLUMNS)


def _order_totals(tables: Tables) -> pl.DataFrame:
    return tables["orders"].select("order_id", "total_usd")


def _dispatches(tables: Tables, as_of_day: int) -> pl.DataFrame:
    """The first parcel of each order."""
    sent = visible(tables["shipments"], as_of_day).sort("order_id", "occurred_at", "shipment_id")
    return sent.group_by("order_id", maintain_order=True).agg(
        pl.col("shipment_id", "carrier").first(), sent_at=pl.col("occurred_at").first()
    )


def _messages(tables: Tables, as_of_day: int) -> pl.DataFrame:
    sender = pl.col("sender")
    told = visible(tables["messages"], as_of_day).group_by("order_id")
    return told.agg(
        count_buyer_messages=(sender == "buyer").sum(),
        count_seller_messages=(sender == "seller").sum(),
    )


def _action() -> pl.Expr:
    """What to do next, in words."""
    offer = pl.col("case").replace_strict(_OFFER, return_dtype=pl.String)
    is_past = pl.col("next_deadline_at").is_null()
    return (
        pl.when(pl.col("escalated_at").is_not_null())
        .then(pl.lit("with the platform: add evidence until it rules"))
        .when("is_overdue")
        .then(pl.concat_str(pl.lit("answer at once, the time to answer is over: "), offer))
        .when("owes_answer")
        .then(pl.concat_str(pl.lit("answer: "), offer))
        .when(is_past)
        .then(pl.concat_str(pl.lit("settle today, the platform may hold it already: "), offer))
        .when("waits_for_promise")
        .then(pl.concat_str(pl.lit("held until the promised date: "), offer))
        .otherwise(pl.concat_str(pl.lit("answered; agree before the deadline: "), offer))
    )


def _in_words(rows: pl.DataFrame, store_zone: str, platform_zone: str) -> pl.DataFrame:
    """Deadlines in both zones and days as text; what happens by itself."""

    def moment(zone: str) -> pl.Expr:
        local = pl.col("deadline_at").dt.convert_time_zone(zone)
        return pl.concat_str(local.dt.strftime("%Y-%m-%d %H:%M"), pl.lit(f" {zone}"))

    days = {
        name: f"{name[:-3]}_at"
        for name in ("delivered_on", "last_scan_on", "sent_on", "promised_on")
    }
    ruling = pl.when(pl.col("escalated_at").is_not_null()).then(pl.lit("the platform rules"))
    overdue = pl.when("is_overdue").then(pl.lit(THEN["answer_due"]))
    ahead = pl.col("next_event").replace_strict(THEN, default=None, return_dtype=pl.String)
    local = {
        at: pl.col(at).dt.convert_time_zone(store_zone).dt.strftime("%Y-%m-%d")
        for at in days.values()
    }
    return rows.with_columns(
        *(local[at].alias(name) for name, at in days.items()),
        deadline_store=moment(store_zone),
        deadline_platform=moment(platform_zone),
        then=pl.coalesce(ruling, overdue, ahead, pl.lit(THEN["auto_submit"])),
        count_buyer_messages=pl.col("count_buyer_messages").fill_null(0),
        count_seller_messages=pl.col("count_seller_messages").fill_null(0),
    )


def _with_drafts(workspace: Workspace, rows: pl.DataFrame) -> pl.DataFrame:
    templates = load_templates(workspace.folder)
    drafts = []
    for row in rows.iter_rows(named=True):
        amount = row["amount_at_risk_usd"]
        facts = {**row, "amount": None if amount is None else f"{amount:.2f} USD"}
        drafts.append(fill(templates[row["case"]], facts))
    return rows.with_columns(draft_answer=pl.Series(drafts, dtype=pl.String))


def clock_inputs(workspace: Workspace, config: Config) -> dict[str, str]:
    """What the clock depends on besides tables and settings: the rules, and the answers that the
    seller has edited."""
    answers = files_sha256(workspace.folder / "answers")
    return {
        "policy_sha256": policy_sha256(config.policy, workspace.folder),
        "answers_sha256": answers,
    }
