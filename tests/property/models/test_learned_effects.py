"""What must hold for any counts of disputes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.effects.assumed_shares import AssumedShare
from models.effects.effect_posterior import EffectPosterior, ShareEstimate
from models.effects.effect_terms import EffectSettings
from models.effects.learned_effects import learn_effects

ACTIONS, STAGES, CAUSES = ("inform", "resend"), ("in_transit", "delivered"), ("not_received",)
PRIOR = {(a, s, c): AssumedShare(0.2, 10.0) for a in ACTIONS for s in STAGES for c in CAUSES}
CELLS = [
    (a, s, c, e) for a in ("nothing", *ACTIONS) for s in STAGES for c in CAUSES for e in (0, 1)
]
# one error of the assumptions: a mixture may widen when more data favours a larger one
ONE = EffectSettings(assumption_errors=(0.3,))


@st.composite
def seasons(draw: st.DrawFn) -> pl.DataFrame:
    expected = draw(st.lists(st.floats(0.0, 300.0), min_size=12, max_size=12))
    observed = draw(st.lists(st.integers(0, 200), min_size=12, max_size=12))
    schema = ["action", "stage", "cause", "is_ended"]
    return pl.DataFrame(CELLS, schema=schema, orient="row").with_columns(
        pl.col("is_ended").cast(pl.Boolean),
        expected=pl.Series(expected),
        observed=pl.Series(observed, dtype=pl.Float64),
    )


def all_shares(posterior: EffectPosterior) -> list[ShareEstimate]:
    return [posterior.share(*cell) for cell in sorted(PRIOR)]


@settings(max_examples=5, deadline=None)
@given(season=seasons(), seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(season: pl.DataFrame, seed: int) -> None:
    shuffled = season.sample(fraction=1.0, shuffle=True, seed=seed)
    halves = pl.concat([season.with_columns(pl.col("expected", "observed") / 2.0)] * 2)
    for other in (shuffled, halves):
        for one, two in zip(
            all_shares(learn_effects(season, PRIOR)),
            all_shares(learn_effects(other, PRIOR)),
            strict=True,
        ):
            assert two.mean == pytest.approx(one.mean, abs=1e-6)
            assert two.low == pytest.approx(one.low, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(season=seasons())
def test_twice_the_evidence_makes_no_interval_wider(season: pl.DataFrame) -> None:
    twice = season.with_columns(pl.col("expected", "observed") * 2.0)

    def widths(counts: pl.DataFrame) -> np.ndarray:
        """On the log scale: a larger share left has a wider interval with the same evidence."""
        shares = all_shares(learn_effects(counts, PRIOR, settings=ONE))
        return np.array([np.log((1.0 - each.low) / (1.0 - each.high)) for each in shares])

    assert (widths(twice) <= widths(season) * (1.0 + 1e-3)).all()


@settings(max_examples=10, deadline=None)
@given(season=seasons())
def test_every_share_is_finite_and_inside_its_interval(season: pl.DataFrame) -> None:
    for share in all_shares(learn_effects(season, PRIOR)):
        assert np.isfinite([share.mean, share.low, share.high]).all()
        assert share.low <= share.high < 1.0
        assert 0.0 <= share.harm_chance <= 1.0
