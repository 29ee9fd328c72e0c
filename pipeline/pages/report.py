"""report: the morning's page of a night, `report.html`. It is one file, so it can be mailed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from features.labels import LEAST_DISPUTED
from pipeline.history.past_lists import PastLists, past_lists
from pipeline.pages.charts import all_charts
from pipeline.pages.html import render
from pipeline.pages.indicator_panel import indicator_rows, read_indicators
from pipeline.pages.page_rows import choices
from pipeline.pages.past_nights_panel import read_past
from pipeline.pages.queue_panel import read_queues
from pipeline.pages.report_data import night_figures, read_clock, script_data
from pipeline.pages.risk_panel import drivers_of
from pipeline.pages.source_health import file_rows, quarantine_reasons
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.workspace.checksums import read_manifest, read_run_table
from pipeline.workspace.progress import Progress
from pipeline.workspace.published_run import publish
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

PAGE = "report.html"
FILTERS = ("stage", "action", "country", "likely_cause", "message_language")
SCRIPTS = (
    "page.js",
    "list_data.js",
    "contacted.js",
    "time_line.js",
    "list_view.js",
    "order_facts.js",
    "report.js",
)
# the page shows the earliest deadlines; the sheet has all of them
MOST_DISPUTES = 100
# the words that the scripts need, to switch the language of the page
GROUPS = (
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
    "scan",
    "queue",
    "queue_how",
    "waiting",
    "said_by",
    "clock",
    "indicators",
    "indicator",
    "chart",
    "risk",
    "past",
    "effect",
    "health",
    "health_level",
)


def report(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write the page of a night's latest run again, into `runs/<as_of>/latest-report`.

    Returns that folder. Raises BadInput if the night has no run, or only one that an earlier
    version of the program made.
    """
    run = workspace.latest(as_of)
    if run is None:
        raise BadInput(
            f"{workspace.folder}: the night of {as_of} has no published run. "
            f"Create one: make nightly AS_OF={as_of}"
        )
    files, run_manifest = workspace.table_files(), read_manifest(run)
    needed = {"contact_list.parquet", "scores.parquet"}
    is_whole = needed <= {file.name for file in run.iterdir()} and "source" in run_manifest
    if not is_whole or not set(FILTERS) <= set(read_run_table(run, "contact_list.parquet").columns):
        raise BadInput(
            f"{run}: an earlier version of this program made this run. "
            f"Create it again: make nightly AS_OF={as_of} FORCE=1"
        )
    with (
        publish(workspace, config, as_of, "report") as (folder, manifest),
        progress.piece("report") as notes,
    ):
        month = past_lists(workspace, files, config, as_of)
        notes.append(
            write_report(folder, run, workspace, files, config, as_of, run_manifest, month)
        )
        manifest["report"] = {"run_id": run_manifest.get("run_id")}
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-report").resolve()


def write_report(
    folder: Path,
    run: Path,
    workspace: Workspace,
    files: TableFiles,
    config: Config,
    as_of: date,
    manifest: Mapping[str, Any],
    month: PastLists | None,
) -> str:
    """Write `report.html` into `folder`; return its name and size for the progress line.

    `run`: the folder with the night's files; `manifest`: its manifest; `month`: the lists of the
    last 30 matured nights. The same tables, runs and config give the same bytes: the page contains
    no clock time and no run id.
    """
    listed = read_run_table(run, "contact_list.parquet")
    scores = read_run_table(run, "scores.parquet")
    indicators = read_indicators(workspace, files, config, as_of)
    past = read_past(workspace, files, config, as_of, month)
    disputes = read_clock(run)
    clock = disputes[:MOST_DISPUTES]
    charts = all_charts(indicators, past, as_of) if config.page.charts else {}
    page = render(
        "report.html",
        scripts=SCRIPTS,
        groups=GROUPS,
        data=script_data(listed, scores, files, config, as_of, clock, charts),
        has_charts=bool(charts),
        has_sentences=True,
        as_of=as_of,
        night=night_figures(listed, scores, manifest),
        manifest=manifest,
        choices={column: choices(listed, column) for column in FILTERS},
        clock=clock,
        queues=read_queues(run, files, config.links),
        count_disputes=len(disputes),
        count_owed=sum(row["owes_answer"] for row in disputes),
        indicators=indicators,
        indicator_rows=indicator_rows(indicators),
        charts=list(charts),
        drivers={by: frame.to_dicts() for by, frame in drivers_of(files, scores, as_of).items()},
        past=past,
        month=month,
        least_disputed=LEAST_DISPUTED,
        files=file_rows(manifest["source"]),
        reasons=quarantine_reasons(workspace),
    )
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")
    return f"{PAGE}, {len(page.encode()) / 1e6:.1f} MB"
