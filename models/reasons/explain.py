"""Why an order is listed: what raised its risk most, as sentences with the order's own numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.feature import Feature
from models.learner.gbm import DisputeModel
from models.learner.weight_of_evidence import weigh_evidence

COUNT_REASONS = 3
# a theme that raises the odds of a dispute by less than a twentieth is no reason, unless it is all
# there is
LEAST_DRIVE = 0.05


@dataclass(frozen=True)
class Reason:
    """A theme, the feature that speaks for it and what it says. `drive`: by how much the features
    of the theme raise the order's log odds. `weight`: by how much more often, in log odds, past
    orders with such a number were disputed.
    """

    theme: str
    feature: str
    sentence: str
    drive: float
    weight: float


def explain(
    model: DisputeModel, features: pl.DataFrame, registry: Mapping[str, Feature]
) -> pl.DataFrame:
    """`reason_1..3` per row of `features`; empty where fewer themes raise the risk."""
    told = [
        [reason.sentence for reason in of_row] for of_row in find_reasons(model, features, registry)
    ]
    padded = [[*of_row, *[""] * (COUNT_REASONS - len(of_row))] for of_row in told]
    return pl.DataFrame(
        padded, {f"reason_{place + 1}": pl.String for place in range(COUNT_REASONS)}, orient="row"
    )


def find_reasons(
    model: DisputeModel, features: pl.DataFrame, registry: Mapping[str, Feature]
) -> list[list[Reason]]:
    """The reasons of each row, at most `COUNT_REASONS`, the strongest first.

    Features that mean the same to a seller raise the risk together: a theme's drive is the sum of
    their contributions. Which of them the trees split on is chance, so the contributions do not
    choose who speaks: it is the number that marks most disputes by itself, of those that are worse
    than usual for the order's stage. A theme is as strong as its drive and that number's weight
    together: of two with nearly the same drive, the one with more to show comes first.
    """
    contributions = model.contributions(features)
    weights = weigh_evidence(model.evidence, features, model.feature_names)
    values = features.select(model.feature_names).to_numpy()
    return [
        _reasons(
            contributions[row],
            weights[row],
            values[row],
            model,
            registry,
            model.typical.get(stage, {}),
        )
        for row, stage in enumerate(features["stage"])
    ]


def _reasons(
    contribution: np.ndarray,
    weight: np.ndarray,
    value: np.ndarray,
    model: DisputeModel,
    registry: Mapping[str, Feature],
    usual: Mapping[str, float | None],
) -> list[Reason]:
    drive: defaultdict[str, float] = defaultdict(float)
    for place, name in enumerate(model.feature_names):
        drive[registry[name].theme] += contribution[place]
    found: dict[str, Reason] = {}
    # a model of a former version has no weights: its contributions choose
    for place in np.argsort(-(weight if model.evidence else contribution), kind="stable"):
        feature = registry[model.feature_names[place]]
        if (
            feature.theme in found
            or drive[feature.theme] <= 0
            or weight[place] < 0
            or not np.isfinite(value[place])
        ):
            continue
        if sentence := feature.sentence(float(value[place]), usual.get(feature.name)):
            told = drive[feature.theme], float(weight[place])
            found[feature.theme] = Reason(feature.theme, feature.name, sentence, *told)
    ranked = sorted(found.values(), key=lambda reason: -(reason.drive + reason.weight))
    return ([reason for reason in ranked if reason.drive >= LEAST_DRIVE] or ranked[:1])[
        :COUNT_REASONS
    ]
