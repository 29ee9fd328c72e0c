"""Draft answers to open disputes: `answers/<language>/<case>.txt` for the first and later answers,
`answers/<language>/platform.txt` once the platform has the dispute.

A file of the same name in the workspace's `answers/` folder replaces the program's own; a file
`answers/<case>.txt` there replaces it for the buyers of every language. For the format see
`pipeline.drafts.text_templates`; `rests_on.toml` says on what each sentence rests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import days_between
from features.indicators.dispute_timeline import ON_ITS_WAY
from pipeline.drafts.action_texts import message_template
from pipeline.drafts.answer_facts import CONDITIONS, FACTS, PLATFORM, answer_facts, step_of
from pipeline.drafts.draft_messages import JOINED_BY
from pipeline.drafts.text_templates import Template, fill, read_template
from pipeline.settings.action_settings import AnswerSettings
from pipeline.settings.languages import LANGUAGES

SHIPPED = Path(__file__).parent / "answers"
CASES = (
    "not_received_delivered",
    "not_received_in_transit",
    "not_received_no_trace",
    "not_as_described",
    "other",
)
# templates that an answer has as facts
PARTS = ("opening_first", "opening_second", "evidence", "statement")
# parts that it shares with the messages
SHARED = ("news", "signature")
# after that many days without a scan, do not say that the parcel is on its way
SILENT_DAYS = 14.0
# by language and name
Templates = Mapping[tuple[str, str], Template]


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


def load_templates(workspace: Path) -> Templates:
    """The template of every case, step and part in every language.

    Raises `BadInput` for a file that is not a template.
    """
    folder = workspace / "answers"
    templates: dict[tuple[str, str], Template] = {}
    for language in LANGUAGES:
        for name in (*CASES, PLATFORM, *PARTS):
            own = [folder / language / f"{name}.txt", folder / f"{name}.txt"]
            path = next((path for path in own if path.is_file()), SHIPPED / language / own[0].name)
            templates[language, name] = read_template(path, FACTS, CONDITIONS)
        for name in SHARED:
            templates[language, name] = message_template(workspace, language, name) or ()
    return templates


def draft_answer(
    templates: Templates,
    row: Mapping[str, Any],
    settings: AnswerSettings,
    as_of: date,
    store_name: str = "",
) -> str:
    """The answer to the dispute of `row`: its `case`, and the facts that `answer_facts` needs."""
    language, step = row["message_language"], step_of(row)
    joined_by = JOINED_BY.get(language, " ")
    facts = answer_facts(row, settings, as_of, store_name)

    def part(name: str) -> str | None:
        return fill(templates[language, name], facts, joined_by) or None

    parts = {name: part(name) for name in (*SHARED, "evidence", "statement")}
    if step != PLATFORM:
        parts["opening"] = part(f"opening_{step}")
    name = PLATFORM if step == PLATFORM else row["case"]
    return fill(templates[language, name], {**facts, **parts}, joined_by)
