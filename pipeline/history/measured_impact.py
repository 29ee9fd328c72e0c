"""The effect of past lists: listed orders compared with held-out orders on matured nights."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from features.calendars_and_countries import language_of
from features.clock import calendar_day, day_number, in_label_window, last_matured_day
from features.labels import LEAST_DISPUTED, build_labels
from models.actions.hold_out import HELD_OUT, LISTED
from models.contact.count_intervals import at_least_the_counts
from models.contact.uplift import Effect, Sums, always_valid, among_contacted, difference
from pipeline.history.assignments import first_of_each_order, read_assignments
from pipeline.settings.config import Config
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace

# the cost of a message in lists of earlier versions
EARLIER_MESSAGE_USD = 0.5
GROUPS = ("action", "stage", "likely_cause", "language")


def matured_rows(
    workspace: Workspace, files: TableFiles, config: Config, as_of: date
) -> pl.DataFrame:
    """One row per order that was listed or held out on a night that has matured by `as_of`.

    The row is that of the order's first such night: `buyer_id, as_of_day, action, stage,
    likely_cause, language, is_held, is_contacted, probability, cost_usd` (of a dispute),
    `action_usd` (cost of the action), `label`. The action is the one that was chosen, also for the
    held out; "message" on nights of earlier versions.
    """
    day = day_number(as_of)
    last = last_matured_day(day, config.horizon_days, config.reporting_delay_days)
    assigned = first_of_each_order(read_assignments(workspace, calendar_day(last)))
    assigned = assigned.filter(pl.col("arm").is_in([LISTED, HELD_OUT])).with_columns(
        as_of_day=pl.col("as_of").cast(pl.Int32)
    )
    ids = assigned["order_id"]
    labels = build_labels(files.read_orders(ids), assigned, config.label_window, day)
    orders = files.read_facts("orders", ids).select("order_id", "country", "total_usd")
    contacts = files.read_contacts().select("order_id", contact_day="known_day")
    in_time = in_label_window(pl.col("contact_day"), pl.col("as_of_day"), config.horizon_days)
    contacted = assigned.join(contacts, on="order_id", how="inner").filter(in_time)
    contacted_ids = contacted["order_id"].unique()
    cost = pl.col("total_usd") * config.decide.refund_share + config.decide.dispute_fixed_cost_usd
    if "meant" not in assigned.columns:
        assigned = assigned.with_columns(
            meant=pl.lit(None, pl.String), cost_usd=pl.lit(None, pl.Float64)
        )
    return (
        assigned.with_columns(labels["label"])
        .drop_nulls("label")
        .join(orders, on="order_id", how="left", maintain_order="left")
        .with_columns(
            is_held=pl.col("arm") == HELD_OUT,
            is_contacted=pl.col("order_id").is_in(contacted_ids.implode()),
            language=language_of(pl.col("country")).fill_null("unknown"),
            action=pl.col("meant").fill_null("message"),
            action_usd=pl.col("cost_usd").fill_null(EARLIER_MESSAGE_USD),
            cost_usd=cost,
            likely_cause=pl.col("likely_cause").replace("", "unknown"),
        )
        .sort("as_of_day", "order_id")
    )


def impact_table(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    """One row for all orders and one per group.

    Every estimate has its interval; both are null where there are too few orders.
    """
    groups = [("all", "all", rows)] if rows.height else []
    for name in GROUPS if rows.height else ():
        groups += [
            (name, str(key[0]), part)
            for key, part in rows.sort(name).group_by(name, maintain_order=True)
        ]
    lines = [{"by": by, "group": group, **_measures(part, config)} for by, group, part in groups]
    return pl.DataFrame(lines, infer_schema_length=None)


def _measures(rows: pl.DataFrame, config: Config) -> dict[str, object]:
    values = {
        name: rows[name].to_numpy().astype(np.float64)
        for name in ("label", "probability", "cost_usd")
    }
    buyer, held = rows["buyer_id"].to_numpy(), rows["is_held"].to_numpy()
    contacted = rows["is_contacted"].to_numpy()
    sums = Sums.of(buyer, held, values["label"], values["probability"], contacted)
    money = Sums.of(
        buyer,
        held,
        values["label"] * values["cost_usd"],
        values["probability"] * values["cost_usd"],
        contacted,
    )
    sent = int((~held).sum())
    planned, always = difference(sums), always_valid(sums, config.decide.holdout_share)
    lost, contacted_effect = difference(money), among_contacted(sums)
    if planned is not None and always is not None and is_small(sums):
        planned, always = (at_least_the_counts(effect, sums) for effect in (planned, always))
        if lost is not None:
            usd = float(values["cost_usd"].mean())
            lost = at_least_the_counts(lost, sums, per=1.0 / usd) if usd > 0 else lost
        if contacted_effect is not None:
            gap = float(contacted[~held].mean() - contacted[held].mean())
            contacted_effect = at_least_the_counts(contacted_effect, sums, per=gap)
    # without any recorded contact, all listed actions count as done
    is_done = contacted if contacted[~held].any() else ~held
    spent = float(rows["action_usd"].to_numpy()[~held & is_done].sum())
    saved = (
        [None] * 3
        if lost is None
        else [-sent * x - spent for x in (lost.estimate, lost.high, lost.low)]
    )
    return {
        "orders_sent": sent,
        "orders_held": int(held.sum()),
        "buyers": len(sums.count),
        "contacted_share": _mean(contacted[~held]),
        "disputed_sent": _mean(values["label"][~held]),
        "disputed_held": _mean(values["label"][held]),
        **_with_bounds("effect", planned),
        **_with_bounds("always", always),
        **_with_bounds("contacted_effect", contacted_effect),
        "variance_taken_off": planned.reduction if planned else None,
        "saved_usd": saved[0],
        "saved_usd_low": saved[1],
        "saved_usd_high": saved[2],
        "verdict": _verdict(always),
    }


def is_small(sums: Sums) -> bool:
    """Whether an arm has so few buyers with a dispute that their spread says little."""
    arms = (sums.held, ~sums.held)
    return min(int((sums.outcome[arm] > 0).sum()) for arm in arms) < LEAST_DISPUTED


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _with_bounds(name: str, effect: Effect | None) -> dict[str, float | None]:
    """`{name}, {name}_low, {name}_high`; all None without an effect."""
    if effect is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    # a difference of two shares is between -1 and 1
    low, high = max(effect.low, -1.0), min(effect.high, 1.0)
    return {name: effect.estimate, f"{name}_low": low, f"{name}_high": high}


def _verdict(effect: Effect | None) -> str:
    """Uses the interval that is valid on any night."""
    if effect is None or not effect.is_settled:
        return "not known yet"
    return "prevents disputes" if effect.estimate < 0 else "provokes disputes"
