"""Explain why an order is listed: sentences with the order's own numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.feature import Feature
from features.sentence import Sentence
from models.learner.gbm import DisputeModel
from models.learner.weight_of_evidence import weigh_evidence
from models.reasons.grounds import grounds
from models.reasons.reason_columns import COUNT_REASONS, reason_columns

# a theme that raises the odds of a dispute by less than a twentieth is no reason, unless no theme
# raises them more
LEAST_DRIVE = 0.05


@dataclass(frozen=True)
class Reason:
    """One reason: a theme, the feature that represents it, and its sentence.

    `drive` is how much the theme's features raise the order's log odds. `weight` is how much more
    often, in log odds, past orders with such a value were disputed.
    """

    theme: str
    feature: str
    sentence: Sentence
    drive: float
    weight: float


def explain(
    model: DisputeModel, features: pl.DataFrame, registry: Mapping[str, Feature]
) -> pl.DataFrame:
    """The columns of `reason_columns` per row of `features`; empty if fewer themes raise the
    risk."""
    return reason_columns(
        [
            [reason.sentence for reason in reasons]
            for reasons in find_reasons(model, features, registry)
        ]
    )


def find_reasons(
    model: DisputeModel, features: pl.DataFrame, registry: Mapping[str, Feature]
) -> list[list[Reason]]:
    """The reasons of each row, at most `COUNT_REASONS`, the strongest first.

    Features of one theme mean the same to a seller, so a theme's drive is the sum of their
    contributions. Which of them the trees split on is chance, so the contributions do not select
    the feature. Of the features that are worse than usual for the order's stage, the one with the
    highest weight of evidence represents the theme. Themes are ranked by drive plus that weight: of
    two themes with nearly the same drive, the one with more evidence comes first. `features` may
    have the columns of `models.reasons.grounds.ENTITIES`: a reason about something that an order
    does not have is not given.
    """
    contributions = model.contributions(features)
    weights = weigh_evidence(model.evidence, features, model.feature_names)
    values = features.select(model.feature_names).to_numpy(writable=True)
    has_grounds = grounds(features, {name: registry[name] for name in model.feature_names})
    for column, name in enumerate(model.feature_names):
        # a missing number is no reason; neither is one about something that the order does not have
        if name in has_grounds:
            values[~has_grounds[name], column] = np.nan
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
    for column, name in enumerate(model.feature_names):
        drive[registry[name].theme] += contribution[column]
    by_theme: dict[str, Reason] = {}
    # models of earlier versions have no weights, so their contributions select the feature
    for column in np.argsort(-(weight if model.evidence else contribution), kind="stable"):
        feature = registry[model.feature_names[column]]
        if (
            feature.theme in by_theme
            or drive[feature.theme] <= 0
            or weight[column] < 0
            or not np.isfinite(value[column])
        ):
            continue
        if sentence := feature.sentence(float(value[column]), usual.get(feature.name)):
            strength = drive[feature.theme], float(weight[column])
            by_theme[feature.theme] = Reason(feature.theme, feature.name, sentence, *strength)
    ranked = sorted(by_theme.values(), key=lambda reason: -(reason.drive + reason.weight))
    return ([reason for reason in ranked if reason.drive >= LEAST_DRIVE] or ranked[:1])[
        :COUNT_REASONS
    ]
