"""The indicators that a store is judged by, as of any day, overall and by any dimension.

Everything is counted from facts known when the day starts, so the indicators of a past day are
those that were knowable then. Days are those of the store's zone. By event day: what was filed,
closed, escalated or ruled in the window, whenever it was ordered. By order day: the orders placed
in the window, and how they stand. Orders that may still be disputed are `maturing`: counted beside
the rate, never as clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

import polars as pl

from features.asof import visible
from features.clock import in_days
from features.indicators.indicator_rules import Rate
from features.indicators.order_outcomes import DAYS, order_outcomes
from features.indicators.policy import Denominator, Event
from features.spine import DEFAULT_WINDOW, DisputeWindow
from features.tables import Tables

DIMENSIONS = ("category", "product", "country", "carrier", "supplier", "lane")
# normal quantile of a 95 % interval
Z = 1.959964
_EVENT_DAY: dict[Event, str] = {
    "filed": "filed_day",
    "escalated": "escalated_day",
    "seller_liable": "seller_liable_day",
    "negative_review": "negative_review_day",
}
_DENOMINATOR_DAYS: dict[Denominator, tuple[str, ...]] = {
    "closed_or_disputed": ("confirmed_day", "filed_day"),
    "closed_resolved_or_escalated": ("confirmed_day", "resolved_day", "escalated_day"),
    "closed_resolved_or_ruled": ("confirmed_day", "resolved_day", "ruled_day"),
    "shipped": ("shipped_day",),
    "ordered": ("ordered_day",),
}


def membership(rate: Rate, window: tuple[int, int]) -> dict[str, pl.Expr]:
    """Which orders of `order_outcomes` count: `denominator`, `counted` (numerator as filed),
    `netted` (less withdrawn), `withdrawn` and `maturing`."""
    first, until = window
    by_order = in_days(pl.col("ordered_day"), first, until)

    def happened(columns: Sequence[str]) -> pl.Expr:
        if rate.basis == "order_day":
            return by_order & reduce(or_, [pl.col(c).is_not_null() for c in columns])
        return reduce(or_, [in_days(pl.col(c), first, until).fill_null(False) for c in columns])

    counted = happened([_EVENT_DAY[event] for event in rate.numerator])
    others = [_EVENT_DAY[event] for event in rate.numerator if event != "filed"]
    is_gone = pl.col("withdrawn_day").is_not_null() & (
        ~happened(others) if others else pl.lit(True)
    )
    maturing = pl.col("is_open")
    if rate.numerator != ("filed",):
        # filed, and not ended: it may still be escalated or ruled
        maturing = maturing | (
            pl.col("is_in_dispute") & pl.col(_EVENT_DAY[rate.numerator[0]]).is_null()
        )
    return {
        "denominator": happened(_DENOMINATOR_DAYS[rate.denominator]),
        "counted": counted,
        "netted": counted & ~is_gone,
        "withdrawn": happened(["withdrawn_day"]),
        "maturing": maturing & by_order if rate.basis == "order_day" else maturing,
    }


def groups_of(
    tables: Tables, outcomes: pl.DataFrame, dimensions: Sequence[str], as_of_day: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each dimension with one row per order of `outcomes` (`order_id, country, lane`) and value:
    `order_id, value`. An order with two products counts in both groups, so groups may add up to
    more than the whole."""
    orders = outcomes.select("order_id")
    by_line = {"product": "product_id", "supplier": "supplier_id", "category": "category"}
    lines = pl.DataFrame()
    if by_line.keys() & set(dimensions):
        facts = tables["order_lines"].select("order_id", "product_id", "supplier_id", "known_day")
        lines = visible(facts.join(orders, on="order_id", how="semi"), as_of_day)
        products = visible(tables["products"], as_of_day).select("product_id", "category")
        lines = lines.join(products, on="product_id", how="left")
    for dimension in dimensions:
        if dimension in by_line:
            told = lines.select("order_id", value=pl.col(by_line[dimension])).unique()
        elif dimension == "carrier":
            sent = tables["shipments"].select("order_id", "carrier", "known_day")
            sent = visible(sent.join(orders, on="order_id", how="semi"), as_of_day)
            told = sent.select("order_id", value="carrier").unique()
        else:
            told = outcomes.select("order_id", value=pl.col(dimension))
        told = orders.join(told, on="order_id", how="left")
        yield dimension, told.with_columns(pl.col("value").fill_null("unknown"))


