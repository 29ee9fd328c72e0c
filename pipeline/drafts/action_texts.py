"""The templates of messages and tasks, and the facts that they may state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from models.actions.actions import Action
from pipeline.drafts.parcel_status import PARCEL_CONDITIONS, STATUS_FACTS
from pipeline.drafts.text_templates import Template, read_template
from pipeline.settings.errors import BadInput

SHIPPED, TASKS = (Path(__file__).parent / name for name in ("messages", "tasks"))
# templates that a message has as facts, and in this order: each may use the former
PARTS = ("opening", "news", "signature")
FACTS = (
    "order_id",
    "order",
    "store_name",
    "parcel",
    "sent_on",
    "last_scan_on",
    "news_on",
    "silent_since",
    *STATUS_FACTS,
    "delivered_on",
    "expected_on",
    "late_expected_on",
    "missed_on",
    "promised_on",
    "was_promised_on",
    "ship_by_on",
    "was_to_ship_on",
    "ordered_on",
    "asked_on",
    "amount",
    "offer",
    *PARTS,
)
CONDITIONS = (
    # the buyer's last message is answered, or there is none
    "unasked",
    # the buyer has waited for an answer for more than a day
    "waited",
    # that message is about the product
    "about_product",
    # the parcel was handed over, and the carrier has not reported anything
    "unscanned",
    *PARCEL_CONDITIONS,
    # the message has no sentence about an action
    "no_offer",
)
# what has no template in the buyer's language, and every task, is written in it
COMMON_LANGUAGE = "en"


def language_of_draft(language: str, action: Action, read: Any) -> str:
    """The language of the text: the buyer's if the action has a sentence in it, else English."""
    is_written = action.template is None or read(language, action.template) is not None
    return language if action.to == "buyer" and is_written else COMMON_LANGUAGE


def read_task(workspace: Path, name: str) -> Template | None:
    """The template of a task for the supplier or the carrier; None without a file."""
    return _first_template([folder / f"{name}.txt" for folder in (workspace / "tasks", TASKS)])


def require_templates(actions: Iterable[Action], workspace: Path) -> None:
    """Raises `BadInput` for an action whose text no template states in English."""
    for action in actions:
        name, is_message = action.template, action.to == "buyer"
        folder = workspace / ("messages/" + COMMON_LANGUAGE if is_message else "tasks")
        if name is None or (is_message and message_template(workspace, COMMON_LANGUAGE, name)):
            continue
        if is_message or read_task(workspace, name) is None:
            raise BadInput(
                f"action {action.name}: there is no text for it. Write {folder / name}.txt"
                + (', or set sentence = "none" if the message says it all.' if is_message else ".")
            )


def message_template(workspace: Path, language: str, name: str) -> Template | None:
    """The template of a message or of a sentence about an action; None without a file."""
    folders = (workspace / "messages", SHIPPED)
    return _first_template([folder / language / f"{name}.txt" for folder in folders])


def _first_template(paths: Sequence[Path]) -> Template | None:
    path = next((path for path in paths if path.is_file()), None)
    return read_template(path, FACTS, CONDITIONS) if path else None
