"""The rates by which a platform judges a store, as of any day, overall and by any dimension.

Only facts known when the day starts are counted, so the rates of a past day are those that were
knowable then. Days are those of the store's zone. There are two bases:

- event day: orders filed, closed, escalated or ruled in the window, whenever they were placed;
- order day: orders placed in the window, with their current outcome.

Orders that may still be disputed are `maturing`. They are counted separately and never as orders
without a dispute.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import polars as pl

from features.clock import in_days
from features.indicators.indicator_rules import Rate
from features.indicators.order_groups import groups_of
from features.indicators.order_outcomes import DAYS, order_outcomes
from features.indicators.policy import Denominator, Event
from features.spine import DEFAULT_WINDOW, DisputeWindow
from features.tables import Tables

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
    """Boolean expressions on `order_outcomes`: which orders count where.

    The keys are `denominator`, `counted` (numerator as filed), `netted` (numerator without
    withdrawn disputes), `withdrawn` and `maturing`.
    """
    first, until = window
    by_order = in_days(pl.col("ordered_day"), first, until)

    def happened(columns: Sequence[str]) -> pl.Expr:
        if rate.basis == "order_day":
            return by_order & reduce(or_, [pl.col(c).is_not_null() for c in columns])
        return reduce(or_, [in_days(pl.col(c), first, until).fill_null(False) for c in columns])

    counted = happened([_EVENT_DAY[event] for event in rate.numerator])
    others = [_EVENT_DAY[event] for event in rate.numerator if event != "filed"]
    is_withdrawn = pl.col("withdrawn_day").is_not_null() & (
        ~happened(others) if others else pl.lit(True)
    )
    maturing = pl.col("is_open")
    if rate.numerator != ("filed",):
        # an open dispute may still be escalated or ruled
        maturing = maturing | (
            pl.col("is_in_dispute") & pl.col(_EVENT_DAY[rate.numerator[0]]).is_null()
        )
    return {
        "denominator": happened(_DENOMINATOR_DAYS[rate.denominator]),
        "counted": counted,
        "netted": counted & ~is_withdrawn,
        "withdrawn": happened(["withdrawn_day"]),
        "maturing": maturing & by_order if rate.basis == "order_day" else maturing,
    }


def measure_rates(
    tables: Tables,
    as_of_day: int,
    rates: Sequence[Rate],
    *,
    dimensions: Sequence[str] = (),
    window: DisputeWindow = DEFAULT_WINDOW,
) -> pl.DataFrame:
    """Measure rates for the whole store (`dimension` "all") and each value of each dimension.

    Returns one row per rate, `withdrawals` ("counted" and, if the policy nets withdrawals,
    "netted") and group. docs/reference/policies.md describes the columns.
    """
    counts = count_groups(tables, as_of_day, rates, dimensions=dimensions, window=window)
    return rates_of(counts, rates)


def rates_of(counts: pl.DataFrame, rates: Sequence[Rate]) -> pl.DataFrame:
    """`measure_rates` from what was counted."""
    return pl.concat(
        [_rows(counts, rate, number) for number, rate in enumerate(rates)], how="vertical_relaxed"
    )


def count_groups(
    tables: Tables,
    as_of_day: int,
    rates: Sequence[Rate],
    *,
    dimensions: Sequence[str] = (),
    window: DisputeWindow = DEFAULT_WINDOW,
) -> pl.DataFrame:
    """What `measure_rates` counts: one row per `dimension, value`, the store first.

    The counts of a store are the sums over any parts of its orders:
    see `order_groups.add_up_groups`.
    """
    # most orders of a long history have no event in any window and are not open
    oldest = min((first for rate in rates for first, _ in rate.windows), default=as_of_day)
    outcomes = order_outcomes(tables, as_of_day, window, since_day=oldest)
    last_day = pl.max_horizontal("ordered_day", *DAYS)
    outcomes = outcomes.filter(
        in_days(last_day, oldest, as_of_day) | pl.col("is_open") | pl.col("is_in_dispute")
    )
    flags, amounts = _flags_and_amounts(rates)
    marked = outcomes.select("order_id", "country", "lane", **flags, **amounts)
    marked = marked.filter(pl.any_horizontal(list(flags)))
    sums = [pl.col(*flags, *amounts).sum()]
    all_orders = pl.lit("all").alias("dimension"), pl.lit("all").alias("value")
    groups = [marked.select(sums).select(*all_orders, pl.all())]
    for dimension, members in groups_of(tables, marked, dimensions, as_of_day):
        by_value = members.join(marked, on="order_id", how="left").group_by("value").agg(sums)
        groups.append(by_value.sort("value").select(pl.lit(dimension).alias("dimension"), pl.all()))
    return pl.concat(groups, how="vertical_relaxed")


def _flags_and_amounts(rates: Sequence[Rate]) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """Columns to be summed: `<rate number> <now or before> <name>`, and `usd ...` for amounts."""
    flags: dict[str, pl.Expr] = {}
    amounts: dict[str, pl.Expr] = {}
    for number, rate in enumerate(rates):
        for when, days in zip(("now", "before"), rate.windows, strict=True):
            for name, is_in in membership(rate, days).items():
                key = f"{number} {when} {name}"
                flags[key] = is_in
                if rate.is_amount and name != "maturing":
                    disputed = pl.coalesce("disputed_usd", "total_usd")
                    usd = pl.col("total_usd") if name == "denominator" else disputed
                    # whole cents, so that the sum is the same in any order
                    cents = (usd * 100.0).round().cast(pl.Int64)
                    amounts[f"usd {key}"] = pl.when(is_in).then(cents).otherwise(0)
            is_maturing = flags[f"{number} {when} maturing"]
            flags[f"{number} {when} unfinished"] = (
                is_maturing & flags[f"{number} {when} denominator"]
            )
    return flags, amounts


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
            remaining = total(when, "counted", as_usd=as_usd) - total(
                when, "withdrawn", as_usd=as_usd
            )
            return pl.max_horizontal(remaining, pl.lit(0.0))
        return total(when, kind, as_usd=as_usd)

    def share(above: pl.Expr, below: pl.Expr) -> pl.Expr:
        return pl.when(below > 0).then(above / below)

    rates = {when: share(numerator(when), total(when, "denominator")) for when in ("now", "before")}
    above, below = numerator("now", as_usd=False), total("now", "denominator", as_usd=False)
    low, high = wilson(above, below)
    judged = (above >= rate.least_numerator) & (below >= max(rate.least_denominator, 1))
    finished = share(above, below - total("now", "unfinished", as_usd=False))
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
        # by order day: the rate without the orders that may still be disputed
        rate_of_finished=finished if rate.basis == "order_day" and not rate.is_amount else None,
    ).with_columns(pl.col("low", "high", "rate_of_finished").cast(pl.Float64))


def wilson(above: pl.Expr, below: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Bounds of the 95 % score interval of a share (Wilson 1927).

    Null if the denominator is 0, or if the numerator is larger because it is not a part of the
    denominator (filed this month, shipped last month).
    """
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
