"""promote: the challenger becomes champion only on evidence; rollback: the former champion is champion again."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from features.clock import calendar_day, day_number
from features.spine import build_spine
from models.gate import Limits, Verdict, judge
from models.training import label_rows
from pipeline.backtest import matured_by, newest_day
from pipeline.config import Config
from pipeline.engine import build_features
from pipeline.errors import Leak, NoChampion, NotPromoted
from pipeline.leak_proof import leak_proof
from pipeline.progress import Progress, say
from pipeline.store import Workspace
from pipeline.tracking import (
    CHALLENGER,
    Registered,
    find_model,
    promote_challenger,
    require_champion,
    return_to_former,
    scores_in_fresh_process,
)

LEAK_NIGHTS = 2
FRESH_ROWS = 100


def promote(workspace: Workspace, config: Config, progress: Progress, *, every: int) -> None:
    """Point `champion` at the challenger, or raise `NotPromoted` with every reason found against it."""
    champion = require_champion(workspace)
    reasons: list[str] = []
    try:
        challenger = find_model(workspace, CHALLENGER)
    except NoChampion as error:
        raise NotPromoted(f"the champion stays. {error}") from None
    if challenger is None:
        raise NoChampion(f"{workspace.folder}: there is no challenger. Train one: make train WORKSPACE=... AS_OF=...")
    rows = _unseen_rows(workspace, config, progress, champion, challenger, every)
    try:
        fresh = scores_in_fresh_process(workspace, CHALLENGER, rows.head(FRESH_ROWS))
        if not np.array_equal(fresh, challenger.model.predict(rows.head(FRESH_ROWS))):
            reasons.append("a fresh process gives other scores than this one")
    except NoChampion as error:
        reasons.append(str(error))
    try:
        leak_proof(workspace, config, progress, nights=LEAK_NIGHTS, seed=config.seed)
    except Leak as error:
        reasons.append(str(error))
    with progress.piece("gate") as notes:
        verdict = _judge(rows, champion, challenger, config)
        notes.append(
            f"{rows.height:,} order-nights since {challenger.trained_as_of}; the challenger's contacts save "
            f"{verdict.gain_usd:+,.0f} USD ({verdict.gain_low:+,.0f} to {verdict.gain_high:+,.0f}) beside the "
            f"champion's {verdict.champion_usd:,.0f}"
        )
    if reasons := [*verdict.reasons, *reasons]:
        raise NotPromoted("the champion stays. Against the challenger: " + "; ".join(reasons))
    promote_challenger(workspace)
    say(f"version {challenger.version} is champion; make rollback returns to version {champion.version}")


def rollback(workspace: Workspace) -> None:
    now, before = return_to_former(workspace)
    say(f"version {now} is champion again; version {before} is the former one")


def _unseen_rows(
    workspace: Workspace, config: Config, progress: Progress, champion: Registered, challenger: Registered, every: int
) -> pl.DataFrame:
    """Labelled order-nights from the day on which the later of the two was trained."""
    tables = workspace.read_tables()
    first = day_number(date.fromisoformat(max(champion.trained_as_of, challenger.trained_as_of)))
    end = newest_day(tables)
    last = matured_by(end, config)
    nights = list(range(first, last + 1, every))
    if not nights:
        raise NotPromoted(
            f"the champion stays. No night since {calendar_day(first)}, when the later of the two was trained, has "
            f"matured: the last that has is {calendar_day(last)}. Train the challenger as of an earlier day, or wait."
        )
    with progress.piece("features") as notes:
        features = build_features(tables, build_spine(tables, nights, config.dispute_window), config)
        rows = label_rows(tables, features, config.label_window, end)
        notes.append(f"{rows.height:,} order-nights of {len(nights)} nights that neither model has seen")
    disputed = rows.filter(pl.col("label") == 1)["order_id"].n_unique()
    if disputed < config.min_training_disputes:
        raise NotPromoted(
            f"the champion stays. Only {disputed} orders of the nights since {calendar_day(first)} were disputed; at "
            f"least {config.min_training_disputes} are needed (min_training_disputes in config.toml)."
        )
    return rows


def _judge(rows: pl.DataFrame, champion: Registered, challenger: Registered, config: Config) -> Verdict:
    costs = config.decide.costs
    return judge(
        rows, champion.model.predict(rows), challenger.model.predict(rows), costs, config.decide.capacity,
        Limits(**config.gate.model_dump()), config.seed,
    )  # fmt: skip
