"""Forecast whether an open dispute goes to the platform and the seller is found liable.

One training row is a dispute on a night on which it was open: its age in days, whether the seller
has answered, the cause and the amount. The model is a logistic regression on disputes that had time
to end; its probabilities need no second calibration here (`make rules-check` measures it out of
time). With too little history the base rate is used instead, and without any escalation on record
nothing is forecast. `Escalation.basis` says which of the three applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from features.asof import visible
from features.clock import is_earlier, local_day
from features.sentence import Sentence, sentence
from features.tables import Tables

# the longest time line (16 days), a promise that delays it, and the platform's time to rule, with
# room to spare
MATURITY_DAYS = 45
LEAST_ENDED = 30
OLDEST_DAY = 16
CAUSES = ("not_received", "not_as_described", "other")
# the shares of a cause are shrunk towards the share of all causes, which counts as this many
# rulings
PRIOR_RULINGS = 20.0
_ENDS = ("withdrawn", "refunded", "ruled")


@dataclass(frozen=True)
class Escalation:
    """A fitted forecast. `basis` describes what the probabilities rest on.

    `model` is None where history is too short.
    """

    basis: str
    base_rate: float | None = None
    model: LogisticRegression | None = None
    liable_basis: str = ""
    liable_share: Mapping[str, float] = field(default_factory=dict)
    liable_of_all: float | None = None

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Chances per row of `rows` (`age_days, is_answered, cause, amount_usd, is_escalated`).

        `escalation_probability` is the chance that the dispute goes to the platform;
        `liability_probability` that it does and the seller is found liable. Null means unknown.
        """
        if self.model is None:
            chance = np.full(rows.height, np.nan if self.base_rate is None else self.base_rate)
        else:
            chance = self.model.predict_proba(_design(rows))[:, 1] if rows.height else np.zeros(0)
        escalation = np.where(rows["is_escalated"].to_numpy().astype(bool), 1.0, chance)
        liable = [self.liable_share.get(cause, self.liable_of_all) for cause in rows["cause"]]
        frame = pl.DataFrame(
            {
                "escalation_probability": escalation,
                "liable_share": pl.Series(liable, dtype=pl.Float64),
            }
        ).with_columns(pl.col("escalation_probability").fill_nan(None))
        return frame.select(
            "escalation_probability",
            liability_probability=pl.col("escalation_probability") * pl.col("liable_share"),
        )


def dispute_lives(tables: Tables, as_of_day: int) -> pl.DataFrame:
    """One row per dispute known at `as_of_day`, with the days on which its steps were known.

    Days are in the store's zone.
    """
    steps = visible(tables["disputes"], as_of_day)

    def known(*names: str) -> pl.Expr:
        return pl.col("known_day").filter(pl.col("step").is_in(names)).min()

    first = pl.col("step") == "opened"
    return (
        steps.sort("order_id", "dispute_id", "occurred_at", "known_at", "step_id")
        .group_by("order_id", "dispute_id", maintain_order=True)
        .agg(
            filed_day=pl.col("occurred_day").filter(first).min(),
            reported_day=known("opened"),
            answered_day=known("answered"),
            ended_day=known(*_ENDS),
            escalated_day=known("escalated"),
            is_ruled=(pl.col("step") == "ruled").any(),
            is_liable=(
                (pl.col("step") == "ruled") & (pl.col("liable") == "seller").fill_null(False)
            ).any(),
            cause=pl.col("cause").filter(first).first(),
            amount_usd=pl.col("amount_usd").filter(first).first(),
        )
        .filter(pl.col("filed_day").is_not_null())
    )


def dispute_nights(lives: pl.DataFrame) -> pl.DataFrame:
    """One row per dispute and night on which it was open and not yet with the platform.

    `label` is True if the dispute was escalated later.
    """
    last = pl.min_horizontal("ended_day", "escalated_day", pl.col("reported_day") + MATURITY_DAYS)
    nights = lives.with_columns(
        night=pl.int_ranges(pl.col("reported_day") + 1, last + 1, dtype=pl.Int32)
    )
    nights = nights.filter(pl.col("night").list.len() > 0).explode("night")
    return nights.with_columns(
        age_days=pl.col("night") - pl.col("filed_day"),
        is_answered=is_earlier(pl.col("answered_day"), pl.col("night")).fill_null(False),
        is_escalated=pl.lit(False),
        label=pl.col("escalated_day").is_not_null(),
    )


