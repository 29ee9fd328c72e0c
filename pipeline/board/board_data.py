"""What the board shows of a workspace: its nights and their pages. It reads only what runs have
published."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.desk.desk_log import DeskLog
from pipeline.desk.published_nights import published
from pipeline.load.contacts import read_own
from pipeline.output.safe_text import neutral_text
from pipeline.pages.product_page import PAGE as REVIEW
from pipeline.pages.report import PAGE
from pipeline.workspace.workspace import Workspace


def page_of(workspace: Workspace, night: date) -> Path | None:
    """The newest page of a night, from its run or from `make report`; None if there is none."""
    return _newest(workspace, night, ("latest-report", "latest"), PAGE)


def review_of(workspace: Workspace, night: date) -> Path | None:
    """The product review of a night; None if there is none."""
    return _newest(workspace, night, ("latest-products",), REVIEW)


def _newest(workspace: Workspace, night: date, folders: tuple[str, ...], name: str) -> Path | None:
    paths = [workspace.folder / "runs" / night.isoformat() / folder / name for folder in folders]
    return max(
        (path for path in paths if path.exists()),
        key=lambda path: path.stat().st_mtime,
        default=None,
    )


def nights_of(workspace: Workspace) -> list[dict[str, Any]]:
    """One row per published night, newest first."""
    contacts = read_own(workspace).with_columns(
        night=pl.col("contact_id").str.split(":").list.get(1)
    )
    contacted = dict(contacts.group_by("night").agg(pl.len()).iter_rows())
    rows = []
    for run in published(workspace):
        night = run.night.isoformat()
        rows.append(
            {
                "night": night,
                "listed": run.listed.height,
                "saving": f"{run.listed['expected_value_usd'].sum():,.0f}",
                "contacted": contacted.get(night, 0),
                "disputes": run.manifest.get("clock", {}).get("count_disputes", "-"),
                "failed": sum(check["is_out"] for check in run.manifest.get("data_gates", [])),
                "has_page": page_of(workspace, run.night) is not None,
                "has_review": review_of(workspace, run.night) is not None,
            }
        )
    return rows


def log_rows(log: DeskLog, count: int, zone: str) -> list[dict[str, Any]]:
    """The newest entries of the log, newest first, as a page shows them, in the store's zone."""
    return [
        {
            "at": datetime.fromisoformat(entry.at).astimezone(ZoneInfo(zone)).strftime(_MINUTE),
            "user": entry.user,
            "kind": entry.kind,
            "order_id": neutral_text(entry.order_id),
            "undoes": entry.undoes,
            "details": next((entry.value[name] for name in _DETAILS if entry.value.get(name)), ""),
            "outcome": entry.value.get("outcome"),
        }
        for entry in log.newest(count)
    ]


_MINUTE = "%Y-%m-%d %H:%M"
_DETAILS = ("to", "until", "text", "contacted_at")
