"""promote: make the challenger champion if it passes every check; rollback: undo this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from features.clock import calendar_day, day_number
from features.labels import disputed_orders
from features.spine import spine_of
from models.comparison.paired_comparison import compare_scorers
from models.comparison.promotion_gate import PromotionLimits, Verdict, judge
from models.contact.contact_value import ContactCosts
from models.learner.training_rows import label_rows, learnable
from pipeline.engines.engine import build_features, spells_of
from pipeline.registry.judged_versions import log_comparison
from pipeline.registry.model_aliases import promote_challenger, return_to_former
from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    find_model,
    judged_of,
    require_champion,
)
from pipeline.registry.registered_model import Registered
from pipeline.registry.reload_check import scores_in_fresh_process
from pipeline.settings.action_files import message_costs
from pipeline.settings.config import Config
from pipeline.settings.errors import Damaged, Leak, NoChampion, NotPromoted
from pipeline.training.fitting import learn, register, training_settings
from pipeline.training.leak_proof import leak_proof
from pipeline.training.walk_forward import matured_by, newest_day
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.workspace import Workspace

LEAK_NIGHTS = 2
FRESH_ROWS = 100
# with intervals, as tags of both versions in MLflow
LOGGED_METRICS = ("auc", "average_precision", "log_loss")


def promote(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    *,
    every: int,
    is_refitted: bool = True,
) -> None:
    """Point `champion` at the challenger, or raise `NotPromoted` with every reason against it.

    The judged models must not have seen the newest nights. So, if `is_refitted`, the same recipe is
    then trained on all matured nights, and the result is the champion of the coming nights.

    Raises `NoChampion` without a champion or challenger.
    """
    champion = judged_of(workspace, require_champion(workspace))
    try:
        challenger = find_model(workspace, CHALLENGER)
    except NoChampion as error:
        raise NotPromoted(f"the champion stays in use. {error}") from None
    except Damaged as error:
        why = f"the challenger cannot be used: {error}"
        raise NotPromoted(f"the champion stays in use; {why}") from None
    if challenger is None:
        raise NoChampion(
            f"{workspace.folder}: there is no challenger. "
            "Train one: make train WORKSPACE=... AS_OF=..."
        )
    rows = _unseen_rows(workspace, config, progress, champion, challenger, every)
    reasons = _program_faults(workspace, config, progress, challenger, rows)
    with progress.piece("gate") as notes:
        costs = message_costs(workspace.folder, config)
        verdict = _judge(rows, champion, challenger, config, costs)
        notes.append(
            f"{rows.height:,} order-nights since {challenger.trained_as_of}; the challenger's "
            f"contacts save {verdict.gain_usd:+,.0f} USD ({verdict.gain_low:+,.0f} to "
            f"{verdict.gain_high:+,.0f}) compared with the champion's {verdict.champion_usd:,.0f}"
        )
    reasons = [*verdict.reasons, *reasons]
    _log(workspace, rows, {CHAMPION: champion, CHALLENGER: challenger}, reasons, config.seed)
    if reasons:
        raise NotPromoted(
            "the champion stays in use. The challenger was rejected: " + "; ".join(reasons)
        )
    promote_challenger(workspace)
    say(f"version {challenger.version} is now champion; make rollback returns to the previous one")
    if is_refitted:
        _refit(workspace, config, progress, challenger)


def _log(
    workspace: Workspace,
    rows: pl.DataFrame,
    compared: Mapping[str, Registered],
    reasons: Sequence[str],
    seed: int,
) -> None:
    """Log in MLflow how both models did on the nights that neither has seen."""
    scores = {alias: each.model.predict(rows) for alias, each in compared.items()}
    days = rows["as_of_day"]
    first, last = (calendar_day(int(day)) for day in (days.min(), days.max()))  # type: ignore[arg-type]
    facts = {
        "nights": f"{days.n_unique()}, {first} to {last}",
        "order_nights": str(rows.height),
        "disputed_orders": str(disputed_orders(rows)),
    }
    metrics = compare_scorers(rows, scores, seed=seed, metrics=LOGGED_METRICS)
    log_comparison(workspace, compared, metrics, facts, reasons)


def _program_faults(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    challenger: Registered,
    rows: pl.DataFrame,
) -> list[str]:
    """Why the challenger cannot be used in another process, or its features see the future."""
    faults = []
    sample = rows.head(FRESH_ROWS)
    try:
        scores = scores_in_fresh_process(workspace, CHALLENGER, sample)
        if not np.array_equal(scores, challenger.model.predict(sample)):
            faults.append("a fresh process gives other scores than this one")
    except NoChampion as error:
        faults.append(str(error))
    try:
        leak_proof(workspace, config, progress, nights=LEAK_NIGHTS, seed=config.seed)
    except Leak as error:
        faults.append(str(error))
    return faults


def _refit(workspace: Workspace, config: Config, progress: Progress, judged: Registered) -> None:
    """Train the judged recipe on all matured nights and make the result champion.

    The judged version stays champion, with a warning, if the settings have changed since, or if the
    refitted model expects a very different number of disputes.
    """
    if judged.model.pool:
        say(
            "the champion is the judged version: a pooled model is not refitted on this store's "
            "rows alone. Train it again with POOL= for newer nights"
        )
        return
    if judged.settings != {name: str(value) for name, value in training_settings(config).items()}:
        warn(
            "the settings have changed since the challenger was trained: the champion is the "
            "judged version, not refitted"
        )
        return
    newest = calendar_day(newest_day(workspace.open_tables()))
    model, rows = learn(workspace, config, progress, newest)
    night = rows.filter(pl.col("as_of_day") == rows["as_of_day"].max())
    ratio = float(model.predict(night).sum() / judged.model.predict(night).sum())
    if not 1.0 / config.gate.rate_ratio <= ratio <= config.gate.rate_ratio:
        warn(
            f"the model refitted on all nights matured by {newest} expects {ratio:.2f} times as "
            "many disputes on the last training night: the champion is the judged version, not "
            "refitted. Look at make backtest before you train the next one"
        )
        return
    with progress.piece("refit") as notes:
        number = register(
            workspace, config, model, rows, newest, CHAMPION, {"judged_version": judged.version}
        )
        notes.append(f"version {number}, trained on all nights matured by {newest}, is champion")


def rollback(workspace: Workspace) -> None:
    """Make the former champion champion again; raises `NoChampion` if there is none."""
    now, before = return_to_former(workspace)
    say(f"version {now} is champion again; version {before} is now the former champion")


def _unseen_rows(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    champion: Registered,
    challenger: Registered,
    every: int,
) -> pl.DataFrame:
    """Labelled order-nights that neither model has seen.

    They start on the day on which the later of the two was trained. Raises `NotPromoted` if there
    are too few.
    """
    tables = workspace.open_tables()
    first = day_number(date.fromisoformat(max(champion.trained_as_of, challenger.trained_as_of)))
    end = newest_day(tables)
    last = matured_by(end, config)
    nights = list(range(first, last + 1, every))
    if not nights:
        raise NotPromoted(
            f"the champion stays in use. No night since {calendar_day(first)}, when the later of "
            f"the two models was trained, has matured: the last matured night is "
            f"{calendar_day(last)}. Train the challenger as of an earlier day, or wait."
        )
    with progress.piece("features") as notes:
        features = build_features(
            tables, spine_of(spells_of(tables, config), nights, tables.zone), config
        )
        rows = learnable(label_rows(tables, features, config.label_window, end))
        notes.append(
            f"{rows.height:,} order-nights of {len(nights)} nights that neither model has seen"
        )
    disputed = rows.filter(pl.col("label") == 1)["order_id"].n_unique()
    if disputed < config.min_training_disputes:
        raise NotPromoted(
            f"the champion stays in use. Only {disputed} orders of the nights since "
            f"{calendar_day(first)} were disputed; at least {config.min_training_disputes} are "
            "needed (min_training_disputes in config.toml)."
        )
    return rows


def _judge(
    rows: pl.DataFrame,
    champion: Registered,
    challenger: Registered,
    config: Config,
    costs: ContactCosts,
) -> Verdict:
    return judge(
        rows,
        champion.model.predict(rows),
        challenger.model.predict(rows),
        costs,
        config.decide.capacity,
        PromotionLimits(**config.gate.model_dump()),
        config.seed,
    )
