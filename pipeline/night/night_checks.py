"""The data checks that a night must pass before its list is published.

`models.monitoring.input_checks` judges the numbers; this module reads them and acts. A failed
check refuses the night or adds a warning to its list, as `data_gates.actions` says. When a night is
refused, the previous list stays in place and `refused/<as_of>.json` records why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from features.build.registry import FEATURES
from features.clock import day_number
from features.sentence import Sentence, key_of, sentence
from features.tables import TABLES
from models.monitoring import input_checks
from models.monitoring.feature_sums import FeatureSums
from models.monitoring.input_checks import Reading
from pipeline.history.past_lists import PastLists
from pipeline.night.rule_scorer import RuleScorer
from pipeline.output.safe_text import one_line
from pipeline.registry.registered_model import Registered
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.workspace.freshness import newest_fact, too_old
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

LONGEST_FAILURE = 300
# our own contacts only start on the day the first filled-in sheet comes back
NOT_COUNTED = ("contacts", "products")
Scorer = Registered | RuleScorer
DISPUTED = pl.col("step") == "opened"


def check_inputs(
    workspace: Workspace, files: TableFiles, scorer: Scorer, config: Config, as_of: date
) -> list[Reading]:
    """The readings that need no features."""
    limits, day = config.data_gates, day_number(as_of)
    newest = newest_fact(files, day)
    stale = too_old(newest, day, config.max_data_age_days)
    recent = sentence("check.newest_fact", "the newest fact is recent")
    says = recent if stale is None else Sentence(stale, "", {})
    readings: list[Reading | None] = [Reading("newest_fact", stale is not None, says)]
    counts = {name: files.count_by_day(name, day) for name in TABLES if name not in NOT_COUNTED}
    readings += [
        input_checks.row_counts(name, by_day, newest, limits.count_ratio)
        for name, by_day in counts.items()
    ]
    opened = files.count_by_day("disputes", day, DISPUTED)
    readings.append(input_checks.base_rate(opened, counts["orders"], newest, limits.rate_ratio))
    ingest_facts = workspace.read_ingest_facts()
    quarantined, rows = (
        sum(ingest_facts[name].values()) for name in ("quarantined_rows", "input_rows")
    )
    readings.append(input_checks.quarantine(quarantined, rows, limits.quarantine_share))
    if not isinstance(scorer, RuleScorer):
        trained = day_number(date.fromisoformat(scorer.trained_as_of))
        readings.append(input_checks.champion_age(day - trained, limits.champion_age_days))
    return [reading for reading in readings if reading is not None]


def pull_reading(failure: str) -> Reading:
    """Whether the night fetched what is new. `failure`: why it did not, or empty."""
    says = sentence("check.pull", "what is new was fetched from the platforms")
    if failure:
        reason = one_line(failure, LONGEST_FAILURE)
        says = sentence(
            "check.pull_failed",
            "the list uses what was fetched before: tonight's pull failed. {reason}",
            reason=reason,
        )
    return Reading("pull", bool(failure), says)


def check_scores(
    scorer: Scorer, sums: FeatureSums, past: PastLists | None, config: Config
) -> list[Reading]:
    """The readings of the night's features and probabilities, from their sums.

    Empty for fixed rules: without training there is nothing to compare with.
    """
    if isinstance(scorer, RuleScorer):
        return []
    limits, moments = config.data_gates, scorer.model.moments
    usual = scorer.model.learnt_rate
    source = sentence(
        "check.source_training", "the outcomes of the nights the champion learned from"
    )
    if past is not None and past.base_rate is not None:
        usual = past.base_rate
        source = sentence(
            "check.source_past",
            "the outcomes of the nights {first} to {last}",
            first=str(past.first),
            last=str(past.last),
        )
    total = sums.total("probability")
    return [
        input_checks.drift(moments, sums, FEATURES, limits.drift_size, limits.drift_share),
        input_checks.mean_probability(total, sums.height, usual, source, limits.probability_ratio),
    ]


def refuse_failed_checks(
    workspace: Workspace,
    config: Config,
    as_of: date,
    readings: Sequence[Reading],
    facts: Mapping[str, Any],
) -> None:
    """Raise `Refused` if a check failed whose action is "refuse".

    `facts` are stored with the readings in `refused/<as_of>.json`.
    """
    failed = [r for r in readings if r.is_out and config.data_gates.actions[r.gate] == "refuse"]
    if not failed:
        return
    record = {
        "as_of": as_of,
        "refused_at": datetime.now(UTC),
        **facts,
        **describe_checks(readings, config),
    }
    workspace.write_refusal(as_of, record)
    reasons = "; ".join(reading.says.removesuffix(".") for reading in failed)
    raise Refused(
        f"{as_of}: {reasons}. The previous list stays in place. Fix the data, or set this check to "
        f'warn: {failed[0].gate} = "banner" under [data_gates.actions] in config.toml. '
        f"All readings: {workspace.refusal(as_of)}"
    )


def banner(readings: Sequence[Reading], config: Config) -> list[str]:
    """The warnings above the list: the failed checks whose action is "banner"."""
    return [r.says for r in readings if r.is_out and config.data_gates.actions[r.gate] == "banner"]


def describe_checks(readings: Sequence[Reading], config: Config) -> dict[str, Any]:
    """For the manifest: every reading, with the action that its check takes when it fails."""
    return {
        "data_gates": [
            asdict(r) | {"says_key": key_of(r.says), "action": config.data_gates.actions[r.gate]}
            for r in readings
        ]
    }
