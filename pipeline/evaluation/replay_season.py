"""A season of nights on a simulated store, decided as `make nightly` decides, and what it teaches.

The store learns the effects of contacts from the season's hold-out. Of the truth, only what the
store would see is read: whether an order was disputed, given what was done with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.clock import calendar_day, in_label_window
from models.actions.hold_out import HELD_OUT
from models.contact.contact_effects import Belief, learn_beliefs
from models.contact.decide import ContactRules, assign
from pipeline.history.assignments import as_evidence, first_of_each_order, likeliest_cause
from pipeline.settings.config import Config
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.truth import outcome


def run_season(candidates: pl.DataFrame, config: Config) -> pl.DataFrame:
    """All assignments of the nights of `candidates`.

    Returns `order_id, number, buyer_id, as_of_day, arm, propensity` and the candidate's columns. An
    order is contacted at most once, and its buyer not again during the cool-off.
    """
    decide, assignments = config.decide, []
    rests_until: dict[str, int] = {}
    contacted: set[str] = set()
    with_cause = candidates.with_columns(likely_cause=likeliest_cause())
    for night in with_cause.sort("as_of_day").partition_by("as_of_day", maintain_order=True):
        day = int(night["as_of_day"][0])
        resting = {buyer for buyer, until in rests_until.items() if day < until}
        rules = ContactRules(
            decide.capacity,
            decide.holdout_share,
            decide.explore_share,
            decide.holdout_salt,
            resting,
        )
        free = night.filter(~pl.col("order_id").is_in(list(contacted)))
        assigned = assign(free, rules, decide.contact_cost_usd, calendar_day(day).isoformat())
        sent = assigned.filter(pl.col("arm") != HELD_OUT)
        rests_until |= dict.fromkeys(sent["buyer_id"], day + decide.cool_off_days)
        contacted |= set(sent["order_id"])
        assignments.append(assigned)
    return pl.concat(assignments)


def learn_from_season(
    season: pl.DataFrame, truth: Truth, config: Config
) -> Mapping[tuple[str, str], Belief]:
    """The beliefs that a store would learn from the season once all of it has matured."""
    sent = season.filter(pl.col("arm") != HELD_OUT)
    contact_day = np.full(truth.orders.height, -1)
    contact_day[sent["number"].to_numpy()] = sent["as_of_day"].to_numpy()
    thresholds = truth.orders["threshold"].to_numpy(), truth.orders["which_cause"].to_numpy()
    opened, _ = outcome(truth.days, *thresholds, truth.effects, contact_day)
    first = first_of_each_order(season.with_columns(as_of="as_of_day"))
    first = first.with_columns(opened_day=pl.Series(opened[first["number"].to_numpy()]))
    within = in_label_window(pl.col("opened_day"), pl.col("as_of_day"), config.horizon_days)
    evidence = as_evidence(first.with_columns(label=within.cast(pl.Int8)))
    return learn_beliefs(evidence, config.decide.costs.assumed(), config.decide.prior_disputes)


def balance(season: pl.DataFrame, holdout_share: float) -> dict[str, float]:
    """Whether the hold-out is a fair sample of the buyers who would have been listed.

    Gives the share held out and the intended share, and the standardised differences of what was
    known about the buyers (0.1 is a usual limit, Austin 2009).
    """
    first = first_of_each_order(
        season.filter(pl.col("arm") != "explored").with_columns(as_of="as_of_day")
    )
    buyers = first.unique("buyer_id", keep="first")
    held, sent = buyers.filter(pl.col("arm") == HELD_OUT), buyers.filter(pl.col("arm") != HELD_OUT)
    names = ["probability", "expected_value_usd", "order_value_usd"]
    stages = [
        (pl.col("stage") == stage).cast(pl.Float64).alias(stage)
        for stage in sorted(buyers["stage"].unique())
    ]
    measures = {
        "buyers": buyers.height,
        "share_meant": holdout_share,
        "share_held_out": held.height / buyers.height,
    }
    for column in [*(pl.col(name) for name in names), *stages]:
        values_held, values_sent = (
            part.select(column).to_series().cast(pl.Float64) for part in (held, sent)
        )
        spread = np.sqrt((_variance(values_held) + _variance(values_sent)) / 2.0)
        measures[f"difference of {values_held.name}"] = (
            float(_mean(values_held) - _mean(values_sent)) / spread if spread else 0.0
        )
    listed_and_held = set(held["buyer_id"]) & set(
        season.filter(pl.col("arm") != HELD_OUT)["buyer_id"]
    )
    return measures | {"held_out_buyers_on_a_list": len(listed_and_held)}


def _mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean()) if len(values) else 0.0


def _variance(values: pl.Series) -> float:
    return float(values.to_numpy().var()) if len(values) else 0.0
