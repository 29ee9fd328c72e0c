"""How far the figures of make impact may be trusted: made-up seasons of known effect.

Prints how often the planned 95 % interval holds the truth, how often looking every night cries wolf
where there is no effect, the bias of comparing who was written to with who was not, and how many
nights a cut by 25 % takes to be seen, beside what the power table foretells.

PYTHONPATH=. python tests/bench/impact.py [SEASONS] [--peers PYTHON]

`--peers`: the Python of an environment with EconML and CausalML (`.venv-bench`, as make bench makes
it): their estimates of the same seasons stand beside ours; nothing else is then printed.
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
    """buyer, held, disputed, forecast, contacted, chance without a message. Buyers come back;
    agents, who see more than the model, skip one order in five, those that look harmless."""
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
    covered, instrument, naive, taken_off, errors = [], [], [], [], []
    for _ in range(seasons):
        buyer, held, disputed, forecast, contacted, chance = season(rng, 50 * NIGHTS, cut)
        truth = -(cut * chance * contacted)[~held].mean()
        of_written = -cut * chance[contacted].mean()
        sums = Sums.of(buyer, held, disputed, forecast, contacted)
        found, written = difference(sums), among_contacted(sums)
        assert found is not None
        assert written is not None
        covered.append(found.low <= truth <= found.high)
        errors.append(found.estimate - truth)
        instrument.append(written.low <= of_written <= written.high)
        naive.append(disputed[contacted].mean() - disputed[~contacted].mean() - of_written)
        taken_off.append(found.reduction)
    _say(f"cut {cut:.0%}, {seasons} seasons of {NIGHTS} nights, 50 a night")
    held_by = f"{np.mean(covered):.1%}; of those written to, {np.mean(instrument):.1%}"
    _say(f"  planned 95 % interval holds the truth in {held_by}")
    _say(
        f"  mean error {np.mean(errors) * 100:+.3f} points; variance taken off by the forecast {np.mean(taken_off):.1%}"
    )
    _say(f"  written to beside not written to: off by {np.mean(naive) * 100:+.2f} points (bias)")


def wolf(seasons: int) -> None:
    from models.contact.uplift import Sums, always_valid, difference

    rng, cried = np.random.default_rng(12), {"planned interval": 0, "always valid": 0}
    for _ in range(seasons):
        *one, _ = season(rng, 50 * NIGHTS, 0.0)
        parts = [
            Sums.of(*(c[:n] for c in one)) for n in np.linspace(500, 50 * NIGHTS, LOOKS).astype(int)
        ]
        cried["planned interval"] += any(
            (found := difference(part)) and found.is_settled for part in parts
        )
        cried["always valid"] += any(
            (found := always_valid(part, HELD)) and found.is_settled for part in parts
        )
    for name, count in cried.items():
        _say(
            f"no effect, looked at {LOOKS} times a season: the {name} cries wolf in {count / seasons:.1%} of {seasons}"
        )


def nights_needed(seasons: int) -> None:
    from models.contact.uplift import Sums, always_valid, buyers_needed, difference

    for capacity in CAPACITIES:
        a_night = capacity / (1 - HELD)
        longest = int(2.5 * buyers_needed(RATE, CUT * 0.8, HELD) / a_night)
        rng = np.random.default_rng(13)
        seen: dict[str, list[float]] = {"plain": [], "with the forecast": [], "always valid": []}
        for number in range(seasons):
            *one, _ = season(rng, int(longest * a_night), CUT)
            for night in np.linspace(longest / 40, longest, 40):
                part = Sums.of(*(column[: int(night * a_night)] for column in one))
                asked = {
                    "plain": difference(part, adjusted=False),
                    "with the forecast": difference(part),
                    "always valid": always_valid(part, HELD),
                }
                for name, found in asked.items():
                    if len(seen[name]) <= number and found is not None and found.high < 0:
                        seen[name].append(night)
            for nights in seen.values():
                if len(nights) <= number:
                    nights.append(np.inf)
        told = ", ".join(f"{name} {np.median(nights):,.0f}" for name, nights in seen.items())
        foretold = buyers_needed(RATE, CUT * 0.9, HELD, power=0.5) / a_night
        start = f"capacity {capacity}: median nights until a {CUT:.0%} cut is seen"
        _say(f"{start}: {told}; power table (even chance) {foretold:,.0f}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def beside_peers(seasons: int, python: str) -> None:
    """`seasons` of a cut by `CUT`, told by us and by EconML and CausalML."""
    from models.contact.uplift import Sums, among_contacted, difference
    from tests.bench.impact_peers import say

    rng, truths = np.random.default_rng(14), []
    ours: dict[str, list[tuple[float, float, float]]] = {
        "ours": [],
        "ours, of those written to": [],
    }
    _say(
        f"cut {CUT:.0%}, {seasons} seasons of {NIGHTS} nights, 50 a night; the truth is per season"
    )
    with tempfile.TemporaryDirectory() as folder:
        for number in range(seasons):
            buyer, held, disputed, forecast, contacted, chance = season(rng, 50 * NIGHTS, CUT)
            truths.append(
                (-(CUT * chance * contacted)[~held].mean(), -CUT * chance[contacted].mean())
            )
            sums = Sums.of(buyer, held, disputed, forecast, contacted)
            for name, found in zip(ours, (difference(sums), among_contacted(sums)), strict=True):
                assert found is not None
                ours[name].append((found.estimate, found.low, found.high))
            told = {
                "held": held,
                "disputed": disputed,
                "forecast": forecast,
                "contacted": contacted,
            }
            np.savez(Path(folder) / f"{number}.npz", **told)
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
    wolf(seasons)
    nights_needed(max(seasons // 10, 10))


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("seasons", type=int, nargs="?", default=200)
    asked.add_argument("--peers")
    given = asked.parse_args()
    beside_peers(given.seasons, given.peers) if given.peers else main(given.seasons)
