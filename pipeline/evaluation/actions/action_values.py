"""What each policy thinks an action is worth: the values that `run_policy` chooses by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from features.tables import CAUSE_SHARES, CAUSES
from models.actions.actions import Action
from models.effects.effect_posterior import EffectPosterior
from models.effects.effect_terms import NOTHING
from pipeline.simulation.action_outcomes import ActionWorld
from pipeline.simulation.action_policies import HELD

IMPOSSIBLE = -np.inf
# an agent's minute (15 USD an hour), and a template that the shop's own channel sends
USD_A_MINUTE, AUTOMATIC_USD = 0.25, 0.02


def action_costs(rows: pl.DataFrame, actions: Sequence[Action]) -> np.ndarray:
    """(rows, actions): what each action costs in USD."""
    costs = rows.select(a.cost_usd(USD_A_MINUTE, AUTOMATIC_USD).alias(a.name) for a in actions)
    return costs.to_numpy().astype(np.float64)


def possible(rows: pl.DataFrame, actions: Sequence[Action]) -> np.ndarray:
    """(rows, actions): whether each action may be done."""
    return rows.select(f"may_{action.name}" for action in actions).to_numpy().astype(bool)


def believed_values(
    rows: pl.DataFrame,
    actions: Sequence[Action],
    posterior: EffectPosterior,
    money: np.ndarray,
    costs: np.ndarray,
    draw_seed: int | None = None,
) -> np.ndarray:
    """(rows, actions): expected saving less cost under the posterior; with `draw_seed`, under one
    draw of it (Thompson sampling).

    `money` (rows, 3): by cause, the chance of a dispute times what it costs.
    """
    at_stake = pl.DataFrame({n: money[:, i] for i, n in enumerate(CAUSE_SHARES)})
    known = pl.concat([rows.drop(CAUSE_SHARES), at_stake], how="horizontal")
    values, may = np.full((rows.height, len(actions)), IMPOSSIBLE), possible(rows, actions)
    for n, action in enumerate(actions):
        fits = may[:, n]
        frame = known.filter(pl.Series(fits)).with_columns(action=pl.lit(action.name))
        if draw_seed is None:
            share = posterior.shares(frame)["prevented_share"].to_numpy()
        else:
            share = posterior.draw_shares(frame, 1, draw_seed)[:, 0]
        values[fits, n] = share - costs[fits, n]
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


def effect_counts(
    taken: pl.DataFrame, actions: Sequence[Action], disputes: np.ndarray, modifiers: Sequence[str]
) -> pl.DataFrame:
    """The counts that effects are learned from: by action ("nothing" if held out), stage, cause and
    modifiers, the disputes expected and those observed to the end of the order.

    `meant` is the action that was chosen, also for the held out. The orders chosen for an action
    may be those whose risk the model overestimates; the held out of the same choice correct that.
    `disputes` (rows, 3): by cause, the expected disputes without an action.
    """
    names: Mapping[int, str] = dict(enumerate(a.name for a in actions)) | {HELD: NOTHING}
    action = taken["action"].replace_strict(names, return_dtype=pl.String)
    meant = taken["meant"].replace_strict(names, return_dtype=pl.String)
    opened, cause = taken["opened_day"].to_numpy(), taken["opened_cause"].to_numpy()
    parts = [
        taken.select("stage", *modifiers).with_columns(
            action=action,
            meant=meant,
            cause=pl.lit(name),
            is_ended=pl.lit(True),
            expected=pl.Series(disputes[:, n]),
            observed=pl.Series(((opened >= 0) & (cause == n)).astype(np.float64)),
        )
        for n, name in enumerate(CAUSES)
    ]
    keys = ["action", "meant", "stage", "cause", *modifiers, "is_ended"]
    return pl.concat(parts).group_by(keys).agg(pl.col("expected", "observed").sum()).sort(keys)
