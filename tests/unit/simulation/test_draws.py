"""Named random numbers: the same name and number give the same value, alone or among others;
different names and numbers give independent values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from pipeline.simulation.world.draws import Draws, pick

NUMBERS = np.arange(200_000)
DRAWS = Draws(7)


def test_a_number_draws_the_same_alone_in_a_part_and_among_all() -> None:
    every = DRAWS.uniform("leg", NUMBERS, 3)
    assert np.array_equal(DRAWS.uniform("leg", NUMBERS[5_000:6_000], 3), every[5_000:6_000])
    assert DRAWS.uniform("leg", 123_456, 3)[0] == every[123_456]
    assert np.array_equal(DRAWS.uniform("leg", NUMBERS[::-1], 3)[::-1], every)


@pytest.mark.parametrize(
    "numbers", [(NUMBERS,), (NUMBERS, 4), (5, NUMBERS), (NUMBERS // 100, NUMBERS % 100)]
)
def test_uniform_numbers_are_uniform_and_normal_numbers_normal(
    numbers: tuple[np.ndarray | int, ...],
) -> None:
    uniform = DRAWS.uniform("even", *numbers)
    assert uniform.min() > 0.0
    assert uniform.max() < 1.0
    assert stats.kstest(uniform, "uniform").pvalue > 0.001
    assert stats.kstest(DRAWS.normal("even", *numbers), "norm").pvalue > 0.001


def test_neighbours_purposes_and_seeds_are_uncorrelated() -> None:
    draws = {
        "itself": DRAWS.uniform("a", NUMBERS),
        "next number": DRAWS.uniform("a", NUMBERS + 1),
        "other purpose": DRAWS.uniform("b", NUMBERS),
        "other seed": Draws(8).uniform("a", NUMBERS),
        "second number": DRAWS.uniform("a", NUMBERS, 1),
        "its first number as second": DRAWS.uniform("a", 1, NUMBERS),
    }
    for one, other in itertools.combinations(draws, 2):
        # five standard deviations of a random correlation
        assert abs(np.corrcoef(draws[one], draws[other])[0, 1]) < 5.0 / np.sqrt(len(NUMBERS)), (
            one,
            other,
        )


def test_pick_selects_options_by_their_shares() -> None:
    picked = pick(DRAWS.uniform("pick", NUMBERS), [1.0, 0.0, 3.0])
    shares = np.bincount(picked, minlength=3) / len(NUMBERS)
    assert shares == pytest.approx([0.25, 0.0, 0.75], abs=0.005)
    assert pick(np.array([0.0, 1.0]), [0.5, 0.5]).tolist() == [0, 1]


def test_distributions_have_their_stated_median_mean_and_range() -> None:
    assert np.median(DRAWS.lognormal(3.0, 0.5, "l", NUMBERS)) == pytest.approx(3.0, rel=0.02)
    assert DRAWS.exponential(2.0, "e", NUMBERS).mean() == pytest.approx(2.0, rel=0.02)
    between = DRAWS.between((2.0, 4.0), "b", NUMBERS)
    assert 2.0 < between.min() < between.max() < 4.0
