"""monitor: is the model still right, are its inputs as usual? One verdict a night: fine, watch or
act."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.asof import visible
from features.build.registry import FEATURES
from features.clock import calendar_day, day_number
from features.tables import TABLES
from models.learner.gbm import DisputeModel
from models.monitoring import input_health as inputs
from models.monitoring.input_checks import Reading
from models.monitoring.matured_outcomes import AlarmLimits, judge_outcomes, label_outcomes, traits
from models.monitoring.sequential_monitoring import LOOKBACK_NIGHTS, WATCH, Finding, worst
from pipeline.history.past_lists import counted_runs
from pipeline.night.night_checks import NOT_COUNTED, Scorer
from pipeline.output.safe_text import neutral_frame, one_line
from pipeline.registry.model_registry import require_champion
from pipeline.registry.registered_model import Registered
from pipeline.settings.config import Config
from pipeline.workspace.freshness import newest_fact
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.published_run import publish
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace, read_json, write_json

FILE = "health.json"
YEAR_DAYS = 365
# order-nights that are judged; of more, a part of the orders stands for all
MOST_ROWS, SAMPLED_BY = 5_000_000, 11
# an order's own names in what is said, at the longest
LONGEST = 160
# what a night says that has nothing to judge by
UNKNOWN, WHY_UNKNOWN = (
    "unknown",
    "not known yet: nothing has matured, and there is little to compare with",
)
NEW_BY = ("country", "lane", "carrier", "category")


@dataclass(frozen=True)
class Health:
    """`table`: what came of matured nights beside what was said; `is_known`: something could be
    judged at all."""

    verdict: str
    findings: list[Finding]
    table: pl.DataFrame
    is_known: bool

    def told(self) -> dict[str, Any]:
        """For the manifest and the page; worst first."""
        first = self.findings[0] if self.findings else None
        nothing = "nothing moved" if self.is_known else WHY_UNKNOWN
        return {
            "verdict": self.verdict,
            "reason": first.says if first else nothing,
            "propose": first.propose if first else "",
            "findings": [asdict(f) for f in self.findings],
            "calibration": self.table.to_dicts(),
        }

    def sentence(self) -> str:
        if not self.is_known:
            return f"The model's health: {WHY_UNKNOWN}"
        told = self.told()
        end = f"; proposed: {told['propose']}" if told["propose"] else ""
        return f"The model's health: {self.verdict} - {told['reason']}{end}"


def monitor(workspace: Workspace, config: Config, progress: Progress, *, as_of: date) -> Path:
    """Write `health.json`, `health.csv` and `health.txt` into a run folder of their own; return
    it."""
    champion, files, published = (
        require_champion(workspace),
        workspace.table_files(),
        workspace.latest(as_of),
    )
    with progress.piece("monitor") as notes:
        health = look(
            workspace, files, config, champion, as_of, [], _means(published) if published else None
        )
        notes.append(f"{len(health.findings)} findings")
    lines = [health.sentence(), *(f"{f.level}: {f.says}; {f.propose}" for f in health.findings)]
    with publish(workspace, config, as_of, "monitor") as (folder, manifest):
        write_json(folder / FILE, health.told())
        neutral_frame(health.table).write_csv(folder / "health.csv", float_precision=6)
        (folder / "health.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        manifest["health"] = health.told()
    for line in lines:
        say(line)
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-monitor").resolve()


def look(
    workspace: Workspace,
    files: TableFiles,
    config: Config,
    champion: Scorer,
    as_of: date,
    gates: Iterable[Reading],
    tonight: Mapping[str, list[float | None]] | None = None,
) -> Health:
    """The verdict of a night. `gates`: what the gates before publishing read; `tonight`:
    `feature_means` of the night itself. Only facts known before `as_of` are used. Of rules, which
    have learnt nothing, only the feeds are judged."""
    day = day_number(as_of)
    runs = counted_runs(
        workspace, as_of, LOOKBACK_NIGHTS + config.horizon_days + config.reporting_delay_days
    )
    means = [_means(folder) for _, folder, _ in runs]
    means += [dict(tonight)] if tonight else []
    found, table = judge_feeds(files, day), pl.DataFrame()
    if isinstance(champion, Registered):
        own = [
            (night, folder)
            for night, folder, told in runs
            if told["model"].get("version") == champion.version
        ]
        rows = outcome_rows(files, own, config, as_of)
        outcomes, table = judge_outcomes(rows, limits_of(config), config.label_window, day)
        found = [*outcomes, *found, *_moved(champion.model, means)]
    for gate in gates:
        if gate.is_out and config.data_gates.actions[gate.gate] != "ignore":
            found.append(
                Finding(WATCH, gate.gate, gate.says, _PROPOSALS.get(gate.gate, "look at the gate"))
            )
    return verdict_of(
        found, table, is_known=bool(table.height or found or len(means) > inputs.FEWEST_SHIFTS)
    )


def _moved(model: DisputeModel, means: Iterable[Mapping[str, list[float | None]]]) -> list[Finding]:
    gain = model.booster.feature_importance("gain")
    importance = dict(zip(model.feature_names, gain / max(gain.sum(), 1e-9), strict=True))
    return inputs.drift_findings([night for night in means if night], model.moments, importance)


_PROPOSALS = {"champion_age": "retrain", "mean_probability": "retrain", "drift": "retrain"}


def verdict_of(found: list[Finding], table: pl.DataFrame, *, is_known: bool) -> Health:
    safe = [
        Finding(f.level, f.reading, one_line(f.says, LONGEST), one_line(f.propose, LONGEST))
        for f in found
    ]
    verdict = worst(safe) if is_known else UNKNOWN
    # sorted by level; within one level as found: outcomes before inputs
    ordered = sorted(safe, key=lambda finding: -("fine", "watch", "act").index(finding.level))
    return Health(verdict, ordered, table, is_known)


def outcome_rows(
    files: TableFiles, runs: list[tuple[date, Path]], config: Config, as_of: date
) -> pl.DataFrame:
    """Every order-night of these runs: `order_id, as_of_day, stage, probability, is_listed, lane,
    category, label` (disputed within the horizon) and `opened_at_once` (on the night's own day);
    null: not known yet."""
    parts = []
    every = _every(runs)
    for night, folder in runs:
        listed = pl.read_parquet(folder / "contact_list.parquet", columns=["order_id"])["order_id"]
        scores = pl.read_parquet(
            folder / "scores.parquet", columns=["order_id", "stage", "probability"]
        )
        is_listed = pl.col("order_id").is_in(listed.implode())
        scores = scores.filter(pl.col("order_id").hash(seed=SAMPLED_BY) % every == 0)
        parts.append(
            scores.with_columns(is_listed=is_listed, as_of_day=pl.lit(day_number(night), pl.Int32))
        )
    if not parts:
        return pl.DataFrame()
    rows, day = pl.concat(parts), day_number(as_of)
    tables = files.read_orders(rows["order_id"].unique())
    labelled = label_outcomes(rows, tables, config.label_window, day)
    return labelled.join(traits(tables, day), on="order_id", how="left", maintain_order="left")


def _every(runs: list[tuple[date, Path]]) -> int:
    """Every how manieth order is judged, so that the nights of a very large store fit into
    memory."""
    counts = [
        pl.scan_parquet(folder / "scores.parquet").select(pl.len()).collect().item()
        for _, folder in runs
    ]
    return max(1, -(-sum(counts) // MOST_ROWS))


def limits_of(config: Config) -> AlarmLimits:
    told = config.monitor
    return AlarmLimits(told.rise, told.fall, told.early_rise, told.early_fall)


def judge_feeds(files: TableFiles, as_of_day: int) -> list[Finding]:
    """Feeds and carriers that fell silent, and values never seen before."""
    newest = newest_fact(files, as_of_day)
    found: list[Finding | None] = []
    for name in TABLES:
        if name not in NOT_COUNTED:
            found.append(inputs.feed_finding(name, files.count_by_day(name, as_of_day), newest))
    shipments = files.read_known(
        "shipments", ["shipment_id", "carrier"], as_of_day - YEAR_DAYS, as_of_day
    )
    first = as_of_day - inputs.TESTED_DAYS - inputs.USUAL_DAYS - inputs.WEEK
    scans = files.read_known("tracking", ["shipment_id", "status"], first, as_of_day)
    by = scans.join(
        shipments.select("shipment_id", "carrier").unique("shipment_id"),
        on="shipment_id",
        how="left",
    )
    for kind, part in (("scans", by), ("deliveries", by.filter(pl.col("status") == "Delivered"))):
        counts = part.group_by("carrier", "known_day").agg(count=pl.len())
        found += inputs.carrier_findings(kind, counts, newest)
    for what in NEW_BY:
        told = shipments if what == "carrier" else _sold(files, what, as_of_day)
        values = told.select(pl.col(what).alias("value"), "known_day")
        found += inputs.new_value_findings(what, values, as_of_day, as_of_day - YEAR_DAYS)
    return [finding for finding in found if finding is not None]


def _sold(files: TableFiles, what: str, as_of_day: int) -> pl.DataFrame:
    """`known_day` and a country or lane of each order of a year, or a category of each of its
    lines."""
    first = as_of_day - YEAR_DAYS
    if what != "category":
        return files.read_known("orders", [what], first, as_of_day)
    lines = files.read_known("order_lines", ["product_id"], first, as_of_day)
    products = (
        visible(files.read_all_of("products"), as_of_day)
        .unique("product_id")
        .select("product_id", "category")
    )
    return lines.join(products, on="product_id", how="left")


def write_means(folder: Path, scored: pl.DataFrame, health: Health) -> None:
    """The night's `health.json`: the verdict, and what later nights compare their features with."""
    write_json(folder / FILE, {**health.told(), "features": night_means(scored)})


def night_means(scored: pl.DataFrame) -> dict[str, list[float | None]]:
    return inputs.feature_means(scored, [name for name in FEATURES if name in scored.columns])


def _means(folder: Path) -> dict[str, list[float | None]]:
    """Empty for a run of a former version."""
    try:
        return dict(read_json(folder / FILE).get("features", {}))
    except (OSError, json.JSONDecodeError):
        return {}


def oldest_judged(config: Config, as_of: date) -> date:
    """As of which day a challenger learns that can be judged tonight: the nights after it have
    matured."""
    back = config.horizon_days + config.reporting_delay_days + config.monitor.judged_nights
    return calendar_day(day_number(as_of) - back)
