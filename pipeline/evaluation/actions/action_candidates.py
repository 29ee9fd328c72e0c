"""The order-nights of a simulated store that the action policies choose from: what the store knows
of each, and what each action would truly save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from features.clock import in_closed_days
from features.spine import build_spine
from features.tables import CAUSE_SHARES, CAUSES, Tables
from models.actions.action_options import MODIFIERS
from models.actions.actions import Action
from models.learner.cause import add_cause, fit_cause
from models.learner.gbm import DisputeModel
from models.learner.training_rows import train_model
from pipeline.engines.engine import build_features
from pipeline.settings.config import Config
from pipeline.settings.errors import Refused
from pipeline.simulation.true_risk import Truth, order_number
from pipeline.training.fitting import training_dataset
from pipeline.training.walk_forward import matured_by
from pipeline.workspace.progress import counted
from pipeline.workspace.workspace import Workspace

NIGHTS_AT_ONCE = 10
RULE_FEATURES = (
    "order_age_days",
    "logistics_days_to_promise",
    "logistics_days_since_news",
    "logistics_delivered_late_days",
)


@dataclass(frozen=True)
class ReplayedStore:
    """A simulated store and the model that scores it, trained on what had matured before the first
    season."""

    workspace: Workspace
    tables: Tables
    truth: Truth
    config: Config
    model: DisputeModel
    actions: Sequence[Action]


def train(tables: Tables, config: Config, first_night: int) -> DisputeModel:
    """The model and its causes from what had matured by `first_night`."""
    dataset = training_dataset(tables, config, matured_by(first_night, config))
    model, rows = train_model(tables, dataset, config.label_window, first_night, config.recipe)
    if model is None:
        raise Refused(
            "no dispute had matured before the season that effects are learned from. "
            "Use a later FROM."
        )
    rows_with_cause = add_cause(tables, rows, first_night)
    cause = fit_cause(rows_with_cause, list(model.feature_names), config.recipe)
    return replace(model, cause=cause)


def candidates(store: ReplayedStore, nights: Sequence[int]) -> pl.DataFrame:
    """Every open, undisputed order of every night: `order_id, as_of_day, number, buyer, stage,
    order_value_usd, probability`, the shares of the causes, the modifiers, the features of the hand
    rules, and per action whether it is possible (`may_{action}`)."""
    parts = []
    with counted("night", len(nights), NIGHTS_AT_ONCE) as part_done:
        for start in range(0, len(nights), NIGHTS_AT_ONCE):
            parts.append(_candidates_of(store, list(nights[start : start + NIGHTS_AT_ONCE])))
            part_done()
    return pl.concat(parts)


def _candidates_of(store: ReplayedStore, nights: list[int]) -> pl.DataFrame:
    truth = store.truth
    rows = build_features(
        store.tables, build_spine(store.tables, nights, store.config.dispute_window), store.config
    )
    number = order_number(store.workspace, rows["order_id"], truth.orders.height)
    as_of = rows["as_of_day"].to_numpy().astype(np.int64)
    is_open = is_truly_open(truth, number, as_of)
    rows, number = rows.filter(pl.Series(is_open)), number[is_open]
    causes = store.model.predict_cause(rows)
    known = rows.select(
        "order_id",
        pl.col("as_of_day").cast(pl.Int32),
        "stage",
        pl.col("order_value_usd").fill_null(0.0),
        *RULE_FEATURES,
        **MODIFIERS,
        **{f"may_{action.name}": action.is_possible for action in store.actions},
    ).with_columns(number=pl.Series(number), probability=pl.Series(store.model.predict(rows)))
    buyers = store.tables["orders"].select("order_id", buyer="buyer_id")
    known = known.join(buyers, on="order_id", how="left", maintain_order="left")
    even = [pl.col(name).fill_null(1.0 / len(CAUSES)) for name in CAUSE_SHARES]
    return pl.concat([known, causes.select(even)], how="horizontal")


def is_truly_open(truth: Truth, number: np.ndarray, as_of: np.ndarray) -> np.ndarray:
    """Whether the order is truly open that night.

    The store may learn of an order's end a day late.
    """
    begins, ends = truth.days.first[number], truth.days.first[number + 1]
    day = np.append(truth.days.day, 0)
    return np.asarray((begins < ends) & in_closed_days(as_of, day[begins], day[ends - 1]))
