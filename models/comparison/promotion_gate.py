"""Decide whether a challenger may replace the champion, on nights that neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.stage import STAGES
from models.comparison.metrics import expected_calibration_error
from models.comparison.paired_comparison import draw_totals, interval
from models.contact.contact_value import ContactCosts, add_expected_value, choose_contacts
from models.learner.calibration import SMALLEST

RESAMPLES = 500
# consistency resampling: the calibration error a calibrated model would show on so few orders
CALIBRATED_DRAWS, LEVEL = 200, 0.95
# more nights than a seller waits for
MOST_NIGHTS = 10_000


@dataclass(frozen=True)
class PromotionLimits:
    """What a challenger must keep to.

    `loss_margin` is the share of the USD prevented by the champion's contacts that the challenger
    may lose at the worse end of the interval. `calibration_error` is the largest allowed error,
    over all rows and in each stage. The ratio of predicted to realised disputes must lie between 1
    / `rate_ratio` and `rate_ratio`. A stage with fewer disputed orders than `least_disputes` is not
    judged on its own.
    """

    loss_margin: float = 0.10
    calibration_error: float = 0.02
    rate_ratio: float = 1.2
    least_disputes: int = 20


@dataclass(frozen=True)
class Verdict:
    """The gain of the challenger's contacts over the champion's on all nights, in USD.

    `gain_low` and `gain_high` are the interval of `gain_usd`. `reasons` says why the challenger was
    rejected; it is empty if it may be promoted.
    """

    champion_usd: float
    gain_usd: float
    gain_low: float
    gain_high: float
    reasons: tuple[str, ...]


def judge(
    rows: pl.DataFrame,
    champion: np.ndarray,
    challenger: np.ndarray,
    costs: ContactCosts,
    capacity: int,
    limits: PromotionLimits,
    seed: int,
) -> Verdict:
    """Judge a challenger against the champion on labelled order-nights.

    `rows` has `order_id, as_of_day, stage, label, order_value_usd`; `champion` and `challenger`
    hold one probability per row. The interval covers 90 % (a bootstrap of whole orders).
    """
    saved, spent = saved_usd(rows, champion, costs, capacity)
    gain = saved_usd(rows, challenger, costs, capacity)[0] - saved
    low, high = interval(draw_totals(rows["order_id"], [gain], seed, RESAMPLES)[1:, 0])
    reasons = []
    allowed = limits.loss_margin * (saved.sum() + spent)
    if low < -allowed:
        reasons.append(
            f"money at capacity: {gain.sum():+,.0f} USD compared with the champion's "
            f"{saved.sum():,.0f} ({low:+,.0f} to {high:+,.0f}); a loss of more than {allowed:,.0f} "
            f"cannot be ruled out; {_nights_that_would_do(rows, float(gain.sum()), low, allowed)}"
        )
    for stage in ("all", *STAGES):
        mask = np.ones(rows.height, bool) if stage == "all" else (rows["stage"] == stage).to_numpy()
        stage_rows = rows.filter(mask)
        if stage_rows.filter(pl.col("label") == 1)["order_id"].n_unique() < limits.least_disputes:
            continue
        faults = _unproven_shift(stage_rows, champion[mask], challenger[mask], limits, seed)
        faults += _miscalibrated(
            stage_rows, challenger[mask], limits, seed, is_whole=stage == "all"
        )
        reasons += [f"{stage}: {reason}" for reason in faults]
    return Verdict(float(saved.sum()), float(gain.sum()), low, high, tuple(reasons))


def _nights_that_would_do(rows: pl.DataFrame, gain: float, low: float, allowed: float) -> str:
    """How many nights like these would settle it, if the challenger stays as good as it looks.

    Gain and allowed loss grow with the nights, the width of the interval with their square root.
    """
    nights = rows["as_of_day"].n_unique()
    if gain <= -allowed:
        return f"more nights do not help: on these {nights} the loss itself is larger than that"
    needed = int(np.ceil(nights * ((gain - low) / (gain + allowed)) ** 2))
    if needed > MOST_NIGHTS:
        return f"even {MOST_NIGHTS} nights like these {nights} would not settle it"
    return f"about {needed:,} nights like these {nights} would settle it if it stays as good"


def saved_usd(
    rows: pl.DataFrame, probability: np.ndarray, costs: ContactCosts, capacity: int
) -> tuple[np.ndarray, float]:
    """USD saved by contacting each row's order, and the total cost of these contacts.

    The saving is 0 for rows that are not on their night's list of `capacity`. A dispute that
    happened counts as prevented with the share assumed for its stage.
    """
    scored = add_expected_value(
        rows.with_columns(probability=probability).with_row_index("row"), costs
    )
    listed = pl.concat(
        choose_contacts(night, capacity) for night in scored.partition_by("as_of_day")
    )
    # with the outcome in place of the probability, the expected value is what the contact saved
    outcome = add_expected_value(
        listed.with_columns(probability=pl.col("label").cast(pl.Float64)), costs
    )
    saved = np.zeros(rows.height)
    saved[listed["row"].to_numpy()] = outcome["expected_value_usd"].to_numpy()
    return saved, listed.height * costs.contact_cost_usd


def _unproven_shift(
    rows: pl.DataFrame,
    champion: np.ndarray,
    challenger: np.ndarray,
    limits: PromotionLimits,
    seed: int,
) -> list[str]:
    """Reject a large shift in expected disputes unless the outcomes show that it is right.

    Outcomes alone hide a shift behind chance: if the champion predicted 0.8 times the disputes that
    happened, 1.5 times as many is no further off. Compared with the champion on the same rows, the
    shift is plain.
    """
    times = challenger.sum() / champion.sum()
    if 1.0 / limits.rate_ratio <= times <= limits.rate_ratio:
        return []
    label = rows["label"].to_numpy()
    gain = (_log_loss(label, champion) - _log_loss(label, challenger)) / rows.height
    drawn = draw_totals(rows["order_id"], [gain], seed, RESAMPLES)[:, 0]
    low, high = interval(drawn[1:])
    if low > 0.0:
        return []
    return [
        f"expects {times:.2f} times as many disputes as the champion, and the outcomes do not show "
        f"that this is right (log loss better by {drawn[0]:+.5f}: {low:+.5f} to {high:+.5f})"
    ]


def _log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    likelihood = np.clip(np.where(label == 1, probability, 1.0 - probability), SMALLEST, 1.0)
    return np.asarray(-np.log(likelihood))


def _miscalibrated(
    rows: pl.DataFrame,
    probability: np.ndarray,
    limits: PromotionLimits,
    seed: int,
    *,
    is_whole: bool,
) -> list[str]:
    """Calibration faults of the probabilities that chance does not explain."""
    label = rows["label"].to_numpy()
    reasons = []
    predicted, realised = draw_totals(rows["order_id"], [probability, label], seed, RESAMPLES).T
    with np.errstate(divide="ignore"):
        ratio = predicted / realised
    low, high = interval(ratio[1:])
    is_beyond = ratio[0] > limits.rate_ratio or ratio[0] < 1.0 / limits.rate_ratio
    is_surely_beyond = low > limits.rate_ratio or high < 1.0 / limits.rate_ratio
    # over all rows, being beyond the bounds and different from 1 is enough; in each of five stages
    # that test would too often reject a sound model
    if is_surely_beyond or (is_whole and is_beyond and (low > 1.0 or high < 1.0)):
        reasons.append(
            f"predicts {ratio[0]:.2f} times the disputes that happened ({low:.2f} to {high:.2f}); "
            f"the allowed range is {1.0 / limits.rate_ratio:.2f} to {limits.rate_ratio:.2f}"
        )
    error = expected_calibration_error(label, probability)
    by_chance = _error_by_chance(rows, probability, seed)
    if error > max(limits.calibration_error, by_chance):
        reasons.append(
            f"calibration error {error:.3f}; the limit is {limits.calibration_error:.3f}, and a "
            f"calibrated model would show at most {by_chance:.3f} on so few orders"
        )
    return reasons


def _error_by_chance(rows: pl.DataFrame, probability: np.ndarray, seed: int) -> float:
    """Calibration error that a calibrated model stays below 19 times in 20 (Broecker & Smith 2007).

    The nights of one order share one draw, because they share its outcome.
    """
    order = rows["order_id"].rank("dense").to_numpy().astype(np.int64) - 1
    rng = np.random.default_rng(seed)
    drawn = [
        expected_calibration_error(
            (rng.random(int(order.max()) + 1)[order] < probability).astype(float), probability
        )
        for _ in range(CALIBRATED_DRAWS)
    ]
    return float(np.quantile(drawn, LEVEL))
