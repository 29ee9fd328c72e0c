"""nightly: ingest, train if there is no champion yet, score: the whole job in one step.

A store with too few disputes to learn from gets its list by rules alone.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from models.monitoring.sequential_monitoring import ACT, FINE
from pipeline.load.ingest import ingest
from pipeline.night.contact_list import say_list
from pipeline.night.monitor import UNKNOWN, oldest_judged
from pipeline.night.rule_scorer import ByRules, score_by_rules
from pipeline.night.score import score
from pipeline.registry.model_registry import CHALLENGER, find_model
from pipeline.settings.config import Config
from pipeline.settings.errors import Leak, NoChampion, NotPromoted, Refused, TooFewDisputes
from pipeline.sources.source_context import NO_SIDE_FILES, SideFiles
from pipeline.training.promote import promote
from pipeline.training.train import train
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace, read_json

JUDGED_EVERY = 3
# a challenger that was refused is not made again from nearly the same nights
RETRAIN_EVERY_DAYS = 7
# verdicts that are said without a warning
QUIET = (FINE, UNKNOWN)


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
) -> Path:
    """Do the night of `as_of` and return its run folder; a night already done is left as it is
    unless forced."""
    done = workspace.latest(as_of)
    if done and not is_forced:
        say(f"nightly   {as_of} is already done: {done} (FORCE=1 makes it again)")
        return done
    if source and raw:
        ingest(workspace, config, progress, source=source, raw=raw, side_files=side_files)
    rules = None if find_model(workspace) else _learn_or_rule(workspace, config, progress, as_of)
    run = score(workspace, config, progress, as_of=as_of, is_forced=is_forced, rules=rules)
    if rules is None and config.monitor.retrain == "auto":
        _retrain(workspace, config, progress, as_of, run)
    return run


def _learn_or_rule(
    workspace: Workspace, config: Config, progress: Progress, as_of: date
) -> ByRules | None:
    """The first champion, or where there is too little to learn from, the rules that score this
    night."""
    try:
        train(workspace, config, progress, as_of=as_of)
    except TooFewDisputes as error:
        warn(f"no model yet: {error}")
        return score_by_rules(workspace.table_files(), config, as_of)
    return None


def _retrain(
    workspace: Workspace, config: Config, progress: Progress, as_of: date, run: Path
) -> None:
    """Where the night says so: a challenger that left enough matured nights unseen to be judged,
    through the gate. What speaks against it is said; tonight's list is published already."""
    health = read_json(run / "manifest.json").get("health", {})
    if not any(f["level"] == ACT and f["propose"] == "retrain" for f in health.get("findings", [])):
        return
    learns_as_of = oldest_judged(config, as_of)
    try:
        last = find_model(workspace, CHALLENGER)
        if (
            last
            and date.fromisoformat(last.trained_as_of) + timedelta(days=RETRAIN_EVERY_DAYS)
            > learns_as_of
        ):
            say(
                f"a challenger that learnt as of {last.trained_as_of} was judged already; the next is made a week later"
            )
            return
        train(workspace, config, progress, as_of=learns_as_of)
        promote(workspace, config, progress, every=JUDGED_EVERY)
    except (NotPromoted, Refused, NoChampion, Leak) as error:
        warn(f"retrained by itself, and not promoted: {error}")


def say_summary(run: Path) -> None:
    """One screen of a night: its warnings, the head of the list, how good lists were, where the
    files are."""
    facts = read_json(run / "manifest.json")
    for line in facts.get("banner", []):
        warn(line)
    # a run of a former version of this program has no such file
    if (run / "contact_list.parquet").exists():
        for line in say_list(pl.read_parquet(run / "contact_list.parquet")):
            say(line)
    if "who_writes" in facts:
        say(facts["who_writes"]["sentence"])
    if "last_month" in facts:
        say(facts["last_month"])
    if "health" in facts:
        (say if facts["health"]["verdict"] in QUIET else warn)(facts["health"]["sentence"])
    if (run / "report.html").exists():
        say(f"to open in the morning: {run / 'report.html'}")
    say(f"the list: {run / 'contact_list.xlsx'} (or .csv); what it is: {run / 'README.txt'}")
    say(f"all scores: {run / 'scores.parquet'}; how they were made: {run / 'manifest.json'}")
