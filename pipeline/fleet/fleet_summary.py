"""One row per store: what came of its night, as a table and as a page with links to the pages of
the stores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from pipeline.fleet.run_fleet import DONE, StoreResult
from pipeline.output.safe_text import neutral_frame, one_line
from pipeline.settings.errors import UserError
from pipeline.workspace.checksums import read_manifest, read_run_table
from pipeline.workspace.workspace import Workspace, write_bytes_whole, write_whole

TABLE, PAGE = "fleet.csv", "fleet.html"
TEMPLATES = Path(__file__).resolve().parents[1] / "pages" / "templates"
TAIL_BYTES = 4_000
SCHEMA = {
    "store": pl.String,
    "state": pl.String,
    "exit_code": pl.Int64,
    "seconds": pl.Float64,
    "attempts": pl.Int64,
    "open_orders": pl.Int64,
    "listed": pl.Int64,
    "stake_usd": pl.Float64,
    "prevented_usd": pl.Float64,
    "cost_usd": pl.Float64,
    "net_usd": pl.Float64,
    "waiting_buyers": pl.Int64,
    "disputes_due_48h": pl.Int64,
    "health": pl.String,
    "message": pl.String,
    "page": pl.String,
}
MONEY = {
    "stake_usd": "stake_usd",
    "prevented_usd": "prevented_usd",
    "cost_usd": "cost_usd",
    "net_usd": "expected_value_usd",
}


def summary_of(
    results: Sequence[StoreResult], as_of: date, logs: Path, summary: Path
) -> pl.DataFrame:
    """The table: one row per store, with the columns of `SCHEMA`.

    A store that failed has the message of its last attempt. If an earlier attempt or day published
    the night, its figures are shown. `page` is the way from the folder `summary`.
    """
    rows = [
        {
            "store": one_line(result.store.name),
            "state": result.state,
            "exit_code": result.exit_code,
            "seconds": round(result.seconds, 2),
            "attempts": result.attempts,
            "message": "" if result.state == DONE else last_line(logs / f"{result.store.name}.log"),
            **_night_facts(result.store.folder, as_of, summary),
        }
        for result in results
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _night_facts(folder: Path, as_of: date, summary: Path) -> dict[str, Any]:
    """What the published night says of itself; nothing if there is none, or it is damaged."""
    try:
        run = Workspace(folder).latest(as_of)
        if run is None:
            return {}
        facts, listed = read_manifest(run), read_run_table(run, "contact_list.parquet")
    except (UserError, OSError):
        return {}
    page = run / "report.html"
    rows = facts.get("rows", {})
    return {
        "open_orders": rows.get("scores"),
        "listed": rows.get("contact_list"),
        **{name: round(float(listed[column].sum()), 2) for name, column in MONEY.items()},
        "waiting_buyers": facts.get("queues", {}).get("counts", {}).get("waiting"),
        "disputes_due_48h": facts.get("clock", {}).get("count_due_within_48_hours"),
        "health": facts.get("health", {}).get("verdict"),
        "page": Path(os.path.relpath(page, summary)).as_posix() if page.exists() else None,
    }


def last_line(log: Path) -> str:
    """The last line that a store's step printed, shortened."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return one_line(next((line for line in reversed(lines) if line.strip()), ""), 300)


def write_summary(table: pl.DataFrame, as_of: date, folder: Path) -> None:
    """Write the table and the page into `folder`."""
    write_bytes_whole(folder / TABLE, lambda path: neutral_frame(table).write_csv(path))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    done = table.filter(pl.col("state") == DONE)
    text = environment.get_template(PAGE).render(
        title=f"All stores, {as_of}",
        says=summary_sentence(table),
        money={name: float(done[name].sum()) for name in MONEY},
        rows=table.sort(pl.col("state") == DONE, -pl.col("net_usd").fill_null(0.0)).to_dicts(),
    )
    write_whole(folder / PAGE, text)


def summary_sentence(table: pl.DataFrame) -> str:
    """How many stores are done, and how many are not."""
    counts = table["state"].value_counts(sort=True).sort("state")
    others = ", ".join(
        f"{row['count']:,} {row['state']}" for row in counts.to_dicts() if row["state"] != DONE
    )
    done = table.filter(pl.col("state") == DONE).height
    return f"{done:,} of {table.height:,} stores are done" + (f"; {others}" if others else "")
