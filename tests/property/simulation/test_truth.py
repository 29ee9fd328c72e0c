"""The truth files are right: disputes are as frequent as the hazards imply, and a plain loop gives
the same disputes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.stage import STAGES
from pipeline.simulation.true_risk import Truth
from pipeline.simulation.world.assumptions import CONTACT
from pipeline.simulation.world.markets import CAUSES
from pipeline.simulation.world.order_life import OrderDays
from pipeline.simulation.world.simulated_contact import contacted_hazard
from pipeline.simulation.world.truth import outcome
from pipeline.workspace.workspace import Workspace

COUNT = 40_000
HAZARDS = [f"hazard_{cause}_e9" for cause in CAUSES]


@pytest.fixture(scope="module")
def file_rows(workspace: Workspace) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder: Path = workspace.folder / "truth"
    return pl.read_parquet(folder / "orders.parquet"), pl.read_parquet(
        folder / "order_days.parquet"
    )


# -- calibration of the hazards


def deviations(
    expected: np.ndarray, is_disputed: np.ndarray, group: np.ndarray, count: int
) -> np.ndarray:
    """By group: the difference between actual and expected disputes in standard deviations."""
    variance = np.bincount(group, expected * (1.0 - expected), count)
    return np.asarray(
        np.bincount(group, is_disputed - expected, count) / np.sqrt(np.maximum(variance, 1.0))
    )


def at_risk(
    truth: Truth, hazard: np.ndarray, opened_day: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order-days up to and including the day of the dispute: their rows, the chance of each cause,
    and whether it is the day of the dispute."""
    days = truth.days
    opened = opened_day[days.order]
    row = np.flatnonzero((opened < 0) | (days.day <= opened))
    total = hazard[row].sum(axis=1)
    share = hazard[row] / np.maximum(total, 1e-300)[:, None]
    return row, -np.expm1(-total)[:, None] * share, opened[row] == days.day[row]


