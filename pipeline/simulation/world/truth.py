"""The truth that no export shows: why each order ended as it did, and how it would have ended with
a message on any day.

Two tables. `orders` has one row per order: latent traits, the outcome, and the outcome if a message
had been sent on the first night of each stage. `order_days` has one row per order and day on which
it is open: the hazard of each cause in billionths (`_e9`), the part of its effect that a message on
this day has, and the state that the effects of other actions depend on. With both, any policy can
be replayed: the hazards after a message are those of `simulated_contact.py`, those after another
action of `action_effects.py`, and a dispute opens when their sum reaches the threshold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from features.clock import day_number
from features.stage import STAGES
from pipeline.simulation.world.markets import CAUSES
from pipeline.simulation.world.order_life import OrderDays, first_dispute, to_units
from pipeline.simulation.world.simulated_contact import contacted_hazard, draw_effects, stage_of
from pipeline.simulation.world.simulated_facts import ids, pick_text
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart

OUTCOMES = ("unchanged", "prevented", "provoked")


def order_truth(world: World, piece: StorePart) -> pl.DataFrame:
    """One row per order. Days are those of `features.clock.day_number`; null: no dispute."""
    orders, journey, life = piece.orders, piece.journey, piece.life
    effects = draw_effects(world.draws, orders)
    start = day_number(world.first_day)
    cause = pick_text([*CAUSES], np.maximum(life.cause, 0))
    is_disputed = life.opened_day >= 0
    frame = pl.DataFrame(
        {
            "order_id": ids("o", orders.number + 1, 6),
            "total_usd": orders.total_usd,
            "temper_x": orders.temper_x,
            "is_habitual": orders.is_habitual,
            "patience_days": orders.patience_days,
            **{
                f"risk_{name}": orders.risks[:, i]
                for i, name in enumerate(("quality", "honesty", "fit", "fragile"))
            },
            "is_lost": np.isfinite(journey.lost_at),
            "is_returned": np.isfinite(journey.returned_at),
            "threshold": life.threshold,
            "which_cause": life.which_cause,
            "opened_day": np.where(is_disputed, life.opened_day + start, 0),
            "cause": cause,
            **{f"effect_{name}": effects[:, i] for i, name in enumerate(CAUSES)},
            **{
                f"contacted_{name}": outcomes
                for name, outcomes in _outcomes_by_stage(piece, effects).items()
            },
        }
    )
    return frame.with_columns(
        pl.when(pl.lit(pl.Series(is_disputed))).then(pl.col("opened_day", "cause"))
    )


def day_truth(world: World, piece: StorePart) -> pl.DataFrame:
    """One row per order and day on which it is open, including the days after a dispute."""
    days = piece.life.days
    units = to_units(days.hazard)
    return pl.DataFrame(
        {
            "order_number": (piece.orders.number[days.order] + 1).astype(np.uint32),
            "day": (days.day + day_number(world.first_day)).astype(np.int32),
            **{f"hazard_{name}_e9": units[:, i].astype(np.uint32) for i, name in enumerate(CAUSES)},
            "contact_factor": days.contact_factor.astype(np.float32),
            "state": days.state.astype(np.uint8),
        }
    )


def outcome(
    days: OrderDays,
    threshold: np.ndarray,
    which_cause: np.ndarray,
    effects: np.ndarray,
    contact_day: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Day and cause of each order's dispute (-1: none) when the order gets a message on its
    `contact_day` (-1: no message)."""
    factor = np.zeros(len(threshold))
    row = np.flatnonzero(days.day == contact_day[days.order])
    factor[days.order[row]] = days.contact_factor[row]
    hazard = contacted_hazard(days.order, days.day, days.hazard, effects, contact_day, factor)
    return first_dispute(replace(days, hazard=hazard), threshold, which_cause)


def _outcomes_by_stage(piece: StorePart, effects: np.ndarray) -> dict[str, pl.Series]:
    """By stage, the change that a message makes to each order; null if the order is never open and
    undisputed in the stage."""
    life = piece.life
    days = life.days
    stage = stage_of(piece.journey, days.order, days.day)
    is_undisputed = (life.opened_day[days.order] < 0) | (days.day <= life.opened_day[days.order])
    by_stage = {}
    for number, name in enumerate(STAGES):
        row = np.flatnonzero((stage == number) & is_undisputed)
        order, nth = np.unique(days.order[row], return_index=True)
        contact_day = np.full(len(life.threshold), -1)
        contact_day[order] = days.day[row[nth]]
        opened_day, _ = outcome(days, life.threshold, life.which_cause, effects, contact_day)
        before, after = life.opened_day >= 0, opened_day >= 0
        change = np.select([before & ~after, ~before & after], [1, 2], 0)
        names = pick_text([*OUTCOMES], change)
        by_stage[name] = pl.select(
            pl.when(pl.lit(pl.Series(contact_day >= 0))).then(pl.lit(names)), eager=True
        ).to_series()
    return by_stage