def measure_rates(
    tables: Tables,
    as_of_day: int,
    rates: Sequence[Rate],
    *,
    dimensions: Sequence[str] = (),
    window: DisputeWindow = DEFAULT_WINDOW,
) -> pl.DataFrame:
    """One row per rate, withdrawals `counted` and, where the policy nets them, `netted`, and group:
    the whole store (`dimension` "all"), then each value of each dimension. The columns are told in
    docs/policies.md."""
    # most of a long history neither happened in a window nor is still open
    oldest = min((first for rate in rates for first, _ in rate.windows), default=as_of_day)
    outcomes = order_outcomes(tables, as_of_day, window, since_day=oldest)
    last_day = pl.max_horizontal("ordered_day", *DAYS)
    outcomes = outcomes.filter(
        in_days(last_day, oldest, as_of_day) | pl.col("is_open") | pl.col("is_in_dispute")
    )
    flags, amounts = {}, {}
    for number, rate in enumerate(rates):
        for when, days in zip(("now", "before"), rate.windows, strict=True):
            for name, is_in in membership(rate, days).items():
                key = f"{number} {when} {name}"
                flags[key] = is_in
                if rate.is_amount and name != "maturing":
                    worth = (
                        pl.col("total_usd")
                        if name == "denominator"
                        else pl.coalesce("disputed_usd", "total_usd")
                    )
                    # whole cents, so that their sum is the same in any order
                    cents = (worth * 100.0).round().cast(pl.Int64)
                    amounts[f"usd {key}"] = pl.when(is_in).then(cents).otherwise(0)
            inside = flags[f"{number} {when} maturing"] & flags[f"{number} {when} denominator"]
            flags[f"{number} {when} unripe"] = inside
    marked = outcomes.select("order_id", "country", "lane", **flags, **amounts)
    marked = marked.filter(pl.any_horizontal(list(flags)))
    sums = [pl.col(*flags, *amounts).sum()]
    groups = [
        marked.select(sums).select(
            pl.lit("all").alias("dimension"), pl.lit("all").alias("value"), pl.all()
        )
    ]
    for dimension, told in groups_of(tables, marked, dimensions, as_of_day):
        told = told.join(marked, on="order_id", how="left")
        groups.append(
            told.group_by("value")
            .agg(sums)
            .sort("value")
            .select(pl.lit(dimension).alias("dimension"), pl.all())
        )
    counts = pl.concat(groups, how="vertical_relaxed")
    return pl.concat(
        [_rows(counts, rate, number) for number, rate in enumerate(rates)], how="vertical_relaxed"
    )


def _rows(counts: pl.DataFrame, rate: Rate, number: int) -> pl.DataFrame:
    kinds = (
        ["counted", "netted"]
        if rate.netting != "none" and "filed" in rate.numerator
        else ["counted"]
    )
    return pl.concat([_row(counts, rate, number, kind) for kind in kinds])


def _row(counts: pl.DataFrame, rate: Rate, number: int, kind: str) -> pl.DataFrame:
    def total(when: str, name: str, *, as_usd: bool = rate.is_amount) -> pl.Expr:
        return pl.col(f"{'usd ' if as_usd else ''}{number} {when} {name}") * (
            0.01 if as_usd else 1.0
        )

    def numerator(when: str, *, as_usd: bool = rate.is_amount) -> pl.Expr:
        if kind == "netted" and rate.netting == "withdrawal_in_window":
            less = total(when, "counted", as_usd=as_usd) - total(when, "withdrawn", as_usd=as_usd)
            return pl.max_horizontal(less, pl.lit(0.0))
        return total(when, kind, as_usd=as_usd)

    def share(above: pl.Expr, below: pl.Expr) -> pl.Expr:
        return pl.when(below > 0).then(above / below)

    rates = {when: share(numerator(when), total(when, "denominator")) for when in ("now", "before")}
    above, below = numerator("now", as_usd=False), total("now", "denominator", as_usd=False)
    low, high = wilson(above, below)
    judged = (above >= rate.least_numerator) & (below >= max(rate.least_denominator, 1))
    finished = share(above, below - total("now", "unripe", as_usd=False))
    limit = pl.lit(rate.limit, pl.Float64)
    has_passed = rates["now"] >= limit if rate.is_breach_at_limit else rates["now"] > limit
    return counts.select(
        "dimension",
        "value",
        indicator=pl.lit(rate.name),
        withdrawals=pl.lit(kind),
        basis=pl.lit(rate.basis),
        measure=pl.lit("usd" if rate.is_amount else "orders"),
        numerator=numerator("now"),
        denominator=total("now", "denominator"),
        rate=rates["now"],
        low=None if rate.is_amount else low,
        high=None if rate.is_amount else high,
        rate_before=rates["before"],
        change=rates["now"] - rates["before"],
        limit=limit,
        distance=limit - rates["now"],
        is_over=pl.when(judged).then(has_passed),
        count_maturing=total("now", "maturing", as_usd=False).cast(pl.Int64),
        # of orders placed in the window: without those that may still be disputed
        rate_of_finished=finished if rate.basis == "order_day" and not rate.is_amount else None,
    ).with_columns(pl.col("low", "high", "rate_of_finished").cast(pl.Float64))


def wilson(above: pl.Expr, below: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Bounds of the 95 % score interval of a share (Wilson 1927); null without a denominator, or
    where the numerator is no part of it (filed this month, shipped the last)."""
    share, square = above / below, Z * Z
    middle = (share + square / (2 * below)) / (1 + square / below)
    half = (
        Z
        / (1 + square / below)
        * (share * (1 - share) / below + square / (4 * below * below)).sqrt()
    )
    is_share = (below > 0) & (above <= below)
    low = pl.when(is_share).then(pl.max_horizontal(middle - half, pl.lit(0.0)))
    return low, pl.when(is_share).then(pl.min_horizontal(middle + half, pl.lit(1.0)))