def opened_and_cause(truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    opened = truth.orders["opened_day"].fill_null(-1).to_numpy()
    number = {cause: i for i, cause in enumerate(CAUSES)} | {None: -1}
    return opened, np.array([number[cause] for cause in truth.orders["cause"]])


def check_calibration(
    truth: Truth, hazard: np.ndarray, opened: np.ndarray, cause: np.ndarray
) -> None:
    """Check each cause in ten groups of days by hazard (with the same number of expected disputes
    each), overall, and by age of the order."""
    row, chance, is_day = at_risk(truth, hazard, opened)
    age = (truth.days.day[row] - truth.days.day[truth.days.first[truth.days.order[row]]]) // 7
    for i, name in enumerate(CAUSES):
        is_disputed = (is_day & (cause[truth.days.order[row]] == i)).astype(float)
        order = np.argsort(chance[:, i], kind="stable")
        tenth = np.empty(len(row), dtype=int)
        cumulative = np.cumsum(chance[order, i])
        tenth[order] = np.minimum(10.0 * cumulative / cumulative[-1], 9.0).astype(int)
        groups = ((tenth, 10), (np.zeros(len(row), dtype=int), 1), (np.minimum(age, 12), 13))
        for group, count in groups:
            assert (np.abs(deviations(chance[:, i], is_disputed, group, count)) < 4.0).all(), name
        assert is_disputed.sum() > 100


def test_the_hazards_are_calibrated(truth: Truth) -> None:
    check_calibration(truth, truth.days.hazard, *opened_and_cause(truth))


def test_the_hazards_are_calibrated_if_every_order_gets_a_message(truth: Truth) -> None:
    days, orders = truth.days, truth.orders
    contact_day = days.day[np.minimum(days.first[:-1], len(days.day) - 1)] + 20
    opened, cause = outcome(
        days,
        orders["threshold"].to_numpy(),
        orders["which_cause"].to_numpy(),
        truth.effects,
        contact_day,
    )
    factor = np.zeros(orders.height)
    row = np.flatnonzero(days.day == contact_day[days.order])
    factor[days.order[row]] = days.contact_factor[row]
    hazard = contacted_hazard(days.order, days.day, days.hazard, truth.effects, contact_day, factor)
    assert not np.allclose(hazard, days.hazard)
    check_calibration(truth, hazard, opened, cause)


def test_the_calibration_check_can_fail(truth: Truth) -> None:
    """It detects hazards that are a fifth too high or belong to other days."""
    opened, cause = opened_and_cause(truth)
    for wrong in (1.2 * truth.days.hazard, np.roll(truth.days.hazard, 40, axis=0)):
        with pytest.raises(AssertionError):
            check_calibration(truth, wrong, opened, cause)


# -- a plain loop over the files


def naive_outcome(
    order: dict, days: list[dict], contact_day: int | None
) -> tuple[int | None, str | None]:
    """The dispute of one order that gets a message on `contact_day`, computed only from the rows of
    the two files."""
    needed = math.ceil(order["threshold"] / 1e-9)
    factor = next((day["contact_factor"] for day in days if day["day"] == contact_day), 0.0)
    total_units = 0
    for day in days:
        units = []
        for cause in CAUSES:
            hazard = day[f"hazard_{cause}_e9"] * 1e-9
            if contact_day is not None and day["day"] >= contact_day:
                remaining = math.exp(-(day["day"] - contact_day) / CONTACT.waning_days) * factor
                hazard *= max(1.0 - order[f"effect_{cause}"] * remaining, 0.0)
            units.append(round(hazard / 1e-9))
        total_units += sum(units)
        if total_units >= needed:
            share, running = order["which_cause"] * sum(units), 0
            for cause, part in zip(CAUSES, units, strict=True):
                running += part
                if share <= running:
                    return day["day"], cause
    return None, None


def rows_of(file_rows: tuple[pl.DataFrame, pl.DataFrame], number: int) -> tuple[dict, list[dict]]:
    orders, days = file_rows
    first, last = (
        days["order_number"].search_sorted(number + 1, side=side) for side in ("left", "right")
    )
    return orders.row(number, named=True), days[int(first) : int(last)].to_dicts()


@pytest.fixture(scope="module")
def disputed(file_rows: tuple[pl.DataFrame, pl.DataFrame]) -> list[int]:
    return np.flatnonzero(file_rows[0]["opened_day"].is_not_null().to_numpy()).tolist()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_outcome_follows_from_the_files(
    data: st.DataObject,
    truth: Truth,
    file_rows: tuple[pl.DataFrame, pl.DataFrame],
    disputed: list[int],
) -> None:
    """Without a message, and with one on any day, the loop gives the same outcome as the arrays.
    Half of the drawn orders are disputed."""
    number = data.draw(
        st.one_of(st.sampled_from(disputed), st.integers(0, COUNT - 1)), label="number"
    )
    order, days = rows_of(file_rows, number)
    assert naive_outcome(order, days, None) == (order["opened_day"], order["cause"])
    contact_day = (
        days[0]["day"] + data.draw(st.integers(0, len(days) + 1), label="night") if days else 0
    )
    one = slice(int(truth.days.first[number]), int(truth.days.first[number + 1]))
    order_alone = OrderDays(
        np.zeros(len(days), int),
        truth.days.day[one],
        np.array([0, len(days)]),
        truth.days.hazard[one],
        truth.days.contact_factor[one],
        truth.days.state[one],
    )
    threshold, which_cause = (np.array([order[name]]) for name in ("threshold", "which_cause"))
    opened, cause = outcome(
        order_alone, threshold, which_cause, truth.effects[[number]], np.array([contact_day])
    )
    naive_day, naive_cause = naive_outcome(order, days, contact_day)
    assert (int(opened[0]), int(cause[0])) == (
        -1 if naive_day is None else naive_day,
        -1 if naive_cause is None else CAUSES.index(naive_cause),
    )


def test_each_outcome_by_stage_is_the_outcome_on_some_night(
    truth: Truth, file_rows: tuple[pl.DataFrame, pl.DataFrame], disputed: list[int]
) -> None:
    """If a message in a stage prevents a dispute, a message on some night prevents it; likewise
    for provoked and unchanged."""
    seen = set()
    for number in [*disputed[:300], *range(0, 3_000, 10)]:
        order, days = rows_of(file_rows, number)
        undisputed_days = [
            d["day"] for d in days if order["opened_day"] is None or d["day"] <= order["opened_day"]
        ]
        possible = set()
        for night in undisputed_days:
            before, after = order["opened_day"], naive_outcome(order, days, night)[0]
            possible.add(
                "prevented"
                if before is not None and after is None
                else "provoked"
                if before is None and after is not None
                else "unchanged"
            )
        by_stage = {order[f"contacted_{stage}"] for stage in STAGES} - {None}
        assert by_stage <= possible, number
        seen |= by_stage
    assert {"unchanged", "prevented"} <= seen