def rows_of(clock: pl.DataFrame, as_of_day: int, zone: str) -> pl.DataFrame:
    """The open disputes of a night (`features.indicators.dispute_timeline`) as rows to predict."""
    return clock.select(
        "cause",
        "amount_usd",
        age_days=as_of_day - local_day(pl.col("filed_at"), zone),
        is_answered=~pl.col("owes_answer"),
        is_escalated=pl.col("escalated_at").is_not_null(),
    )


def fit_escalation(tables: Tables, as_of_day: int) -> Escalation:
    """Fit on the disputes known at `as_of_day` that are old enough to have ended."""
    ended = _ended_lives(tables, as_of_day)
    escalated = int(ended["escalated_day"].is_not_null().sum())
    evidence = sentence(
        "escalation.evidence",
        "{escalated} of {ended} disputes filed more than {days} days ago went to the platform",
        escalated=str(escalated),
        ended=str(ended.height),
        days=str(MATURITY_DAYS),
    )
    if not escalated:
        unknown = "unknown: no escalation is on record ({evidence})"
        return Escalation(basis=sentence("escalation.unknown", unknown, evidence=evidence))
    ruled = ended.filter("is_ruled")
    liable = float(ruled["is_liable"].mean()) if ruled.height else None  # type: ignore[arg-type]
    shares = {} if liable is None else _liable_shares(ruled, liable)
    liable_basis = (
        f"{int(ruled['is_liable'].sum())} of {ruled.height} rulings went against the seller"
    )
    nights = dispute_nights(ended)
    is_enough = (
        min(escalated, ended.height - escalated) >= LEAST_ENDED and nights["label"].n_unique() == 2
    )
    return Escalation(
        basis=_basis(evidence, is_model=is_enough),
        base_rate=escalated / ended.height,
        model=_fit(nights) if is_enough else None,
        liable_basis=liable_basis,
        liable_share=shares,
        liable_of_all=liable,
    )


def base_chances(tables: Tables, as_of_day: int) -> tuple[float | None, float | None]:
    """The chance that a dispute goes to the platform, and that it does and the seller is liable.

    Shares of the disputes known at `as_of_day` that are old enough to have ended. The first is None
    without any escalation on record, the second without any ruling.
    """
    ended = _ended_lives(tables, as_of_day)
    escalated, ruled, liable = (
        int(ended.select(about.sum()).item())
        for about in (
            pl.col("escalated_day").is_not_null(),
            pl.col("is_ruled"),
            pl.col("is_liable"),
        )
    )
    return (
        escalated / ended.height if escalated else None,
        liable / ended.height if ruled else None,
    )


def _ended_lives(tables: Tables, as_of_day: int) -> pl.DataFrame:
    """The disputes known at `as_of_day` that are old enough to have ended."""
    is_old = is_earlier(pl.col("reported_day"), pl.lit(as_of_day - MATURITY_DAYS))
    return dispute_lives(tables, as_of_day).filter(is_old)


def _basis(evidence: Sentence, *, is_model: bool) -> Sentence:
    if is_model:
        model = "a model trained on past disputes: {evidence}"
        return sentence("escalation.model", model, evidence=evidence)
    rate = "the base rate, because history is short: {evidence}"
    return sentence("escalation.base_rate", rate, evidence=evidence)


def _fit(nights: pl.DataFrame) -> LogisticRegression:
    return LogisticRegression(max_iter=2000).fit(_design(nights), nights["label"].to_numpy())


def _liable_shares(ruled: pl.DataFrame, of_all: float) -> dict[str, float]:
    counts = ruled.group_by("cause").agg(
        pl.len().alias("count"), pl.col("is_liable").sum().alias("liable")
    )
    return {
        cause: (liable + PRIOR_RULINGS * of_all) / (count + PRIOR_RULINGS)
        for cause, count, liable in counts.iter_rows()
    }


def _design(rows: pl.DataFrame) -> np.ndarray:
    """The design matrix of the regression.

    One column per day of age, the same again for unanswered disputes only, one per cause, the
    amount in log USD, and whether the amount is known.
    """
    age = rows["age_days"].clip(1, OLDEST_DAY).to_numpy()
    by_day = (age[:, None] == np.arange(1, OLDEST_DAY + 1)).astype(float)
    silent = ~rows["is_answered"].to_numpy().astype(bool)
    cause = np.stack([(rows["cause"] == c).to_numpy() for c in CAUSES], axis=1).astype(float)
    amount = np.log1p(rows["amount_usd"].fill_null(0.0).to_numpy())[:, None]
    has_amount = rows["amount_usd"].is_not_null().to_numpy()[:, None].astype(float)
    return np.hstack([by_day, by_day * silent[:, None], cause, amount, has_amount])
