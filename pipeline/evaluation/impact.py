"""impact: the effect of past lists against their hold-out, by action, stage, cause and language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from models.contact.uplift import buyers_needed
from pipeline.evaluation.action_impact import (
    effect_sentences,
    effect_table,
    policy_sentences,
    policy_table,
)
from pipeline.history.measured_impact import impact_table, matured_rows
from pipeline.night.night_actions import night_actions
from pipeline.output.safe_text import neutral_frame
from pipeline.settings.config import Config
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

CUT, POWER = 0.30, 0.8
CAPACITIES = (20, 50, 200)
YEAR = 365
ADVICE = {
    "prevents disputes": "Continue: messages prevent disputes, and this is more than chance",
    "provokes disputes": "Stop and review the messages: they provoke disputes, and this is more "
    "than chance",
    "not known yet": "Continue and check again later: it is not known yet whether messages help or "
    "harm",
}


def impact(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write `impact.csv`, `effects.csv`, `policies.csv` and `impact.txt` into a run folder of their
    own; return the folder."""
    with progress.piece("impact") as notes:
        files = workspace.table_files()
        rows = matured_rows(workspace, files, config, as_of)
        known = night_actions(workspace, files, config, as_of)
        effects = effect_table(workspace, files, known, config, as_of)
        policies = policy_table(workspace, files, known, config, as_of)
        notes.append(
            f"{rows.height:,} orders of matured nights, {rows.filter('is_held').height:,} held out"
        )
    table = impact_table(rows, config)
    by_name = known.by_name
    lines = [
        *sentences(table),
        *effect_sentences(effects, by_name, known.stopped),
        *policy_sentences(policies, by_name),
        *power_lines(table, rows, config),
    ]
    text = "\n".join(lines)
    with publish(workspace, config, as_of, "impact") as (folder, manifest):
        neutral_frame(table).write_csv(folder / "impact.csv", float_precision=6)
        neutral_frame(effects).write_csv(folder / "effects.csv", float_precision=6)
        neutral_frame(policies).write_csv(folder / "policies.csv", float_precision=2)
        (folder / "impact.txt").write_text(text + "\n", encoding="utf-8")
        manifest["impact"] = {
            "orders": rows.height,
            "whole": table.row(0, named=True) if table.height else None,
        }
    for line in text.splitlines():
        say(line)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-impact").resolve()


def sentences(table: pl.DataFrame) -> Iterator[str]:
    """What to do, then one line per group and the money saved over all lists."""
    if table.is_empty():
        yield "Too early to tell: no night with a hold-out has final outcomes yet."
        return
    yield ADVICE[table["verdict"][0]]
    for row in table.iter_rows(named=True):
        name = (
            "All lists"
            if row["by"] == "all"
            else f"{row['by'].replace('likely_', '')} {row['group']}"
        )
        start = f"{name}: {row['orders_sent']:,} orders listed, {row['orders_held']:,} held out"
        if row["effect"] is None:
            yield f"{start}; too few orders to estimate an effect"
            continue
        yield (
            f"{start}; change in disputes per 100 orders {_points(row, 'effect')}; valid on any "
            f"night: {row['always_low'] * 100:+.2f} to {row['always_high'] * 100:+.2f}: "
            f"{row['verdict']}"
        )
        if row["by"] == "all":
            span = f"95 %: {row['saved_usd_low']:+,.0f} to {row['saved_usd_high']:+,.0f}"
            yield f"USD saved after the cost of the actions: {row['saved_usd']:+,.0f} ({span})"
            yield from _contradiction(row)
            yield (
                f"{row['contacted_share'] or 0:.0%} of the listed orders were contacted; the "
                f"model's forecast removed {row['variance_taken_off']:.0%} of the variance"
            )
            if row["contacted_effect"] is not None:
                yield (
                    "Among the contacted orders, change in disputes per 100 orders "
                    f"{_points(row, 'contacted_effect')}"
                )


def _contradiction(row: dict[str, Any]) -> Iterator[str]:
    """Why more disputes can go with a saving, and fewer with a loss; nothing if they agree."""
    change, saved = row["effect"], row["saved_usd"]
    if change > 0 and saved > 0:
        yield (
            "More disputes and yet a saving: the disputes among the listed orders were about "
            "cheaper orders than those among the held-out ones. Where both intervals include 0, "
            "neither figure is more than chance"
        )
    if change < 0 and saved < 0:
        yield (
            "Fewer disputes and yet a loss: the disputes prevented cost less than the messages, or "
            "were about cheaper orders. Where both intervals include 0, neither figure is more "
            "than chance"
        )


def _points(row: dict[str, Any], name: str) -> str:
    """Percentage points, with the interval that holds at one date chosen beforehand."""
    low, high = row[f"{name}_low"] * 100, row[f"{name}_high"] * 100
    return f"{row[name] * 100:+.2f} (95 % at a planned date: {low:+.2f} to {high:+.2f})"


def power_lines(table: pl.DataFrame, rows: pl.DataFrame, config: Config) -> Iterator[str]:
    """The number of nights needed to detect a cut of `CUT`, now and at other capacities.

    Assumes the dispute rate of the hold-out so far.
    """
    if table.is_empty() or not (rate := table["disputed_held"][0]):
        return
    share = config.decide.holdout_share
    reduction = max(table["variance_taken_off"][0] or 0.0, 0.0)
    needed = buyers_needed(rate, CUT, share, reduction=reduction, power=POWER)
    count_buyers, nights = table["buyers"][0], rows["as_of_day"].n_unique()
    if table["verdict"][0] == "not known yet":
        buyers_per_night = max(count_buyers / nights, 1e-9)
        more = max(needed - count_buyers, 0.0) / buyers_per_night
        yield (
            f"Not enough data yet: it takes about {more:,.0f} more nights like these to detect a "
            f"{CUT:.0%} cut at a planned date with {POWER:.0%} probability"
        )
        even = buyers_needed(rate, CUT, 0.5, reduction=reduction, power=POWER)
        if more > YEAR and share < 0.5:
            yield (
                "That is longer than a year, because this store contacts few new buyers. With half "
                f"of them held out instead of {share:.0%} (holdout_share), it would take "
                f"{even / buyers_per_night:,.0f} nights from now on"
            )
    for capacity in CAPACITIES:
        per_night = capacity / (1 - share)
        yield (
            f"With {capacity} contacts per night to buyers not contacted before: "
            f"{needed / per_night:,.0f} nights in total, "
            f"{needed / (1 - reduction) / per_night:,.0f} without the model's forecast"
        )
