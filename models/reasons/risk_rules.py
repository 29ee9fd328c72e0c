"""Risk by rules alone, for a store with too few disputes to learn from: the strongest sign of
trouble counts.

Nothing here is learnt from the store but its own dispute rate. How many times as often as others of
its stage an order with a sign was disputed, and how the stages compare, was measured on real orders
and in a simulated store (docs/nightly.md has both, `tests/bench/signs.py` measures again); what is
used lies between the two, or below the one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.feature import Feature
from models.learner.cause import unknown_shares
from models.reasons.explain import COUNT_REASONS

_DELIVERED = pl.col("stage") == "delivered"
_ON_THE_ROAD = pl.col("stage").is_in(["dispatch", "in_transit"])
# nobody has ever measured more than half of any kind of open orders disputed
MOST = 0.5
# orders that the assumed rate counts as, beside the store's own
ASSUMED_ORDERS = 300


@dataclass(frozen=True)
class Sign:
    """`times`: as often as others of its stage an order with it is disputed. `says`: the feature
    that tells it to a seller. `is_measured`: on real orders too, not only on simulated ones."""

    name: str
    times: float
    when: pl.Expr
    says: str
    is_measured: bool = True


SIGNS: tuple[Sign, ...] = (
    Sign(
        "trouble on the road",
        3.0,
        ~_DELIVERED & (pl.col("logistics_count_exceptions") > 0),
        "logistics_count_exceptions",
        is_measured=False,
    ),
    Sign(
        "past the promised day",
        2.4,
        ~_DELIVERED & pl.col("logistics_days_to_promise").is_between(-7, 0, closed="left"),
        "logistics_days_to_promise",
    ),
    Sign(
        "past it by more than a week",
        1.9,
        ~_DELIVERED & (pl.col("logistics_days_to_promise") < -7),
        "logistics_days_to_promise",
    ),
    Sign(
        "no scan for unusually long",
        1.9,
        _ON_THE_ROAD & (pl.col("logistics_silence_rank") >= 0.95),
        "logistics_days_since_news",
    ),
    Sign(
        "the buyer has disputed before",
        1.7,
        pl.col("buyer_count_disputes_365d") > 0,
        "buyer_count_disputes_365d",
    ),
    Sign(
        "an unanswered question",
        1.7,
        pl.col("conversation_days_unanswered") >= 1.0,
        "conversation_days_unanswered",
        is_measured=False,
    ),
    Sign(
        "asked for the parcel",
        1.6,
        pl.col("conversation_count_parcel_questions") > 0,
        "conversation_count_parcel_questions",
        is_measured=False,
    ),
    Sign(
        "held by customs",
        1.6,
        ~_DELIVERED & (pl.col("logistics_is_held") > 0),
        "logistics_is_held",
        is_measured=False,
    ),
    Sign(
        "will come late",
        1.4,
        ~_DELIVERED
        & (pl.col("logistics_days_to_promise") >= 0)
        & (pl.col("logistics_expected_late_days") > 0),
        "logistics_expected_late_days",
    ),
    Sign(
        "past the day to ship",
        1.4,
        (pl.col("stage") == "before_shipment") & (pl.col("logistics_days_to_ship_by") < 0),
        "logistics_days_to_ship_by",
    ),
    Sign(
        "came late",
        1.3,
        _DELIVERED & (pl.col("logistics_delivered_late_days") > 0),
        "logistics_delivered_late_days",
    ),
)
# of the store's orders so many are disputed; of a night's open ones, within the horizon, so many
# times as many
OF_STAGE = {"before_shipment": 0.5, "dispatch": 0.6, "in_transit": 1.0, "delivered": 0.3}


def strength() -> pl.Expr:
    """How many times the store's dispute rate: that of the stage, times the strongest sign. Signs
    go together (what is late is asked for), so their product would say far too much."""
    signs = [pl.when(sign.when).then(sign.times) for sign in SIGNS]
    return pl.col("stage").replace_strict(OF_STAGE, return_dtype=pl.Float64) * pl.max_horizontal(
        pl.lit(1.0), *signs
    )


def has_sign() -> pl.Expr:
    """Whether there is anything to write about: what is only dear is no reason to ask a buyer how
    things are."""
    return pl.any_horizontal(sign.when.fill_null(False) for sign in SIGNS)


def assumed_rate(assumed: float, ended: int, disputed: int) -> float:
    """Of a store's orders, the share that is disputed: the assumed one, and what `ended` orders
    said; of those that nobody ever disputed nothing is believed, because that is what a store looks
    like whose disputes are not loaded."""
    if not disputed:
        return assumed
    return (assumed * ASSUMED_ORDERS + disputed) / (ASSUMED_ORDERS + ended)


@dataclass(frozen=True)
class SignModel:
    """`rate`: the share of the store's orders that is disputed."""

    rate: float

    def predict_with_bounds(self, features: pl.DataFrame) -> pl.DataFrame:
        """`probability, probability_low, probability_high` per row; nobody knows how sure the first
        is."""
        probability = (strength() * self.rate).clip(upper_bound=MOST).alias("probability")
        return features.select(
            probability, probability_low=pl.lit(0.0), probability_high=pl.lit(1.0)
        )

    def predict_cause(self, features: pl.DataFrame) -> pl.DataFrame:
        """`<cause>_share` per row: not known."""
        return unknown_shares(features.height)

    def reasons(self, features: pl.DataFrame, registry: Mapping[str, Feature]) -> pl.DataFrame:
        """`reason_1..3` per row: the signs, the strongest first, as sentences with the order's own
        numbers."""
        names = list(dict.fromkeys(sign.says for sign in SIGNS))
        fires = features.select(
            *(sign.when.fill_null(False).alias(sign.name) for sign in SIGNS), *names
        )
        ordered = sorted(SIGNS, key=lambda sign: -sign.times)
        told: list[list[str]] = []
        for row in fires.iter_rows(named=True):
            said = {
                sign.says: registry[sign.says].sentence(row[sign.says], None)
                for sign in ordered
                if row[sign.name]
            }
            told.append([sentence for sentence in said.values() if sentence][:COUNT_REASONS])
        return pl.DataFrame(
            {
                f"reason_{n + 1}": pl.Series(
                    [each[n] if n < len(each) else "" for each in told], dtype=pl.String
                )
                for n in range(COUNT_REASONS)
            }
        )
