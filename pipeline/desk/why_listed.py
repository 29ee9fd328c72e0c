"""Why an order is on the list of a night, or why it is not: one sentence of the page's words."""

from __future__ import annotations

from typing import Any

import polars as pl

from models.actions.hold_out import HELD_OUT
from pipeline.desk.published_nights import SCORES, PublishedRun
from pipeline.history.assignments import FILE, resting_buyers
from pipeline.workspace.table_files import TableFiles

# a key of the page's words, with the values that fill it
Reason = tuple[str, dict[str, Any]]


def why_listed(
    run: PublishedRun, files: TableFiles, order_id: str, buyer_id: str, *, is_disputed: bool
) -> Reason:
    """The reason that comes first when the night chooses: the order is open, the buyer is not held
    out, no other order of theirs is listed, they do not rest, an action pays, and it was among the
    best."""
    listed, settings = run.listed, run.manifest.get("inputs", {}).get("config", {})
    own = listed.filter(pl.col("order_id") == order_id)
    if own.height:
        return "desk.why_listed", {"rank": own["rank"][0], "count": listed.height}
    score = run.table(SCORES).filter(pl.col("order_id") == order_id)
    if score.is_empty():
        return ("desk.why_disputed" if is_disputed else "desk.why_not_open"), {}
    if _is_held_out(run, buyer_id):
        return "desk.why_held_out", {}
    if (others := listed.filter(pl.col("buyer_id") == buyer_id)).height:
        return "desk.why_other_order", {"order": others["order_id"][0]}
    days = int(settings.get("decide", {}).get("cool_off_days", 0))
    if days and buyer_id in resting_buyers(files, pl.Series([order_id]), run.night, days):
        return "desk.why_resting", {"days": days}
    return _why_not_worth(score.row(0, named=True), settings)


def _is_held_out(run: PublishedRun, buyer_id: str) -> bool:
    if not (run.folder / FILE).exists():
        return False
    rows = run.table(FILE).filter(pl.col("buyer_id") == buyer_id)
    return bool((rows["arm"] == HELD_OUT).any())


def _why_not_worth(score: dict[str, Any], settings: dict[str, Any]) -> Reason:
    least = float(settings.get("actions", {}).get("least_worth_usd", 0.0))
    worth = score.get("expected_value_usd")
    if score.get("action") is None or worth is None:
        return "desk.why_no_action", {}
    if worth < least:
        return "desk.why_not_worth", {"usd": f"{worth:.2f}", "least": f"{least:.2f}"}
    capacity = settings.get("decide", {}).get("capacity", 0)
    return "desk.why_others_first", {"usd": f"{worth:.2f}", "capacity": capacity}
