"""replay: contact policies on a simulated store, and what each would have prevented and saved."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from features.clock import day_number
from features.spine import build_spine
from features.tables import Tables
from models.baseline import rule_scores
from models.decide import add_expected_value
from models.training import train_model
from pipeline.backtest import matured_by
from pipeline.config import Config
from pipeline.engine import build_features
from pipeline.errors import Refused
from pipeline.progress import Progress, say
from pipeline.sources.simulator.draws import Draws
from pipeline.sources.simulator.policies import choose, replay, true_scores
from pipeline.store import Workspace, write_whole
from pipeline.train import training_dataset
from pipeline.true_risk import Truth, order_number, read_truth

RESULT = "replay.csv"
POLICIES = {
    "none": None,
    "random": "random",
    "oldest first": "oldest_first",
    "past promise": "past_promise",
    "stalled scan": "stalled_scan",
    "model: highest probability": "probability",
    "model: highest expected value": "expected_value_usd",
    "highest true risk": "risk",
    "highest true saving": "saving_usd",
}


def replay_policies(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date
) -> pl.DataFrame:
    """Write and return `replay.csv`: one row per policy. The model is trained once, on what had matured by `first`."""
    tables, truth = workspace.read_tables(), read_truth(workspace)
    nights = [day_number(first + timedelta(days=d)) for d in range((last - first).days + 1)]
    cost_usd = truth.orders["total_usd"].to_numpy() + config.decide.dispute_fixed_cost_usd
    with progress.piece("nights") as notes:
        candidates = _candidates(workspace, tables, truth, config, nights, cost_usd)
        notes.append(
            f"{len(nights)} nights, {candidates.height:,} candidates, {config.decide.capacity} contacts a night"
        )
    rows = []
    with progress.piece("policies"):
        for policy, score in POLICIES.items():
            contacts = candidates.clear() if score is None else choose(candidates, score, config.decide.capacity)
            told = replay(truth.days, truth.orders, truth.effects, contacts, cost_usd, config.decide.contact_cost_usd)
            rows.append({"policy": policy, **told})
    result = pl.DataFrame(rows)
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=3))
    return result


def _candidates(
    workspace: Workspace, tables: Tables, truth: Truth, config: Config, nights: list[int], cost_usd: np.ndarray
) -> pl.DataFrame:
    """Every open, undisputed order of every night with the score of each policy."""
    spine = build_features(tables, build_spine(tables, nights, config.dispute_window), config)
    number = order_number(workspace, spine["order_id"], truth.orders.height)
    as_of = spine["as_of_day"].to_numpy().astype(np.int64)
    is_there = _is_alive(truth, number, as_of)
    spine, number, as_of = spine.filter(pl.Series(is_there)), number[is_there], as_of[is_there]
    dataset = training_dataset(tables, config, matured_by(nights[0], config))
    model, _ = train_model(tables, dataset, config.label_window, nights[0], config.recipe)
    if model is None:
        raise Refused("no dispute had matured by the first night. Use a later FROM.")
    scored = spine.select("order_id", "as_of_day", "stage", "order_value_usd").with_columns(
        number=pl.Series(number),
        probability=pl.Series(model.predict(spine)),
        random=pl.Series(Draws(config.seed).uniform("random policy", number, as_of)),
    )
    scored = add_expected_value(scored, config.decide.costs)
    true = true_scores(truth.days, truth.effects, cost_usd, config.decide.contact_cost_usd, number, as_of)
    return pl.concat([scored, rule_scores(spine), true], how="horizontal")


def _is_alive(truth: Truth, number: np.ndarray, as_of: np.ndarray) -> np.ndarray:
    """Whether the order is truly open that night: news of its end may reach the store a day late."""
    begins, ends = truth.days.first[number], truth.days.first[number + 1]
    day = np.append(truth.days.day, 0)
    return np.asarray((begins < ends) & (day[begins] <= as_of) & (as_of <= day[ends - 1]))


def say_replay(result: pl.DataFrame) -> None:
    """One line a policy, for people; in brackets what the true hazards led to expect."""
    for row in result.iter_rows(named=True):
        say(
            f"{row['policy']:<30} {row['contacts']:>6,} contacts: "
            f"{row['prevented']:>4} prevented, {row['provoked']:>3} provoked; per 100 contacts "
            f"{row['net_prevented_per_100']:6.2f} disputes ({row['expected_prevented_per_100']:5.2f}) "
            f"and {row['usd_saved_per_100']:8.2f} USD saved ({row['expected_usd_saved_per_100']:7.2f})"
        )
