"""Which modifiers change what an action prevents: those that predict the counts better.

The rule: a modifier is used if the log evidence of the counts is at least `LEAST_GAIN` higher with
it. The evidence is the product of the predictions of each count from those before it, so it is a
score on held-out counts, and a modifier that only fits noise lowers it. The modifier that helps
most is added first; then the others are tried next to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

import polars as pl

from models.effects.assumed_shares import AssumedDelay, AssumedShare
from models.effects.effect_terms import EffectSettings
from models.effects.learned_effects import DEFAULTS, learn_effects

# the counts are three times as likely with the modifier as without it
LEAST_GAIN = log(3.0)


def helpful_modifiers(
    counts: pl.DataFrame,
    priors: Mapping[tuple[str, str, str], AssumedShare],
    delays: Mapping[tuple[str, str], AssumedDelay] | None,
    candidates: Sequence[str],
    settings: EffectSettings = DEFAULTS,
) -> dict[str, float]:
    """The modifiers of `candidates` that are used, with the gain in log evidence of each.

    `counts` as in `learn_effects`. Every candidate corrects the model's calibration, used or not:
    otherwise a level that the model predicts wrongly would look like one where the action works.
    """

    def evidence(modifiers: Sequence[str]) -> float:
        return learn_effects(counts, priors, delays, modifiers, settings).log_evidence

    used: dict[str, float] = {}
    best = evidence([])
    while len(used) < len(candidates):
        gains = {name: evidence([*used, name]) - best for name in candidates if name not in used}
        name = max(gains, key=lambda each: gains[each])
        if gains[name] < LEAST_GAIN:
            break
        used[name] = gains[name]
        best += gains[name]
    return used
