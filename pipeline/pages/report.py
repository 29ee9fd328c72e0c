"""report: the morning's page of a night, `report.html`, one file that works from a mail
attachment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.history.past_lists import PastLists, past_lists
from pipeline.indicators.open_disputes import TABLE
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.pages.charts import all_charts
from pipeline.pages.html import render
from pipeline.pages.indicator_panel import indicator_rows, read_indicators
from pipeline.pages.model_health import file_rows, quarantine_reasons
from pipeline.pages.page_rows import choices, pack_list
from pipeline.pages.past_nights_panel import read_past
from pipeline.pages.risk_panel import drivers_of
from pipeline.pages.time_line import KINDS, time_lines
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import Progress
from pipeline.workspace.published_run import publish
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace, read_json

PAGE = "report.html"
SEARCHED = (
    "order_id",
    "buyer_id",
    "product_id",
    "product_title",
    "also_orders",
    "reason_1",
    "reason_2",
    "reason_3",
)
FILTERS = ("stage", "country", "likely_cause", "message_language")
PROGRAM = ("page.js", "list_data.js", "contacted.js", "time_line.js", "list_view.js", "report.js")
# by deadline; the sheet has all
MOST_DISPUTES = 100
# the words that the page changes into another language
PARTS = (
    "page",
    "tonight",
    "list",
    "stage",
    "cause",
    "basis",
    "action",
    "outcome",
    "language",
    "event",
    "clock",
    "indicators",
    "indicator",
    "chart",
    "risk",
    "past",
    "effect",
    "health",
)


def report(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Make the page of a night's last run anew, into `runs/<as_of>/latest-report`; return that
    folder."""
    run = workspace.latest(as_of)
    if run is None:
        raise BadInput(
            f"{workspace.folder}: no night {as_of} is published. Make one: make nightly AS_OF={as_of}"
        )
    files, facts = workspace.table_files(), read_json(run / "manifest.json")
    if (
        not {"contact_list.parquet", "scores.parquet"} <= {file.name for file in run.iterdir()}
        or "source" not in facts
    ):
        raise BadInput(
            f"{run}: was made by a former version. Make it again: make nightly AS_OF={as_of} FORCE=1"
        )
    with (
        publish(workspace, config, as_of, "report") as (folder, manifest),
        progress.piece("report") as notes,
    ):
        month = past_lists(workspace, files, config, as_of)
        notes.append(write_report(folder, run, workspace, files, config, as_of, facts, month))
        manifest["report"] = {"run_id": facts.get("run_id")}
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-report").resolve()


def write_report(
    folder: Path,
    run: Path,
    workspace: Workspace,
    files: TableFiles,
    config: Config,
    as_of: date,
    facts: Mapping[str, Any],
    month: PastLists | None,
) -> str:
    """Write `report.html` into `folder`; return a line for people. `run`: the folder with the
    night's files; `facts`: its manifest. The same tables, runs and config give the same bytes: no
    clock and no run's id is in it."""
    listed, scores = (
        pl.read_parquet(run / "contact_list.parquet"),
        pl.read_parquet(run / "scores.parquet"),
    )
    indicators = read_indicators(workspace, files, config, as_of)
    past = read_past(workspace, files, config, as_of, month)
    disputes = read_clock(run)
    clock = disputes[:MOST_DISPUTES]
    charts = all_charts(indicators, past, as_of) if config.page.charts else {}
    page = render(
        "report.html",
        program=PROGRAM,
        parts=PARTS,
        charts=bool(charts),
        data=_data(listed, scores, files, config, as_of, clock, charts),
        as_of=as_of,
        night=_night(listed, scores, facts),
        facts=facts,
        choices=_choices(listed),
        outcomes=OUTCOMES,
        clock=clock,
        count_disputes=len(disputes),
        owed=f"{sum(row['owes_answer'] for row in disputes):,}",
        indicators=indicators,
        indicator_rows=indicator_rows(indicators),
        chart_places=list(charts),
        drivers={by: frame.to_dicts() for by, frame in drivers_of(files, scores, as_of).items()},
        past=past,
        month=month,
        files=file_rows(facts["source"]),
        reasons=quarantine_reasons(workspace),
    )
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")
    return f"{PAGE}, {len(page.encode()) / 1e6:.1f} MB"


def _night(listed: pl.DataFrame, scores: pl.DataFrame, facts: Mapping[str, Any]) -> dict[str, Any]:
    stages = listed["stage"].value_counts().sort("count", "stage", descending=[True, False])
    gates = facts.get("data_gates", [])
    return {
        "listed": listed.height,
        "scored": f"{scores.height:,}",
        "worth": f"{listed['expected_value_usd'].sum():,.0f}",
        "disputes": f"{scores['probability'].sum():,.1f}",
        "stages": list(stages.iter_rows()),
        "due": listed.filter(pl.col("contact_by") <= pl.col("as_of")).height,
        "banner": facts.get("banner", []),
        "gates": gates,
        "gates_out": sum(gate["is_out"] for gate in gates),
    }


def _choices(listed: pl.DataFrame) -> dict[str, list[str]]:
    return {column: choices(listed, column) for column in FILTERS}


def _data(
    listed: pl.DataFrame,
    scores: pl.DataFrame,
    files: TableFiles,
    config: Config,
    as_of: date,
    clock: list[dict[str, Any]],
    charts: Mapping[str, Any],
) -> dict[str, Any]:
    events = time_lines(files, listed, config, as_of)
    midnight = datetime(as_of.year, as_of.month, as_of.day, tzinfo=ZoneInfo(files.zone))
    return {
        "as_of": as_of.isoformat(),
        "zone": files.zone,
        "starts_at": int(midnight.timestamp()),
        "kinds": KINDS,
        "outcomes": OUTCOMES,
        "searched": SEARCHED,
        "view": {"part": "list", "sort": "rank", "descending": False},
        "list": pack_list(listed, scores, events, as_of),
        "answers": [row["draft_answer"] or "" for row in clock],
        "charts": charts,
    }


def read_clock(run: Path) -> list[dict[str, Any]]:
    """The night's open disputes with `deadline_seconds` (since 1970), empty without a deadline or a
    clock."""
    path = run / f"{TABLE}.csv"
    if not path.exists():
        return []
    rows = pl.read_csv(
        path, infer_schema_length=None, schema_overrides=dict.fromkeys(_TEXTS, pl.String)
    ).to_dicts()
    return [{**row, "deadline_seconds": _seconds(row["deadline_store"])} for row in rows]


_TEXTS = (
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


def _seconds(text: str | None) -> int | None:
    """Of '2026-01-02 16:00 Asia/Shanghai'."""
    if not text:
        return None
    day, hour, zone = text.split(" ")
    local = datetime.fromisoformat(f"{day} {hour}").replace(tzinfo=ZoneInfo(zone))
    return int(local.astimezone(UTC).timestamp())
