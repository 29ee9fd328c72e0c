"""Drafts before there is a dispute: messages to buyers, `<language>/<stage>[_<cause>].txt` with
`<language>/offer_<action>.txt`, and tasks for suppliers and carriers, `tasks/<action>.txt`.

A file of the same name in the workspace's `messages/` folder replaces the program's own, and a file
for the stage and likely cause is preferred over the one for the stage. For the format see
`pipeline.drafts.text_templates`; `rests_on.toml` says on what each sentence rests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import day_number
from models.actions.actions import Action
from pipeline.drafts.action_texts import PARTS, language_of_draft, message_template, read_task
from pipeline.drafts.message_facts import message_facts
from pipeline.drafts.stated_facts import stored_order_facts
from pipeline.drafts.text_templates import HOLDS, fill
from pipeline.settings.languages import message_language
from pipeline.workspace.table_files import TableFiles

# what separates two sentences; a space unless listed here
JOINED_BY = {"zh": ""}


def add_messages(
    listed: pl.DataFrame,
    files: TableFiles,
    workspace: Path,
    as_of: date,
    in_english: Collection[str],
    actions: Mapping[str, Action],
    store_name: str = "",
) -> pl.DataFrame:
    """`listed` with the columns `country`, `message_language` and `draft_message`.

    Needs `order_id, stage, likely_cause, action, offer_usd` and the logistics features.
    `in_english`: languages whose buyers are written to in English. A task, and an action without a
    template in the buyer's language, is written in English. `store_name` signs the messages; empty:
    no signature.
    """
    facts_of_orders = stored_order_facts(files, listed["order_id"], day_number(as_of))
    rows = listed.join(facts_of_orders, on="order_id", how="left", maintain_order="left")
    rows = rows.with_columns(message_language=message_language(in_english))
    read = cache(lambda language, name: message_template(workspace, language, name))
    languages = [
        language_of_draft(row["message_language"], actions[row["action"]], read)
        for row in rows.iter_rows(named=True)
    ]
    rows = rows.with_columns(message_language=pl.Series(languages, dtype=pl.String))
    drafts = []
    for row in rows.iter_rows(named=True):
        facts, action = message_facts(row, as_of, store_name), actions[row["action"]]
        if action.to == "buyer":
            drafts.append(draft_message(row, facts, read, action.template))
        else:
            drafts.append(fill(read_task(workspace, action.name) or (), facts))
    return rows.select(*listed.columns, "country", "message_language").with_columns(
        draft_message=pl.Series(drafts, dtype=pl.String)
    )


def draft_message(
    row: Mapping[str, Any], facts: Mapping[str, str | None], read: Any, sentence: str | None = None
) -> str:
    """The message for one order. `sentence`: the template of the sentence about the action, which
    is one of the message's facts, as are the templates of `PARTS`.

    `read(language, name)` returns a template or None.
    """
    language = row["message_language"]
    joined_by = JOINED_BY.get(language, " ")
    known = dict(facts)
    for name, file in (*((part, part) for part in PARTS), ("offer", sentence)):
        lines = read(language, file) if file else None
        known[name] = fill(lines or (), known, joined_by) or None
    known["no_offer"] = None if known["offer"] else HOLDS
    # what the buyer wrote about counts for more than the likely cause
    cause = "not_as_described" if known.get("about_product") else row["likely_cause"]
    template = read(language, f"{row['stage']}_{cause}") or read(language, row["stage"]) or ()
    return fill(template, known, joined_by)
