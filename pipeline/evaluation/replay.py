"""replay: run contact policies on a simulated store and count what each prevents and saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from features.clock import calendar_day, day_number, last_matured_day
from features.spine import build_spine
from features.tables import Tables
from models.contact.contact_effects import Belief
from models.contact.decide import add_expected_value
from models.learner.gbm import DisputeModel
from models.reasons.baseline import rule_scores
from pipeline.engines.engine import build_features
from pipeline.evaluation.actions.action_candidates import is_truly_open, train
from pipeline.evaluation.replay_season import balance, learn_from_season, run_season
from pipeline.settings.config import Config
from pipeline.simulation.contact_policies import choose, replay, true_scores
from pipeline.simulation.true_risk import Truth, order_number, read_truth
from pipeline.simulation.world.draws import Draws
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "replay.csv"
# the season before has one night more than this
SEASON, RESAMPLES = 119, 500
REFERENCE = "model: highest probability"
POLICIES = {
    "none": None,
    "random": "random",
    "oldest first": "oldest_first",
    "past promise": "past_promise",
    "stalled scan": "stalled_scan",
    "model: highest probability": "probability",
    "expected value, assumed effects": "expected_value_usd",
    "expected value, learnt effects": "learned_value_usd",
    "highest true risk": "risk",
    "highest true saving": "saving_usd",
}


def replay_policies(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date
) -> pl.DataFrame:
    """Write and return `replay.csv`: one row per policy.

    The model is trained once, on what had matured before all of these nights. The effects of
    contacts are learned from a season that has matured by `first`: `SEASON` + 1 nights, or a
    quarter of the store's history if that is shorter.
    """
    tables, truth = workspace.read_tables(), read_truth(workspace)
    nights = [day_number(first + timedelta(days=d)) for d in range((last - first).days + 1)]
    season_end = last_matured_day(nights[0], config.horizon_days, config.reporting_delay_days)
    # fail early if the truth is that of another store
    order_number(workspace, tables["orders"]["order_id"], truth.orders.height)
    oldest = int(tables["orders"]["known_day"].to_numpy().min(initial=season_end))
    earlier = list(range(season_end - min(SEASON, (season_end - oldest) // 4), season_end + 1))
    cost_usd = truth.orders["total_usd"].to_numpy() + config.decide.dispute_fixed_cost_usd
    model = train(tables, config, earlier[0])
    with progress.piece("season") as notes:
        season = run_season(
            _candidates(workspace, tables, truth, config, model, earlier, cost_usd), config
        )
        beliefs = learn_from_season(season, truth, config)
        notes.append(
            f"{len(earlier)} nights up to {calendar_day(season_end)}: {season.height:,} listed or "
            "held out"
        )
    with progress.piece("nights") as notes:
        candidates = _candidates(workspace, tables, truth, config, model, nights, cost_usd)
        learned_costs = replace(config.decide.costs, beliefs=beliefs)
        learned_value = add_expected_value(candidates, learned_costs)["expected_value_usd"]
        candidates = candidates.with_columns(learned_value_usd=learned_value)
        notes.append(
            f"{len(nights)} nights, {candidates.height:,} candidates, "
            f"{config.decide.capacity} contacts per night"
        )
    with progress.piece("policies"):
        result = _replay_all(candidates, truth, config, cost_usd, len(nights))
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=3))
    _say_season(beliefs, config, balance(season, config.decide.holdout_share))
    return result


def _replay_all(
    candidates: pl.DataFrame, truth: Truth, config: Config, cost_usd: np.ndarray, nights: int
) -> pl.DataFrame:
    """One row per policy: its totals, its saving per night, and its gain over `REFERENCE`."""
    rows, saved = [], dict[str, np.ndarray]()
    for policy, score in POLICIES.items():
        contacts = (
            candidates.clear()
            if score is None
            else choose(candidates, score, config.decide.capacity)
        )
        totals, saved[policy] = replay(
            truth.days,
            truth.orders,
            truth.effects,
            contacts,
            cost_usd,
            config.decide.contact_cost_usd,
        )
        rows.append({"policy": policy, **totals})
    gains = [_nightly_gain(saved, policy, nights, config.seed) for policy in POLICIES]
    return pl.concat([pl.DataFrame(rows), pl.DataFrame(gains)], how="horizontal")


def _nightly_gain(
    saved: dict[str, np.ndarray], policy: str, nights: int, seed: int
) -> dict[str, float]:
    """USD saved per night, and the gain over `REFERENCE`, with 90 % intervals.

    Orders are resampled (Poisson bootstrap).
    """
    pair = np.stack([saved[policy], saved[policy] - saved[REFERENCE]])
    touched = np.flatnonzero((pair != 0).any(axis=0))
    rng = np.random.default_rng(seed)
    drawn = (
        np.array([pair[:, touched] @ rng.poisson(1.0, len(touched)) for _ in range(RESAMPLES)])
        / nights
    )
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0) if len(touched) else np.zeros((2, 2))
    per_night, gain = pair.sum(axis=1) / nights
    return {
        "usd_a_night": per_night,
        "usd_a_night_low": low[0],
        "usd_a_night_high": high[0],
        "usd_beyond_likeliest": gain,
        "usd_beyond_low": low[1],
        "usd_beyond_high": high[1],
    }


def _candidates(
    workspace: Workspace,
    tables: Tables,
    truth: Truth,
    config: Config,
    model: DisputeModel,
    nights: list[int],
    cost_usd: np.ndarray,
) -> pl.DataFrame:
    """Every open, undisputed order of every night with the score of each policy."""
    spine = build_features(tables, build_spine(tables, nights, config.dispute_window), config)
    number = order_number(workspace, spine["order_id"], truth.orders.height)
    as_of = spine["as_of_day"].to_numpy().astype(np.int64)
    is_open = is_truly_open(truth, number, as_of)
    spine, number, as_of = spine.filter(pl.Series(is_open)), number[is_open], as_of[is_open]
    buyers = tables["orders"].select("order_id", "buyer_id")
    scored = spine.select("order_id", "as_of_day", "stage", "order_value_usd").with_columns(
        number=pl.Series(number),
        probability=pl.Series(model.predict(spine)),
        random=pl.Series(Draws(config.seed).uniform("random policy", number, as_of)),
    )
    scored = scored.join(buyers, on="order_id", how="left", maintain_order="left")
    scored = add_expected_value(
        pl.concat([scored, model.predict_cause(spine)], how="horizontal"), config.decide.costs
    )
    true = true_scores(
        truth.days, truth.effects, cost_usd, config.decide.contact_cost_usd, number, as_of
    )
    return pl.concat([scored, rule_scores(spine), true], how="horizontal")


def _say_season(
    beliefs: Mapping[tuple[str, str], Belief], config: Config, fairness: Mapping[str, float]
) -> None:
    assumed = config.decide.costs.assumed()
    for (stage, cause), belief in beliefs.items():
        say(
            f"share prevented, {stage}, {cause}: {belief.share:.3f} learned, "
            f"{assumed[stage, cause]:.3f} assumed, {belief.evidence:.0%} measured"
        )
    say(
        "hold-out: "
        + ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in fairness.items())
    )


def say_replay(result: pl.DataFrame) -> None:
    """Print one line per policy; the numbers in brackets are expected from the true hazards."""
    for row in result.iter_rows(named=True):
        say(
            f"{row['policy']:<30} {row['contacts']:>6,} contacts: "
            f"{row['prevented']:>4} prevented, {row['provoked']:>3} provoked; per 100 contacts "
            f"{row['net_prevented_per_100']:6.2f} disputes "
            f"({row['expected_prevented_per_100']:5.2f}) and {row['usd_saved_per_100']:8.2f} USD "
            f"saved ({row['expected_usd_saved_per_100']:7.2f}); per night "
            f"{row['usd_beyond_likeliest']:.2f} USD ({row['usd_beyond_low']:.2f} to "
            f"{row['usd_beyond_high']:.2f}) more than by probability"
        )
