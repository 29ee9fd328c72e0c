"""impact: what the lists achieved, from the hold-out that they keep; by stage, cause and
language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from models.contact.uplift import buyers_needed
from pipeline.history.measured_impact import impact_table, matured_rows
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.config import Config
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

CUT, POWER = 0.30, 0.8
CAPACITIES = (20, 50, 200)
YEAR = 365
ADVICE = {
    "prevents disputes": "Go on: messages prevent disputes, and that is more than chance",
    "provokes disputes": "Stop, and read what is sent: messages provoke disputes, and that is more than chance",
    "not known yet": "Go on and look again: whether messages help or harm is not known yet",
}


def impact(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write `impact.csv` and `impact.txt` into a run folder of their own; return it."""
    with progress.piece("impact") as said:
        files = workspace.table_files()
        rows = matured_rows(workspace, files, config, as_of)
        said.append(
            f"{rows.height:,} orders of matured nights, {rows.filter('is_held').height:,} of them held out"
        )
    table = impact_table(rows, config)
    text = "\n".join([*sentences(table), *power_lines(table, rows, config)])
    with publish(workspace, config, as_of, "impact") as (folder, manifest):
        neutral_frame(table).write_csv(folder / "impact.csv", float_precision=6)
        (folder / "impact.txt").write_text(text + "\n", encoding="utf-8")
        manifest["impact"] = {
            "orders": rows.height,
            "whole": table.row(0, named=True) if table.height else None,
        }
    for line in text.splitlines():
        say(line)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-impact").resolve()


def sentences(table: pl.DataFrame) -> Iterator[str]:
    if table.is_empty():
        yield "No night has matured that kept a hold-out: nothing can be said yet."
        return
    yield ADVICE[table["verdict"][0]]
    for row in table.iter_rows(named=True):
        name = (
            "All lists"
            if row["by"] == "all"
            else f"{row['by'].replace('likely_', '')} {row['group']}"
        )
        start = f"{name}: {row['orders_sent']:,} orders sent, {row['orders_held']:,} held out"
        if row["effect"] is None:
            yield f"{start}; too few to say anything"
            continue
        yield (
            f"{start}; disputes per 100 orders {_points(row, 'effect')}; safe to look at every night: "
            f"{row['always_low'] * 100:+.2f} to {row['always_high'] * 100:+.2f}: {row['verdict']}"
        )
        if row["by"] == "all":
            span = f"95 %: {row['saved_usd_low']:+,.0f} to {row['saved_usd_high']:+,.0f}"
            yield f"USD saved after the cost of writing: {row['saved_usd']:+,.0f} ({span})"
            yield (
                f"{row['contacted_share'] or 0:.0%} of the sent were written to; the model's forecast took off "
                f"{row['variance_taken_off']:.0%} of the variance"
            )
            if row["contacted_effect"] is not None:
                yield f"Of those written to, disputes per 100 orders {_points(row, 'contacted_effect')}"


def _points(row: dict, name: str) -> str:
    low, high = row[f"{name}_low"] * 100, row[f"{name}_high"] * 100
    return f"{row[name] * 100:+.2f} (95 % at a planned date: {low:+.2f} to {high:+.2f})"


def power_lines(table: pl.DataFrame, rows: pl.DataFrame, config: Config) -> Iterator[str]:
    """How long it takes to see a cut by `CUT`, at the dispute rate of the hold-out so far, by
    capacity."""
    if table.is_empty() or not (rate := table["disputed_held"][0]):
        return
    share = config.decide.holdout_share
    reduction = max(table["variance_taken_off"][0] or 0.0, 0.0)
    needed = buyers_needed(rate, CUT, share, reduction=reduction, power=POWER)
    so_far, nights = table["buyers"][0], rows["as_of_day"].n_unique()
    if table["verdict"][0] == "not known yet":
        a_night = max(so_far / nights, 1e-9)
        more = max(needed - so_far, 0.0) / a_night
        yield (
            f"Not enough yet: about {more:,.0f} more nights like these to see a {CUT:.0%} cut at a planned date, "
            f"{POWER:.0%} of the times"
        )
        even = buyers_needed(rate, CUT, 0.5, reduction=reduction, power=POWER)
        if more > YEAR and share < 0.5:
            yield (
                f"That is longer than a year: this store writes to few new buyers. With half held out instead of "
                f"{share:.0%} (holdout_share) it would be {even / a_night:,.0f} nights, from now on"
            )
    for capacity in CAPACITIES:
        yield (
            f"At {capacity} contacts a night to buyers not written to before: {needed / (capacity / (1 - share)):,.0f} "
            f"nights in all, {needed / (1 - reduction) / (capacity / (1 - share)):,.0f} without the forecast's help"
        )
