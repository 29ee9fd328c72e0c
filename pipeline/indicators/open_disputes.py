"""clock: every open dispute by deadline, with what happens then, the amount at stake, the evidence
and a draft answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import day_number, days_between
from features.indicators.dispute_timeline import clock_disputes
from features.indicators.policy import Policy
from features.sentence import key_of
from features.tables import Tables
from models.indicators.escalation import Escalation, fit_escalation, rows_of
from pipeline.drafts.draft_answers import case_of
from pipeline.drafts.stated_facts import disputed_order_facts
from pipeline.drafts.text_templates import files_sha256
from pipeline.indicators.answer_drafts import add_answers
from pipeline.indicators.dispute_wording import next_action, with_local_times
from pipeline.output.safe_text import neutral_frame
from pipeline.output.spreadsheet import Look, write_workbook
from pipeline.settings.config import Config
from pipeline.settings.policy_files import load_policy, policy_sha256
from pipeline.workspace.freshness import refuse_stale_data
from pipeline.workspace.progress import Progress
from pipeline.workspace.published_run import publish
from pipeline.workspace.table_files import tracking_numbers
from pipeline.workspace.workspace import Workspace

TABLE, SHEET = "dispute_clock", "dispute clock"
_LOOK = Look(widths={"action": 40, "draft_answer": 80}, wrapped=("action", "draft_answer"))
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
    "answer_step",
    "answer_language",
    "draft_answer",
    "probability_basis",
]


def clock(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write the dispute clock into its own run folder and return it.

    Raises `Refused` when the newest fact is too old for `as_of`.
    """
    files = workspace.table_files()
    refuse_stale_data(files, day_number(as_of), config.max_data_age_days)
    tables = files.read_disputed()
    with publish(workspace, config, as_of, "clock") as (folder, manifest):
        with progress.piece("clock") as notes:
            clock_facts = write_clock(folder, workspace, config, tables, as_of)
            notes.append(clock_summary(clock_facts))
        manifest.update(clock_facts)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-clock").resolve()


def write_clock(
    folder: Path, workspace: Workspace, config: Config, tables: Tables, as_of: date
) -> dict[str, Any]:
    """Write `dispute_clock.csv` and `.xlsx` into the folder; return the entry for the manifest.

    `tables` must hold at least the orders that were ever disputed.
    """
    policy = load_policy(config.policy, workspace.folder)
    if policy.clock is None:
        return {
            "clock": {
                "policy": policy.name,
                "note": "this policy has no time line, so there is no clock",
            }
        }
    escalation = fit_escalation(tables, day_number(as_of))
    rows = clock_disputes(tables, day_number(as_of), policy)
    is_fresh = days_between(pl.col("claimed_at"), pl.col("as_of")) <= config.max_dispute_days
    listed = clock_table(
        workspace, config, tables, policy, escalation, rows.filter(is_fresh), day_number(as_of)
    )
    neutral_frame(listed).write_csv(folder / f"{TABLE}.csv", float_precision=4)
    write_workbook(folder / f"{TABLE}.xlsx", {SHEET: neutral_frame(listed)}, as_of, {SHEET: _LOOK})
    return {
        "clock": {
            "policy": policy.name,
            "count_disputes": listed.height,
            "count_left_out": rows.height - listed.height,
            "count_owing_an_answer": int(listed["owes_answer"].sum()),
            "count_due_within_48_hours": listed.filter(pl.col("hours_left") <= 48).height,
            "escalation": str(escalation.basis),
            "escalation_key": key_of(escalation.basis),
            "liability": escalation.liable_basis,
        }
    }


def clock_summary(clock_facts: dict[str, Any]) -> str:
    """The manifest's entry as one line for people."""
    facts = clock_facts["clock"]
    if "note" in facts:
        return f"{facts['policy']}: {facts['note']}"
    left_out = f"; {facts['count_left_out']:,} old ones without a recorded end are left out"
    return (
        f"{facts['count_disputes']} open disputes, "
        f"{facts['count_owing_an_answer']} need an answer, "
        f"{facts['count_due_within_48_hours']} due within 48 hours; "
        f"escalation by {facts['escalation']}" + (left_out if facts["count_left_out"] else "")
    )


def clock_table(
    workspace: Workspace,
    config: Config,
    tables: Tables,
    policy: Policy,
    escalation: Escalation,
    rows: pl.DataFrame,
    as_of_day: int,
) -> pl.DataFrame:
    """One row per open dispute in `rows` (from `features.indicators.dispute_timeline`).

    Disputes that owe an answer come first, because only they are lost by waiting; then by deadline,
    then by expected loss. Disputes without a deadline ahead come last. The columns are `COLUMNS`.
    """
    rows = rows.hstack(escalation.predict(rows_of(rows, as_of_day, tables.zone)))
    known_numbers = tracking_numbers(workspace.read_ingest_facts())
    facts = disputed_order_facts(tables, known_numbers, as_of_day)
    evidence = facts.select(
        "order_id",
        "total_usd",
        "sent_at",
        count_buyer_messages="count_from_buyer",
        count_seller_messages="count_from_seller",
    )
    rows = rows.join(evidence, on="order_id", how="left", maintain_order="left")
    at_risk = pl.coalesce("amount_usd", "total_usd")
    fixed_usd = config.decide.dispute_fixed_cost_usd
    rows = rows.with_columns(
        amount_at_risk_usd=at_risk,
        # with an unknown probability, assume that all of it is lost
        expected_loss_usd=pl.col("liability_probability").fill_null(1.0) * (at_risk + fixed_usd),
        case=case_of(),
        deadline_at=pl.coalesce(pl.when("is_overdue").then("answer_due_at"), "next_deadline_at"),
        hours_left=pl.col("hours_left").round(1),
        probability_basis=pl.lit(str(escalation.basis)),
        is_delivered=pl.col("delivered_at").is_not_null(),
        last_scan=pl.col("last_status"),
        count_buyer_messages=pl.col("count_buyer_messages").fill_null(0),
        count_seller_messages=pl.col("count_seller_messages").fill_null(0),
    ).with_columns(action=next_action())
    order = ["owes_answer", "deadline_at", "expected_loss_usd", "order_id", "dispute_id"]
    rows = rows.sort(order, descending=[True, False, True, False, False], nulls_last=True)
    rows = with_local_times(rows, tables.zone, policy.platform_zone)
    rows = add_answers(rows, facts, workspace, config, tables, as_of_day)
    return rows.with_row_index("rank", offset=1).select(COLUMNS)


def clock_inputs(workspace: Workspace, config: Config) -> dict[str, str]:
    """Digests of what the clock depends on besides tables and settings: the policy, and the answer
    templates that the seller has edited."""
    answers = files_sha256(workspace.folder / "answers")
    return {
        "policy_sha256": policy_sha256(config.policy, workspace.folder),
        "answers_sha256": answers,
    }
