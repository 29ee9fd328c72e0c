"""How often the interval of an action's effect has the truth, on made-up seasons.

Orders at random stages get an action at random, or nothing (hold-out by buyer). The model's
probabilities are wrong by stage and cause; a quarter of the orders is an early read. The effects
are drawn from the assumptions, or fixed at values that these do not expect. Prints, for the
posterior and for the measured effect, how often the 95 % interval has the truth; how often the harm
rule stops an action in a season that is looked at several times; and how often a modifier is used.

PYTHONPATH=. OMP_NUM_THREADS=1 python tests/bench/effect_coverage.py [SEASONS] [ORDERS]
    [effects] [stops] [modifiers]
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from features.stage import STAGES
from features.tables import CAUSES
from models.effects.assumed_shares import EVERY_STAGE, NOTHING, AssumedDelay, AssumedShare
from models.effects.effect_modifiers import helpful_modifiers
from models.effects.effect_posterior import ShareEstimate
from models.effects.effect_terms import CELL, MEASURED, EffectTerms
from models.effects.harmful_actions import harm_report, stopped_actions
from models.effects.learned_effects import DEFAULTS, learn_effects

ASSUMED = {
    "answer": (0.25, 10.0),
    "inform": (0.12, 5.0),
    "extend": (0.03, 10.0),
    "resend": (0.5, 10.0),
    "part_back": (0.35, 8.0),
    "full_refund": (0.9, 20.0),
}
PRIORS = {
    (action, stage, cause): AssumedShare(*share)
    for action, share in ASSUMED.items()
    for stage in STAGES
    for cause in CAUSES
}
DELAYS = {
    ("extend", cause): AssumedDelay.between(AssumedShare(0.15, 5.0), AssumedShare(0.03, 10.0))
    for cause in CAUSES
}
FIXED: dict[str, dict[str, float]] = {
    "all useless": dict.fromkeys(ASSUMED, 0.0),
    "all harmful": dict.fromkeys(ASSUMED, -0.1),
    "all strong": dict(zip(ASSUMED, (0.45, 0.35, 0.2, 0.75, 0.6, 0.97), strict=True)),
    "one harmful": {name: share for name, (share, _) in ASSUMED.items()} | {"part_back": -0.3},
}
HELD, EARLY, RISK, LOOKS, WROTE = 0.1, 0.25, 0.1, 4, 0.3


def world(rng: np.random.Generator, fixed: dict[str, float] | None) -> pl.DataFrame:
    """One row per cell: `effect` and `bias`, the logs of what the action and the model multiply.

    `effect` is to the end of the order. An early read has `effect` plus `delay`.
    """
    terms = EffectTerms.of(PRIORS, DELAYS, {}, (), DEFAULTS)
    error = float(rng.choice(DEFAULTS.assumption_errors))
    truth = terms.means(error) + terms.spreads(error) * rng.standard_normal(len(terms.index))
    cells = pl.DataFrame(
        [(a, s, c) for a in (NOTHING, *ASSUMED) for s in STAGES for c in CAUSES],
        schema=CELL,
        orient="row",
    )
    offset, matrix = terms.effects_of(cells)
    early_offset, early = terms.effects_of(cells.with_columns(is_ended=pl.lit(False)))
    effect, with_delay = offset + matrix @ truth, early_offset + early @ truth
    delay = with_delay - effect
    if fixed is not None:
        logs = {name: float(np.log1p(-share)) for name, share in fixed.items()} | {NOTHING: 0.0}
        effect = cells["action"].replace_strict(logs, return_dtype=pl.Float64).to_numpy()
    bias = terms.calibration_of(cells) @ truth
    return cells.with_columns(effect=effect, delay=delay, bias=bias)


def season(
    rng: np.random.Generator, cells: pl.DataFrame, orders: int, wrote_left: float = 1.0
) -> pl.DataFrame:
    """Counts per cell and part of the season (`part`, 0 to LOOKS - 1), from single orders.

    Of the disputes that an action leaves, `wrote_left` are left where the buyer wrote (`wrote`).
    """
    buyer = rng.integers(0, int(orders * 0.8), orders)
    held = (rng.random(orders) < HELD)[buyer]
    action = np.where(held, 0, rng.integers(1, len(ASSUMED) + 1, orders))
    stage = rng.choice(len(STAGES), orders, p=[0.15, 0.15, 0.4, 0.3])
    probability = np.minimum(RISK * rng.gamma(2.0, 0.5, orders), 0.5)
    cause_shares = rng.dirichlet([2.0, 1.5, 0.7], orders)
    early, part = rng.random(orders) < EARLY, rng.integers(0, LOOKS, orders)
    shape = (len(ASSUMED) + 1, len(STAGES), len(CAUSES))
    change, delay = (
        cells.select(expression).to_series().to_numpy().reshape(shape)[action, stage]
        for expression in (pl.col("effect") + pl.col("bias"), "delay")
    )
    expected = probability[:, None] * cause_shares
    wrote = rng.random(orders) < WROTE
    chance = expected * np.exp(change + np.where(early[:, None], delay, 0.0))
    chance *= np.where(wrote & (action > 0), wrote_left, 1.0)[:, None]
    drawn = rng.random(orders)[:, None] < chance.cumsum(axis=1)
    cause = np.where(drawn.any(axis=1), drawn.argmax(axis=1), -1)
    names = np.array([NOTHING, *ASSUMED])
    rows = [
        pl.DataFrame(
            {
                "action": names[action],
                "stage": np.array(STAGES)[stage],
                "cause": np.full(orders, name),
                "is_ended": ~early,
                "part": part,
                "wrote": wrote,
                "expected": expected[:, number],
                "observed": (cause == number).astype(float),
            }
        )
        for number, name in enumerate(CAUSES)
    ]
    keys = [*CELL, "is_ended", "part", "wrote"]
    return pl.concat(rows).group_by(keys).agg(pl.col("expected", "observed").sum()).sort(keys)


def true_share(counts: pl.DataFrame, cells: pl.DataFrame, action: str) -> float:
    used = counts.filter(action=action).join(cells, on=CELL)
    left = (used["expected"] * used["effect"].exp()).sum() / used["expected"].sum()
    return 1.0 - float(left)


def judge_effects(name: str, fixed: dict[str, float] | None, seasons: int, orders: int) -> None:
    rng = np.random.default_rng(24)
    inside: dict[str, list[bool]] = {"posterior": [], "measured": []}
    widths: dict[str, list[float]] = {"posterior": [], "measured": []}
    for _ in range(seasons):
        cells = world(rng, fixed)
        counts = season(rng, cells, orders).drop("part", "wrote")
        for kind, settings in (("posterior", DEFAULTS), ("measured", MEASURED)):
            posterior = learn_effects(counts, PRIORS, DELAYS, settings=settings)
            for action in ASSUMED:
                effect, truth = posterior.effect_of(action), true_share(counts, cells, action)
                assert isinstance(effect, ShareEstimate)
                inside[kind].append(effect.low <= truth <= effect.high)
                widths[kind].append(effect.high - effect.low)
    for kind, hits in inside.items():
        by_action = np.array(hits).reshape(seasons, -1).mean(axis=0)
        report(
            f"{name}, {kind}: truth inside {np.mean(hits):.3f}, by action {by_action.min():.3f} to "
            f"{by_action.max():.3f}, median width {np.median(widths[kind]):.3f}"
        )


def judge_stops(share: float, seasons: int, orders: int) -> None:
    """How often an action with this true share is stopped, looked at LOOKS times in a season."""
    rng = np.random.default_rng(25)
    fixed = {name: assumed for name, (assumed, _) in ASSUMED.items()} | {"inform": share}
    first = []
    for _ in range(seasons):
        counts = season(rng, world(rng, fixed), orders)
        stopped = [look for look in range(LOOKS) if is_stopped(counts, look)]
        first.append(stopped[0] + 1 if stopped else 0)
    by_look = [sum(0 < each <= look + 1 for each in first) / seasons for look in range(LOOKS)]
    parts = ", ".join(f"{part:.3f}" for part in by_look)
    report(f"inform prevents {share:+.2f}: stopped by look 1 to {LOOKS} in {parts} of seasons")


def is_stopped(counts: pl.DataFrame, look: int) -> bool:
    seen = counts.filter(pl.col("part") <= look).drop("part", "wrote")
    posterior = learn_effects(seen, PRIORS, DELAYS)
    return ("inform", EVERY_STAGE) in stopped_actions(harm_report(posterior))


def judge_modifiers(wrote_left: float, seasons: int, orders: int) -> None:
    """How often `wrote` is used as a modifier."""
    rng = np.random.default_rng(26)
    used = 0
    for _ in range(seasons):
        counts = season(rng, world(rng, None), orders, wrote_left).drop("part")
        used += bool(helpful_modifiers(counts, PRIORS, DELAYS, ["wrote"]))
    report(f"actions leave x {wrote_left:.2f} where the buyer wrote: used in {used / seasons:.3f}")


def report(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    seasons = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    orders = int(sys.argv[2]) if len(sys.argv) > 2 else 8_000
    parts = sys.argv[3:] or ["effects", "stops", "modifiers"]
    if "effects" in parts:
        judge_effects("drawn from the assumptions", None, seasons, orders)
        for name, fixed in FIXED.items():
            judge_effects(name, fixed, seasons, orders)
    if "stops" in parts:
        for share in (0.12, 0.0, -0.1, -0.3):
            judge_stops(share, seasons, orders)
    if "modifiers" in parts:
        for wrote_left in (1.0, 0.8, 0.6):
            judge_modifiers(wrote_left, seasons, orders)


if __name__ == "__main__":
    main()
