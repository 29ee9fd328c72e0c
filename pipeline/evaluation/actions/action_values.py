"""What each policy thinks an action is worth: the values that `run_policy` chooses by."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from features.stage import STAGES_AND_UNKNOWN
from features.tables import CAUSE_SHARES, CAUSES
from models.actions.actions import Action
from models.effects.assumed_shares import EVERY_STAGE
from models.effects.effect_posterior import EffectPosterior
from models.effects.robust_worth import quantile_of, robust_worth, saved_parts
from pipeline.evaluation.actions.season_rows import SeasonRows, is_costly, possible
from pipeline.simulation.action_outcomes import ActionWorld

IMPOSSIBLE = -np.inf


def believed_values(
    season: SeasonRows,
    actions: Sequence[Action],
    posterior: EffectPosterior,
    *,
    is_robust: bool = True,
    stopped: Collection[tuple[str, str]] = (),
) -> np.ndarray:
    """(rows, actions): what each action is worth under the posterior, less what it may provoke.

    Robust: costly actions by a low quantile of what they save. Actions `stopped` are not possible.
    """
    values, may = np.full(season.costs.shape, IMPOSSIBLE), possible(season.rows, actions)
    stage = season.cells["stage"].to_numpy()
    for n, action in enumerate(actions):
        halted = [s for name, s in stopped if name == action.name]
        ends = EVERY_STAGE in halted
        is_used = np.array([s in action.applies_to and s not in halted for s in stage]) & (not ends)
        cells = season.cells.filter(pl.Series(is_used)).with_columns(action=pl.lit(action.name))
        number = np.cumsum(is_used) - 1
        fits = may[:, n] & is_used[season.cell]
        values[fits, n] = robust_worth(
            saved_parts(posterior, cells),
            number[season.cell[fits]],
            season.money[fits],
            season.costs[fits, n] + action.provokes * season.calm_usd[fits],
            quantile_of(is_robust and is_costly(action)),
        )
    return values


def drawn_values(
    season: SeasonRows, actions: Sequence[Action], posterior: EffectPosterior, seed: int
) -> np.ndarray:
    """(rows, actions): the worth of each action under draws from the posterior, another draw each
    night (Thompson sampling)."""
    values, may = np.full(season.costs.shape, IMPOSSIBLE), possible(season.rows, actions)
    day = season.rows["as_of_day"].to_numpy()
    night = day - day.min(initial=0)
    width = len(CAUSES)
    pairs = [(n, stage) for n, action in enumerate(actions) for stage in action.applies_to]
    frame = pl.DataFrame(
        [
            {"action": actions[n].name, "stage": stage}
            | {name: float(c == at) for at, name in enumerate(CAUSE_SHARES)}
            for n, stage in pairs
            for c in range(width)
        ]
    )
    drawn = posterior.draw_shares(frame, int(night.max(initial=0)) + 1, seed)
    shares = drawn.reshape(len(pairs), width, -1)
    is_stage = {stage: (season.rows["stage"] == stage).to_numpy() for stage in STAGES_AND_UNKNOWN}
    for (n, stage), of_pair in zip(pairs, shares, strict=True):
        fits = may[:, n] & is_stage[stage]
        saved = (season.money[fits] * of_pair[:, night[fits]].T).sum(axis=1)
        lost = season.costs[fits, n] + actions[n].provokes * season.calm_usd[fits]
        values[fits, n] = saved - lost
    return values


def true_values(
    rows: pl.DataFrame,
    actions: Sequence[Action],
    world: ActionWorld,
    cost_usd: np.ndarray,
    costs: np.ndarray,
) -> np.ndarray:
    """(rows, actions): what each action truly saves as expected, less its cost."""
    number = rows["number"].to_numpy()
    row = world.rows(number, rows["as_of_day"].to_numpy().astype(np.int64))
    saved = [(world.prevented(a.name, row) * cost_usd[number]).sum(axis=1) for a in actions]
    return np.where(possible(rows, actions), np.stack(saved, axis=1) - costs, IMPOSSIBLE)


def cell_values(
    rows: pl.DataFrame,
    actions: Sequence[Action],
    truth: np.ndarray,
    money: np.ndarray,
    costs: np.ndarray,
    modifiers: Sequence[str],
) -> np.ndarray:
    """(rows, actions): the value if the true mean effect of each action in each cell were known.

    A cell is stage, likely cause, bands of probability and of order value, and the modifiers. No
    store can know more from these. `truth` is `true_values`.
    """
    total = money.sum(axis=1)
    cells = rows.select(
        "stage",
        *modifiers,
        cause=pl.Series(money.argmax(axis=1)),
        risk=pl.col("probability").rank("ordinal") * 8 // (pl.len() + 1),
        value=pl.col("order_value_usd").rank("ordinal") * 4 // (pl.len() + 1),
    )
    cell = cells.select(pl.struct(pl.all()).rank("dense")).to_series().to_numpy() - 1
    values = np.full(truth.shape, IMPOSSIBLE)
    for n in range(len(actions)):
        may = np.isfinite(truth[:, n])
        gross = np.where(may, truth[:, n] + costs[:, n], 0.0)
        saved = np.bincount(cell, gross)
        at_stake = np.bincount(cell, np.where(may, total, 0.0))
        share = np.divide(saved, at_stake, where=at_stake > 0, out=np.zeros_like(saved))
        values[may, n] = (share[cell] * total - costs[:, n])[may]
    return values


def fixed_values(
    rows: pl.DataFrame, actions: Sequence[Action], action: str, score: pl.Expr
) -> np.ndarray:
    """(rows, actions): a hand rule that always does the same action, by a score above 0."""
    values = np.full((rows.height, len(actions)), IMPOSSIBLE)
    names = [a.name for a in actions]
    scores = rows.select(score.cast(pl.Float64).fill_null(0.0)).to_series().to_numpy()
    may = possible(rows, actions)[:, names.index(action)]
    values[:, names.index(action)] = np.where(may & (scores > 0), 1.0 + scores, IMPOSSIBLE)
    return values
