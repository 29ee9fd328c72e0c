"""The gates that a night passes before its list is published: `models.monitoring.input_checks`
judges, this reads and decides.

What is out of its range stops the night or puts a banner on its list, as `data_gates.actions` says;
the list before stays where it is, and `refused/<as_of>.json` keeps why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from features.build.registry import FEATURES
from features.clock import day_number
from features.tables import TABLES
from models.monitoring import input_checks as gates
from models.monitoring.input_checks import Reading
from pipeline.history.past_lists import PastLists
from pipeline.night.rule_scorer import ByRules
from pipeline.registry.registered_model import Registered
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.workspace.freshness import newest_fact, too_old
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

# our own contacts begin on the day the first sheet is taken back
NOT_COUNTED = ("contacts", "products")
Scorer = Registered | ByRules
DISPUTED = pl.col("step") == "opened"


def check_inputs(
    workspace: Workspace, files: TableFiles, champion: Scorer, config: Config, as_of: date
) -> list[Reading]:
    """The readings that need no features."""
    limits, day = config.data_gates, day_number(as_of)
    newest = newest_fact(files, day)
    stale = too_old(newest, day, config.max_data_age_days)
    readings: list[Reading | None] = [
        Reading("newest_fact", stale is not None, stale or "the newest fact is recent")
    ]
    counts = {name: files.count_by_day(name, day) for name in TABLES if name not in NOT_COUNTED}
    readings += [
        gates.row_counts(name, by_day, newest, limits.count_ratio)
        for name, by_day in counts.items()
    ]
    opened = files.count_by_day("disputes", day, DISPUTED)
    readings.append(gates.base_rate(opened, counts["orders"], newest, limits.rate_ratio))
    describe_checks = workspace.read_ingest_facts()
    quarantined, rows = (
        sum(describe_checks[name].values()) for name in ("quarantined_rows", "input_rows")
    )
    readings.append(gates.quarantine(quarantined, rows, limits.quarantine_share))
    if not isinstance(champion, ByRules):
        trained = day_number(date.fromisoformat(champion.trained_as_of))
        readings.append(gates.champion_age(day - trained, limits.champion_age_days))
    return [reading for reading in readings if reading is not None]


def check_scores(
    champion: Scorer, scored: pl.DataFrame, past: PastLists | None, config: Config
) -> list[Reading]:
    """The readings of the night's features and probabilities; rules have learnt nothing to compare
    them with."""
    if isinstance(champion, ByRules):
        return []
    limits, moments = config.data_gates, champion.model.moments
    usual, source = champion.model.learnt_rate, "what came of the nights the champion learnt from"
    if past is not None and past.base_rate is not None:
        usual, source = past.base_rate, f"what came of the nights {past.first} to {past.last}"
    total = float(scored["probability"].sum())
    return [
        gates.drift(moments, scored, FEATURES, limits.drift_size, limits.drift_share),
        gates.mean_probability(total, scored.height, usual, source, limits.probability_ratio),
    ]


def stop(
    workspace: Workspace,
    config: Config,
    as_of: date,
    readings: Sequence[Reading],
    facts: Mapping[str, Any],
) -> None:
    """Raises `Refused` where a gate that refuses is out; `facts` go into the record of it."""
    refused = [r for r in readings if r.is_out and config.data_gates.actions[r.gate] == "refuse"]
    if not refused:
        return
    record = {
        "as_of": as_of,
        "refused_at": datetime.now(UTC),
        **facts,
        **describe_checks(readings, config),
    }
    workspace.write_refusal(as_of, record)
    raise Refused(
        f"{as_of}: "
        + "; ".join(reading.says.removesuffix(".") for reading in refused)
        + ". The last list stays. Mend the data, or let "
        f'it through with a warning: {refused[0].gate} = "banner" under [data_gates.actions] in config.toml. '
        f"All readings: {workspace.refusal(as_of)}"
    )


def banner(readings: Sequence[Reading], config: Config) -> list[str]:
    """What goes before the list: the gates that are out and let it through with a warning."""
    return [r.says for r in readings if r.is_out and config.data_gates.actions[r.gate] == "banner"]


def describe_checks(readings: Sequence[Reading], config: Config) -> dict[str, Any]:
    """For the manifest: every reading, and what it would do when out."""
    return {
        "data_gates": [asdict(r) | {"action": config.data_gates.actions[r.gate]} for r in readings]
    }
