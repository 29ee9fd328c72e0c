"""What the board shows of a workspace: its nights, and where orders stood on them; only what runs
have published."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.load.contacts import read_own
from pipeline.output.safe_text import neutral_frame
from pipeline.pages.product_page import PAGE as REVIEW
from pipeline.pages.report import PAGE
from pipeline.workspace.workspace import Workspace, read_json

MOST_ORDERS, MOST_NIGHTS = 50, 60


def page_of(workspace: Workspace, night: date) -> Path | None:
    """The night's page: of its run, or made anew since; None where there is none."""
    return _newest(workspace, night, ("latest-report", "latest"), PAGE)


def review_of(workspace: Workspace, night: date) -> Path | None:
    return _newest(workspace, night, ("latest-products",), REVIEW)


def _newest(workspace: Workspace, night: date, folders: tuple[str, ...], name: str) -> Path | None:
    found = [workspace.folder / "runs" / night.isoformat() / folder / name for folder in folders]
    return max(
        (path for path in found if path.exists()),
        key=lambda path: path.stat().st_mtime,
        default=None,
    )


def nights_of(workspace: Workspace) -> list[dict[str, Any]]:
    """One row a published night, newest first."""
    contacts = read_own(workspace).with_columns(
        night=pl.col("contact_id").str.split(":").list.get(1)
    )
    contacted = dict(contacts.group_by("night").agg(pl.len()).iter_rows())
    rows = []
    for night, folder, facts in published(workspace):
        listed = pl.read_parquet(folder / "contact_list.parquet", columns=["expected_value_usd"])
        rows.append(
            {
                "night": night.isoformat(),
                "listed": listed.height,
                "worth": f"{listed['expected_value_usd'].sum():,.0f}",
                "contacted": contacted.get(night.isoformat(), 0),
                "disputes": facts.get("clock", {}).get("count_disputes", "-"),
                "out": sum(gate["is_out"] for gate in facts.get("data_gates", [])),
                "has_page": page_of(workspace, night) is not None,
                "has_review": review_of(workspace, night) is not None,
            }
        )
    return rows


def published(workspace: Workspace) -> list[tuple[date, Path, dict[str, Any]]]:
    """Night, folder and manifest of each complete run that this version can read, newest first."""
    found = []
    for link in sorted(workspace.folder.glob("runs/????-??-??/latest"), reverse=True):
        try:
            facts = read_json(link / "manifest.json")
            night = date.fromisoformat(link.parent.name)
        except (OSError, ValueError, json.JSONDecodeError):
            continue
        if (link / "contact_list.parquet").exists() and (link / "scores.parquet").exists():
            found.append((night, link.resolve(), facts))
    return found


def find_orders(workspace: Workspace, asked: str) -> list[dict[str, Any]]:
    """Orders whose id holds the text: country, the last of the newest 60 nights on which it was
    open and its stage and probability then, how many of these nights listed it, and the last
    contact."""
    orders = (
        workspace.table_files().read_all_of("orders").select("order_id", "country").sort("order_id")
    )
    found = orders.filter(pl.col("order_id").str.contains(asked, literal=True)).head(MOST_ORDERS)
    ids = found["order_id"].implode()
    nights, listed = [], []
    for night, folder, _ in published(workspace)[:MOST_NIGHTS]:
        scores = pl.read_parquet(
            folder / "scores.parquet", columns=["order_id", "stage", "probability"]
        )
        nights.append(
            scores.filter(pl.col("order_id").is_in(ids)).with_columns(night=pl.lit(night))
        )
        lead = pl.read_parquet(folder / "contact_list.parquet", columns=["order_id"])
        listed.append(lead.filter(pl.col("order_id").is_in(ids)))
    if nights:
        last = pl.concat(nights).sort("night").unique("order_id", keep="last")
        times = pl.concat(listed).group_by("order_id").agg(listed=pl.len())
        found = found.join(last, on="order_id", how="left").join(times, on="order_id", how="left")
    else:
        empty = {
            "stage": pl.String,
            "probability": pl.Float64,
            "night": pl.Date,
            "listed": pl.UInt32,
        }
        found = found.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in empty.items())
    own = read_own(workspace).sort("occurred_at").unique("order_id", keep="last")
    own = own.select("order_id", "outcome", contacted=pl.col("occurred_at").dt.date())
    told = (
        found.join(own, on="order_id", how="left")
        .with_columns(pl.col("listed").fill_null(0))
        .sort("order_id")
    )
    return neutral_frame(told).to_dicts()
