"""The data of the report: figures of the night, the open disputes, and what the page's scripts
read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from features.clock import is_earlier
from pipeline.indicators.dispute_wording import wording_keys
from pipeline.indicators.open_disputes import TABLE
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.output.safe_text import one_line
from pipeline.pages.page_rows import pack_list
from pipeline.pages.time_line import KINDS, time_lines
from pipeline.settings.config import Config
from pipeline.workspace.checksums import damaged, night_remedy, read_manifest
from pipeline.workspace.table_files import TableFiles

# the columns that the search looks in
SEARCHED = (
    "order_id",
    "buyer_id",
    "product_id",
    "product_title",
    "also_orders",
    "tracking_number",
    "first_words",
    "reason_1",
    "reason_2",
    "reason_3",
)
_CLOCK_TEXTS = (
    "dispute_id",
    "order_id",
    "cause",
    "reason",
    "deadline_store",
    "draft_answer",
    "action",
    "then",
    "period",
)


def night_figures(
    listed: pl.DataFrame, scores: pl.DataFrame, manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """The figures at the top of the page. `manifest`: that of the night's run."""
    stages = listed["stage"].value_counts().sort("count", "stage", descending=[True, False])
    checks = manifest.get("data_gates", [])
    return {
        "listed": listed.height,
        "scored": f"{scores.height:,}",
        **_money(listed, scores),
        "disputes": f"{scores['probability'].sum():,.1f}",
        "stages": list(stages.iter_rows()),
        "due": listed.filter(~is_earlier(pl.col("as_of"), pl.col("contact_by"))).height,
        "banner": manifest.get("banner", []),
        "checks": checks,
        "sentence_keys": {check["says"]: check.get("says_key") for check in checks},
        "count_failed": sum(check["is_out"] for check in checks),
    }


def _money(listed: pl.DataFrame, scores: pl.DataFrame) -> dict[str, str]:
    """Money at stake, prevented, spent and saved, as texts; "-" in runs of earlier versions."""
    if "stake_usd" not in listed.columns:
        shown = dict.fromkeys(
            ("stake", "prevented", "cost", "all_at_stake", "listed_disputes"), "-"
        )
        return shown | {"saving": f"{listed['expected_value_usd'].sum():,.0f}"}
    own = scores.join(listed, on="order_id", how="semi")
    sums = {
        "stake": listed["stake_usd"],
        "prevented": listed["prevented_usd"],
        "cost": listed["cost_usd"],
        "saving": listed["expected_value_usd"],
        "all_at_stake": scores["stake_usd"],
    }
    shown = {name: f"{column.sum():,.2f}" for name, column in sums.items()}
    return shown | {"listed_disputes": f"{own['end_probability'].sum():,.1f}"}


def script_data(
    listed: pl.DataFrame,
    scores: pl.DataFrame,
    files: TableFiles,
    config: Config,
    as_of: date,
    clock: list[dict[str, Any]],
    charts: Mapping[str, Any],
) -> dict[str, Any]:
    """What the scripts of the page read. `starts_at`: the start of the day in the store's zone, in
    seconds since 1970."""
    events = time_lines(files, listed, config, as_of)
    midnight = datetime(as_of.year, as_of.month, as_of.day, tzinfo=ZoneInfo(files.zone))
    return {
        "as_of": as_of.isoformat(),
        "zone": files.zone,
        "starts_at": int(midnight.timestamp()),
        "kinds": KINDS,
        "outcomes": OUTCOMES,
        "searched": SEARCHED,
        "view": {"matches": "list.matches", "sort": "rank", "descending": False},
        "list": pack_list(listed, scores, events, as_of),
        "answers": [row["draft_answer"] or "" for row in clock],
        "charts": charts,
    }


def read_clock(run: Path) -> list[dict[str, Any]]:
    """The rows of the night's dispute clock; empty if the run has none.

    Adds `deadline_seconds` (since 1970), None for a dispute without a deadline, and the keys of the
    texts for translation.
    """
    path = run / f"{TABLE}.csv"
    if not path.exists():
        return []
    keys = wording_keys()
    try:
        table = pl.read_csv(
            path, infer_schema_length=None, schema_overrides=dict.fromkeys(_CLOCK_TEXTS, pl.String)
        )
        if (count := _count_in_manifest(run)) not in (None, table.height):
            raise ValueError(f"it has {table.height} rows, and the manifest says {count}")
        rows = table.with_columns(pl.col("deadline_store", "then", "action")).to_dicts()
        return [
            {
                **row,
                "deadline_seconds": _seconds(row["deadline_store"]),
                "then_key": keys.get(row["then"]),
                "action_key": keys.get(row["action"]),
            }
            for row in rows
        ]
    except (pl.exceptions.PolarsError, OSError, KeyError, ValueError) as error:
        raise damaged(path, night_remedy(run), one_line(str(error), 200)) from None


def _count_in_manifest(run: Path) -> int | None:
    """The number of open disputes of a published night; None while the night is written."""
    if not (run / "manifest.json").exists():
        return None
    return read_manifest(run).get("clock", {}).get("count_disputes")  # type: ignore[no-any-return]


def _seconds(text: str | None) -> int | None:
    """Seconds since 1970 of a time such as '2026-01-02 16:00 Asia/Shanghai'."""
    if not text:
        return None
    day, hour, zone = text.split(" ")
    local = datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ZoneInfo(zone))
    return int(local.astimezone(UTC).timestamp())
