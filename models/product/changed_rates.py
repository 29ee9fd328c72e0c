"""Findings of the monitor: suppliers and products whose dispute rate rose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from features.sentence import sentence
from models.monitoring.sequential_monitoring import ACT, FINE, Finding, look_at
from models.product.product_table import Reviewed
from models.product.recent_rates import TREND_DAYS, expected_disputes

# the most findings about suppliers, and about products; products.csv has all
MOST_FINDINGS = 12


def rate_findings(reviewed: Reviewed) -> list[Finding]:
    """Suppliers first. A supplier is left out if one of its products explains its rise, and a
    product if the finding about its supplier is as serious.
    """
    changes = reviewed.supplier_changes.with_columns(
        level=pl.when("of_one_product").then(pl.lit(FINE)).otherwise("level")
    )
    of_supplier = changes["level"].gather(reviewed.supplier.codes)
    products = reviewed.products.hstack(reviewed.product_changes).with_columns(
        name=pl.col("product_id"), group=pl.Series(reviewed.supplier.codes)
    )
    alone = products.filter(pl.col("level") != of_supplier)
    sums = pl.col("count_disputes", "exposure", "count_disputes_90d", "exposure_90d").sum()
    suppliers = products.group_by("group").agg(sums).sort("group").hstack(changes)
    suppliers = suppliers.with_columns(name=reviewed.supplier.names)
    return [*_findings("supplier", suppliers), *_findings("product", alone)]


def _findings(kind: str, frame: pl.DataFrame) -> list[Finding]:
    changed = frame.filter(pl.col("level") != FINE)
    changed = changed.with_columns(expected=expected_disputes(TREND_DAYS))
    worst_first = changed.sort(
        pl.col("level") == ACT,
        pl.col("count_disputes_90d") - pl.col("expected"),
        "name",
        descending=[True, True, False],
    )
    return [_finding(kind, row) for row in worst_first.head(MOST_FINDINGS).iter_rows(named=True)]


def _finding(kind: str, row: Mapping[str, Any]) -> Finding:
    what = f"{kind} {row['name']}"
    counts = {
        "what": what,
        "day": row["changed_since"].isoformat(),
        "disputes": f"{row['count_disputes_90d']:,.0f}",
        "expected": f"{row['expected']:,.1f}",
    }
    if row["level"] == ACT:
        says = sentence(
            "finding.rate_rose",
            "{what}: its dispute rate rose about {day}: {disputes} dispute(s) in the orders of the "
            "last 90 days; its rate of the whole period gives {expected}",
            **counts,
        )
    else:
        says = sentence(
            "finding.rate_may_have_risen",
            "{what}: its dispute rate may have risen about {day}: {disputes} dispute(s) in the "
            "orders of the last 90 days; its rate of the whole period gives {expected}",
            **counts,
        )
    return Finding(row["level"], f"{kind}_rise", says, look_at(what))
