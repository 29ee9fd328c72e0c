"""The contract for the canonical tables: keys, references, order in time and sums.

`row_contract` checks each row by itself. This module adds the checks across rows and tables. Rows
that break the contract are reported with a reason, and so are the rows that refer to them.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.tables import TABLES
from pipeline.sources.reading.repeated_keys import repeated_rows
from pipeline.sources.row_contract import FAULTS, INDEX, fault_rows, row_faults

CENT_USD = 0.01
REFERRED = {"orders", "order_lines", "products"}
Faults = dict[str, pl.DataFrame]


def find_faults(
    frames: Mapping[str, pl.DataFrame],
    refused: Mapping[str, pl.Series] | None = None,
    incomplete: pl.Series | None = None,
) -> Faults:
    """Return the faults by table: `__index__, column, reason, is_cascade`, one row per fault.

    `__index__` is the row's position in its frame. `refused` has, by table, the positions of rows
    that were rejected earlier: rows that refer to them cascade, but they are not reported again.
    `incomplete` has the ids of orders with a line that is in no frame. Raises `ValueError` if a
    frame lacks a column or has another type, which is a defect of the source.
    """
    checks = _FaultCollector(frames, refused or {})
    for name in checks.rows:
        checks.add(name, row_faults(name, checks.good(name)))
    if {"products", "order_lines"} <= checks.rows.keys():
        checks.add_unknown("order_lines", "product_id", "products")
    refused_lines = checks.refused("order_lines", "order_id")
    incomplete = refused_lines if incomplete is None else pl.concat([refused_lines, incomplete])
    # the other tables refer to these, or their sums are checked, so each key must be there once
    for name in REFERRED & checks.rows.keys():
        checks.add(name, _repeated(checks.good(name), TABLES[name].key))
    if {"orders", "order_lines"} <= checks.rows.keys():
        sums = _wrong_sums(checks.good("orders"), checks.good("order_lines"), incomplete)
        checks.add("orders", sums)
    for name in checks.rows:
        if name != "orders" and "orders" in checks.rows and "order_id" in TABLES[name].schema:
            checks.add_unknown(name, "order_id", "orders")
            checks.add(name, _too_early(checks.good(name), checks.good("orders")))
        if name not in REFERRED:
            checks.add(name, _repeated(checks.good(name), TABLES[name].key))
    if "disputes" in checks.rows:
        checks.add("disputes", _without_opening(checks.good("disputes")))
    return checks.new_faults()


class _FaultCollector:
    """The rows of each table with their positions, and the faults so far."""

    def __init__(
        self, frames: Mapping[str, pl.DataFrame], refused: Mapping[str, pl.Series]
    ) -> None:
        self.rows = {
            name: frame.with_row_index(INDEX).cast({INDEX: pl.Int64})
            for name, frame in frames.items()
        }
        # rows refused earlier have an empty reason
        self.faults = {
            name: fault_rows(
                pl.DataFrame({INDEX: refused.get(name, [])}, {INDEX: pl.Int64}), "", ""
            )
            for name in frames
        }
        self._good: dict[str, pl.DataFrame] = {}

    def add(self, name: str, faults: pl.DataFrame) -> None:
        if faults.height:
            self.faults[name] = pl.concat([self.faults[name], faults.select(*FAULTS)])
            self._good.pop(name, None)

    def add_unknown(self, name: str, column: str, other: str) -> None:
        """Add the rows whose `column` is not the id of a good row of table `other`."""
        entity = column.removesuffix("_id")
        known, others = self.good(other).select(column), self.rows[other].select(column)
        unknown = self.good(name).select(INDEX, column)
        unknown = unknown.join(known, on=column, how="anti", maintain_order="left")
        if unknown.is_empty():
            return
        rejected = unknown.join(others, on=column, how="semi", maintain_order="left")
        absent = unknown.join(others, on=column, how="anti", maintain_order="left")
        cascaded = fault_rows(rejected, column, f"its {entity} is in quarantine", is_cascade=True)
        self.add(name, pl.concat([cascaded, fault_rows(absent, column, f"unknown {entity}")]))

    def good(self, name: str) -> pl.DataFrame:
        """The rows without a fault so far."""
        if self.faults[name].is_empty():
            return self.rows[name]
        if name not in self._good:
            self._good[name] = self.rows[name].join(
                self.faults[name], on=INDEX, how="anti", maintain_order="left"
            )
        return self._good[name]

    def new_faults(self) -> Faults:
        """The faults by table, without the rows that were refused earlier."""
        reported = {
            name: faults.filter(pl.col("reason") != "") for name, faults in self.faults.items()
        }
        return {name: faults for name, faults in reported.items() if faults.height}

    def refused(self, name: str, column: str) -> pl.Series:
        """The values of `column` in rows with a fault."""
        if name not in self.rows:
            return pl.Series(column, [], pl.String)
        return self.rows[name].join(self.faults[name], on=INDEX, how="semi")[column]


def _repeated(frame: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    return fault_rows(
        repeated_rows(frame, key),
        key[-1],
        f"duplicate key ({', '.join(key)}); the first good row is kept",
    )


def _wrong_sums(orders: pl.DataFrame, lines: pl.DataFrame, incomplete: pl.Series) -> pl.DataFrame:
    """Orders whose total is above the sum of their lines, or whose shipping is above their total.

    total = items + shipping - discount, and a discount is never below 0. The tolerance is one cent
    per line, because each line may be rounded. `incomplete` has the orders with a rejected line;
    their sums are not checked.
    """
    line_usd = pl.col("quantity") * pl.col("unit_price_usd") + pl.col("shipping_usd")
    sums = lines.group_by("order_id").agg(lines_usd=line_usd.sum(), count_lines=pl.len())
    rows = orders.join(sums, on="order_id", how="inner", maintain_order="left")
    is_off = pl.col("total_usd") - pl.col("lines_usd") > CENT_USD * pl.col("count_lines") + 1e-6
    is_off = is_off & ~pl.col("order_id").is_in(incomplete.implode())
    reason = pl.format(
        "more than its lines add up to: quantity x price + shipping = {}",
        pl.col("lines_usd").round(2),
    )
    wrong_totals = fault_rows(rows.filter(is_off), "total_usd", reason)
    too_much = orders.filter(pl.col("shipping_usd") > pl.col("total_usd") + CENT_USD)
    wrong_shipping = fault_rows(too_much, "shipping_usd", "more than the total it is part of")
    return pl.concat([wrong_totals, wrong_shipping])


def _too_early(frame: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    placed = orders.select("order_id", placed_at="occurred_at")
    used = [name for name in ("occurred_at", "promised_at") if name in frame.columns]
    rows = frame.select(INDEX, "order_id", *used).join(
        placed, on="order_id", how="left", maintain_order="left"
    )
    early = rows.filter(pl.col("occurred_at") < pl.col("placed_at"))
    faults = [fault_rows(early, "occurred_at", "happened before its order was placed")]
    if "promised_at" in frame.columns:
        too_soon = rows.filter(pl.col("promised_at") < pl.col("placed_at"))
        reason = "promised for a time before its order was placed"
        faults.append(fault_rows(too_soon, "promised_at", reason))
    return pl.concat(faults)


def _without_opening(steps: pl.DataFrame) -> pl.DataFrame:
    """Steps of a dispute without a step 'opened', or before it."""
    by_dispute = steps.filter(step="opened").group_by("dispute_id")
    opened = by_dispute.agg(opened_at=pl.col("occurred_at").min())
    rows = steps.join(opened, on="dispute_id", how="left", maintain_order="left")
    unopened = rows.filter(pl.col("opened_at").is_null())
    early = rows.filter(pl.col("occurred_at") < pl.col("opened_at"))
    return pl.concat(
        [
            fault_rows(unopened, "dispute_id", "its dispute has no step 'opened'"),
            fault_rows(early, "occurred_at", "happened before its dispute was opened"),
        ]
    )
