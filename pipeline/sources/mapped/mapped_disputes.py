"""The steps of disputes from a mapping: which dispute they belong to, its cause and its line."""

from __future__ import annotations

from collections.abc import Mapping as Names

import polars as pl

from features.tables import TABLES
from pipeline.sources.mapped.mapped_facts import rate_of
from pipeline.sources.mapped.mapping import Mapping
from pipeline.sources.phrases import cause_of

CAUSES = next(column.choices for column in TABLES["disputes"].columns if column.name == "cause")


def dispute_steps(
    frame: pl.DataFrame, lines: pl.DataFrame, mapping: Mapping, usd_per: Names[str, float]
) -> pl.DataFrame:
    """The steps of disputes. A dispute without an id is the only one of its order.

    A dispute with a product but without a line is about the order's line of that product.

    The cause is that of the file; else it follows from the reason by the `causes` of the mapping,
    or by the wording of the platform's reasons. Otherwise it is unknown.

    An amount without a currency of its own is in that of the order.
    """
    # `make map` writes unknown for a reason that no one has decided
    decided = {reason: cause for reason, cause in mapping.causes.items() if cause != "unknown"}
    ours = {reason.strip().lower(): cause for reason, cause in decided.items()}
    lowercase = pl.col("reason").str.strip_chars().str.to_lowercase()
    by_mapping = lowercase.replace_strict(ours, default=None, return_dtype=pl.String)
    dispute = pl.coalesce("dispute_id", "order_id")
    frame = frame.with_columns(dispute_id=dispute).join(
        _lines_of_products(lines), on=["order_id", "product_id"], how="left", maintain_order="left"
    )
    first = pl.col("reason").drop_nulls().first().over("dispute_id", order_by="occurred_at")
    frame = frame.with_columns(reason=pl.coalesce("reason", first))
    nth = pl.int_range(1, pl.len() + 1).over("dispute_id", "step", order_by="occurred_at")
    nth = nth.cast(pl.String)
    own_cause = pl.when(pl.col("cause").is_in(CAUSES)).then("cause")
    by_wording = cause_of(pl.col("reason"), pl.lit(None, pl.String))
    own_rate = rate_of(pl.col("currency"), mapping, usd_per)
    rate = pl.when(pl.col("currency").is_null()).then("order_rate").otherwise(own_rate)
    return frame.with_columns(
        line_id=pl.coalesce("line_id", "product_line"),
        cause=pl.coalesce(own_cause, by_mapping, by_wording),
        step_id=pl.coalesce("step_id", pl.concat_str("dispute_id", "step", nth, separator="-")),
        amount_usd=pl.col("amount") * rate,
    )


def _lines_of_products(lines: pl.DataFrame) -> pl.DataFrame:
    """`order_id, product_id, product_line`: the first line of each product in its order. If several
    suppliers sent the product, the line is not known."""
    known = lines.filter(pl.col("product_id").is_not_null())
    first = pl.when(pl.col("supplier_id").n_unique() == 1).then(pl.col("line_id").first())
    return known.group_by("order_id", "product_id").agg(product_line=first)
