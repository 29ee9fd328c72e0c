"""The draft answers of the dispute clock, with the facts that they state."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.asof import visible
from features.clock import calendar_day, seconds_between
from features.tables import Tables
from pipeline.drafts.answer_facts import step_of
from pipeline.drafts.buyer_facts import tracking_number
from pipeline.drafts.draft_answers import draft_answer, load_templates
from pipeline.settings.config import Config
from pipeline.settings.languages import message_language
from pipeline.workspace.workspace import Workspace

_DISPUTE = ("order_id", "case", "amount_usd", "amount_at_risk_usd", "filed_at", "claimed_at")
_STEPS = ("filed_at", "answered_at", "changed_at", "escalated_at")


def add_answers(
    rows: pl.DataFrame,
    facts: pl.DataFrame,
    workspace: Workspace,
    config: Config,
    tables: Tables,
    as_of_day: int,
) -> pl.DataFrame:
    """`rows` of the dispute clock with `draft_answer`, `answer_step`, `answer_language`, and with
    `shipment_id` only where it is a tracking number.

    `facts`: `pipeline.drafts.stated_facts.order_facts` of the orders of `rows`.
    """
    templates = load_templates(workspace.folder)
    disputes = _with_steps(rows, tables, as_of_day).join(
        facts, on="order_id", how="left", maintain_order="left"
    )
    disputes = disputes.with_columns(message_language=message_language(config.decide.in_english))
    night: date = calendar_day(as_of_day)
    store_name = config.drafts.store_name
    drafts, steps, numbers = [], [], []
    for row in disputes.iter_rows(named=True):
        drafts.append(draft_answer(templates, row, config.answers, night, store_name))
        steps.append(step_of(row))
        numbers.append(tracking_number(row))
    return rows.with_columns(
        draft_answer=pl.Series(drafts, dtype=pl.String),
        answer_step=pl.Series(steps, dtype=pl.String),
        answer_language=disputes["message_language"],
        shipment_id=pl.Series(numbers, dtype=pl.String),
    )


def _with_steps(rows: pl.DataFrame, tables: Tables, as_of_day: int) -> pl.DataFrame:
    """What an answer needs to know of each dispute, with the local times of its steps.

    `answered_at`: the seller's last answer since the filing; `changed_at`: the last change of the
    claim after it.
    """
    filings = rows.select("order_id", "dispute_id", "filed_at")
    answers = (
        visible(tables["disputes"], as_of_day)
        .filter(pl.col("step") == "answered")
        .join(filings, on=["order_id", "dispute_id"])
        .filter(seconds_between(pl.col("filed_at"), pl.col("occurred_at")) >= 0)
        .group_by("order_id", "dispute_id")
        .agg(answered_at=pl.col("occurred_at").max())
    )
    disputes = rows.select(*_DISPUTE, "dispute_id", "escalated_at").join(
        answers, on=["order_id", "dispute_id"], how="left", maintain_order="left"
    )
    is_changed = seconds_between(pl.col("answered_at"), pl.col("claimed_at")) > 0
    return disputes.with_columns(changed_at=pl.when(is_changed).then("claimed_at")).with_columns(
        pl.col(name).dt.convert_time_zone(tables.zone) for name in _STEPS
    )
