"""A season of nights on a simulated store, decided as `make nightly` decides: what the hold-out of
it teaches.

Nothing here reads the truth but what the store would see: whether an order was disputed after what
was done with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.clock import calendar_day, in_label_window
from models.contact.contact_effects import Belief, learn_beliefs
from models.contact.decide import HELD_OUT, ContactRules, assign
from pipeline.history.assignments import as_evidence, first_of_each_order, likeliest_cause
from pipeline.settings.config import Config
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.truth import outcome


def run_season(candidates: pl.DataFrame, config: Config) -> pl.DataFrame:
    """All assignments of the nights of `candidates`: `order_id, number, buyer_id, as_of_day, arm,
    propensity` and the candidate's columns. An order is written to once; its buyer then rests."""
    decide, found = config.decide, []
    rested: dict[str, int] = {}
    written: set[str] = set()
    asked = candidates.with_columns(likely_cause=likeliest_cause())
    for night in asked.sort("as_of_day").partition_by("as_of_day", maintain_order=True):
        day = int(night["as_of_day"][0])
        resting = {buyer for buyer, until in rested.items() if day < until}
        rules = ContactRules(
            decide.capacity,
            decide.holdout_share,
            decide.explore_share,
            decide.holdout_salt,
            resting,
        )
        free = night.filter(~pl.col("order_id").is_in(list(written)))
        told = assign(free, rules, decide.contact_cost_usd, calendar_day(day).isoformat())
        sent = told.filter(pl.col("arm") != HELD_OUT)
        rested |= dict.fromkeys(sent["buyer_id"], day + decide.cool_off_days)
        written |= set(sent["order_id"])
        found.append(told)
    return pl.concat(found)


def learn_from_season(
    season: pl.DataFrame, truth: Truth, config: Config
) -> Mapping[tuple[str, str], Belief]:
    """What a store would learn from it when all of it has matured."""
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
    """Is the hold-out a fair sample of those who would have been listed? Their share beside the
    share meant, and the standardised differences of what was known of them (0.1 is a usual limit,
    Austin 2009)."""
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
    told = {
        "buyers": buyers.height,
        "share_meant": holdout_share,
        "share_held_out": held.height / buyers.height,
    }
    for column in [*(pl.col(name) for name in names), *stages]:
        ours, theirs = (part.select(column).to_series().cast(pl.Float64) for part in (held, sent))
        spread = np.sqrt((_variance(ours) + _variance(theirs)) / 2.0)
        told[f"difference of {ours.name}"] = (
            float(_mean(ours) - _mean(theirs)) / spread if spread else 0.0
        )
    listed_and_held = set(held["buyer_id"]) & set(
        season.filter(pl.col("arm") != HELD_OUT)["buyer_id"]
    )
    return told | {"held_out_buyers_on_a_list": len(listed_and_held)}


def _mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean()) if len(values) else 0.0


def _variance(values: pl.Series) -> float:
    return float(values.to_numpy().var()) if len(values) else 0.0
