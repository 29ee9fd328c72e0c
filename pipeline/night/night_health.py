"""The health of the model and its inputs on one night, with one verdict: fine, watch or act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.build.registry import FEATURES
from features.clock import calendar_day, day_number
from features.sentence import Sentence, key_of, sentence
from models.learner.gbm import DisputeModel
from models.monitoring import input_drift
from models.monitoring.feature_sums import FeatureSums
from models.monitoring.input_checks import Reading
from models.monitoring.matured_outcomes import AlarmLimits, judge_outcomes, label_outcomes, traits
from models.monitoring.sequential_monitoring import LOOKBACK_NIGHTS, RETRAIN, WATCH, Finding, worst
from pipeline.history.past_lists import counted_runs
from pipeline.night.feed_health import judge_feeds
from pipeline.night.night_checks import Scorer
from pipeline.night.product_health import judge_products
from pipeline.output.safe_text import one_line
from pipeline.registry.registered_model import Registered
from pipeline.settings.config import Config
from pipeline.workspace.checksums import read_run_json, read_run_table
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace, write_json

FILE = "health.json"
# A store with more order-nights than this is judged on a sample of its orders.
MOST_ROWS, SAMPLE_SEED = 5_000_000, 11
# characters of a finding's text, because names in it come from the data
LONGEST_TEXT = 160
UNKNOWN = "unknown"
WHY_UNKNOWN = (
    "no past night has final outcomes yet, and too few nights have run to compare their features"
)
_PROPOSALS = dict.fromkeys(("champion_age", "mean_probability", "drift"), RETRAIN)
_LOOK_AT_CHECK = sentence("propose.look_at_check", "look at this data check")
FeatureMeans = Mapping[str, list[float | None]]


@dataclass(frozen=True)
class Health:
    """The verdict of a night with its findings, the most serious first.

    `table` compares the outcomes of past nights with their forecasts. `is_known` is False while
    there is nothing to judge by.
    """

    verdict: str
    findings: list[Finding]
    table: pl.DataFrame
    is_known: bool

    def manifest_facts(self) -> dict[str, Any]:
        """The same as JSON, for the manifest and the page."""
        first = self.findings[0] if self.findings else None
        no_finding = "nothing moved" if self.is_known else WHY_UNKNOWN
        return {
            "verdict": self.verdict,
            "reason": first.says if first else no_finding,
            "propose": first.propose if first else "",
            "findings": [
                asdict(f) | {"says_key": key_of(f.says), "propose_key": key_of(f.propose)}
                for f in self.findings
            ],
            "calibration": self.table.to_dicts(),
        }

    def sentence(self) -> str:
        """One line for people: verdict, main reason and proposal."""
        if not self.is_known:
            return f"The model's health: {UNKNOWN} - {WHY_UNKNOWN}"
        facts = self.manifest_facts()
        proposal = f"; proposed: {facts['propose']}" if facts["propose"] else ""
        return f"The model's health: {self.verdict} - {facts['reason']}{proposal}"


def assess_health(
    workspace: Workspace,
    files: TableFiles,
    config: Config,
    scorer: Scorer,
    as_of: date,
    readings: Iterable[Reading],
    tonight: FeatureMeans | None = None,
) -> Health:
    """The health of one night, from facts known before `as_of` only.

    `readings` are those of the data checks; `tonight` are the night's own `night_means`. Fixed
    rules have no training to compare with, so only feeds, suppliers and products are judged for
    them.
    """
    day = day_number(as_of)
    nights = LOOKBACK_NIGHTS + config.horizon_days + config.reporting_delay_days
    runs = counted_runs(workspace, as_of, nights)
    means = [read_means(folder) for _, folder, _ in runs]
    means += [dict(tonight)] if tonight else []
    findings, table = judge_feeds(files, day), pl.DataFrame()
    findings += judge_products(files, day, config.products.lookback_days)
    if isinstance(scorer, Registered):
        own_runs = [
            (night, folder)
            for night, folder, manifest in runs
            if manifest["model"].get("version") == scorer.version
        ]
        rows = outcome_rows(files, own_runs, config, as_of)
        outcomes, table = judge_outcomes(rows, limits_of(config), config.label_window, day)
        findings = [*outcomes, *findings, *_drift_findings(scorer.model, means)]
    findings += [
        Finding(WATCH, r.gate, r.says, _PROPOSALS.get(r.gate, _LOOK_AT_CHECK))
        for r in readings
        if r.is_out and config.data_gates.actions[r.gate] != "ignore"
    ]
    has_shifts = len(means) > input_drift.FEWEST_SHIFTS
    return verdict_of(findings, table, is_known=bool(table.height or findings or has_shifts))


def _drift_findings(model: DisputeModel, means: Iterable[FeatureMeans]) -> list[Finding]:
    gain = model.booster.feature_importance("gain")
    importance = dict(zip(model.feature_names, gain / max(gain.sum(), 1e-9), strict=True))
    return input_drift.drift_findings([n for n in means if n], model.moments, importance)


def _safe(text: Sentence) -> Sentence:
    """The text as one line; a text that had to be changed has no translation."""
    line = one_line(text, LONGEST_TEXT)
    return line if isinstance(line, Sentence) else Sentence(line, "", {})


def verdict_of(findings: list[Finding], table: pl.DataFrame, *, is_known: bool) -> Health:
    """The worst level among the findings, with their texts made safe for one line."""
    safe = [Finding(f.level, f.reading, _safe(f.says), _safe(f.propose)) for f in findings]
    verdict = worst(safe) if is_known else UNKNOWN
    # the sort is stable: within one level, outcomes come before inputs
    ordered = sorted(safe, key=lambda finding: -("fine", "watch", "act").index(finding.level))
    return Health(verdict, ordered, table, is_known)


def outcome_rows(
    files: TableFiles, runs: list[tuple[date, Path]], config: Config, as_of: date
) -> pl.DataFrame:
    """One row per order-night of these runs.

    Columns: `order_id, as_of_day, stage, probability, is_listed, lane, category`, `label` (disputed
    within the horizon) and `opened_at_once` (disputed on the night's own day). The last two are
    null while the outcome is not final.
    """
    parts = []
    every = _sampling_step(runs)
    for night, folder in runs:
        listed = read_run_table(folder, "contact_list.parquet", ["order_id"])["order_id"]
        scores = read_run_table(folder, "scores.parquet", ["order_id", "stage", "probability"])
        is_listed = pl.col("order_id").is_in(listed.implode())
        scores = scores.filter(pl.col("order_id").hash(seed=SAMPLE_SEED) % every == 0)
        parts.append(
            scores.with_columns(is_listed=is_listed, as_of_day=pl.lit(day_number(night), pl.Int32))
        )
    if not parts:
        return pl.DataFrame()
    rows, day = pl.concat(parts), day_number(as_of)
    tables = files.read_orders(rows["order_id"].unique())
    labelled = label_outcomes(rows, tables, config.label_window, day)
    return labelled.join(traits(tables, day), on="order_id", how="left", maintain_order="left")


def _sampling_step(runs: list[tuple[date, Path]]) -> int:
    """Judge every n-th order, so that the nights of a very large store fit into memory."""
    counts: list[int] = [
        read_run_table(folder, "scores.parquet", ["order_id"]).height for _, folder in runs
    ]
    return max(1, -(-sum(counts) // MOST_ROWS))


def limits_of(config: Config) -> AlarmLimits:
    """The alarm limits of `[monitor]` in config.toml."""
    limits = config.monitor
    return AlarmLimits(limits.rise, limits.fall, limits.early_rise, limits.early_fall)


def write_health(folder: Path, sums: FeatureSums, health: Health) -> None:
    """Write `health.json`: the verdict, and the feature means that later nights compare with."""
    write_json(folder / FILE, {**health.manifest_facts(), "features": night_means(sums)})


def night_means(sums: FeatureSums) -> dict[str, list[float | None]]:
    """The `feature_means` of one night's features."""
    return input_drift.feature_means(sums, [name for name in FEATURES if name in sums.names])


def read_means(folder: Path) -> dict[str, list[float | None]]:
    """The feature means in a run folder; empty for a run of an earlier program version."""
    if not (folder / FILE).exists():
        return {}
    return dict(read_run_json(folder, FILE).get("features", {}))


def oldest_judged(config: Config, as_of: date) -> date:
    """The latest training day of a challenger that can be judged on `as_of`.

    After that day there are `monitor.judged_nights` nights with final outcomes.
    """
    days = config.horizon_days + config.reporting_delay_days + config.monitor.judged_nights
    return calendar_day(day_number(as_of) - days)
