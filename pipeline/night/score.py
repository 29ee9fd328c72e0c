"""score: one night's probabilities and contact list, with the champion as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.asof import visible
from features.build.registry import FEATURES
from features.clock import day_number
from models.contact.contact_deadline import add_contact_by
from models.contact.contact_effects import Belief
from models.contact.decide import HELD_OUT, ContactCosts, add_expected_value, give_arms, worthwhile
from models.learner.cause import CAUSES
from models.reasons.explain import explain
from models.reasons.risk_rules import SignModel, has_sign
from pipeline.drafts.text_templates import files_sha256
from pipeline.engines.engine import build_night
from pipeline.history.assignments import (
    COLUMNS,
    FILE,
    learnt_beliefs,
    likeliest_cause,
    resting_buyers,
)
from pipeline.history.past_lists import past_lists, say_past
from pipeline.indicators.open_disputes import clock_inputs, say_clock, write_clock
from pipeline.night.contact_list import add_what_to_say, write_list, write_readme
from pipeline.night.monitor import look, night_means, write_means
from pipeline.night.night_checks import (
    Scorer,
    banner,
    check_inputs,
    check_scores,
    describe_checks,
    stop,
)
from pipeline.night.rule_scorer import ByRules
from pipeline.pages.report import write_report
from pipeline.registry.model_registry import require_champion
from pipeline.settings.config import Config
from pipeline.settings.languages import message_language, say_who_writes, who_writes
from pipeline.workspace.manifest import program_facts
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.run_log import current_run_id
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace, new_id, read_json, write_json

LIST_COLUMNS = [
    "rank",
    "order_id",
    "buyer_id",
    "product_id",
    "stage",
    "probability",
    "likely_cause",
    "reason_1",
    "reason_2",
    "reason_3",
    "contact_by",
    "expected_value_usd",
    "also_orders",
    "basis",
]
SCORE_COLUMNS = [
    "order_id",
    "as_of",
    "stage",
    "probability",
    "probability_low",
    "probability_high",
    "not_received_share",
    "not_as_described_share",
    "other_share",
    "expected_value_usd",
]


def score(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    as_of: date,
    is_forced: bool = False,
    rules: ByRules | None = None,
) -> Path:
    """Write the night's run folder and return it; a night whose inputs have not changed is left as
    it is. `rules` score it in the champion's place."""
    champion = rules or require_champion(workspace)
    files, day = workspace.table_files(), day_number(as_of)
    beliefs = learnt_beliefs(workspace, files, config, as_of)
    inputs = _inputs(workspace, config, champion) | {"prevented_share_learnt": _told(beliefs)}
    done = workspace.latest(as_of)
    if done and not is_forced and read_json(done / "manifest.json").get("inputs") == inputs:
        say(f"score     {as_of} is done with the same inputs: {done} (FORCE=1 makes it again)")
        return done
    run_id = _run_id(workspace, as_of)
    record = {"run_id": run_id, "inputs": inputs}
    readings = check_inputs(workspace, files, champion, config, as_of)
    stop(workspace, config, as_of, readings, record)
    with progress.piece("features") as notes:
        features = build_night(files, day, config)
        notes.append(f"{features.height:,} open, undisputed orders on {as_of}")
    with progress.piece("score") as notes:
        scored = _score(champion, features, replace(config.decide.costs, beliefs=beliefs))
        scored = scored.with_columns(as_of=pl.lit(as_of))
        assigned, agents = _assign(
            files, scored.filter(has_sign()) if rules else scored, config, as_of
        )
        listed = contact_list(files, champion, assigned.filter(pl.col("arm") != HELD_OUT), day)
        notes.append(
            f"{listed.height} buyers to contact, {assigned.height - listed.height} held out"
        )
    past = past_lists(workspace, files, config, as_of)
    readings += check_scores(champion, scored, past, config)
    stop(workspace, config, as_of, readings, record)
    warnings = [*([rules.says] if rules else []), *banner(readings, config)]
    with progress.piece("monitor") as notes:
        health = look(workspace, files, config, champion, as_of, readings, night_means(scored))
        notes.append(health.verdict)
    with progress.piece("messages"):
        listed = add_what_to_say(listed, scored, files, workspace.folder, config, as_of)
    with workspace.new_run(as_of, run_id) as folder:
        scored.select(SCORE_COLUMNS).write_parquet(folder / "scores.parquet")
        assigned.select(COLUMNS).write_parquet(folder / FILE)
        write_means(folder, scored, health)
        write_list(folder, listed, as_of)
        write_readme(
            folder, listed, scored.height, as_of, past, warnings, agents.get("sentence", "")
        )
        with progress.piece("clock") as notes:
            clock = write_clock(folder, workspace, config, files.read_disputed(), as_of)
            notes.append(say_clock(clock))
        rows = {"scores": scored.height, "contact_list": listed.height}
        night = {"run_id": run_id, "as_of": as_of, "rows": rows, "last_month": say_past(past)}
        night |= {"who_writes": agents} if agents else {}
        night |= {"health": health.told() | {"sentence": health.sentence()}}
        gates = describe_checks(readings, config) | {"banner": warnings}
        made = _manifest(workspace, config, champion, progress, inputs)
        facts = made | clock | gates | night
        with progress.piece("report") as notes:
            notes.append(write_report(folder, folder, workspace, files, config, as_of, facts, past))
        write_json(folder / "manifest.json", facts)
    workspace.refusal(as_of).unlink(missing_ok=True)
    return workspace.folder / "runs" / as_of.isoformat() / run_id


