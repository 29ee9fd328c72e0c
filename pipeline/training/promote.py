"""promote: the challenger becomes champion only on evidence; rollback: the former champion is
champion again."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from features.clock import calendar_day, day_number
from features.spine import build_spine
from models.comparison.promotion_gate import PromotionLimits, Verdict, judge
from models.learner.training_rows import label_rows, learnable
from pipeline.engines.engine import build_features
from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    Registered,
    find_model,
    judged_of,
    promote_challenger,
    require_champion,
    return_to_former,
)
from pipeline.registry.reload_check import scores_in_fresh_process
from pipeline.settings.config import Config
from pipeline.settings.errors import Leak, NoChampion, NotPromoted
from pipeline.training.fitting import learn, register, training_settings
from pipeline.training.leak_proof import leak_proof
from pipeline.training.walk_forward import matured_by, newest_day
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

LEAK_NIGHTS = 2
FRESH_ROWS = 100


def promote(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    every: int,
    is_refitted: bool = True,
) -> None:
    """Point `champion` at the challenger, or raise `NotPromoted` with every reason found against
    it.

    What was judged had to leave the newest nights unseen; so, if `is_refitted`, the same recipe
    then learns from all that has matured, and that is the champion of the coming nights.
    """
    champion = judged_of(workspace, require_champion(workspace))
    reasons: list[str] = []
    try:
        challenger = find_model(workspace, CHALLENGER)
    except NoChampion as error:
        raise NotPromoted(f"the champion stays. {error}") from None
    if challenger is None:
        raise NoChampion(
            f"{workspace.folder}: there is no challenger. Train one: make train WORKSPACE=... AS_OF=..."
        )
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
    say(f"version {challenger.version} is champion; make rollback returns to the one before")
    if is_refitted:
        _refit(workspace, config, progress, challenger)


def _refit(workspace: Workspace, config: Config, progress: Progress, judged: Registered) -> None:
    """The judged recipe on all matured nights becomes champion, unless it is another recipe or says
    something else."""
    if judged.settings != {name: str(value) for name, value in training_settings(config).items()}:
        warn(
            "the settings have changed since the challenger was trained: it stays as it was judged, not refitted"
        )
        return
    newest = calendar_day(newest_day(workspace.read_tables()))
    model, rows = learn(workspace, config, progress, newest)
    night = rows.filter(pl.col("as_of_day") == rows["as_of_day"].max())
    times = float(model.predict(night).sum() / judged.model.predict(night).sum())
    if not 1.0 / config.gate.rate_ratio <= times <= config.gate.rate_ratio:
        warn(
            f"refitted on all that has matured by {newest}, it would expect {times:.2f} times the disputes on the last "
            "night learnt: the champion stays as it was judged. Look at make backtest before training the next one"
        )
        return
    with progress.piece("refit") as notes:
        number = register(
            workspace, config, model, rows, newest, CHAMPION, {"judged_version": judged.version}
        )
        notes.append(
            f"version {number}, which learnt from all that has matured by {newest}, is champion"
        )


def rollback(workspace: Workspace) -> None:
    now, before = return_to_former(workspace)
    say(f"version {now} is champion again; version {before} is the former one")


def _unseen_rows(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    champion: Registered,
    challenger: Registered,
    every: int,
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
        features = build_features(
            tables, build_spine(tables, nights, config.dispute_window), config
        )
        rows = learnable(label_rows(tables, features, config.label_window, end))
        notes.append(
            f"{rows.height:,} order-nights of {len(nights)} nights that neither model has seen"
        )
    disputed = rows.filter(pl.col("label") == 1)["order_id"].n_unique()
    if disputed < config.min_training_disputes:
        raise NotPromoted(
            f"the champion stays. Only {disputed} orders of the nights since {calendar_day(first)} were disputed; at "
            f"least {config.min_training_disputes} are needed (min_training_disputes in config.toml)."
        )
    return rows


def _judge(
    rows: pl.DataFrame, champion: Registered, challenger: Registered, config: Config
) -> Verdict:
    costs = config.decide.costs
    return judge(
        rows,
        champion.model.predict(rows),
        challenger.model.predict(rows),
        costs,
        config.decide.capacity,
        PromotionLimits(**config.gate.model_dump()),
        config.seed,
    )
