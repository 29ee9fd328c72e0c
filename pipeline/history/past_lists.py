"""How good past lists were, as far as their outcomes are known by a day (the rule of time)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import calendar_day, day_number, in_days, is_before, last_matured_day
from features.labels import LEAST_DISPUTED, build_labels, has_enough_disputes, is_measurable
from features.tables import create_tables
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_manifest, read_run_table
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

MONTH_DAYS = 30
Run = tuple[date, Path, dict[str, Any]]


@dataclass(frozen=True)
class PastLists:
    """Totals over the matured nights `first` to `last`.

    Counts the listed and the scored rows whose outcome is known and how many were disputed, and
    sums the probabilities of the scored rows. `rows` has the scored rows: `order_id, probability,
    as_of_day, is_listed, label`.
    """

    first: date
    last: date
    nights: int
    listed: int
    listed_disputed: int
    scored: int
    scored_disputed: int
    sum_probability: float
    rows: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False, compare=False)

    @property
    def precision(self) -> float | None:
        """None if nothing was listed or too few listed orders were disputed to measure it."""
        is_known = bool(self.listed) and has_enough_disputes(self.rows.filter("is_listed"))
        return self.listed_disputed / self.listed if is_known else None

    @property
    def base_rate(self) -> float | None:
        """None if too few orders were disputed to measure it."""
        is_known = bool(self.scored) and is_measurable(self.rows)
        return self.scored_disputed / self.scored if is_known else None


def past_lists(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> PastLists | None:
    """The outcomes of the lists of the last 30 nights matured by `as_of`; None without any night.

    A night counts only if its model was not trained on its outcomes. Only facts known before
    `as_of` are used.
    """
    runs = matured_runs(workspace, config, as_of, MONTH_DAYS)
    scored = [_scored(folder, night) for night, folder, _ in runs]
    if not scored:
        return None
    rows = pl.concat(scored)
    labelled = rows.with_columns(matured_labels(files, rows, config, as_of)).drop_nulls("label")
    listed = labelled.filter("is_listed")
    nights = [night for night, _, _ in runs]
    return PastLists(
        min(nights),
        max(nights),
        len(nights),
        listed.height,
        int(listed["label"].sum()),
        labelled.height,
        int(labelled["label"].sum()),
        float(labelled["probability"].sum()),
        labelled,
    )


def matured_runs(workspace: Workspace, config: Config, as_of: date, days: int) -> list[Run]:
    """Night, run folder and manifest of each of the last `days` nights matured by `as_of`.

    A night counts only if its model was not trained on its outcomes.
    """
    until = (
        last_matured_day(day_number(as_of), config.horizon_days, config.reporting_delay_days) + 1
    )
    return [run for run in _runs(workspace) if _counts(run, until, days)]


def counted_runs(workspace: Workspace, as_of: date, days: int) -> list[Run]:
    """Like `matured_runs`, but for the last `days` nights before `as_of`, matured or not."""
    until = day_number(as_of)
    return [run for run in _runs(workspace) if _counts(run, until, days)]


def _runs(workspace: Workspace) -> Iterator[Run]:
    """The last complete run of every night with its manifest, in the order of the nights."""
    for link in sorted(workspace.folder.glob("runs/*/latest")):
        try:
            night = date.fromisoformat(link.parent.name)
            yield night, link.resolve(), read_manifest(link)
        except (ValueError, OSError):
            # a folder with another name, or a run that was removed
            continue


def _counts(run: Run, until: int, days: int) -> bool:
    night, folder, manifest = run
    is_matured = pl.select(in_days(pl.lit(day_number(night)), until - days, until)).item()
    trained_as_of = manifest.get("model", {}).get("trained_as_of")
    is_honest = trained_as_of is not None and not is_before(
        night, date.fromisoformat(trained_as_of)
    )
    return bool(is_matured and is_honest and (folder / "contact_list.parquet").exists())


def _scored(folder: Path, night: date) -> pl.DataFrame:
    scores = read_run_table(folder, "scores.parquet", ["order_id", "probability"])
    listed = read_run_table(folder, "contact_list.parquet", ["order_id"])["order_id"]
    return scores.with_columns(
        as_of_day=pl.lit(day_number(night), pl.Int32),
        is_listed=pl.col("order_id").is_in(listed.implode()),
    )


def matured_labels(files: TableFiles, rows: pl.DataFrame, config: Config, as_of: date) -> pl.Series:
    """`label` of order-nights, from facts known before `as_of`; null while it is not known.

    `rows` has `order_id`, and `as_of_day` or `night`.
    """
    if "as_of_day" not in rows.columns:
        rows = rows.with_columns(as_of_day=pl.col("night").cast(pl.Int32))
    ids = rows["order_id"].unique()
    facts = {name: files.read_facts(name, ids) for name in ("disputes", "order_events")}
    tables = create_tables(facts, zone=files.zone, has_partial_outcomes=files.has_partial_outcomes)
    return build_labels(
        tables, rows.select("order_id", "as_of_day"), config.label_window, day_number(as_of)
    )["label"]


def past_lists_text(past: PastLists | None) -> str:
    """Last month's precision in a sentence or two, for agents and analysts."""
    if past is not None and past.listed and past.precision is None:
        return (
            f"Quality of last month's lists: of {past.listed:,} listed rows with a known outcome, "
            f"{past.listed_disputed:,} were disputed. That is too few to measure a list by: it "
            f"needs {LEAST_DISPUTED} disputed orders."
        )
    if past is None or past.precision is None or past.base_rate is None:
        return (
            "Quality of last month's lists: available when the outcomes of the first list are "
            "final, about 31 days after it with the default horizon."
        )
    lift = ""
    if past.base_rate:
        lift = f"; the lists reached {past.precision / past.base_rate:.1f} times that share"
    return (
        f"Quality of last month's lists: of {past.listed:,} listed rows with a known outcome, on "
        f"{past.nights} {'night' if past.nights == 1 else 'nights'} ({past.first} to {past.last}), "
        f"{past.listed_disputed:,} ({past.precision:.1%}) were disputed within the horizon. Among "
        f"all open orders of those nights the share was {past.base_rate:.1%}{lift}. A dispute that "
        "your message prevented is not counted."
    )


def matured_until(as_of: date, config: Config) -> date:
    """The last night whose outcome is known on `as_of`."""
    return calendar_day(
        last_matured_day(day_number(as_of), config.horizon_days, config.reporting_delay_days)
    )
