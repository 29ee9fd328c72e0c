"""Draft answers to open disputes.

A file `answers/<case>.txt` in the workspace replaces the program's own. For the format see
`pipeline.drafts.text_templates`; `rests_on.toml` says on what each sentence rests.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import days_between
from features.indicators.dispute_timeline import ON_ITS_WAY
from pipeline.drafts.buyer_facts import buyers_money, locale_of, parcel, tracking_number
from pipeline.drafts.text_templates import HOLDS, Template, fill, read_template
from pipeline.settings.action_settings import AnswerSettings

SHIPPED = Path(__file__).parent / "answers"
CASES = (
    "not_received_delivered",
    "not_received_in_transit",
    "not_received_no_trace",
    "not_as_described",
    "other",
)
FACTS = (
    "order_id",
    "amount",
    "asked_amount",
    "parcel",
    "shipment_id",
    "carrier",
    "sent_on",
    "last_scan_on",
    "delivered_on",
    "promised_on",
)
CONDITIONS = ("may_extend", "may_resend")
# after that many days without a scan, do not say that the parcel is on its way
SILENT_DAYS = 14.0


def case_of() -> pl.Expr:
    """The case of `CASES` whose template answers a dispute.

    Needs the columns `cause, delivered_at, last_status, last_scan_at, as_of`.
    """
    is_moving = pl.col("last_status").is_in(ON_ITS_WAY) & (
        days_between(pl.col("last_scan_at"), pl.col("as_of")) <= SILENT_DAYS
    )
    is_not_received = pl.col("cause") == "not_received"
    return (
        pl.when(is_not_received & pl.col("delivered_at").is_not_null())
        .then(pl.lit(CASES[0]))
        .when(is_not_received & is_moving)
        .then(pl.lit(CASES[1]))
        .when(is_not_received)
        .then(pl.lit(CASES[2]))
        .when(pl.col("cause") == "not_as_described")
        .then(pl.lit(CASES[3]))
        .otherwise(pl.lit(CASES[4]))
    )


def load_templates(workspace: Path) -> dict[str, Template]:
    """The template of every case."""
    folders = (workspace / "answers", SHIPPED)
    paths = {
        case: next(f / f"{case}.txt" for f in folders if (f / f"{case}.txt").is_file())
        for case in CASES
    }
    return {case: read_template(path, FACTS, CONDITIONS) for case, path in paths.items()}


def draft_answer(template: Template, row: Mapping[str, Any], settings: AnswerSettings) -> str:
    """The answer to the dispute of `row`, a row of the dispute clock."""
    return fill(template, answer_facts(row, settings))


def answer_facts(row: Mapping[str, Any], settings: AnswerSettings) -> dict[str, str | None]:
    """Every fact of `FACTS` and condition of `CONDITIONS`; None if it is not known or not so.

    `amount` is what the dispute may cost, `asked_amount` what the buyer asked for. An offer is only
    made if the settings allow it for this order.
    """
    at_risk, total = row["amount_at_risk_usd"], row["total_usd"]
    may_resend = settings.may_resend and total is not None and total <= settings.resend_max_usd
    return {
        **{name: row[name] for name in FACTS if name in row},
        "amount": None if at_risk is None else f"{at_risk:.2f} USD",
        "asked_amount": buyers_money(row["amount_usd"], row, locale_of("en", None)),
        "parcel": parcel(row),
        "shipment_id": tracking_number(row),
        "may_extend": HOLDS if settings.may_extend else None,
        "may_resend": HOLDS if may_resend else None,
    }
