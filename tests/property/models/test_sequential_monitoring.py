"""The alarms of the model's health: quiet without a change, raised after one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.monitoring.dispute_streams import (
    Stream,
    calibration_table,
    expected_on_first_day,
    first_nights,
    judge_stream,
    off_by_chance,
    streams_of,
)
from models.monitoring.feature_sums import sum_features
from models.monitoring.input_drift import drift_findings, feature_means
from models.monitoring.sequential_monitoring import SEASON_ALPHA, WHOLE, log_evidence, threshold
from models.monitoring.silent_feeds import carrier_findings, feed_finding, new_value_findings

NIGHT = 20_000


def running_evidence(gains: np.ndarray) -> np.ndarray:
    """The recursion of Shiryaev and Roberts, night by night.

    This is a naive `log_evidence` for one size of change.
    """
    total, evidence = 0.0, []
    for gain in gains:
        total = np.exp(gain) * (1.0 + total)
        evidence.append(np.log(total))
    return np.array(evidence)


def test_the_evidence_is_the_recursion() -> None:
    rng = np.random.default_rng(3)
    expected = rng.uniform(0.5, 3.0, 30)
    observed = rng.poisson(expected).astype(float)
    sizes = (1.25, 1.6, 2.5, 5.0)
    naive = [
        running_evidence(observed * np.log(k) - (k - 1.0) * expected * 1.25)[-1] for k in sizes
    ]
    evidence = log_evidence(observed, expected, 1.25, is_rise=True)
    assert evidence == pytest.approx(np.log(np.mean(np.exp(naive))))


def test_at_the_edge_of_the_tolerance_false_alarms_are_rare_enough() -> None:
    """The rate is exactly as high as tolerated, and is checked on each of 180 nights.

    This is the worst case without a change.
    """
    rng, seasons, limit = np.random.default_rng(4), 400, np.log(180 / 0.05)
    crossed = 0
    for _ in range(seasons):
        chance = rng.uniform(0.0, 0.1, (180, 30))
        expected = chance.sum(axis=1)
        observed = (rng.random((180, 30)) < np.minimum(chance * 1.25, 1.0)).sum(axis=1)
        by_size = [
            running_evidence(observed * np.log(k) - (k - 1.0) * expected * 1.25)
            for k in (1.25, 1.6, 2.5, 5.0)
        ]
        crossed += bool((np.log(np.mean(np.exp(by_size), axis=0)) >= limit).any())
    assert crossed <= 0.05 * seasons
    # a stream among many needs more evidence
    assert threshold(SEASON_ALPHA, WHOLE) > limit


@pytest.mark.parametrize(("times", "reading"), [(2.0, "matured_rise"), (0.25, "matured_fall")])
def test_a_planted_shift_is_detected(times: float, reading: str) -> None:
    rng, expected = np.random.default_rng(5), np.full(100, 3.0)
    observed = rng.poisson(expected * np.where(np.arange(100) < 50, 1.0, times)).astype(float)
    before = judge_stream(Stream("all", "all", observed[:50], expected[:50]), "matured", 1.25, 1.6)
    after = judge_stream(Stream("all", "all", observed, expected), "matured", 1.25, 1.6)
    assert before is None
    assert after is not None
    assert (after.level, after.reading, after.propose) == ("act", reading, "retrain")


def made_rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "order_id": ["a", "b", "a", "c"],
            "as_of_day": [1, 1, 2, 2],
            "stage": ["delivered"] * 4,
            "lane": ["x", "x", "x", None],
            "category": ["c"] * 4,
            "is_listed": [True, False, True, False],
            "probability": [0.5, 0.2, 0.6, 0.1],
            "label": [1, 0, 1, 0],
        }
    )


def test_an_order_counts_once_and_every_figure_has_an_interval() -> None:
    counted = first_nights(made_rows()).with_columns(observed="label", expected="probability")
    assert counted["order_id"].to_list() == ["a", "b", "c"]
    assert [stream.name for stream in streams_of(counted)] == [
        "all open orders",
        "stage delivered",
        "lane x",
        "category c",
    ]
    few = calibration_table(counted).row(0, named=True)
    assert (few["orders"], few["disputed"], few["listed"]) == (3, 1, 1)
    assert few["expected"] == pytest.approx(0.8)
    # one disputed order gives no figure
    assert few["ratio"] is few["ratio_low"] is few["precision"] is None
    copies = [counted.with_columns(pl.col("order_id") + f"-{n}") for n in range(20)]
    whole = calibration_table(pl.concat(copies)).row(0, named=True)
    assert (whole["orders"], whole["disputed"], whole["listed"]) == (60, 20, 20)
    assert whole["ratio"] == pytest.approx(1.25)
    assert whole["ratio_low"] < whole["ratio"] < whole["ratio_high"]
    assert whole["precision_low"] < whole["precision"] == whole["precision_high"] == 1.0


def test_nothing_is_estimated_from_too_few_disputes() -> None:
    reference = made_rows().with_columns(opened_at_once=pl.lit(0))
    assert expected_on_first_day(reference, made_rows())[0].is_empty()
    many = pl.concat([reference.with_columns(opened_at_once="label")] * 20)
    young, known = expected_on_first_day(many, made_rows())
    # 40 opened at once where the probabilities add up to 28
    assert young["expected"][0] == pytest.approx(0.5 * 40 / 28)
    assert known == {"delivered": 40.0}
    stage, lane = (
        Stream(by, group, np.zeros(1), np.zeros(1))
        for by, group in (("stage", "delivered"), ("lane", "x"))
    )
    assert (
        off_by_chance(known, stage) == off_by_chance(known, lane) == pytest.approx(1 + 2 / 40**0.5)
    )
    assert off_by_chance({**known, "dispatch": 60.0}, lane) == pytest.approx(1.2)
    # a stage without data is not estimated from another stage
    elsewhere = made_rows().with_columns(stage=pl.lit("dispatch"))
    both, _ = expected_on_first_day(many, pl.concat([made_rows(), elsewhere]))
    assert both["stage"].unique().to_list() == ["delivered"]


# inputs


def counts(values: list[float], **columns: str) -> pl.DataFrame:
    days = list(range(NIGHT - len(values), NIGHT))
    table = pl.DataFrame(
        {"known_day": days, "count": values}, schema={"known_day": pl.Int32, "count": pl.Float64}
    )
    return table.with_columns(pl.lit(value).alias(name) for name, value in columns.items())


def test_a_silent_feed_is_reported_and_weekends_are_not() -> None:
    weekly = [30.0] * 5 + [0.0, 0.0]
    assert feed_finding("tracking", counts(weekly * 12), NIGHT - 1) is None
    # a long weekend is not reported either
    assert (
        feed_finding(
            "tracking", counts([*weekly * 11, *weekly[:2], 0.0, 0.0, 0.0, 0.0, 0.0]), NIGHT - 1
        )
        is None
    )
    finding = feed_finding("tracking", counts(weekly * 11 + [0.0] * 7), NIGHT - 1)
    assert finding is not None
    assert (finding.level, finding.reading) == ("act", "silent_feed")
    assert feed_finding("tracking", counts([]), NIGHT - 1) is None


def test_a_silent_carrier_is_named_and_a_common_holiday_is_not_reported() -> None:
    both = pl.concat([counts([20.0] * 84, carrier="A"), counts([20.0] * 84, carrier="B")])
    quiet = both.with_columns(
        pl.when(pl.col("known_day") >= NIGHT - 7).then(0.0).otherwise("count").alias("count")
    )
    assert carrier_findings("scans", both, NIGHT - 1) == []
    assert carrier_findings("scans", quiet, NIGHT - 1) == []
    is_a = pl.col("carrier") == "A"
    only_a_silent = both.filter(~(is_a & (pl.col("known_day") >= NIGHT - 7)))
    findings = carrier_findings("scans", only_a_silent, NIGHT - 1)
    assert [(f.level, f.propose) for f in findings] == [("act", "look at carrier A")]


def nights_of(price: np.ndarray, holes: np.ndarray | None = None) -> list:
    missing = np.zeros(len(price)) if holes is None else holes
    return [
        {"price": [float(p), float(m)], "idle": [float(p), 0.0]}
        for p, m in zip(price, missing, strict=True)
    ]


MOMENTS, MATTERS = {"price": (0.0, 1.0), "idle": (0.0, 1.0)}, {"price": 0.9, "idle": 0.1}


def test_a_jump_is_reported_unless_the_feature_matters_little() -> None:
    flat = np.zeros(80)
    assert drift_findings(nights_of(flat), MOMENTS, MATTERS) == []
    flat[-1] = 5.0
    findings = drift_findings(nights_of(flat), MOMENTS, MATTERS)
    assert {finding.level for finding in findings} == {"act"}
    assert not any("idle" in finding.says for finding in findings)
    holes = np.zeros(80)
    holes[-1] = 0.5
    findings = drift_findings(nights_of(np.zeros(80), holes), MOMENTS, MATTERS)
    assert [(f.level, f.reading) for f in findings] == [("act", "missing")]


def test_seasons_and_growth_are_not_reported() -> None:
    night = np.arange(200)
    slow = 3.0 * np.sin(night / 30.0) + night / 40.0
    for last in range(60, 200):
        assert drift_findings(nights_of(slow[:last]), MOMENTS, MATTERS) == []
    # a jump on top of them is reported
    slow[-1] += 8.0
    assert {f.level for f in drift_findings(nights_of(slow), MOMENTS, MATTERS)} == {"act"}


def test_a_change_is_reported_for_a_week_and_too_few_nights_are_not_judged() -> None:
    """A step stays in the weekly shift for a week, but not in the shifts it is compared with."""
    step = np.concatenate([np.zeros(60), np.full(10, 5.0)])
    is_reported = [
        bool(drift_findings(nights_of(step[:last]), MOMENTS, MATTERS)) for last in range(60, 71)
    ]
    assert is_reported == [False] + [True] * 7 + [False] * 3
    assert drift_findings(nights_of(step[30:61][-30:]), MOMENTS, MATTERS) == []
    assert drift_findings([], MOMENTS, MATTERS) == []
    no_rows = pl.DataFrame(schema={"price": pl.Float64})
    assert feature_means(sum_features(no_rows, ["price"]), ["price"]) == {}


def test_a_new_country_is_reported_once_it_matters() -> None:
    old = pl.DataFrame(
        {"value": ["US"] * 300, "known_day": [NIGHT - 1 - n % 60 for n in range(300)]}
    )
    for new, level in ((2, []), (6, ["watch"]), (30, ["act"])):
        rows = pl.concat(
            [old, pl.DataFrame({"value": ["NG"] * new, "known_day": [NIGHT - 1] * new})]
        )
        assert [f.level for f in new_value_findings("country", rows, NIGHT, NIGHT - 365)] == level
        # facts that become known on the night itself are not seen
        later = rows.with_columns(
            pl.when(pl.col("value") == "NG").then(NIGHT).otherwise("known_day").alias("known_day")
        )
        assert new_value_findings("country", later, NIGHT, NIGHT - 365) == []
