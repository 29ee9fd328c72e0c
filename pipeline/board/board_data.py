"""What the board shows of a workspace: its nights and its orders. It reads only what runs have
published."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.load.contacts import read_own
from pipeline.output.safe_text import neutral_frame
from pipeline.pages.product_page import PAGE as REVIEW
from pipeline.pages.report import PAGE
from pipeline.settings.errors import Damaged
from pipeline.workspace.checksums import check_file, read_manifest
from pipeline.workspace.workspace import Workspace

MOST_ORDERS, MOST_NIGHTS = 50, 60
_LAST_NIGHT = {"stage": pl.String, "probability": pl.Float64, "night": pl.Date, "listed": pl.UInt32}


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
    for night, folder, manifest in published(workspace):
        listed = pl.read_parquet(folder / "contact_list.parquet", columns=["expected_value_usd"])
        rows.append(
            {
                "night": night.isoformat(),
                "listed": listed.height,
                "saving": f"{listed['expected_value_usd'].sum():,.0f}",
                "contacted": contacted.get(night.isoformat(), 0),
                "disputes": manifest.get("clock", {}).get("count_disputes", "-"),
                "failed": sum(check["is_out"] for check in manifest.get("data_gates", [])),
                "has_page": page_of(workspace, night) is not None,
                "has_review": review_of(workspace, night) is not None,
            }
        )
    return rows


def published(workspace: Workspace) -> list[tuple[date, Path, dict[str, Any]]]:
    """Night, folder and manifest of each complete run that this version can read, newest first."""
    runs = []
    for link in sorted(workspace.folder.glob("runs/????-??-??/latest"), reverse=True):
        try:
            manifest = read_manifest(link)
            for name in ("contact_list.parquet", "scores.parquet"):
                if (link / name).exists():
                    check_file(link / name, manifest, "")
            night = date.fromisoformat(link.parent.name)
        except (OSError, ValueError, Damaged):
            continue
        if (link / "contact_list.parquet").exists() and (link / "scores.parquet").exists():
            runs.append((night, link.resolve(), manifest))
    return runs


def find_orders(workspace: Workspace, query: str) -> list[dict[str, Any]]:
    """Up to 50 orders whose id contains `query`, one row per order.

    Columns: `order_id`, `country`; `night`, the last of the newest 60 nights on which the order was
    open, with its `stage` and `probability` then; `listed`, on how many of these nights it was on
    the list; `contacted` and `outcome` of the last contact.
    """
    orders = (
        workspace.table_files().read_all_of("orders").select("order_id", "country").sort("order_id")
    )
    orders = orders.filter(pl.col("order_id").str.contains(query, literal=True)).head(MOST_ORDERS)
    own = read_own(workspace).sort("occurred_at").unique("order_id", keep="last")
    own = own.select("order_id", "outcome", contacted=pl.col("occurred_at").dt.date())
    rows = (
        _with_last_night(workspace, orders)
        .join(own, on="order_id", how="left")
        .with_columns(pl.col("listed").fill_null(0))
        .sort("order_id")
    )
    return neutral_frame(rows).to_dicts()


def _with_last_night(workspace: Workspace, orders: pl.DataFrame) -> pl.DataFrame:
    """Adds `stage`, `probability`, `night` and `listed`; null for an order that was on no night."""
    ids = orders["order_id"].implode()
    scored, listed = [], []
    for night, folder, _ in published(workspace)[:MOST_NIGHTS]:
        scores = pl.read_parquet(
            folder / "scores.parquet", columns=["order_id", "stage", "probability"]
        )
        scored.append(
            scores.filter(pl.col("order_id").is_in(ids)).with_columns(night=pl.lit(night))
        )
        rows = pl.read_parquet(folder / "contact_list.parquet", columns=["order_id"])
        listed.append(rows.filter(pl.col("order_id").is_in(ids)))
    if not scored:
        return orders.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in _LAST_NIGHT.items()
        )
    last = pl.concat(scored).sort("night").unique("order_id", keep="last")
    times = pl.concat(listed).group_by("order_id").agg(listed=pl.len())
    return orders.join(last, on="order_id", how="left").join(times, on="order_id", how="left")
