"""The words of shops and payment providers for how an order was paid."""

from __future__ import annotations

import polars as pl
import pytest

from features.tables import PAYMENT_TYPES
from pipeline.sources.olist.olist_source import PAYMENT_TYPES as OLIST
from pipeline.sources.reading.payment_words import WORDS, payment_type


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Shopify Payments", "card"),
        ("Credit Card (Stripe)", "card"),
        ("online_cc", "card"),
        ("PayPal Express Checkout", "wallet"),
        ("Direct bank transfer", "bank_transfer"),
        ("bacs", "bank_transfer"),
        ("Check payments", "bank_transfer"),
        ("Cash on delivery", "cash_on_delivery"),
        ("cod", "cash_on_delivery"),
        ("Gift Card", "voucher"),
        ("manual", "other"),
        ("  ", None),
        (None, None),
    ],
)
def test_each_word_has_a_type(words: str | None, expected: str | None) -> None:
    frame = pl.DataFrame({"words": [words]}, schema={"words": pl.String})
    assert frame.select(payment_type(pl.col("words"))).item() == expected


def test_all_types_are_types_of_the_table() -> None:
    assert {*WORDS, "other"} == set(PAYMENT_TYPES)
    assert set(OLIST.values()) <= set(PAYMENT_TYPES)
