"""Payment family: how the buyer paid, as chosen at the checkout."""

from __future__ import annotations

import polars as pl

from features.feature import Feature
from features.totals.family_inputs import FamilyInputs

# how an order may be paid -> why it may matter
METHODS = {
    "card": "a card's bank takes the buyer's complaint too",
    "bank_transfer": "the money is gone before the goods are sent, and takes days to arrive",
    "wallet": "the wallet's own protection is the buyer's first address",
    "voucher": "vouchers are often given for an earlier complaint",
    "cash_on_delivery": "the buyer may refuse the parcel at the door",
}
FEATURES = [
    *(
        Feature(f"payment_by_{method}", "1 if so, 0 if not, null if not known", why, theme="order")
        for method, why in METHODS.items()
    ),
    Feature(
        "payment_voucher_share",
        "share of the total",
        "what a voucher paid is not the buyer's own money",
        theme="order",
    ),
]


def build(inputs: FamilyInputs) -> pl.DataFrame:
    """One row per spine row, in its order. Uses the order alone."""
    total = pl.col("total_usd")
    return inputs.rows.select(
        **{f"payment_by_{method}": pl.col("payment_type") == method for method in METHODS},
        payment_voucher_share=pl.when(total > 0).then(pl.col("voucher_usd") / total),
    )
