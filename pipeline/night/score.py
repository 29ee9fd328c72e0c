"""score: one night's probabilities and contact list, from the current champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import day_number
from models.actions.hold_out import HELD_OUT
from models.contact.queues import WAITING
from models.monitoring.feature_sums import FeatureSums
from models.monitoring.input_checks import Reading
from models.scoring.night_scoring import NightScoring
from pipeline.engines.engine import build_night, score_night
from pipeline.history.assignments import CANDIDATES_FILE, COLUMNS, FILE, held_out_before
from pipeline.history.past_lists import PastLists, past_lists, past_lists_text
from pipeline.indicators.open_disputes import clock_summary, write_clock
from pipeline.night.changed_settings import report_changed_settings
from pipeline.night.contact_list import add_what_to_say, write_list, write_readme
from pipeline.night.night_actions import NightActions, harm_sentences, night_actions
from pipeline.night.night_checks import (
    Scorer,
    banner,
    check_inputs,
    check_scores,
    describe_checks,
    refuse_failed_checks,
)
from pipeline.night.night_health import Health, assess_health, night_means, write_health
from pipeline.night.night_manifest import manifest_facts, night_inputs, night_run_id, pooled_facts
from pipeline.night.night_queues import night_queues, write_queues
from pipeline.night.rule_scorer import RuleScorer
from pipeline.night.scored_orders import (
    SCORE_COLUMNS,
    Decided,
    assigned_orders,
    contact_list,
    decide_night,
)
from pipeline.pages.report import write_report
from pipeline.registry.model_registry import require_champion
from pipeline.settings.config import Config
from pipeline.settings.languages import who_writes, writers_sentence
from pipeline.workspace.checksums import read_manifest
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace, write_json


@dataclass(frozen=True)
class NightContext:
    """What every part of one night needs: where it works, for which day, and with which model."""

    workspace: Workspace
    config: Config
    progress: Progress
    as_of: date
    files: TableFiles
    scorer: Scorer
    actions: NightActions
    inputs: Mapping[str, Any]
    run_id: str


@dataclass(frozen=True)
class NightTables:
    """The night's tables: `decided` has the open orders, `assigned` one row per buyer who is listed
    or held out, `listed` one per buyer with an action, `candidates` the options that could have
    been drawn for them. `sums` are those of the features of all open orders. `writers`: who writes
    what."""

    decided: Decided
    sums: FeatureSums
    assigned: pl.DataFrame
    listed: pl.DataFrame
    candidates: pl.DataFrame
    writers: Mapping[str, Any]


def score(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    is_forced: bool = False,
    rules: RuleScorer | None = None,
    pulled: Reading | None = None,
) -> Path:
    """Write the night's run folder and return it.

    A night whose inputs have not changed is not done again, unless `is_forced`. `rules` replace the
    champion while there is no model. `pulled`: how the night's pull ended, if there was one.

    Raises `NoChampion` without a model, and `Refused` if a data check fails.
    """
    scorer = rules or require_champion(workspace)
    files = workspace.table_files()
    actions = night_actions(workspace, files, config, as_of)
    inputs = night_inputs(workspace, config, scorer, actions)
    done = workspace.latest(as_of)
    if done and not is_forced and read_manifest(done).get("inputs") == inputs:
        say(f"score     {as_of} was already done with the same inputs: {done} (FORCE=1 repeats it)")
        return done
    report_changed_settings(workspace, config, as_of)
    run_id = night_run_id(workspace, as_of)
    night = NightContext(workspace, config, progress, as_of, files, scorer, actions, inputs, run_id)
    readings = check_inputs(workspace, files, scorer, config, as_of)
    readings += [pulled] if pulled else []
    _refuse(night, readings)
    tables = _decide(night)
    past = past_lists(workspace, files, config, as_of)
    readings += check_scores(scorer, tables.sums, past, config)
    _refuse(night, readings)
    with progress.piece("monitor") as notes:
        means = night_means(tables.sums)
        health = assess_health(workspace, files, config, scorer, as_of, readings, means)
        notes.append(health.verdict)
    tables = _with_messages(night, tables)
    with workspace.new_run(as_of, run_id) as folder:
        _write_run(night, folder, tables, past, readings, health)
    workspace.refusal(as_of).unlink(missing_ok=True)
    return workspace.folder / "runs" / as_of.isoformat() / run_id


def _refuse(night: NightContext, readings: Sequence[Reading]) -> None:
    facts = {"run_id": night.run_id, "inputs": night.inputs}
    refuse_failed_checks(night.workspace, night.config, night.as_of, readings, facts)


def _decide(night: NightContext) -> NightTables:
    """Build the features, score every open order and choose what to do for which."""
    config, files, as_of = night.config, night.files, night.as_of
    day = day_number(as_of)
    with night.progress.piece("features") as notes:
        features = build_night(files, day, config)
        notes += ["built by the workers, as they score"] if features is None else []
    with night.progress.piece("score") as notes:
        scoring = _scoring(night)
        part = score_night(files, day, config, scoring, features)
        del features
        notes.append(f"{part.scores.height:,} open, undisputed orders on {as_of}")
    with night.progress.piece("choose") as notes:
        decided = decide_night(files, part, scoring.may_act, night.actions, config, as_of)
        assigned = assigned_orders(decided)
        to_do = assigned.filter(pl.col("arm") != HELD_OUT)
        listed = contact_list(files, night.scorer, to_do, night.actions, day)
        held_out = assigned.filter(pl.col("arm") == HELD_OUT)["buyer_id"]
        before = held_out_before(night.workspace, as_of)
        count_new = (~held_out.is_in(before.implode())).sum()
        notes.append(
            f"{listed.height} buyers with an action, {held_out.len()} held out, {count_new} of "
            "them new"
        )
    writers = _writers(decided, assigned, config)
    candidates = decided.night.candidates.with_columns(as_of=pl.lit(as_of))
    return NightTables(decided, part.sums, assigned, listed, candidates, writers)


def _scoring(night: NightContext) -> NightScoring:
    settings, known = night.config.actions, night.actions
    rules, least = settings.rules(known.stopped), settings.least_worth_usd
    model = night.scorer.model
    return NightScoring(model, known.cost, known.actions, known.posterior, rules, least)


def _writers(decided: Decided, assigned: pl.DataFrame, config: Config) -> Mapping[str, Any]:
    """Who writes what, and the sentence about it; empty without agents."""
    if not config.decide.agents:
        return {}
    is_worth_it = pl.col("value_usd") >= config.actions.least_worth_usd
    agents = [hours.agent for hours in config.decide.agents]
    writers = who_writes(decided.night.free.filter(is_worth_it), assigned, agents)
    line = writers_sentence(writers)
    return writers | {"sentence": line, "sentence_key": line.key}


def _with_messages(night: NightContext, tables: NightTables) -> NightTables:
    with night.progress.piece("messages"):
        listed = add_what_to_say(
            tables.listed,
            tables.decided.considered,
            night.files,
            night.actions.by_name,
            night.workspace.folder,
            night.config,
            night.as_of,
        )
    return replace(tables, listed=listed)


def _write_run(
    night: NightContext,
    folder: Path,
    tables: NightTables,
    past: PastLists | None,
    readings: Sequence[Reading],
    health: Health,
) -> None:
    """Write all files of the night into `folder`; the manifest comes last."""
    workspace, config, as_of = night.workspace, night.config, night.as_of
    scored, listed, writers = tables.decided.scored, tables.listed, tables.writers
    price = night.actions.price
    titles = {name: action.title for name, action in night.actions.by_name.items()}
    warnings = [*banner(readings, config), *harm_sentences(night.actions.harm, titles)]
    if isinstance(night.scorer, RuleScorer):
        warnings.insert(0, night.scorer.warning)
    scored.select(SCORE_COLUMNS).write_parquet(folder / "scores.parquet")
    tables.assigned.select(COLUMNS).write_parquet(folder / FILE)
    tables.candidates.write_parquet(folder / CANDIDATES_FILE)
    write_health(folder, tables.sums, health)
    write_list(folder, listed, as_of)
    open_orders = tables.decided.open_orders()
    with night.progress.piece("queues") as notes:
        queues = write_queues(folder, night_queues(night.files, open_orders, listed, config, as_of))
        notes.append(f"{queues['counts'][WAITING]:,} buyers wait for an answer")
    sentence = writers.get("sentence", "")
    write_readme(folder, listed, scored.height, as_of, past, warnings, sentence)
    with night.progress.piece("clock") as notes:
        clock = write_clock(folder, workspace, config, night.files.read_disputed(), as_of)
        notes.append(clock_summary(clock))
    facts = {
        **manifest_facts(workspace, config, night.scorer, night.progress, night.inputs),
        **pooled_facts(night.files, night.scorer, as_of),
        **clock,
        **describe_checks(readings, config),
        "banner": warnings,
        "queues": queues,
        "grade": {"says": price.says, "key": price.says.key, "notes": list(price.notes)},
        "run_id": night.run_id,
        "as_of": as_of,
        "rows": {"scores": scored.height, "contact_list": listed.height},
        "last_month": past_lists_text(past),
        **({"who_writes": writers} if writers else {}),
        "health": health.manifest_facts() | {"sentence": health.sentence()},
    }
    with night.progress.piece("report") as notes:
        notes.append(
            write_report(folder, folder, workspace, night.files, config, as_of, facts, past)
        )
    write_json(folder / "manifest.json", facts)
