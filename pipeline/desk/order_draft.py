"""A draft for an order that is not on the list, in the same words as those of the list."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.build.registry import FEATURES
from pipeline.drafts.draft_messages import add_messages
from pipeline.settings.action_files import load_actions
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

# says where the order is, and offers nothing
ACTION = "inform"
_ESTIMATES = [name for name in FEATURES if name.startswith(("logistics_", "conversation_"))]


def draft_for(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date, order_id: str, stage: str
) -> tuple[str, str]:
    """The draft and its language. It states what is known of the order, and no estimate of the
    model, because the features of a night are kept for listed orders only."""
    row = pl.DataFrame(
        {"order_id": [order_id], "stage": [stage], "likely_cause": [""], "action": [ACTION]}
    )
    nothing = pl.lit(None, pl.Float64)
    row = row.with_columns(offer_usd=nothing, **dict.fromkeys(_ESTIMATES, nothing))
    actions = {action.name: action for action in load_actions(workspace.folder)}
    in_english = config.decide.in_english
    written = add_messages(row, files, workspace.folder, as_of, in_english, actions)
    return written["draft_message"][0] or "", written["message_language"][0]
