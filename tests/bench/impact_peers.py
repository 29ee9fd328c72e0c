"""The effect in the same made-up seasons, estimated by EconML and CausalML.

Reads what `tests/bench/impact.py --peers` wrote: `held, disputed, forecast, contacted` of each
season, and the truth in `truths.npy`. Runs in the peers' own environment.

python tests/bench/impact_peers.py FOLDER
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

TREES, SEED = 60, 3
# the probability of being listed, known by design
LISTED = 0.9
# estimate, low, high
Estimate = tuple[float, float, float]


def econml_effect(
    held: np.ndarray, disputed: np.ndarray, forecast: np.ndarray, _: np.ndarray
) -> Estimate:
    """Doubly robust, with the assignment as the treatment."""
    from econml.dr import LinearDRLearner
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LinearRegression

    learner = LinearDRLearner(
        model_propensity=DummyClassifier(strategy="prior"),
        model_regression=LinearRegression(),
        random_state=SEED,
    )
    learner.fit(disputed, (~held).astype(int), X=None, W=forecast[:, None])
    low, high = learner.ate_interval(alpha=0.05)
    return float(learner.ate()), float(low), float(high)


def econml_contacted(
    held: np.ndarray, disputed: np.ndarray, forecast: np.ndarray, contacted: np.ndarray
) -> Estimate:
    """The assignment as an instrument for the contact."""
    from econml.iv.dml import OrthoIV
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression

    learner = OrthoIV(
        model_y_xw=LinearRegression(),
        model_t_xw=LogisticRegression(),
        model_z_xw=DummyClassifier(strategy="prior"),
        discrete_treatment=True,
        discrete_instrument=True,
        random_state=SEED,
    )
    learner.fit(disputed, contacted.astype(int), Z=(~held).astype(int), X=None, W=forecast[:, None])
    low, high = learner.effect_interval(alpha=0.05)
    return float(np.mean(learner.effect())), float(np.mean(low)), float(np.mean(high))


def causalml_effect(
    held: np.ndarray, disputed: np.ndarray, forecast: np.ndarray, _: np.ndarray
) -> Estimate:
    from causalml.inference.meta import BaseXRegressor
    from lightgbm import LGBMRegressor

    learner = BaseXRegressor(
        LGBMRegressor(n_estimators=TREES, num_leaves=7, verbose=-1, random_state=SEED)
    )
    chance = np.full(len(held), LISTED)
    effect, low, high = learner.estimate_ate(
        forecast[:, None], (~held).astype(int), disputed, p=chance
    )
    return float(effect[0]), float(low[0]), float(high[0])


PEERS: dict[str, tuple[Callable[..., Estimate], int]] = {
    "EconML, doubly robust": (econml_effect, 0),
    "CausalML, X-learner": (causalml_effect, 0),
    "EconML, the assignment as an instrument": (econml_contacted, 1),
}


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    truths = np.load(folder / "truths.npy")
    for name, (estimate_effect, which) in PEERS.items():
        estimates = []
        for number in range(len(truths)):
            season = np.load(folder / f"{number}.npz")
            columns = (season[c] for c in ("held", "disputed", "forecast", "contacted"))
            estimates.append(estimate_effect(*columns))
        estimate, low, high = np.array(estimates).T
        truth = truths[:, which]
        covered = np.mean((low <= truth) & (truth <= high))
        say(name, estimate - truth, high - low, covered, len(truths))


def say(name: str, errors: np.ndarray, widths: np.ndarray, covered: float, seasons: int) -> None:
    sys.stdout.write(
        f"  {name}: mean error {errors.mean() * 100:+.3f} points, standard deviation "
        f"{errors.std() * 100:.3f}, mean width of the 95 % interval {widths.mean() * 100:.2f}, "
        f"the interval has the truth in {covered:.0%} of {seasons}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
