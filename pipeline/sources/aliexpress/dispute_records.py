"""Disputes out of what the dumps showed: the list tells that there is one, the detail its steps.

A dispute is joined by order line and the moment it was opened, because the detail's `id` is not the
list's `issue_id`. The platform has no field for the liable party. Proxy: it ruled, and its solution
pays the buyer back or lays the freight on the seller; `liability.csv` (`order_id, liable`)
overrules that. A dispute that is over, of which no detail was fetched, is told as refunded without
an amount: nobody knows how it ended. Source: platform-rules 5.4.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.sources.aliexpress.dumps import SEEN
from pipeline.sources.aliexpress.order_records import Known
from pipeline.sources.aliexpress.record_checks import Rows
from pipeline.sources.phrases import cause_of

KEY = ["line_id", "opened_at"]
OURS = r"^seller_(accept|refuse|reject|create|modify|delete|.*solution)"
PROPOSALS = ("buyer_solution", "seller_solution", "platform_solution")
RULED = ("platform_force_reach", "platform_arbitrate")


def dispute_frame(
    rows: Rows, known: Known, usd_per: Mapping[str, float], liability: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    """The steps of all disputes, and of how many the reason is in none of the lists."""
    listed, steps = (
        rows["disputes"].sort(SEEN, maintain_order=True),
        rows["dispute_steps"].sort(SEEN, maintain_order=True),
    )
    rate = pl.col("currency").replace_strict(dict(usd_per), default=None, return_dtype=pl.Float64)
    steps = steps.with_columns(amount_usd=pl.col("amount") * rate)
    heads = _heads(listed, steps)
    parts = [
        _opened(heads),
        *_steps(steps, heads, liability),
        _withdrawn(listed, steps),
        _over(listed, steps),
    ]
    every = pl.concat(
        [part.with_columns(part["occurred_at"].cast(heads["occurred_at"].dtype)) for part in parts],
        how="diagonal",
    )
    every = every.join(
        heads.select(*KEY, "cause", "reason", whose="order_id"),
        on=KEY,
        how="inner",
        maintain_order="left",
    )
    moment = pl.col("opened_at").dt.epoch("s").cast(pl.String)
    nth = pl.int_range(1, pl.len() + 1).over(*KEY, "step").cast(pl.String)
    dispute = pl.concat_str("line_id", moment, separator="-")
    every = every.with_columns(
        order_id=pl.col("whose"),
        dispute_id=dispute,
        step_id=pl.concat_str(dispute, "step", nth, separator="-"),
        occurred_at=pl.max_horizontal("occurred_at", "opened_at"),
    ).with_columns(known_at=known.at())
    return every, heads.filter(cause="unknown").height


def _heads(listed: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """One row per dispute: its order, when it was seen first, its reason and cause, what was asked
    for."""
    # newest first is how the platform lists them
    proposed = steps.filter(actor="buyer").sort("stepped_at", maintain_order=True)
    asked = proposed.group_by(KEY).agg(asked_usd=pl.col("amount_usd").drop_nulls().first())
    heads = listed.group_by(KEY, maintain_order=True).agg(
        pl.col(SEEN).first(),
        *[
            pl.col(c).drop_nulls().first()
            for c in ("order_id", "reason", "reason_english", "goods_received")
        ],
    )
    reason = pl.coalesce("reason", "reason_english")
    return heads.join(asked, on=KEY, how="left", maintain_order="left").with_columns(
        occurred_at=pl.col("opened_at"),
        reason=reason,
        cause=cause_of(reason, pl.col("goods_received")),
    )


def _opened(heads: pl.DataFrame) -> pl.DataFrame:
    return heads.select(
        *KEY,
        "occurred_at",
        SEEN,
        step=pl.lit("opened"),
        actor=pl.lit("buyer"),
        amount_usd="asked_usd",
    )


def _first(steps: pl.DataFrame, which: pl.Expr, step: str, actor: str) -> pl.DataFrame:
    """The first that fits: by the process, which says when it was done; of a proposal only its own
    time is told."""
    fits = steps.filter(which).sort(pl.col("action").is_in(PROPOSALS), maintain_order=True)
    found = fits.unique(KEY, keep="first", maintain_order=True)
    return found.select(
        *KEY, occurred_at="stepped_at", **{SEEN: SEEN}, step=pl.lit(step), actor=pl.lit(actor)
    )


def _steps(steps: pl.DataFrame, heads: pl.DataFrame, liability: pl.DataFrame) -> list[pl.DataFrame]:
    action = pl.col("action").fill_null("")
    in_time = steps.sort("stepped_at", SEEN, maintain_order=True)
    answers = in_time.filter(action.str.contains(OURS)).unique(
        [*KEY, "stepped_at"], keep="first", maintain_order=True
    )
    answered = answers.select(
        *KEY, SEEN, occurred_at="stepped_at", step=pl.lit("answered"), actor=pl.lit("seller")
    )
    is_ruling = action.is_in(RULED) | (pl.col("reached_type") == "platform_arbitrate").fill_null(
        False
    )
    ruled = _first(in_time, is_ruling, "ruled", "platform")
    by_buyer = _first(in_time, action == "buyer_initiate_arbitration", "escalated", "buyer")
    # what the platform ruled was before it, by itself if nobody took it there
    by_itself = ruled.join(by_buyer, on=KEY, how="anti", maintain_order="left").with_columns(
        step=pl.lit("escalated")
    )
    of_platform = in_time.filter(pl.col("actor") == "platform")
    platform = of_platform.group_by(KEY).agg(
        paid_back=pl.col("amount_usd").max(),
        pays_back=pl.col("amount").max(),
        freight_by=pl.col("freight_by").drop_nulls().last(),
    )
    ruled = ruled.join(platform, on=KEY, how="left", maintain_order="left").join(
        heads.select(*KEY, "order_id"), on=KEY, how="left", maintain_order="left"
    )
    lost = (pl.col("pays_back").fill_null(0.0) > 0) | (pl.col("freight_by") == "seller").fill_null(
        False
    )
    proxy = pl.when(lost).then(pl.lit("seller")).otherwise(pl.lit("buyer"))
    ruled = ruled.join(liability, on="order_id", how="left", maintain_order="left").with_columns(
        liable=pl.coalesce("liable", proxy), amount_usd=pl.col("paid_back")
    )
    done = (action == "perform_solution") | (pl.col("status") == "perform").fill_null(False)
    refunded = _first(in_time, done, "refunded", "platform")
    paid = in_time.filter(
        pl.col("status").is_in(("reached", "perform")) | (pl.col("actor") == "platform")
    )
    paid = paid.group_by(KEY).agg(amount_usd=pl.col("amount_usd").drop_nulls().last())
    refunded = refunded.join(paid, on=KEY, how="left", maintain_order="left")
    return [
        answered,
        by_buyer,
        by_itself,
        ruled.drop("paid_back", "pays_back", "freight_by", "order_id"),
        refunded,
    ]


def _withdrawn(listed: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    by_step = steps.filter(pl.col("action") == "cancel").select(*KEY, SEEN, at="stepped_at")
    by_list = listed.filter(pl.col("status") == "canceled_issue").select(
        *KEY, SEEN, at=pl.coalesce("updated_at", SEEN)
    )
    found = (
        pl.concat([by_step, by_list])
        .sort(SEEN, maintain_order=True)
        .unique(KEY, keep="first", maintain_order=True)
    )
    return found.select(
        *KEY, SEEN, occurred_at="at", step=pl.lit("withdrawn"), actor=pl.lit("buyer")
    )


def _over(listed: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Over, and nobody fetched how."""
    over = listed.filter(pl.col("status") == "finish").join(
        steps, on=KEY, how="anti", maintain_order="left"
    )
    over = over.unique(KEY, keep="first", maintain_order=True)
    return over.select(
        *KEY, SEEN, occurred_at=pl.coalesce("updated_at", SEEN), step=pl.lit("refunded")
    )
