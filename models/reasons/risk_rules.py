"""Risk from fixed rules, for a store with too few disputes to train a model.

The strongest sign of trouble counts. Only the store's dispute rate comes from the store. How much
more often orders with a sign are disputed than others of their stage, and how the stages compare,
was measured on real orders and in a simulated store (docs/guide/operator/first-nights.md has both;
`tests/bench/signs.py` measures again). The values used lie between the two, or below the lower one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.feature import Feature
from features.sentence import Sentence
from models.learner.cause import unknown_shares
from models.reasons.grounds import grounds
from models.reasons.reason_columns import reason_columns

_DELIVERED = pl.col("stage") == "delivered"
_ON_THE_ROAD = pl.col("stage").is_in(["dispatch", "in_transit"])
# no kind of open orders has ever been measured to be disputed more than half the time
MOST = 0.5
# the assumed rate counts as this many orders when combined with the store's own
ASSUMED_ORDERS = 300


@dataclass(frozen=True)
class Sign:
    """A sign of trouble.

    `times` is how many times as often an order with the sign is disputed as others of its stage.
    `says` is the feature whose sentence describes it to a seller. `is_measured` is False if it was
    measured in simulation only.
    """

    name: str
    times: float
    when: pl.Expr
    says: str
    is_measured: bool = True


SIGNS: tuple[Sign, ...] = (
    Sign(
        "exceptions on the way",
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
        "more than a week past the promised day",
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
# ratio of the dispute rate within the horizon of a night's open orders, by stage, to the share of
# all the store's orders that are disputed
# (unknown: an order that may be at any stage, so the mean of the others)
OF_STAGE = {
    "before_shipment": 0.5,
    "dispatch": 0.6,
    "in_transit": 1.0,
    "delivered": 0.3,
    "unknown": 0.6,
}


def strength() -> pl.Expr:
    """Risk relative to the store's dispute rate: the stage's factor times the strongest sign's.

    Signs occur together (late orders get questions), so their product would be far too high.
    """
    signs = [pl.when(sign.when).then(sign.times) for sign in SIGNS]
    return pl.col("stage").replace_strict(OF_STAGE, return_dtype=pl.Float64) * pl.max_horizontal(
        pl.lit(1.0), *signs
    )


def has_sign() -> pl.Expr:
    """Whether there is anything to write about.

    A high price alone is no reason to contact a buyer.
    """
    return pl.any_horizontal(sign.when.fill_null(False) for sign in SIGNS)


def assumed_rate(assumed: float, ended: int, disputed: int) -> float:
    """The share of a store's orders that is disputed.

    It combines the assumed share with the store's `ended` orders. If none of them was ever
    disputed, the assumption is used alone, because a store without any disputes is usually one
    whose disputes are not loaded.
    """
    if not disputed:
        return assumed
    return (assumed * ASSUMED_ORDERS + disputed) / (ASSUMED_ORDERS + ended)


@dataclass(frozen=True)
class SignModel:
    """A scorer with fixed rules. `rate` is the share of the store's orders that is disputed."""

    rate: float

    def predict_with_bounds(self, features: pl.DataFrame) -> pl.DataFrame:
        """`probability, probability_low, probability_high` per row; the bounds are 0 and 1
        (unknown).
        """
        probability = (strength() * self.rate).clip(upper_bound=MOST).alias("probability")
        return features.select(
            probability, probability_low=pl.lit(0.0), probability_high=pl.lit(1.0)
        )

    def predict_cause(self, features: pl.DataFrame) -> pl.DataFrame:
        """`<cause>_share` per row: null, because fixed rules do not predict a cause."""
        return unknown_shares(features.height)

    def reasons(self, features: pl.DataFrame, registry: Mapping[str, Feature]) -> pl.DataFrame:
        """The columns of `reason_columns` per row: the strongest signs first, as sentences with the
        order's own numbers."""
        names = list(dict.fromkeys(sign.says for sign in SIGNS))
        fires = features.select(
            *(sign.when.fill_null(False).alias(sign.name) for sign in SIGNS), *names
        )
        has_grounds = grounds(features, {name: registry[name] for name in names})
        ordered = sorted(SIGNS, key=lambda sign: -sign.times)
        every = [True] * features.height
        sentences: list[list[Sentence]] = []
        for number, row in enumerate(fires.iter_rows(named=True)):
            by_feature = {
                sign.says: registry[sign.says].sentence(row[sign.says], None)
                for sign in ordered
                if row[sign.name] and bool(has_grounds.get(sign.says, every)[number])
            }
            sentences.append([sentence for sentence in by_feature.values() if sentence])
        return reason_columns(sentences)
