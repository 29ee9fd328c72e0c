"""Scores and reasons from fixed rules: the order's stage and the strongest sign of trouble."""

from __future__ import annotations

import polars as pl
import pytest

from features.build.registry import FEATURES
from models.reasons.reason_columns import REASONS
from models.reasons.risk_rules import MOST, OF_STAGE, SIGNS, SignModel, assumed_rate, has_sign

SIGN_COLUMNS = sorted(set().union(*(sign.when.meta.root_names() for sign in SIGNS)) - {"stage"})

DRAWN_COLUMNS = {
    "to_promise": "logistics_days_to_promise",
    "silence": "logistics_silence_rank",
    "no_news": "logistics_days_since_news",
    "to_ship_by": "logistics_days_to_ship_by",
    "late_days": "logistics_delivered_late_days",
    "questions": "conversation_count_parcel_questions",
}


def orders(drawing: str) -> pl.DataFrame:
    """A drawn night; columns that are not drawn are null, as in a store without such a table."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = pl.DataFrame(
        [[None if c == "-" else c for c in row] for row in rows[1:]], schema=rows[0], orient="row"
    ).rename(DRAWN_COLUMNS)
    numbers = [
        pl.col(name).cast(pl.Float64) for name in drawn.columns if name not in ("order_id", "stage")
    ]
    absent = [
        pl.lit(None, pl.Float64).alias(name) for name in SIGN_COLUMNS if name not in drawn.columns
    ]
    return drawn.with_columns(*numbers, *absent)


NIGHT = """
order_id  | stage           | to_promise | silence | no_news | to_ship_by | late_days | questions
quiet     | in_transit      | 12         | 0.5     | 2       | -          | -         | 0
late      | in_transit      | -3         | 0.5     | 2       | -          | -         | 0
last day  | in_transit      | 0          | 0.5     | 2       | -          | -         | 0
forgotten | in_transit      | -8         | 0.5     | 2       | -          | -         | 0
silent    | dispatch        | 12         | 0.95    | 9       | -          | -         | -
both      | in_transit      | -3         | 0.99    | 9       | -          | -         | 2
unsent    | before_shipment | 12         | -       | -       | -2         | -         | -
came late | delivered       | -5         | -       | -       | -          | 4         | -
unknown   | in_transit      | -          | -       | -       | -          | -         | -
"""
TIMES = {
    "quiet": 1.0,
    "late": 2.4,
    "last day": 1.0,
    "forgotten": 1.9,
    "silent": 1.9,
    "both": 2.4,
    "unsent": 1.4,
    "came late": 1.3,
    "unknown": 1.0,
}


def test_the_strongest_sign_multiplies_the_stage() -> None:
    night = orders(NIGHT)
    probabilities = SignModel(0.02).predict_with_bounds(night)["probability"]
    for row, probability in zip(night.iter_rows(named=True), probabilities, strict=True):
        assert probability == pytest.approx(
            0.02 * OF_STAGE[row["stage"]] * TIMES[row["order_id"]]
        ), row["order_id"]


def test_no_probability_is_above_one_half() -> None:
    assert SignModel(0.9).predict_with_bounds(orders(NIGHT))["probability"].max() == MOST


def test_only_orders_with_a_sign_are_contacted() -> None:
    assert orders(NIGHT).filter(has_sign())["order_id"].to_list() == [
        n for n, times in TIMES.items() if times > 1.0
    ]


def test_the_reasons_are_the_signs_with_the_order_s_own_numbers() -> None:
    night = orders(NIGHT)
    texts = SignModel(0.02).reasons(night, FEATURES).select(REASONS)
    reasons = dict(zip(night["order_id"], texts.rows(), strict=True))
    assert reasons["both"] == (
        "3 days past the promised day",
        "no news of the parcel for 9 days",
        "the buyer wrote 2 messages about the parcel",
    )
    assert reasons["unsent"] == ("2 days past the shipping deadline", "", "")
    assert reasons["came late"] == ("delivered 4 days after the promised day", "", "")
    assert reasons["quiet"] == reasons["unknown"] == ("", "", "")


def test_every_sign_has_a_feature_with_a_sentence() -> None:
    for sign in SIGNS:
        assert FEATURES[sign.says].says, sign.name
        assert sign.times > 1.0, sign.name


@pytest.mark.parametrize(
    ("ended", "disputed", "rate"),
    [
        (0, 0, 0.03),
        # a store without any dispute is one whose disputes are not loaded
        (5_000, 0, 0.03),
        (300, 15, 0.04),
        # with many orders its own rate dominates
        (100_000, 1_000, (9 + 1_000) / 100_300),
    ],
)
def test_the_store_s_own_orders_soon_outweigh_the_assumption(
    ended: int, disputed: int, rate: float
) -> None:
    assert assumed_rate(0.03, ended, disputed) == pytest.approx(rate)
