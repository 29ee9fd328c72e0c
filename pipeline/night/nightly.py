"""nightly: the whole job in one step: load the data, train a model if there is none, score.

A store with too few disputes to train a model gets a list from fixed rules.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from features.clock import is_before
from models.monitoring.sequential_monitoring import ACT
from pipeline.load.ingest import ingest
from pipeline.night.contact_list import done_night
from pipeline.night.night_checks import pull_reading
from pipeline.night.night_health import oldest_judged
from pipeline.night.rule_scorer import RuleScorer, score_by_rules
from pipeline.night.score import score
from pipeline.registry.model_registry import CHALLENGER, find_model
from pipeline.settings.config import Config
from pipeline.settings.errors import (
    Damaged,
    ForeignFile,
    Leak,
    NoChampion,
    NotPromoted,
    Refused,
    TooFewDisputes,
)
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles
from pipeline.training.promote import promote
from pipeline.training.train import train
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

JUDGED_EVERY = 3
# a new challenger so soon after a rejected one would learn from nearly the same nights
RETRAIN_EVERY_DAYS = 7


def nightly(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    source: str | None,
    raw: Path | None,
    is_forced: bool,
    side_files: SideFiles = NO_SIDE_FILES,
    pull_failure: str | None = None,
) -> Path:
    """Do the night of `as_of` and return its run folder.

    A night that is already done is not repeated, unless `is_forced`. Without `source` and `raw`,
    the tables in the workspace are used as they are. `pull_failure`: why the night's pull failed,
    empty if it did not; None if nothing was pulled.
    """
    if not is_forced and (done := done_night(workspace, as_of)):
        return done
    if source and raw:
        ingest(
            workspace,
            config,
            progress,
            source=source,
            raw=raw,
            side_files=side_files,
            is_forced=is_forced,
        )
    rules = None if find_model(workspace) else _train_or_rules(workspace, config, progress, as_of)
    pulled = None if pull_failure is None else pull_reading(pull_failure)
    run = score(
        workspace, config, progress, as_of=as_of, is_forced=is_forced, rules=rules, pulled=pulled
    )
    if rules is None and config.monitor.retrain == "auto":
        _retrain(workspace, config, progress, as_of, run)
    return run


def _train_or_rules(
    workspace: Workspace, config: Config, progress: Progress, as_of: date
) -> RuleScorer | None:
    """Train the first champion; with too few disputes, return the rules for this night instead."""
    try:
        train(workspace, config, progress, as_of=as_of)
    except TooFewDisputes as error:
        warn(f"no model yet: {error}")
        return score_by_rules(workspace.table_files(), config, as_of)
    return None


def _retrain(
    workspace: Workspace, config: Config, progress: Progress, as_of: date, run: Path
) -> None:
    """Train and judge a challenger if the night's health proposes it.

    The challenger leaves enough nights with final outcomes unseen to be judged on. Why it was
    rejected is only printed, because tonight's list is already published.
    """
    health = read_manifest(run).get("health", {})
    if not any(f["level"] == ACT and f["propose"] == "retrain" for f in health.get("findings", [])):
        return
    training_day = oldest_judged(config, as_of)
    try:
        last = find_model(workspace, CHALLENGER)
        if last and _is_recent(last.trained_as_of, training_day):
            say(
                f"the challenger trained as of {last.trained_as_of} was already judged; the next "
                f"one is trained {RETRAIN_EVERY_DAYS} days after it"
            )
            return
        train(workspace, config, progress, as_of=training_day)
        promote(workspace, config, progress, every=JUDGED_EVERY)
    except (NotPromoted, Refused, NoChampion, Leak, Damaged, ForeignFile) as error:
        warn(f"automatic retraining did not promote a model: {error}")


def _is_recent(trained_as_of: str, training_day: date) -> bool:
    next_day = date.fromisoformat(trained_as_of) + timedelta(days=RETRAIN_EVERY_DAYS)
    return is_before(training_day, next_day)
