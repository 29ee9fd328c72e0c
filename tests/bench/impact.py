"""How reliable the figures of `make impact` are: made-up seasons with a known effect.

Prints how often the planned 95 % interval has the truth; how often a look on every night raises a
false alarm where there is no effect; the bias of comparing contacted with other orders; and the
number of nights until a cut of 25 % is detected, compared with the forecast of the power table.

PYTHONPATH=. python tests/bench/impact.py [SEASONS] [--peers PYTHON]

`--peers`: the Python of an environment with EconML and CausalML (`.venv-bench`, which make bench
creates). Then only their estimates for the same seasons are printed, next to ours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

NIGHTS, LOOKS, CUT, HELD, RATE = 120, 120, 0.25, 0.1, 0.08
CAPACITIES = (20, 50, 200)


def season(rng: np.random.Generator, orders: int, cut: float) -> tuple[np.ndarray, ...]:
    """`buyer, held, disputed, forecast, contacted`, and the chance of a dispute without a message.

    Buyers order again. Agents see more than the model, and skip the fifth of the orders that look
    harmless to them.
    """
    buyer = rng.integers(0, int(orders * 0.8), orders)
    held = (rng.random(orders) < HELD)[buyer]
    chance = np.clip(
        RATE * rng.gamma(2.0, 0.5, orders)[buyer] * rng.gamma(1.5, 1 / 1.5, orders), 0, 0.9
    )
    looks = chance * rng.lognormal(0, 0.5, orders)
    contacted = ~held & (looks > np.quantile(looks, 0.2))
    disputed = (rng.random(orders) < chance * np.where(contacted, 1.0 - cut, 1.0)).astype(float)
    return buyer, held, disputed, chance * rng.lognormal(0, 0.5, orders), contacted, chance


def judge(seasons: int, cut: float) -> None:
    from models.contact.uplift import Sums, among_contacted, difference

    rng = np.random.default_rng(11)
    covered, instrument, naive, reductions, errors = [], [], [], [], []
    for _ in range(seasons):
        buyer, held, disputed, forecast, contacted, chance = season(rng, 50 * NIGHTS, cut)
        truth = -(cut * chance * contacted)[~held].mean()
        contacted_truth = -cut * chance[contacted].mean()
        sums = Sums.of(buyer, held, disputed, forecast, contacted)
        effect, contacted_effect = difference(sums), among_contacted(sums)
        assert effect is not None
        assert contacted_effect is not None
        covered.append(effect.low <= truth <= effect.high)
        errors.append(effect.estimate - truth)
        instrument.append(contacted_effect.low <= contacted_truth <= contacted_effect.high)
        naive.append(disputed[contacted].mean() - disputed[~contacted].mean() - contacted_truth)
        reductions.append(effect.reduction)
    _say(f"cut {cut:.0%}, {seasons} seasons of {NIGHTS} nights, 50 orders per night")
    coverage = f"{np.mean(covered):.1%}; for contacted orders, {np.mean(instrument):.1%}"
    _say(f"  the planned 95 % interval has the truth in {coverage}")
    _say(
        f"  mean error {np.mean(errors) * 100:+.3f} points; variance removed by the forecast "
        f"{np.mean(reductions):.1%}"
    )
    _say(
        "  contacted compared with not contacted orders: "
        f"off by {np.mean(naive) * 100:+.2f} points (bias)"
    )


def false_alarms(seasons: int) -> None:
    from models.contact.uplift import Sums, always_valid, difference

    rng, alarms = np.random.default_rng(12), {"planned interval": 0, "always valid": 0}
    for _ in range(seasons):
        *one, _ = season(rng, 50 * NIGHTS, 0.0)
        parts = [
            Sums.of(*(c[:n] for c in one)) for n in np.linspace(500, 50 * NIGHTS, LOOKS).astype(int)
        ]
        alarms["planned interval"] += any(
            (effect := difference(part)) and effect.is_settled for part in parts
        )
        alarms["always valid"] += any(
            (effect := always_valid(part, HELD)) and effect.is_settled for part in parts
        )
    for name, count in alarms.items():
        _say(
            f"no effect, {LOOKS} looks per season: the interval '{name}' raises a false alarm in "
            f"{count / seasons:.1%} of {seasons}"
        )


def nights_needed(seasons: int) -> None:
    from models.contact.uplift import Sums, always_valid, buyers_needed, difference

    for capacity in CAPACITIES:
        per_night = capacity / (1 - HELD)
        longest = int(2.5 * buyers_needed(RATE, CUT * 0.8, HELD) / per_night)
        rng = np.random.default_rng(13)
        seen: dict[str, list[float]] = {"plain": [], "with the forecast": [], "always valid": []}
        for number in range(seasons):
            *columns, _ = season(rng, int(longest * per_night), CUT)
            for night in np.linspace(longest / 40, longest, 40):
                part = Sums.of(*(column[: int(night * per_night)] for column in columns))
                effects = {
                    "plain": difference(part, adjusted=False),
                    "with the forecast": difference(part),
                    "always valid": always_valid(part, HELD),
                }
                for name, effect in effects.items():
                    if len(seen[name]) <= number and effect is not None and effect.high < 0:
                        seen[name].append(night)
            for nights in seen.values():
                if len(nights) <= number:
                    nights.append(np.inf)
        medians = ", ".join(f"{name} {np.median(nights):,.0f}" for name, nights in seen.items())
        forecast = buyers_needed(RATE, CUT * 0.9, HELD, power=0.5) / per_night
        start = f"capacity {capacity}: median nights until a {CUT:.0%} cut is detected"
        _say(f"{start}: {medians}; power table (even chance) {forecast:,.0f}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def compare_with_peers(seasons: int, python: str) -> None:
    """Seasons with a cut of `CUT`, estimated by us and by EconML and CausalML."""
    from models.contact.uplift import Sums, among_contacted, difference
    from tests.bench.impact_peers import say

    rng, truths = np.random.default_rng(14), []
    ours: dict[str, list[tuple[float, float, float]]] = {"ours": [], "ours, contacted orders": []}
    _say(
        f"cut {CUT:.0%}, {seasons} seasons of {NIGHTS} nights, 50 orders per night; "
        "each season has its own truth"
    )
    with tempfile.TemporaryDirectory() as folder:
        for number in range(seasons):
            buyer, held, disputed, forecast, contacted, chance = season(rng, 50 * NIGHTS, CUT)
            truths.append(
                (-(CUT * chance * contacted)[~held].mean(), -CUT * chance[contacted].mean())
            )
            sums = Sums.of(buyer, held, disputed, forecast, contacted)
            for name, effect in zip(ours, (difference(sums), among_contacted(sums)), strict=True):
                assert effect is not None
                ours[name].append((effect.estimate, effect.low, effect.high))
            columns = {
                "held": held,
                "disputed": disputed,
                "forecast": forecast,
                "contacted": contacted,
            }
            np.savez(Path(folder) / f"{number}.npz", **columns)
        np.save(Path(folder) / "truths.npy", np.array(truths))
        for (name, rows), truth in zip(ours.items(), np.array(truths).T, strict=True):
            estimate, low, high = np.array(rows).T
            say(
                name,
                estimate - truth,
                high - low,
                np.mean((low <= truth) & (truth <= high)),
                seasons,
            )
        subprocess.run([python, Path(__file__).with_name("impact_peers.py"), folder], check=True)


def main(seasons: int) -> None:
    judge(seasons, 0.0)
    judge(seasons, CUT)
    false_alarms(seasons)
    nights_needed(max(seasons // 10, 10))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seasons", type=int, nargs="?", default=200)
    parser.add_argument("--peers")
    options = parser.parse_args()
    if options.peers:
        compare_with_peers(options.seasons, options.peers)
    else:
        main(options.seasons)
