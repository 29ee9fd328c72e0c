"""What a message to each buyer is worth: the yardstick by which models are compared.

The night itself chooses among all actions (`models.actions`). Models are compared by one action
that is always possible, so that the comparison does not depend on the limits of a night.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.tables import CAUSE_SHARES, CAUSES


@dataclass(frozen=True)
class ContactCosts:
    """What turns a probability into money.

    `prevented_share` is the share of disputes that a message prevents, by (stage, cause); a dispute
    costs `refund_share` of the order value and `dispute_fixed_cost_usd`.
    """

    prevented_share: Mapping[tuple[str, str], float]
    dispute_fixed_cost_usd: float
    contact_cost_usd: float
    refund_share: float = 1.0


def add_expected_value(scored: pl.DataFrame, costs: ContactCosts) -> pl.DataFrame:
    """Add `expected_value_usd` of a message about each order.

    `scored` has `stage, probability, order_value_usd` and, where known, the shares of the causes;
    without them all causes count the same.

    Value = probability x share of disputes that a message prevents (by stage and cause) x cost of a
    dispute - cost of the message. A stage without a share gets no message.
    """
    cost = (
        pl.col("order_value_usd").fill_null(0.0) * costs.refund_share + costs.dispute_fixed_cost_usd
    )
    value = pl.col("probability") * _prevented(scored, costs) * cost - costs.contact_cost_usd
    return scored.with_columns(expected_value_usd=value)


def _prevented(scored: pl.DataFrame, costs: ContactCosts) -> pl.Expr:
    """The share prevented, averaged over the causes by their probability."""

    def of_cause(cause: str) -> pl.Expr:
        shares = {s: share for (s, c), share in costs.prevented_share.items() if c == cause}
        return pl.col("stage").replace_strict(shares, default=0.0, return_dtype=pl.Float64)

    mean = pl.sum_horizontal(map(of_cause, CAUSES)) / len(CAUSES)
    if CAUSE_SHARES[0] not in scored.columns:
        return mean
    parts = [
        pl.col(name) * of_cause(cause) for name, cause in zip(CAUSE_SHARES, CAUSES, strict=True)
    ]
    return pl.coalesce(pl.sum_horizontal(parts, ignore_nulls=False), mean)


def choose_contacts(scored: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """The `capacity` orders most worth a message, best first, with `rank`.

    Orders that cost more to contact than they save are left out.
    """
    worthwhile = scored.filter(pl.col("expected_value_usd") > 0)
    best = worthwhile.sort(["expected_value_usd", "order_id"], descending=[True, False]).head(
        capacity
    )
    return best.with_row_index("rank", offset=1)
