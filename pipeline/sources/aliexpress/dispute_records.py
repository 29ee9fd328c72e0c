"""Steps of disputes, from the rows of the dumps: the list has the disputes, the detail their steps.

Order line and time of opening identify a dispute, because the detail's `id` is not the list's
`issue_id`. The platform has no field for the liable party. As a proxy, the seller is liable if the
platform ruled, and its solution refunds the buyer or makes the seller pay the freight;
`liability.csv` (`order_id, liable`) overrides the proxy. A finished dispute without a fetched
detail counts as refunded without an amount, because its outcome is unknown. Source: platform-rules
5.4.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.sources.aliexpress.dumps import SEEN
from pipeline.sources.aliexpress.order_records import KnownAtRule
from pipeline.sources.aliexpress.record_checks import Rows
from pipeline.sources.phrases import cause_of

KEY = ["line_id", "opened_at"]
SELLER_ACTIONS = r"^seller_(accept|refuse|reject|create|modify|delete|.*solution)"
PROPOSALS = ("buyer_solution", "seller_solution", "platform_solution")
RULINGS = ("platform_force_reach", "platform_arbitrate")


def dispute_frame(
    rows: Rows, rule: KnownAtRule, usd_per: Mapping[str, float], liability: pl.DataFrame
) -> tuple[pl.DataFrame, int]:
    """Return the steps of all disputes, and the number of disputes with an unknown cause.

    `liability`: `order_id, liable`.
    """
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
        _finished(listed, steps),
    ]
    frame = pl.concat(
        [part.with_columns(part["occurred_at"].cast(heads["occurred_at"].dtype)) for part in parts],
        how="diagonal",
    )
    frame = frame.join(
        heads.select(*KEY, "cause", "reason", dispute_order_id="order_id"),
        on=KEY,
        how="inner",
        maintain_order="left",
    )
    moment = pl.col("opened_at").dt.epoch("s").cast(pl.String)
    nth = pl.int_range(1, pl.len() + 1).over(*KEY, "step").cast(pl.String)
    dispute = pl.concat_str("line_id", moment, separator="-")
    frame = frame.with_columns(
        order_id=pl.col("dispute_order_id"),
        dispute_id=dispute,
        step_id=pl.concat_str(dispute, "step", nth, separator="-"),
        occurred_at=pl.max_horizontal("occurred_at", "opened_at"),
    ).with_columns(known_at=rule.known_at())
    return frame, heads.filter(cause="unknown").height


def _heads(listed: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """One row per dispute: order, first seen, reason, cause and the first amount requested."""
    # the platform lists proposals with the newest first
    proposed = steps.filter(actor="buyer").sort("stepped_at", maintain_order=True)
    requested = proposed.group_by(KEY).agg(requested_usd=pl.col("amount_usd").drop_nulls().first())
    heads = listed.group_by(KEY, maintain_order=True).agg(
        pl.col(SEEN).first(),
        *[
            pl.col(c).drop_nulls().first()
            for c in ("order_id", "reason", "reason_english", "goods_received")
        ],
    )
    reason = pl.coalesce("reason", "reason_english")
    return heads.join(requested, on=KEY, how="left", maintain_order="left").with_columns(
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
        amount_usd="requested_usd",
    )


def _first(steps: pl.DataFrame, which: pl.Expr, step: str, actor: str) -> pl.DataFrame:
    """The first matching step of each dispute.

    Steps of the process come before proposals: they have the time when the step was done, and
    proposals only the time when they were made.
    """
    matching = steps.filter(which).sort(pl.col("action").is_in(PROPOSALS), maintain_order=True)
    first = matching.unique(KEY, keep="first", maintain_order=True)
    return first.select(
        *KEY, occurred_at="stepped_at", **{SEEN: SEEN}, step=pl.lit(step), actor=pl.lit(actor)
    )


def _steps(steps: pl.DataFrame, heads: pl.DataFrame, liability: pl.DataFrame) -> list[pl.DataFrame]:
    """The steps between opening and end: answered, escalated, ruled, refunded."""
    action = pl.col("action").fill_null("")
    in_time = steps.sort("stepped_at", SEEN, maintain_order=True)
    answers = in_time.filter(action.str.contains(SELLER_ACTIONS)).unique(
        [*KEY, "stepped_at"], keep="first", maintain_order=True
    )
    answered = answers.select(
        *KEY, SEEN, occurred_at="stepped_at", step=pl.lit("answered"), actor=pl.lit("seller")
    )
    by_arbitration = pl.col("reached_type") == "platform_arbitrate"
    is_ruling = action.is_in(RULINGS) | by_arbitration.fill_null(False)
    ruled = _first(in_time, is_ruling, "ruled", "platform")
    by_buyer = _first(in_time, action == "buyer_initiate_arbitration", "escalated", "buyer")
    # a dispute with a ruling went to the platform; automatically, if the buyer did not escalate it
    automatic = ruled.join(by_buyer, on=KEY, how="anti", maintain_order="left").with_columns(
        step=pl.lit("escalated")
    )
    return [
        answered,
        by_buyer,
        automatic,
        _with_liable(ruled, in_time, heads, liability),
        _refunded(in_time),
    ]


def _with_liable(
    ruled: pl.DataFrame, in_time: pl.DataFrame, heads: pl.DataFrame, liability: pl.DataFrame
) -> pl.DataFrame:
    """The rulings with the amount refunded and the liable party."""
    by_platform = in_time.filter(pl.col("actor") == "platform")
    solutions = by_platform.group_by(KEY).agg(
        amount_usd=pl.col("amount_usd").max(),
        refund=pl.col("amount").max(),
        freight_by=pl.col("freight_by").drop_nulls().last(),
    )
    ruled = (
        ruled.join(solutions, on=KEY, how="left", maintain_order="left")
        .join(heads.select(*KEY, "order_id"), on=KEY, how="left", maintain_order="left")
        .join(liability, on="order_id", how="left", maintain_order="left")
    )
    pays_freight = (pl.col("freight_by") == "seller").fill_null(False)
    is_lost = (pl.col("refund").fill_null(0.0) > 0) | pays_freight
    proxy = pl.when(is_lost).then(pl.lit("seller")).otherwise(pl.lit("buyer"))
    return ruled.with_columns(liable=pl.coalesce("liable", proxy)).drop(
        "refund", "freight_by", "order_id"
    )


def _refunded(in_time: pl.DataFrame) -> pl.DataFrame:
    """The first step of each dispute that carries out a solution, with the last agreed amount."""
    action = pl.col("action").fill_null("")
    is_done = (action == "perform_solution") | (pl.col("status") == "perform").fill_null(False)
    refunded = _first(in_time, is_done, "refunded", "platform")
    agreed = in_time.filter(
        pl.col("status").is_in(("reached", "perform")) | (pl.col("actor") == "platform")
    )
    amounts = agreed.group_by(KEY).agg(amount_usd=pl.col("amount_usd").drop_nulls().last())
    return refunded.join(amounts, on=KEY, how="left", maintain_order="left")


def _withdrawn(listed: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    by_step = steps.filter(pl.col("action") == "cancel").select(*KEY, SEEN, at="stepped_at")
    by_list = listed.filter(pl.col("status") == "canceled_issue").select(
        *KEY, SEEN, at=pl.coalesce("updated_at", SEEN)
    )
    withdrawn = (
        pl.concat([by_step, by_list])
        .sort(SEEN, maintain_order=True)
        .unique(KEY, keep="first", maintain_order=True)
    )
    return withdrawn.select(
        *KEY, SEEN, occurred_at="at", step=pl.lit("withdrawn"), actor=pl.lit("buyer")
    )


def _finished(listed: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Finished disputes whose detail was not fetched; their outcome is unknown."""
    finished = listed.filter(pl.col("status") == "finish").join(
        steps, on=KEY, how="anti", maintain_order="left"
    )
    finished = finished.unique(KEY, keep="first", maintain_order=True)
    return finished.select(
        *KEY, SEEN, occurred_at=pl.coalesce("updated_at", SEEN), step=pl.lit("refunded")
    )