def _run_id(workspace: Workspace, as_of: date) -> str:
    """That of the log's lines, so that a run's folder and its lines find each other; a second run
    needs another."""
    found = current_run_id()
    return new_id() if (workspace.folder / "runs" / as_of.isoformat() / found).exists() else found


def _told(beliefs: Mapping[tuple[str, str], Belief]) -> dict[str, list[float]]:
    """[share prevented, how much of it is measured] by stage and cause, as JSON has it."""
    return {
        f"{stage}, {cause}": [belief.share, belief.evidence]
        for (stage, cause), belief in beliefs.items()
    }


def _assign(
    files: TableFiles, scored: pl.DataFrame, config: Config, as_of: date
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Listed, explored and held out, one row per buyer; the columns of `scored` are those of the
    order that leads. And who writes what, where the agents are known."""
    buyers = files.read_buyers_of(scored["order_id"]).with_columns(
        message_language=message_language(config.decide.in_english)
    )
    rules = config.decide.rules(resting_buyers(files, as_of, config.decide.cool_off_days))
    asked = scored.with_columns(
        buyers["buyer_id", "message_language"], likely_cause=likeliest_cause()
    )
    leads = worthwhile(asked, rules, config.decide.contact_cost_usd)
    assigned = give_arms(leads, rules, as_of.isoformat())
    if not rules.agents:
        return assigned, {}
    describe_checks = who_writes(leads, assigned, rules.agents)
    return assigned, describe_checks | {"sentence": say_who_writes(describe_checks)}


def _score(champion: Scorer, features: pl.DataFrame, costs: ContactCosts) -> pl.DataFrame:
    if features.is_empty():
        empty = {
            name: pl.lit(0.0) for name in SCORE_COLUMNS if name.startswith(("probability", *CAUSES))
        }
        return add_expected_value(features.with_columns(**empty), costs)
    describe_checks = (
        champion.model.predict_with_bounds(features),
        champion.model.predict_cause(features),
    )
    scored = pl.concat([features, *describe_checks], how="horizontal")
    return add_expected_value(scored, costs)


def contact_list(
    files: TableFiles, champion: Scorer, listed: pl.DataFrame, as_of_day: int
) -> pl.DataFrame:
    """The night's list: `LIST_COLUMNS`, best first."""
    lines = visible(files.read_facts("order_lines", listed["order_id"]), as_of_day).sort(
        "order_id", "line_id"
    )
    products = lines.group_by("order_id", maintain_order=True).agg(pl.col("product_id").first())
    listed = listed.join(products, on="order_id", how="left", maintain_order="left")
    if listed.is_empty():
        reasons = pl.DataFrame(schema={f"reason_{n}": pl.String for n in (1, 2, 3)})
    else:
        model = champion.model
        reasons = (
            model.reasons(listed, FEATURES)
            if isinstance(model, SignModel)
            else explain(model, listed, FEATURES)
        )
    is_measured = pl.col("evidence_share") >= 0.5
    basis = pl.when(is_measured).then(pl.lit("evidence")).otherwise(pl.lit("assumption"))
    return (
        add_contact_by(listed.hstack(reasons), as_of_day)
        .with_columns(basis=basis)
        .select(LIST_COLUMNS)
    )


def _inputs(workspace: Workspace, config: Config, champion: Scorer) -> dict[str, Any]:
    """All that the night's files depend on besides the program."""
    return {
        "sha256": workspace.read_ingest_facts()["input_sha256"],
        "model_run_id": champion.run_id,
        # either engine gives the same files
        "config": config.model_dump(mode="json", exclude={"engine"}),
        "messages_sha256": files_sha256(workspace.folder / "messages"),
        **clock_inputs(workspace, config),
    }


def _manifest(
    workspace: Workspace,
    config: Config,
    champion: Scorer,
    progress: Progress,
    inputs: dict[str, Any],
) -> dict[str, Any]:
    ingested = workspace.read_ingest_facts()
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": inputs,
        "source": {
            k: ingested[k] for k in ("source", "input_rows", "quarantined_rows", "table_rows")
        },
        "seed": config.seed,
        "model": {
            "name": "dispute-risk",
            "version": champion.version,
            "trained_as_of": champion.trained_as_of,
        },
        "engine": config.engine.model_dump(),
        "timings_seconds": progress.timings,
        **program_facts(),
    }
