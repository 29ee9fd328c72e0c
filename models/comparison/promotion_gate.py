"""May a challenger replace the champion? Reasons against it, from nights that neither has learnt
from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.stage import STAGES
from models.comparison.metrics import expected_calibration_error
from models.comparison.paired_comparison import draw_totals, interval
from models.contact.decide import ContactCosts, add_expected_value, choose_contacts
from models.learner.calibration import SMALLEST

RESAMPLES = 500
# consistency resampling: how far off a calibrated model would look on so few orders
CALIBRATED_DRAWS, LEVEL = 200, 0.95


@dataclass(frozen=True)
class PromotionLimits:
    """`loss_margin`: share of what the champion's contacts prevent in USD that a challenger may, at
    the worse end of the interval, lose. `calibration_error`: the largest allowed, over all and in
    each stage. `rate_ratio`: predicted over realised disputes may lie between 1 / this and this.
    `least_disputes`: disputed orders without which a stage is not judged by itself."""

    loss_margin: float = 0.10
    calibration_error: float = 0.02
    rate_ratio: float = 1.2
    least_disputes: int = 20


@dataclass(frozen=True)
class Verdict:
    """`gain_usd` of the challenger's contacts over the champion's on all nights, with its interval;
    `reasons` against it, none if it may be promoted."""

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
    """`rows`: labelled order-nights (`order_id, as_of_day, stage, label, order_value_usd`); a
    probability a row from either model. The interval holds 90 %, by a bootstrap of whole orders."""
    saved, spent = saved_usd(rows, champion, costs, capacity)
    gain = saved_usd(rows, challenger, costs, capacity)[0] - saved
    low, high = interval(draw_totals(rows["order_id"], [gain], seed, RESAMPLES)[1:, 0])
    reasons = []
    allowed = limits.loss_margin * (saved.sum() + spent)
    if low < -allowed:
        reasons.append(
            f"money at capacity: {gain.sum():+,.0f} USD beside the champion's {saved.sum():,.0f} ({low:+,.0f} to "
            f"{high:+,.0f}); a loss of more than {allowed:,.0f} is not ruled out"
        )
    for stage in ("all", *STAGES):
        mask = np.ones(rows.height, bool) if stage == "all" else (rows["stage"] == stage).to_numpy()
        of_stage = rows.filter(mask)
        if of_stage.filter(pl.col("label") == 1)["order_id"].n_unique() < limits.least_disputes:
            continue
        found = _unproven_shift(of_stage, champion[mask], challenger[mask], limits, seed)
        found += _miscalibrated(of_stage, challenger[mask], limits, seed, is_whole=stage == "all")
        reasons += [f"{stage}: {reason}" for reason in found]
    return Verdict(float(saved.sum()), float(gain.sum()), low, high, tuple(reasons))


def saved_usd(
    rows: pl.DataFrame, probability: np.ndarray, costs: ContactCosts, capacity: int
) -> tuple[np.ndarray, float]:
    """USD that contacting the row's order would have saved, 0 where it is not on its night's list
    of `capacity`; and what all these contacts cost. A dispute that came is taken as prevented with
    the share assumed for its stage."""
    scored = add_expected_value(
        rows.with_columns(probability=probability).with_row_index("row"), costs
    )
    listed = pl.concat(
        choose_contacts(night, capacity) for night in scored.partition_by("as_of_day")
    )
    # with the outcome in place of the chance, the expected value is what a contact was worth
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
    """Against a challenger that expects far more or fewer disputes than the champion, unless those
    that came say that it does better.

    Held against the outcomes alone, chance hides a shift: where the champion told 0.8 of the
    disputes that came, 1.5 times as much is no further off. Beside the champion, on the same rows,
    it is plain.
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
        f"expects {times:.2f} times the disputes that the champion does, and those that came do not prove it "
        f"right (log loss better by {drawn[0]:+.5f}: {low:+.5f} to {high:+.5f})"
    ]


def _log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    told = np.clip(np.where(label == 1, probability, 1.0 - probability), SMALLEST, 1.0)
    return -np.log(told)


def _miscalibrated(
    rows: pl.DataFrame,
    probability: np.ndarray,
    limits: PromotionLimits,
    seed: int,
    *,
    is_whole: bool,
) -> list[str]:
    """What is wrong with the probabilities beyond what chance does."""
    label = rows["label"].to_numpy()
    reasons = []
    predicted, came = draw_totals(rows["order_id"], [probability, label], seed, RESAMPLES).T
    with np.errstate(divide="ignore"):
        ratio = predicted / came
    low, high = interval(ratio[1:])
    is_beyond = ratio[0] > limits.rate_ratio or ratio[0] < 1.0 / limits.rate_ratio
    is_surely_beyond = low > limits.rate_ratio or high < 1.0 / limits.rate_ratio
    # over all, beyond the bounds and not by chance; five stages tested so would too often refuse a
    # sound model
    if is_surely_beyond or (is_whole and is_beyond and (low > 1.0 or high < 1.0)):
        reasons.append(
            f"predicts {ratio[0]:.2f} times the disputes that came ({low:.2f} to {high:.2f}); allowed is "
            f"{1.0 / limits.rate_ratio:.2f} to {limits.rate_ratio:.2f}"
        )
    error = expected_calibration_error(label, probability)
    by_chance = _error_by_chance(rows, probability, seed)
    if error > max(limits.calibration_error, by_chance):
        reasons.append(
            f"calibration error {error:.3f}; allowed is {limits.calibration_error:.3f}, and a calibrated model would "
            f"show {by_chance:.3f} at the most on so few orders"
        )
    return reasons


def _error_by_chance(rows: pl.DataFrame, probability: np.ndarray, seed: int) -> float:
    """Calibration error that a calibrated model stays under 19 times in 20 (Broecker & Smith 2007);
    the nights of one order share one draw, as they share its fate."""
    order = rows["order_id"].rank("dense").to_numpy().astype(np.int64) - 1
    rng = np.random.default_rng(seed)
    drawn = [
        expected_calibration_error(
            (rng.random(int(order.max()) + 1)[order] < probability).astype(float), probability
        )
        for _ in range(CALIBRATED_DRAWS)
    ]
    return float(np.quantile(drawn, LEVEL))
