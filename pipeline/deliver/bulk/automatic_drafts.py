"""The drafts of a night that its channel may send: of automatic actions, to buyers who are not held
out."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from models.actions.hold_out import HELD_OUT, held_out_buyers
from pipeline.deliver.published_night import PublishedNight
from pipeline.history.assignments import FILE
from pipeline.settings.action_files import load_actions
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_run_table
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class AutomaticDraft:
    """A message to one buyer, as the night wrote it. `also_orders`: the buyer's other open orders,
    which it covers too."""

    order_id: str
    also_orders: tuple[str, ...]
    buyer_id: str
    country: str | None
    language: str | None
    action: str
    text: str

    @property
    def sha256(self) -> str:
        """What a release is bound to: to whom, and what it says."""
        parts = "\0".join((self.order_id, self.buyer_id, self.action, self.text))
        return sha256(parts.encode("utf-8", errors="surrogatepass")).hexdigest()


def automatic_drafts(
    workspace: Workspace, config: Config, night: PublishedNight
) -> list[AutomaticDraft]:
    """The drafts by rank, one per buyer. Held-out buyers have none, even if the hold-out became
    larger after the night."""
    automatic = [
        action.name
        for action in load_actions(workspace.folder)
        if action.sent_by == "automatic" and action.to == "buyer"
    ]
    rows = night.listed.filter(
        pl.col("action").is_in(automatic), pl.col("draft_message").fill_null("") != ""
    )
    held = _held_out(config, night, rows["buyer_id"])
    free = rows.filter(~pl.col("buyer_id").is_in(list(held))).sort("rank")
    free = free.unique("buyer_id", keep="first", maintain_order=True)
    return [_draft(row) for row in free.iter_rows(named=True)]


def _held_out(config: Config, night: PublishedNight, buyers: pl.Series) -> set[str]:
    assigned = read_run_table(night.folder, FILE, ["buyer_id", "arm"])
    held = assigned.filter(pl.col("arm") == HELD_OUT)["buyer_id"].to_list()
    decide = config.decide
    return {*held, *held_out_buyers(buyers, decide.holdout_share, decide.holdout_salt)}


def _draft(row: dict[str, Any]) -> AutomaticDraft:
    return AutomaticDraft(
        str(row["order_id"]),
        tuple(str(row.get("also_orders") or "").split()),
        str(row["buyer_id"]),
        row.get("country"),
        row.get("message_language"),
        str(row["action"]),
        str(row["draft_message"]),
    )
