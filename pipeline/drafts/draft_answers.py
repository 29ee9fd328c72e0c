"""Draft answers to open disputes.

A file `answers/<case>.txt` in the workspace replaces the program's own. For the format see
`pipeline.drafts.text_templates`.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.clock import days_between
from features.indicators.dispute_timeline import ON_ITS_WAY
from pipeline.drafts.text_templates import Template, read_template

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
    "shipment_id",
    "carrier",
    "sent_on",
    "last_scan_on",
    "delivered_on",
    "promised_on",
)
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
    return {case: read_template(path, FACTS) for case, path in paths.items()}
